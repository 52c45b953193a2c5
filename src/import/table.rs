//! A semicolon CSV as rows: columns are found by the names in the header, whatever their order and whatever else is there.

use super::error::{ImportError, Reject};
use super::fields::Fields;
use super::lines::{Line, Lines, Text};
use super::value;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// A column that a layout knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// Its name in the standard layout, upper case.
    pub name: &'static str,
    /// Other names that it has in files, upper case. `<name>_CODE` is always understood.
    pub aliases: &'static [&'static str],
    /// Without it the file makes no sense.
    pub required: bool,
}

/// Declares the columns of a layout: a constant for the index of each, and `COLUMNS`.
macro_rules! columns {
    ($($index:ident = $name:literal $([$($alias:literal),*])? $($kind:ident)?;)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[derive(Clone, Copy)]
        enum Index { $($index),* }
        $(const $index: usize = Index::$index as usize;)*
        const COLUMNS: &[$crate::import::table::Column] = &[$($crate::import::table::Column {
            name: $name,
            aliases: &[$($($alias),*)?],
            required: columns!(@ $($kind)?),
        }),*];
    };
    (@ required) => { true };
    (@) => { false };
}
pub(super) use columns;

/// A line, or why the line of that number can only be rejected.
type Numbered<'a> = Result<Row<'a>, (u64, Reject)>;

/// Splits a line into fields.
struct Splitter {
    reader: Reader,
    output: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
}

impl Splitter {
    fn new() -> Self {
        Splitter {
            reader: ReaderBuilder::new().delimiter(b';').build(),
            output: vec![0; 4096],
            ends: vec![0; 128],
            fields: 0,
        }
    }

    /// False when a quotation mark is not closed.
    fn split(&mut self, line: &[u8]) -> bool {
        self.reader.reset();
        self.fields = 0;
        let (mut nin, mut nout) = (0, 0);
        loop {
            let (result, read, written, ends) =
                self.reader.read_record(&line[nin..], &mut self.output[nout..], &mut self.ends[self.fields..]);
            nin += read;
            nout += written;
            self.fields += ends;
            match result {
                ReadRecordResult::Record => return true,
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return false,
                ReadRecordResult::OutputFull => self.output.resize(self.output.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            }
        }
    }

    fn field(&self, i: usize) -> Option<&[u8]> {
        if i >= self.fields {
            return None;
        }
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        self.output.get(start..self.ends[i])
    }
}

/// A file with its header read.
pub(super) struct Table {
    lines: Lines,
    splitter: Splitter,
    header: Vec<String>,
    /// For each column of the layout, its place in the file.
    places: Vec<Option<usize>>,
    line: Line,
}

/// One line, split; columns are named by their index in the layout.
pub(super) struct Row<'a> {
    /// Number of the line, from 1 (the header).
    pub number: u64,
    table: &'a Table,
}

impl Table {
    /// Reads the header and finds the columns in it.
    pub fn open(mut lines: Lines, columns: &[Column]) -> Result<Table, ImportError> {
        let mut splitter = Splitter::new();
        let path = lines.path().to_owned();
        let Some(first) = lines.next(|_| true)? else {
            return Err(ImportError::Empty { path, what: "line" });
        };
        lines.settle(&first)?;
        splitter.split(&first.bytes);
        let header: Vec<String> = (0..splitter.fields)
            .filter_map(|i| splitter.field(i))
            .map(|b| value::decode(b, lines.text()).trim().to_owned())
            .collect();
        let known: Vec<String> = header.iter().map(|h| h.to_uppercase()).collect();
        let mut places = Vec::with_capacity(columns.len());
        let mut missing = Vec::new();
        for column in columns {
            let code = format!("{}_CODE", column.name);
            let names = [column.name, &code].into_iter().chain(column.aliases.iter().copied());
            let mut place = None;
            for name in names {
                let mut at = known.iter().enumerate().filter(|(_, h)| *h == name);
                place = at.next().map(|(i, _)| i);
                if at.next().is_some() {
                    return Err(ImportError::DuplicateColumn { path, column: name.to_owned() });
                }
                if place.is_some() {
                    break;
                }
            }
            if place.is_none() && column.required {
                missing
                    .push(std::iter::once(&column.name).chain(column.aliases).copied().collect::<Vec<_>>().join("|"));
            }
            places.push(place);
        }
        if !missing.is_empty() {
            if let Some(found) = other_delimiter(&first.bytes) {
                return Err(ImportError::Delimiter { path, found });
            }
            return Err(ImportError::Columns { path, missing, found: header });
        }
        let line = Line { number: 0, bytes: Vec::new(), ended: true };
        Ok(Table { lines, splitter, header, places, line })
    }

    /// The next line; `Err` inside when it can only be rejected.
    pub fn next(&mut self) -> Result<Option<Numbered<'_>>, ImportError> {
        let expected = self.header.len();
        let splitter = std::cell::RefCell::new(&mut self.splitter);
        let whole = |bytes: &[u8]| {
            let mut s = splitter.borrow_mut();
            s.split(bytes) && s.fields == expected
        };
        let Some(line) = self.lines.next(whole)? else { return Ok(None) };
        self.line = line;
        let number = self.line.number;
        let line_reject = |reason: String| Ok(Some(Err((number, Reject::new("", "", reason)))));
        let same_encoding = self.lines.settle(&self.line)?;
        if !self.splitter.split(&self.line.bytes) {
            return line_reject("quotation mark that is never closed".to_owned());
        }
        let found = self.splitter.fields;
        if found < expected && !self.line.ended {
            let path = self.lines.path().to_owned();
            return Err(ImportError::CutLine { path, line: number, found, expected });
        }
        // Some exports end every line with one more separator.
        if found != expected && !(found == expected + 1 && self.splitter.field(expected) == Some(b"")) {
            return line_reject(format!("{found} columns, {expected} in the header"));
        }
        if !same_encoding {
            let (is, was) = match self.lines.text() {
                Text::Latin1 => ("UTF-8", "Latin-1"),
                _ => ("not UTF-8", "UTF-8"),
            };
            return line_reject(format!("{is}, in a file read as {was}"));
        }
        Ok(Some(Ok(Row { number, table: self })))
    }

    /// Names of the columns as the file has them.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The file.
    pub fn lines(&self) -> &Lines {
        &self.lines
    }
}

/// The separator that the file seems to use instead of `;`.
fn other_delimiter(header: &[u8]) -> Option<char> {
    let count = |c: u8| header.iter().filter(|b| **b == c).count();
    let semicolons = count(b';');
    [b',', b'\t', b'|'].into_iter().filter(|c| count(*c) > semicolons).max_by_key(|c| count(*c)).map(char::from)
}

impl Row<'_> {
    /// True when the file has this column at all.
    pub fn has(&self, column: usize) -> bool {
        self.place(column).is_some()
    }

    fn place(&self, column: usize) -> Option<usize> {
        self.table.places.get(column).copied().flatten()
    }

    /// The field at a place of the file (not of the layout), trimmed; `None` when empty.
    pub fn at(&self, place: usize) -> Option<&[u8]> {
        self.table.splitter.field(place).map(<[u8]>::trim_ascii).filter(|b| !b.is_empty())
    }
}

impl Fields for Row<'_> {
    fn raw(&self, column: usize) -> Option<&[u8]> {
        self.place(column).and_then(|p| self.at(p))
    }

    fn name(&self, column: usize) -> &str {
        self.place(column).and_then(|p| self.table.header.get(p)).map_or("", String::as_str)
    }

    fn encoding(&self) -> Text {
        self.table.lines.text()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Encodage;
    use super::*;
    use std::borrow::Cow;
    use std::io::Write;

    const COLUMNS: &[Column] = &[
        Column { name: "DEPCOM", aliases: &["INSEE_COM"], required: true },
        Column { name: "FINAN", aliases: &[], required: false },
        Column { name: "NOM", aliases: &[], required: false },
    ];

    /// A table of a text, for the tests of the layouts.
    pub fn table(text: &[u8], columns: &[Column]) -> Result<Table, ImportError> {
        let mut f = tempfile::NamedTempFile::new().unwrap();
        f.write_all(text).unwrap();
        Table::open(Lines::open(f.path(), Encodage::Auto)?, columns)
    }

    /// What a parser makes of each line, or the reason why not.
    pub fn parse<T>(
        text: &[u8],
        columns: &[Column],
        f: impl Fn(&Row<'_>) -> Result<T, Reject>,
    ) -> Vec<Result<T, Reject>> {
        let mut table = table(text, columns).unwrap();
        let mut out = Vec::new();
        while let Some(row) = table.next().unwrap() {
            out.push(row.map_err(|(_, r)| r).and_then(|row| f(&row)));
        }
        out
    }

    #[test]
    fn columns_are_found_by_name_alias_or_code() {
        let t = table(b"x;insee_com;finan_code;finan_libelle\n", COLUMNS).unwrap();
        assert_eq!(t.places, [Some(1), Some(2), None]);
    }

    #[test]
    fn wrong_headers() {
        assert!(matches!(table(b"DEPCOM,FINAN,NOM\n", COLUMNS), Err(ImportError::Delimiter { found: ',', .. })));
        assert!(matches!(table(b"DEPCOM\tFINAN\n", COLUMNS), Err(ImportError::Delimiter { found: '\t', .. })));
        let Err(ImportError::Columns { missing, found, .. }) = table(b"A;B\n", COLUMNS) else { panic!() };
        assert_eq!((missing.as_slice(), found.len()), (&["DEPCOM|INSEE_COM".to_owned()][..], 2));
        assert!(matches!(table(b"DEPCOM;FINAN;FINAN\n", COLUMNS), Err(ImportError::DuplicateColumn { .. })));
        assert!(matches!(table(b"\n\n", COLUMNS), Err(ImportError::Empty { .. })));
    }

    #[test]
    fn lines_that_can_only_be_rejected() {
        let text = b"DEPCOM;FINAN;NOM\n59350;1\n59350;1;a;b\n59350;1;a;\n59350;1;\"a\n59350;2;\"b;c\"\"d\"\n59350;2;\"e\nf\"\n";
        let got = parse(text, COLUMNS, |r| Ok(r.text(2, 10)?.map(|t| t.into_owned())));
        let shown: Vec<_> =
            got.iter().map(|r| r.as_ref().map(|t| t.as_deref().unwrap()).map_err(|e| e.reason.as_str())).collect();
        assert_eq!(
            shown,
            [
                Err("2 columns, 3 in the header"),
                Err("4 columns, 3 in the header"),
                Ok("a"),
                Err("quotation mark that is never closed"),
                Ok("b;c\"d"),
                Ok("e f"),
            ]
        );
    }

    #[test]
    fn a_last_line_without_end_and_columns_is_a_cut_file() {
        let mut t = table(b"DEPCOM;FINAN;NOM\n59350;1;a\n59350;", COLUMNS).unwrap();
        assert!(t.next().unwrap().unwrap().is_ok());
        assert!(matches!(t.next(), Err(ImportError::CutLine { line: 3, found: 2, expected: 3, .. })));
        let mut t = table(b"DEPCOM;FINAN;NOM\n59350;1;a", COLUMNS).unwrap();
        assert!(t.next().unwrap().unwrap().is_ok());
    }

    #[test]
    fn a_line_in_another_encoding_is_rejected() {
        let mut text = b"DEPCOM;FINAN;NOM\n59350;1;\xe9\n".to_vec();
        text.extend("59350;1;é\n".as_bytes());
        let got = parse(&text, COLUMNS, |r| Ok(r.text(2, 10)?.unwrap().into_owned()));
        assert_eq!(got[0].as_deref(), Ok("é"));
        assert_eq!(got[1].as_ref().unwrap_err().reason, "UTF-8, in a file read as Latin-1");
    }

    #[test]
    fn values_and_what_is_wrong_with_them() {
        let text = b"DEPCOM;FINAN;NOM\n1004;x;\x01\n2A004;12.0;Lomme\n;99;\n59350;12.5;aaaaaaaaaaaaaaaaaaaaaaaa\n";
        let reason = |r: Result<Option<i16>, Reject>| r.map_err(|e| e.reason);
        let got = parse(text, COLUMNS, |r| {
            Ok((
                r.commune(0).map(|c| c.map(str::to_owned)).map_err(|e| e.reason),
                reason(r.int::<i16>(1, 10..=50, &[99])),
                r.text(2, 20).map(|t| t.map(Cow::into_owned)).map_err(|e| e.to_string()),
            ))
        });
        let got: Vec<_> = got.into_iter().map(Result::unwrap).collect();
        assert_eq!(got[0].0, Err("4 digits: a spreadsheet has dropped the leading zero".into()));
        assert_eq!(got[0].1, Err("not a whole number".into()));
        assert!(got[0].2.as_ref().unwrap_err().starts_with("NOM = \"\": control"));
        assert_eq!(got[1], (Ok(Some("2A004".into())), Ok(Some(12)), Ok(Some("Lomme".into()))));
        assert_eq!(got[2], (Ok(None), Ok(None), Ok(None)));
        assert_eq!(got[3].1, Err("not a whole number".into()));
        assert!(got[3].2.as_ref().unwrap_err().ends_with("longer than 20 characters"));
    }
}
