//! A text file as a stream of logical lines: plain or gzip, UTF-8 or Latin-1, with line numbers, bytes read and SHA-256.

use super::{Encodage, ImportError};
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// No layout has lines near this length; a file without line ends would fill the memory.
const LONGEST: usize = 1 << 20;
/// Lines that a quoted field may span before the quotation mark is taken for a slip of the pen.
const QUOTED_LINES: usize = 16;
/// How much is read from the disk at once.
const BLOCK: usize = 256 * 1024;

/// What is known of the encoding so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    /// Nothing but ASCII so far; may become either.
    Ascii,
    /// UTF-8.
    Utf8,
    /// Windows-1252, superset of Latin-1.
    Latin1,
}

/// One logical line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Number of its first physical line, from 1.
    pub number: u64,
    /// Bytes as read; the end of the line, whatever it was, is one line feed.
    pub bytes: Vec<u8>,
    /// False when the file ended without a line end.
    pub ended: bool,
}

/// The file itself: counts and hashes what is read of it.
struct Tap {
    file: File,
    state: Rc<RefCell<(Sha256, u64)>>,
}

impl Read for Tap {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buf)?;
        let mut state = self.state.borrow_mut();
        state.0.update(&buf[..n]);
        state.1 += n as u64;
        Ok(n)
    }
}

/// Reads logical lines.
pub(super) struct Lines {
    reader: Box<dyn BufRead>,
    tap: Rc<RefCell<(Sha256, u64)>>,
    path: PathBuf,
    size: u64,
    declared: Encodage,
    text: Text,
    number: u64,
    ahead: VecDeque<Line>,
}

impl Lines {
    /// Opens a file and looks at its first bytes.
    pub fn open(path: &Path, declared: Encodage) -> Result<Lines, ImportError> {
        let read = |source| ImportError::Read { path: path.to_owned(), source };
        let kind = |what| ImportError::Kind { path: path.to_owned(), what };
        let file = File::open(path).map_err(read)?;
        let meta = file.metadata().map_err(read)?;
        if meta.is_dir() {
            return Err(kind("a directory"));
        }
        let tap = Rc::new(RefCell::new((Sha256::new(), 0)));
        let raw = Tap { file, state: Rc::clone(&tap) };
        let mut raw = BufReader::with_capacity(BLOCK, raw);
        let gzip = match raw.fill_buf().map_err(read)? {
            [] => return Err(ImportError::Empty { path: path.to_owned(), what: "line" }),
            [0x1f, 0x8b, ..] => true,
            [b'P', b'K', 3, 4, ..] => {
                return Err(kind("a zip archive or an office document; unpack it or save it as CSV"));
            }
            _ => false,
        };
        let mut lines = Lines {
            reader: if gzip {
                Box::new(BufReader::with_capacity(BLOCK, MultiGzDecoder::new(raw)))
            } else {
                Box::new(raw)
            },
            tap,
            path: path.to_owned(),
            size: meta.len(),
            declared,
            text: match declared {
                Encodage::Auto => Text::Ascii,
                Encodage::Utf8 => Text::Utf8,
                Encodage::Latin1 => Text::Latin1,
            },
            number: 0,
            ahead: VecDeque::new(),
        };
        lines.look()?;
        Ok(lines)
    }

    /// Skips a byte order mark; refuses what is no text of bytes.
    fn look(&mut self) -> Result<(), ImportError> {
        let kind = |what| ImportError::Kind { path: self.path.clone(), what };
        let start = match self.reader.fill_buf() {
            Ok(start) => start,
            Err(e) => return Err(self.broken(e)),
        };
        if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
            return Err(kind("UTF-16 text; convert it to UTF-8"));
        }
        if start.contains(&0) {
            return Err(kind("no text: it holds zero bytes"));
        }
        if start.starts_with(b"\xef\xbb\xbf") {
            if self.declared == Encodage::Latin1 {
                return Err(self.encoding_error("Latin-1", 1, "marked as UTF-8"));
            }
            self.reader.consume(3);
            self.text = Text::Utf8;
        }
        Ok(())
    }

    fn encoding_error(&self, declared: &'static str, line: u64, seen: &'static str) -> ImportError {
        ImportError::Encoding { path: self.path.clone(), declared, line, seen }
    }

    fn broken(&self, source: io::Error) -> ImportError {
        let (path, line) = (self.path.clone(), self.number);
        match source.kind() {
            io::ErrorKind::UnexpectedEof => ImportError::Truncated { path, line },
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => ImportError::Damaged { path, line, source },
            _ => ImportError::Read { path, source },
        }
    }

    /// Size of the file, bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes of the file read so far (compressed ones if it is).
    pub fn read(&self) -> u64 {
        self.tap.borrow().1
    }

    /// SHA-256 of the file, once all of it is read.
    pub fn sha256(&self) -> String {
        hex::encode(self.tap.borrow().0.clone().finalize())
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the encoding is known to be after the lines given so far.
    pub fn text(&self) -> Text {
        self.text
    }

    /// The next logical line that is not blank. `complete` says whether the columns of a line that a quoted field spreads
    /// over several physical lines are all there; if that never comes true, the first physical line is given alone.
    pub fn next(&mut self, complete: impl Fn(&[u8]) -> bool) -> Result<Option<Line>, ImportError> {
        loop {
            let Some(mut line) = self.physical()? else { return Ok(None) };
            if line.bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if line.bytes.contains(&b'"') && !complete(&line.bytes) {
                self.join(&mut line, complete)?;
            }
            return Ok(Some(line));
        }
    }

    /// Adds following physical lines when that completes the line, else leaves them for later.
    fn join(&mut self, line: &mut Line, complete: impl Fn(&[u8]) -> bool) -> Result<(), ImportError> {
        let mut joined = line.bytes.clone();
        let mut taken = Vec::new();
        while taken.len() < QUOTED_LINES {
            let Some(next) = self.physical()? else { break };
            joined.extend_from_slice(&next.bytes);
            let ended = next.ended;
            taken.push(next);
            if complete(&joined) {
                (line.bytes, line.ended) = (joined, ended);
                return Ok(());
            }
        }
        while let Some(next) = taken.pop() {
            self.ahead.push_front(next);
        }
        Ok(())
    }

    fn physical(&mut self) -> Result<Option<Line>, ImportError> {
        if let Some(line) = self.ahead.pop_front() {
            return Ok(Some(line));
        }
        let mut bytes = Vec::with_capacity(512);
        let n = match (&mut self.reader).take(LONGEST as u64 + 1).read_until(b'\n', &mut bytes) {
            Ok(n) => n,
            Err(e) => return Err(self.broken(e)),
        };
        if n == 0 {
            return Ok(None);
        }
        self.number += 1;
        if n > LONGEST {
            return Err(ImportError::LongLine { path: self.path.clone(), line: self.number, limit: LONGEST });
        }
        let ended = bytes.last() == Some(&b'\n');
        while matches!(bytes.last(), Some(b'\n' | b'\r')) {
            bytes.pop();
        }
        bytes.push(b'\n');
        Ok(Some(Line { number: self.number, bytes, ended }))
    }

    /// Settles the encoding by one more line. False: the line is not in the encoding of the lines before it.
    pub fn settle(&mut self, line: &Line) -> Result<bool, ImportError> {
        if line.bytes.is_ascii() {
            return Ok(true);
        }
        let utf8 = std::str::from_utf8(&line.bytes).is_ok();
        match self.text {
            Text::Ascii => self.text = if utf8 { Text::Utf8 } else { Text::Latin1 },
            // A Latin-1 line that is by chance well-formed UTF-8 does not occur in French.
            Text::Latin1 if utf8 && self.declared == Encodage::Latin1 => {
                return Err(self.encoding_error("Latin-1", line.number, "UTF-8"));
            }
            Text::Latin1 => return Ok(!utf8),
            Text::Utf8 => return Ok(utf8),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut f = tempfile::NamedTempFile::new().unwrap();
        f.write_all(bytes).unwrap();
        f
    }

    fn even_quotes(bytes: &[u8]) -> bool {
        bytes.iter().filter(|b| **b == b'"').count().is_multiple_of(2)
    }

    fn all(bytes: &[u8], encodage: Encodage) -> Result<Vec<(u64, String, bool)>, ImportError> {
        let f = file(bytes);
        let mut lines = Lines::open(f.path(), encodage)?;
        let mut out = Vec::new();
        while let Some(line) = lines.next(even_quotes)? {
            let same = lines.settle(&line)?;
            let text = String::from_utf8_lossy(&line.bytes);
            out.push((line.number, text.strip_suffix('\n').unwrap().to_owned(), same));
        }
        assert_eq!(lines.sha256(), hex::encode(Sha256::digest(bytes)));
        assert_eq!(lines.read(), bytes.len() as u64);
        Ok(out)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        e.write_all(bytes).unwrap();
        e.finish().unwrap()
    }

    #[test]
    fn lines_of_every_ending_and_a_byte_order_mark() {
        let got = all(b"\xef\xbb\xbfa;b\r\n\n1;2\n3;4", Encodage::Auto).unwrap();
        assert_eq!(got, [(1, "a;b".into(), true), (3, "1;2".into(), true), (4, "3;4".into(), true)]);
    }

    #[test]
    fn gzip_of_several_members() {
        let mut two = gzip(b"a\nb\n");
        two.extend(gzip(b"c\n"));
        assert_eq!(all(&two, Encodage::Auto).unwrap().len(), 3);
    }

    #[test]
    fn truncated_and_damaged_gzip() {
        let long: Vec<u8> = (0..20_000).flat_map(|i| format!("{i};{}\n", i * 7919).into_bytes()).collect();
        let mut z = gzip(&long);
        assert!(matches!(all(&z[..z.len() / 2], Encodage::Auto), Err(ImportError::Truncated { line, .. }) if line > 0));
        let middle = z.len() / 2;
        z[middle] ^= 0xff;
        z[middle + 1] ^= 0xff;
        assert!(matches!(all(&z, Encodage::Auto), Err(ImportError::Damaged { .. })));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert!(matches!(all(b"", Encodage::Auto), Err(ImportError::Empty { .. })));
        assert!(matches!(all(b"PK\x03\x04rest", Encodage::Auto), Err(ImportError::Kind { .. })));
        assert!(matches!(all(b"\xff\xfea\0", Encodage::Auto), Err(ImportError::Kind { .. })));
        assert!(matches!(all(b"ab\0cd\n", Encodage::Auto), Err(ImportError::Kind { .. })));
        let long = vec![b'x'; LONGEST + 10];
        assert!(matches!(all(&long, Encodage::Auto), Err(ImportError::LongLine { line: 1, .. })));
        assert!(matches!(Lines::open(Path::new("/nowhere/x.csv"), Encodage::Auto), Err(ImportError::Read { .. })));
        assert!(matches!(Lines::open(Path::new("/"), Encodage::Auto), Err(ImportError::Kind { .. })));
    }

    #[test]
    fn encodings_are_settled_by_the_first_line_that_tells() {
        let got = all("a\né\n".as_bytes(), Encodage::Auto).unwrap();
        assert!(got.iter().all(|l| l.2));
        // Latin-1 first, then UTF-8: the second is a stranger.
        let mut mixed = b"a\n\xe9\n".to_vec();
        mixed.extend("é\n".as_bytes());
        assert_eq!(all(&mixed, Encodage::Auto).unwrap().iter().map(|l| l.2).collect::<Vec<_>>(), [true, true, false]);
        assert!(!all(b"\xe9\n", Encodage::Utf8).unwrap()[0].2);
        assert!(matches!(all("é\n".as_bytes(), Encodage::Latin1), Err(ImportError::Encoding { line: 1, .. })));
        assert!(all(b"\xe9\n", Encodage::Latin1).unwrap()[0].2);
    }

    #[test]
    fn a_quoted_field_may_span_lines_and_a_stray_mark_spoils_one() {
        let got = all(b"1;\"a\nb\"\n2;c\n", Encodage::Auto).unwrap();
        assert_eq!(got[0], (1, "1;\"a\nb\"".into(), true));
        assert_eq!(got[1].0, 3);
        let stray: String = (0..30).map(|i| if i == 3 { "\"x\n".into() } else { format!("{i}\n") }).collect();
        assert_eq!(all(stray.as_bytes(), Encodage::Auto).unwrap().len(), 30);
    }
}
