//! Rows put together out of many short byte strings.
//!
//! A call of `memcpy` costs more than what it copies here: names and values are a dozen bytes. Both sides are padded
//! instead, so that a string is copied in whole blocks of 32, four instructions each, and what was copied too much is
//! cut off again.
//!
//! Values lie scattered over the dictionaries, out of the nearest caches. They are looked up [`TOGETHER`] before the
//! first is copied: nothing in that loop depends on what was found, so the processor waits for all of them at once and
//! not for each in turn.

use crate::store::dictionary::{BLOCK, Padded};

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

/// Appends padded strings to a body.
pub trait Blocks {
    /// Appends a string.
    fn put(&mut self, text: Padded<'_>);
    /// Appends a value.
    fn put_cell(&mut self, cell: &Cell<'_>);
}

impl Blocks for Vec<u8> {
    #[inline]
    fn put(&mut self, text: Padded<'_>) {
        let end = self.len() + text.len;
        let mut rest = text.bytes;
        while let (true, Some((block, after))) = (self.len() < end, rest.split_first_chunk::<BLOCK>()) {
            self.extend_from_slice(block);
            rest = after;
        }
        self.truncate(end);
    }

    #[inline]
    fn put_cell(&mut self, cell: &Cell<'_>) {
        match cell.text.len {
            0..=BLOCK => {
                let end = self.len() + cell.text.len;
                self.extend_from_slice(&cell.head);
                self.truncate(end);
            }
            _ => self.put(cell.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_length_are_put_whole() {
        for n in 0..100 {
            let text: Vec<u8> = (0..n).map(|i| (i * 3 + n) as u8).collect();
            let mut out = b"before".to_vec();
            out.put_cell(&Cell::new(1, Piece::new(text.clone()).padded()));
            out.put(Piece::new("after").padded());
            assert_eq!(out, [b"before", text.as_slice(), b"after"].concat());
        }
    }

    #[test]
    fn strings_of_every_length_follow_one_another() {
        let (mut out, mut expected) = (Vec::new(), Vec::new());
        for n in (0..70).chain([5000, 3, 20_000]) {
            let text: Vec<u8> = (0..n).map(|i| (i * 7 + n) as u8).collect();
            out.put(Piece::new(text.clone()).padded());
            expected.extend_from_slice(&text);
            if n % 5 == 0 {
                out.extend_from_slice(b"between");
                expected.extend_from_slice(b"between");
            }
        }
        assert_eq!(out, expected);
    }
}
