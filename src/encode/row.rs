//! A row put together out of many short byte strings.
//!
//! A call of `memcpy` costs more than what it copies here: names and values are a dozen bytes. Both sides are padded
//! instead, so that a string is copied in whole blocks of 32, four instructions each, and what was copied too much is
//! overwritten by the next.
//!
//! Values lie scattered over the dictionaries, out of the nearest caches. They are looked up [`TOGETHER`] before the
//! first is copied: nothing in that loop depends on what was found, so the processor waits for all of them at once and
//! not for each in turn.

use crate::store::dictionary::{BLOCK, Padded};

/// Bytes that a row usually needs.
const USUAL: usize = 4096;

/// Values that are looked up before they are copied.
pub const TOGETHER: usize = 32;

/// A value, looked up: its first block is here already.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cell<'a> {
    head: [u8; BLOCK],
    text: Padded<'a>,
    /// Its code in the dictionary.
    pub code: u32,
}

impl<'a> Cell<'a> {
    /// Reads the beginning of a value.
    #[inline]
    pub fn new(code: u32, text: Padded<'a>) -> Cell<'a> {
        Cell { head: text.bytes.first_chunk().copied().unwrap_or_default(), text, code }
    }
}

/// A short byte string with room behind it.
#[derive(Debug, Clone, Default)]
pub struct Piece {
    bytes: Vec<u8>,
    len: usize,
}

impl Piece {
    /// Pads a byte string.
    pub fn new(text: impl Into<Vec<u8>>) -> Piece {
        let mut bytes = text.into();
        let len = bytes.len();
        bytes.resize(len + BLOCK, 0);
        Piece { bytes, len }
    }

    /// With its padding.
    pub fn padded(&self) -> Padded<'_> {
        Padded { bytes: &self.bytes, len: self.len }
    }
}

/// The row that is being written.
#[derive(Debug, Default)]
pub struct Row {
    bytes: Vec<u8>,
    len: usize,
}

impl Row {
    /// Appends a padded string.
    #[inline]
    pub fn put(&mut self, text: Padded<'_>) {
        let end = self.len + text.len;
        if self.bytes.len() < end + BLOCK {
            self.bytes.resize((end + BLOCK).max(USUAL) * 2, 0);
        }
        let mut done = 0;
        while done < text.len {
            let from = text.bytes.get(done..done + BLOCK);
            let to = self.bytes.get_mut(self.len + done..self.len + done + BLOCK);
            if let (Some(from), Some(to)) = (from, to) {
                to.copy_from_slice(from);
            }
            done += BLOCK;
        }
        self.len = end;
    }

    /// Appends a value.
    #[inline]
    pub fn put_cell(&mut self, cell: &Cell<'_>) {
        match cell.text.len {
            0..=BLOCK => self.put(Padded { bytes: &cell.head, len: cell.text.len }),
            _ => self.put(cell.text),
        }
    }

    /// Hands the row over.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.bytes.get(..self.len).unwrap_or_default());
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_length_are_put_whole() {
        for n in 0..100 {
            let text: Vec<u8> = (0..n).map(|i| (i * 3 + n) as u8).collect();
            let (mut row, mut out) = (Row::default(), Vec::new());
            row.put_cell(&Cell::new(1, Piece::new(text.clone()).padded()));
            row.put(Piece::new("after").padded());
            row.flush(&mut out);
            assert_eq!(out, [text.as_slice(), b"after"].concat());
        }
    }

    #[test]
    fn strings_of_every_length_follow_one_another() {
        let (mut row, mut out, mut expected) = (Row::default(), Vec::new(), Vec::new());
        for n in (0..70).chain([5000, 3, 20_000]) {
            let text: Vec<u8> = (0..n).map(|i| (i * 7 + n) as u8).collect();
            row.put(Piece::new(text.clone()).padded());
            expected.extend_from_slice(&text);
            if n % 5 == 0 {
                row.flush(&mut out);
                out.extend_from_slice(b"between");
                expected.extend_from_slice(b"between");
            }
        }
        row.flush(&mut out);
        assert_eq!(out, expected);
    }
}
