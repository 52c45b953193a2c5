//! Output formats, one file each. Knows no protocol, no convention, no connection.

mod archive;
pub mod csv;
pub mod geojson;
pub mod gml;
pub mod mvt;
pub mod number;
pub mod positions;
pub mod row;
pub mod shapefile;
pub mod xlsx;

use crate::store::Rows;

/// What one quantum achieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// There is more to come.
    More,
    /// The body is complete.
    Done,
}

/// Makes a body in quanta. Resumable: holds its own place, so a slow reader holds no thread.
pub trait Producer: Send {
    /// Appends at most about 64 KiB, or works at most about 2 ms.
    ///
    /// # Errors
    /// A fault; the connection is then broken off so that a cut body is never taken for a whole one.
    fn step(&mut self, out: &mut Vec<u8>) -> Result<Progress, crate::error::Error>;
}

/// Writes features in one format. Called in the order `begin`, `rows` any number of times, `end`.
pub trait Encoder: Send {
    /// Everything before the first feature.
    fn begin(&mut self, out: &mut Vec<u8>);
    /// One feature: row number `row` of `part` (`part.rows` holds the numbers). `first` is true for the first feature of
    /// the whole body.
    fn row(&mut self, part: &Rows, row: u32, first: bool, out: &mut Vec<u8>);
    /// Called before the first row of each part (a part is one `Select`), also for empty parts.
    fn part(&mut self, _part: &Rows, _out: &mut Vec<u8>) {}
    /// Called after the last row of each part.
    fn part_end(&mut self, _part: &Rows, _out: &mut Vec<u8>) {}
    /// Everything after the last feature.
    fn end(&mut self, out: &mut Vec<u8>);
}

/// Target size of a quantum in bytes.
pub const QUANTUM: usize = 64 * 1024;

/// Drives an [`Encoder`] over parts as a [`Producer`].
pub struct Features<E: Encoder> {
    encoder: E,
    parts: Vec<Rows>,
    at: Option<(usize, usize)>,
    first: bool,
}

impl<E: Encoder> Features<E> {
    /// A body of all rows of all parts.
    pub fn new(encoder: E, parts: Vec<Rows>) -> Self {
        Features { encoder, parts, at: None, first: true }
    }
}

impl<E: Encoder> Producer for Features<E> {
    fn step(&mut self, out: &mut Vec<u8>) -> Result<Progress, crate::error::Error> {
        let limit = out.len() + QUANTUM;
        let (mut part, mut row) = match self.at {
            Some(at) => at,
            None => {
                self.encoder.begin(out);
                (0, 0)
            }
        };
        while let Some(rows) = self.parts.get(part) {
            if row == 0 {
                self.encoder.part(rows, out);
            }
            while row < rows.rows.len() {
                if out.len() >= limit {
                    // A part is opened only at its row 0, so stopping here is safe from row 1 on.
                    if row > 0 {
                        self.at = Some((part, row));
                        return Ok(Progress::More);
                    }
                }
                self.encoder.row(rows, rows.rows[row], self.first, out);
                self.first = false;
                row += 1;
            }
            self.encoder.part_end(rows, out);
            part += 1;
            row = 0;
        }
        self.encoder.end(out);
        self.at = Some((part, 0));
        Ok(Progress::Done)
    }
}
