//! What can go wrong with a whole file. What is wrong with single lines is in the report of rejects.

use crate::db::DbError;
use std::path::PathBuf;

/// Why a file was not imported. Nothing of it was kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is something else than what its kind of source is.
    #[error("{path} is {what}")]
    Kind {
        /// Which file.
        path: PathBuf,
        /// What it is, and what to do about it.
        what: &'static str,
    },
    /// Compressed data end too early.
    #[error("{path} is truncated: its compressed data end after line {line}")]
    Truncated {
        /// Which file.
        path: PathBuf,
        /// Last line that could be read whole.
        line: u64,
    },
    /// Compressed data are damaged.
    #[error("{path} is damaged: its compressed data cannot be read after line {line}: {source}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Last line that could be read whole.
        line: u64,
        /// Why.
        source: std::io::Error,
    },
    /// The last line has no end and too few columns.
    #[error("{path} is truncated: its last line, {line}, has {found} columns of {expected} and no end of line")]
    CutLine {
        /// Which file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// Columns it has.
        found: usize,
        /// Columns of the header.
        expected: usize,
    },
    /// A line longer than any of these layouts has.
    #[error("line {line} of {path} is longer than {limit} bytes: not a table of lines")]
    LongLine {
        /// Which file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// Bytes allowed.
        limit: usize,
    },
    /// No line, no feature, or nothing but a header.
    #[error("{path} holds no {what}")]
    Empty {
        /// Which file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
    },
    /// The text is not in the encoding that the command names.
    #[error("{path} is no {declared} text: line {line} is {seen}")]
    Encoding {
        /// Which file.
        path: PathBuf,
        /// Encoding that the command names.
        declared: &'static str,
        /// Where.
        line: u64,
        /// What it is.
        seen: &'static str,
    },
    /// The columns are separated by something else.
    #[error("{path} separates its columns by {found:?}, not by ';'")]
    Delimiter {
        /// Which file.
        path: PathBuf,
        /// What it uses.
        found: char,
    },
    /// Columns (fields) that are needed are not there.
    #[error("{path} has no column {}; it has {}", missing.join(", "), found.join(", "))]
    Columns {
        /// Which file.
        path: PathBuf,
        /// What is missing, with the names that would do.
        missing: Vec<String>,
        /// What there is.
        found: Vec<String>,
    },
    /// Two columns of one name.
    #[error("{path} has two columns {column}")]
    DuplicateColumn {
        /// Which file.
        path: PathBuf,
        /// The name.
        column: String,
    },
    /// More rejects than the configuration allows.
    #[error(
        "{rejects} of {lines} lines were rejected, more than {:.2} % ({}); the first: {first}",
        max_share * 100.0,
        report.as_deref().map_or("no report".to_owned(), |p| p.display().to_string())
    )]
    TooManyRejects {
        /// Rejected lines so far.
        rejects: u64,
        /// Lines read so far.
        lines: u64,
        /// Share allowed (`import.max_rejects`).
        max_share: f64,
        /// Where they are listed.
        report: Option<PathBuf>,
        /// The first of them.
        first: String,
    },
    /// The report of rejects cannot be written.
    #[error("cannot write the report of rejects {path}: {source}")]
    Report {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// GDAL cannot read the file.
    #[error("{path} cannot be read as geographic data: {message}")]
    Geo {
        /// Which file.
        path: PathBuf,
        /// What GDAL said.
        message: String,
    },
    /// The archive or file holds no layer that would do, or several.
    #[error("{path}: {reason}; it holds {}", if layers.is_empty() { "none".to_owned() } else { layers.join(", ") })]
    Layer {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
        /// Layers or files in it.
        layers: Vec<String>,
    },
    /// The file names no CRS.
    #[error("{path} names no coordinate reference system; name it (--crs EPSG:2154)")]
    NoCrs {
        /// Which file.
        path: PathBuf,
    },
    /// The CRS is unknown to PROJ, or nothing leads from it to EPSG:2154.
    #[error("no way from the coordinate reference system of {path} to EPSG:2154: {message}")]
    Crs {
        /// Which file.
        path: PathBuf,
        /// What PROJ said.
        message: String,
    },
    /// Vintage outside what the database takes.
    #[error("vintage {millesime} is outside 1990 to 2100")]
    Millesime {
        /// As given.
        millesime: i32,
    },
    /// The database took another number of rows than were read: a fault of ours.
    #[error("{table} took {taken} rows of {sent}")]
    Count {
        /// Which table.
        table: &'static str,
        /// Rows sent.
        sent: u64,
        /// Rows taken.
        taken: u64,
    },
    /// The reading thread ended without a result.
    #[error("the import of {source_name} was interrupted")]
    Interrupted {
        /// Which source.
        source_name: &'static str,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Why one line (or feature) was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Column, as the file names it; empty for the line as a whole.
    pub column: String,
    /// Value as read, cut to a length that can be shown.
    pub value: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Reject {
    /// A reject of a value; control characters are dropped and long values cut.
    pub fn new(column: &str, value: &str, reason: impl Into<String>) -> Self {
        Reject { column: column.to_owned(), value: crate::error::printable(value), reason: reason.into() }
    }
}

impl std::fmt::Display for Reject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.column.is_empty() {
            f.write_str(&self.reason)
        } else {
            write!(f, "{} = {:?}: {}", self.column, self.value, self.reason)
        }
    }
}
