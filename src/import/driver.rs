//! One import: a thread reads, this task writes, one transaction holds lot, rows, keys and indexes.

use super::copy::{Target, Tuples};
use super::error::ImportError;
use super::rejects::Rejects;
use super::{Progress, Report, Source};
use crate::config::Config;
use crate::db::{self, DbError, Role, Which};
use bytes::Bytes;
use futures_util::SinkExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;
use tokio_postgres::Transaction;

/// Encoded rows are sent to the database in pieces of about this size.
const PIECE: usize = 256 * 1024;
/// Pieces under way between the two threads.
const AHEAD: usize = 4;
/// Lines between two reports of progress.
const EVERY: u64 = 4096;

/// A piece of one table, in the order of the tables.
struct Piece {
    table: usize,
    bytes: Bytes,
    last: bool,
}

/// What a reader of files writes to: the rows of its tables, the rejects, the progress.
pub(super) struct Output {
    tables: Vec<Tuples>,
    pieces: mpsc::Sender<Piece>,
    rejects: Rejects,
    progress: Arc<dyn Progress>,
    total: Option<u64>,
    lines: u64,
}

/// What a reader gives back.
pub(super) struct Read {
    /// Lines or features, rejected ones included.
    pub lines: u64,
    /// Rejected ones.
    pub rejects: u64,
    /// Their report.
    pub reject_report: Option<PathBuf>,
    /// Rows sent to each table.
    pub rows: Vec<u64>,
    /// Of the file as it lies on the disk.
    pub sha256: String,
}

impl Output {
    /// Begins reading. `total` is in bytes or features, as [`Output::counted`] will count.
    pub fn begin(&mut self, what: &str, total: Option<u64>) {
        self.total = total;
        self.progress.begin(what, total);
    }

    /// The rows of one table, by its place among the source's targets.
    pub fn table(&mut self, i: usize) -> &mut Tuples {
        &mut self.tables[i]
    }

    /// Rejects the line (feature) of that number.
    pub fn reject(&mut self, line: u64, reject: &super::error::Reject) -> Result<(), ImportError> {
        self.rejects.add(line, reject)
    }

    /// Counts one more line; sends rows when enough have come together. `done` of the total is read.
    pub fn counted(&mut self, done: u64) -> Result<(), ImportError> {
        self.lines += 1;
        if self.tables[0].len() >= PIECE {
            let bytes = self.tables[0].take();
            self.send(Piece { table: 0, bytes, last: false })?;
        }
        if self.lines.is_multiple_of(EVERY) {
            self.progress.at(done, self.lines, self.rejects.count());
            if let Some(total) = self.total {
                self.rejects.check_early(self.lines, done as f64 / total.max(1) as f64)?;
            }
        }
        Ok(())
    }

    fn send(&self, piece: Piece) -> Result<(), ImportError> {
        // The receiver is gone when the database failed, whose error is the one that counts.
        self.pieces.blocking_send(piece).map_err(|_| ImportError::Interrupted { source_name: "file" })
    }

    /// Judges the rejects and sends what is left.
    fn end(&mut self, path: &Path, done: u64, sha256: String) -> Result<Read, ImportError> {
        self.progress.at(done, self.lines, self.rejects.count());
        if self.lines == 0 {
            return Err(ImportError::Empty { path: path.to_owned(), what: "line below its header" });
        }
        let reject_report = self.rejects.end(self.lines)?;
        let mut rows = Vec::with_capacity(self.tables.len());
        for table in 0..self.tables.len() {
            rows.push(self.tables[table].rows());
            let bytes = self.tables[table].end();
            self.send(Piece { table, bytes, last: true })?;
        }
        Ok(Read { lines: self.lines, rejects: self.rejects.count(), reject_report, rows, sha256 })
    }
}

/// Something that reads a file into an [`Output`]. It runs on a thread that may block.
pub(super) trait Reader: Send + 'static {
    /// Reads all of the file; gives what it counts as done, and the file's SHA-256.
    fn read(self: Box<Self>, path: &Path, out: &mut Output) -> Result<(u64, String), ImportError>;
}

/// Everything about one import but how its file is read.
pub(super) struct Job<'a> {
    pub config: &'a Config,
    pub source: Source,
    pub file: &'a Path,
    pub millesime: i32,
    pub targets: &'static [Target],
    pub progress: Arc<dyn Progress>,
}

/// Runs one import.
pub(super) async fn run(job: Job<'_>, reader: Box<dyn Reader>) -> Result<Report, ImportError> {
    let begun = Instant::now();
    let mut client = db::connect(&job.config.database, Which::Source, Role::Importer).await?;
    let transaction = client.transaction().await.map_err(failed("beginning the import"))?;
    let name = job.source.name();
    // The name alone: where it lay on somebody's disk is nobody's business.
    let file = job.file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let lot: i64 = transaction
        .query_one("SELECT import.ouvrir($1, $2, $3)", &[&name, &job.millesime, &file])
        .await
        .map_err(failed("opening the lot"))?
        .get(0);

    let (sender, receiver) = mpsc::channel(AHEAD);
    let import = &job.config.import;
    let mut out = Output {
        tables: job.targets.iter().map(|t| Tuples::new(t, lot)).collect(),
        pieces: sender,
        rejects: Rejects::new(&import.reports, name, job.millesime, import.max_rejects),
        progress: Arc::clone(&job.progress),
        total: None,
        lines: 0,
    };
    let path = job.file.to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        let result = reader.read(&path, &mut out).and_then(|(done, sha256)| out.end(&path, done, sha256));
        if result.is_err() {
            // The lines that were rejected until then may explain the error.
            let _ = out.rejects.flush();
        }
        result
    });
    let written = write(&transaction, job.targets, lot, receiver).await;
    let read = reading.await.map_err(|_| ImportError::Interrupted { source_name: name })?;
    job.progress.phase("keys and indexes");
    // A fault of the database ends the reading, a fault of the file ends the writing: the cause comes first.
    let (read, taken) = match (read, written) {
        (Err(ImportError::Interrupted { .. }), Err(e)) | (Ok(_), Err(e)) | (Err(e), _) => return Err(e),
        (Ok(read), Ok(taken)) => (read, taken),
    };
    for ((target, sent), taken) in job.targets.iter().zip(&read.rows).zip(&taken) {
        if sent != taken {
            return Err(ImportError::Count { table: target.relation, sent: *sent, taken: *taken });
        }
    }
    let (lines, rejects) = (read.lines as i64, read.rejects as i64);
    transaction
        .execute("SELECT import.clore($1, $2, $3, $4)", &[&lot, &read.sha256, &lines, &rejects])
        .await
        .map_err(failed("closing the lot"))?;
    let version: i32 = transaction
        .query_one("SELECT version FROM import.lot WHERE lot = $1", &[&lot])
        .await
        .map_err(failed("reading the version"))?
        .get(0);
    transaction.commit().await.map_err(failed("committing the import"))?;
    Ok(Report {
        lot,
        version,
        lines: read.lines,
        rows: read.rows.iter().sum(),
        rejects: read.rejects,
        reject_report: read.reject_report,
        duration: begun.elapsed(),
    })
}

/// Copies the pieces into the lot's tables; gives the number of rows that each took. A table whose pieces break off is
/// not ended: the reader has failed, and the transaction goes.
async fn write(
    transaction: &Transaction<'_>,
    targets: &[Target],
    lot: i64,
    mut pieces: mpsc::Receiver<Piece>,
) -> Result<Vec<u64>, ImportError> {
    let mut taken = Vec::with_capacity(targets.len());
    for (i, target) in targets.iter().enumerate() {
        // FREEZE: the table is as young as the transaction, so its rows need no second writing by VACUUM.
        let sql = format!(
            "COPY {}_{lot} (lot, {}) FROM STDIN (FORMAT binary, FREEZE)",
            target.relation,
            target.columns.join(", ")
        );
        let sink = transaction.copy_in::<_, Bytes>(&sql).await.map_err(failed("beginning COPY"))?;
        let mut sink = std::pin::pin!(sink);
        loop {
            let Some(piece) = pieces.recv().await else {
                return Err(ImportError::Interrupted { source_name: "file" });
            };
            debug_assert_eq!(piece.table, i);
            sink.send(piece.bytes).await.map_err(failed("writing rows"))?;
            if piece.last {
                break;
            }
        }
        taken.push(sink.finish().await.map_err(failed("writing rows"))?);
    }
    Ok(taken)
}

fn failed(doing: &'static str) -> impl Fn(tokio_postgres::Error) -> ImportError {
    move |source| ImportError::Db(DbError::Statement { doing, source })
}
