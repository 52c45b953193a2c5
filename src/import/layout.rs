//! What all semicolon CSV layouts share: the loop over lines.

use super::Encodage;
use super::driver::{Output, Reader};
use super::error::{ImportError, Reject};
use super::lines::Lines;
use super::table::{Column, Row, Table};
use std::path::Path;

/// A kind of file.
pub(super) trait Layout: Send + 'static {
    /// The columns that it knows.
    const COLUMNS: &'static [Column];

    /// Looks at the header, as the file has it, before the first line.
    fn header(&mut self, path: &Path, header: &[String]) -> Result<(), ImportError> {
        let _ = (path, header);
        Ok(())
    }

    /// Reads one line into rows. A line that is rejected has written none.
    fn line(&mut self, row: &Row<'_>, out: &mut Output) -> Result<(), Reject>;
}

/// Reads a file in the layout `L`.
pub(super) struct Csv<L> {
    pub layout: L,
    pub encodage: Encodage,
}

impl<L: Layout> Reader for Csv<L> {
    fn read(mut self: Box<Self>, path: &Path, out: &mut Output) -> Result<(u64, String), ImportError> {
        let lines = Lines::open(path, self.encodage)?;
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let total = lines.size();
        let mut table = Table::open(lines, L::COLUMNS)?;
        self.layout.header(path, table.header())?;
        out.begin(&name, Some(total));
        while let Some(row) = table.next()? {
            match row {
                Ok(row) => {
                    if let Err(reject) = self.layout.line(&row, out) {
                        out.reject(row.number, &reject)?;
                    }
                }
                Err((number, reject)) => out.reject(number, &reject)?,
            }
            out.counted(table.lines().read())?;
        }
        Ok((table.lines().read(), table.lines().sha256()))
    }
}
