//! Files of lines, written as a stream; compressed ones on a thread of their own.

use super::FileError;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Bytes that are gathered before they are written.
const CHUNK: usize = 256 * 1024;

/// A file that lines are appended to.
pub struct Sink {
    path: PathBuf,
    chunk: Vec<u8>,
    latin1: bool,
    to: Option<SyncSender<Vec<u8>>>,
    writer: Option<JoinHandle<std::io::Result<()>>>,
}

/// Creates a file that only its owner may read.
///
/// # Errors
/// [`FileError::Io`].
pub fn create(path: &Path) -> Result<File, FileError> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| FileError::Io { path: path.to_owned(), source })
}

impl Sink {
    /// Begins a file with its header line. A name that ends in `.gz` is compressed.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn new(path: PathBuf, latin1: bool, header: &str) -> Result<Sink, FileError> {
        let mut file = create(&path)?;
        let compressed = path.extension().is_some_and(|e| e == "gz");
        let (to, chunks) = sync_channel::<Vec<u8>>(8);
        let writer = std::thread::spawn(move || {
            if compressed {
                let mut gz = GzEncoder::new(file, Compression::fast());
                chunks.iter().try_for_each(|c| gz.write_all(&c))?;
                file = gz.finish()?;
            } else {
                chunks.iter().try_for_each(|c| file.write_all(&c))?;
            }
            file.sync_all()
        });
        let mut chunk = Vec::with_capacity(CHUNK + 4096);
        chunk.extend_from_slice(header.as_bytes());
        chunk.push(b'\n');
        Ok(Sink { path, chunk, latin1, to: Some(to), writer: Some(writer) })
    }

    /// Appends one line.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn line(&mut self, write: impl FnOnce(&mut Line<'_>)) -> Result<(), FileError> {
        write(&mut Line { out: &mut self.chunk, first: true });
        self.chunk.push(b'\n');
        if self.chunk.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), FileError> {
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK + 4096));
        let chunk = if self.latin1 {
            encoding_rs::WINDOWS_1252.encode(&String::from_utf8_lossy(&chunk)).0.into_owned()
        } else {
            chunk
        };
        match self.to.as_ref().map(|to| to.send(chunk)) {
            Some(Ok(())) => Ok(()),
            // The writer has given up: its own error says why.
            _ => self.end(),
        }
    }

    fn end(&mut self) -> Result<(), FileError> {
        self.to = None;
        let outcome = match self.writer.take().map(JoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            _ => Err(std::io::Error::other("the writer of the file has ended")),
        };
        outcome.map_err(|source| FileError::Io { path: self.path.clone(), source })
    }

    /// Writes what is left and waits until it is on the disk.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn finish(mut self) -> Result<(), FileError> {
        self.flush()?;
        self.end()
    }
}

/// Fields of one line, separated by semicolons. No invented text holds a semicolon, a quote or a line end.
pub struct Line<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl Line<'_> {
    fn separate(&mut self) {
        if !self.first {
            self.out.push(b';');
        }
        self.first = false;
    }

    /// A text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.separate();
        self.out.extend_from_slice(text.as_bytes());
        self
    }

    /// `n` empty fields.
    pub fn empty(&mut self, n: usize) -> &mut Self {
        (0..n).for_each(|_| self.separate());
        self
    }

    /// A whole number.
    pub fn int(&mut self, n: impl itoa::Integer) -> &mut Self {
        self.separate();
        self.out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
        self
    }

    /// A whole number that continues the field before it.
    pub fn int_joined(&mut self, n: impl itoa::Integer) -> &mut Self {
        self.out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
        self
    }

    /// A whole number or an empty field.
    pub fn maybe(&mut self, n: Option<impl itoa::Integer>) -> &mut Self {
        match n {
            Some(n) => self.int(n),
            None => self.empty(1),
        }
    }

    /// A number with `digits` decimals.
    pub fn real(&mut self, value: f64, digits: u32) -> &mut Self {
        self.separate();
        let unit = 10i64.pow(digits);
        let n = (value * unit as f64).round() as i64;
        self.out.extend_from_slice(itoa::Buffer::new().format(n / unit).as_bytes());
        self.out.push(b'.');
        let decimals = (n % unit).unsigned_abs();
        for place in (0..digits).rev() {
            self.out.push(b'0' + (decimals / 10u64.pow(place) % 10) as u8);
        }
        self
    }

    /// A day, `yyyy-mm-dd`.
    pub fn day(&mut self, day: i32) -> &mut Self {
        self.separate();
        let (year, month, date) = crate::demo::metropolis::calendar::date(day);
        self.out.extend_from_slice(itoa::Buffer::new().format(year).as_bytes());
        for part in [month, date] {
            self.out.extend_from_slice(&[b'-', b'0' + (part / 10) as u8, b'0' + (part % 10) as u8]);
        }
        self
    }

    /// 0 or 1.
    pub fn flag(&mut self, flag: bool) -> &mut Self {
        self.text(if flag { "1" } else { "0" })
    }
}
