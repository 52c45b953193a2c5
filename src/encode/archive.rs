//! A ZIP archive that is written as it goes: nothing of it is held but what the reader has not taken yet.

use crate::error::Error;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

/// What was written and not yet handed over.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An archive under way. Files stand one after the other.
pub(super) struct Archive {
    zip: Option<ZipWriter<StreamWriter<Sink>>>,
    sink: Sink,
    time: DateTime,
}

fn fault(error: impl std::fmt::Display) -> Error {
    tracing::error!(%error, "an archive could not be written");
    Error::Internal
}

impl Archive {
    /// An empty archive; `now` (milliseconds since 1970) is the time of its files, UTC.
    pub fn new(now: i64) -> Archive {
        let sink = Sink::default();
        let time = jiff::Timestamp::from_millisecond(now).ok().and_then(|t| {
            let t = jiff::tz::Offset::UTC.to_datetime(t);
            let part = |n: i8| u8::try_from(n).unwrap_or_default();
            let year = u16::try_from(t.year()).ok()?;
            let (month, day) = (part(t.month()), part(t.day()));
            DateTime::from_date_and_time(year, month, day, part(t.hour()), part(t.minute()), part(t.second())).ok()
        });
        Archive { zip: Some(ZipWriter::new_stream(sink.clone())), sink, time: time.unwrap_or_default() }
    }

    /// Says something that is read without unpacking (the archive's comment): an identifier in it is found in the bytes.
    pub fn note(&mut self, text: &str) -> Result<(), Error> {
        // The directory ends with it, and holds 65,535 bytes at most.
        let short: String = text.chars().take(8000).collect();
        self.zip.as_mut().ok_or(Error::Internal)?.set_comment(short).map_err(fault)
    }

    /// Begins a file.
    pub fn file(&mut self, name: &str) -> Result<(), Error> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            // The fastest: the next ones cost four times as much.
            .compression_level(Some(1))
            .last_modified_time(self.time);
        self.zip.as_mut().ok_or(Error::Internal)?.start_file(name, options).map_err(fault)
    }

    /// A whole file.
    pub fn whole(&mut self, name: &str, text: &str) -> Result<(), Error> {
        self.file(name)?;
        self.write(text.as_bytes())
    }

    /// Appends to the file that was begun last.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.zip.as_mut().ok_or(Error::Internal)?.write_all(bytes).map_err(fault)
    }

    /// Writes the directory; nothing can follow.
    pub fn finish(&mut self) -> Result<(), Error> {
        self.zip.take().map_or(Ok(()), |zip| zip.finish().map(drop).map_err(fault))
    }

    /// Hands over what was written.
    pub fn drain(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.sink.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
