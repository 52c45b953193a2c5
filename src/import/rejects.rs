//! The report of rejected lines, and how many of them are too many.

use super::error::{ImportError, Reject};
use std::fs::File;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Before this many rejects an import is never stopped early: the share says little yet.
const EARLY: u64 = 1000;

/// Writes rejects to `<reports>/<source>_<vintage>_<time>.csv`. Its values come from dwelling-level files: only the owner
/// may read it. There is no file as long as nothing is rejected.
pub(super) struct Rejects {
    path: PathBuf,
    writer: Option<csv::Writer<File>>,
    count: u64,
    max_share: f64,
    first: String,
}

impl Rejects {
    /// No reject yet.
    pub fn new(reports: &Path, source: &str, millesime: i32, max_share: f64) -> Self {
        let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ").to_string().replace('.', "");
        let path = reports.join(format!("{source}_{millesime}_{now}.csv"));
        Rejects { path, writer: None, count: 0, max_share, first: String::new() }
    }

    /// Rejects so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds one. `line` is the number of the line, or of the feature.
    pub fn add(&mut self, line: u64, reject: &Reject) -> Result<(), ImportError> {
        let fail = |path: &Path, source| ImportError::Report { path: path.to_owned(), source };
        if self.writer.is_none() {
            let file = create(&self.path).map_err(|e| fail(&self.path, e))?;
            let mut writer = csv::WriterBuilder::new().delimiter(b';').from_writer(file);
            writer.write_record(["line", "column", "value", "reason"]).map_err(|e| fail(&self.path, e.into()))?;
            self.writer = Some(writer);
            self.first = format!("line {line}, {reject}");
        }
        self.count += 1;
        if let Some(writer) = &mut self.writer {
            let number = line.to_string();
            // A spreadsheet would run what begins like a formula.
            let value = if reject.value.starts_with(['=', '+', '-', '@']) {
                format!("'{}", reject.value)
            } else {
                reject.value.clone()
            };
            writer
                .write_record([number.as_str(), &reject.column, &value, &reject.reason])
                .map_err(|e| fail(&self.path, e.into()))?;
        }
        Ok(())
    }

    /// Stops a reading that cannot end well: `read` of the file (0..1) gave `lines` lines.
    pub fn check_early(&mut self, lines: u64, read: f64) -> Result<(), ImportError> {
        let expected = lines as f64 / read.clamp(0.001, 1.0);
        // A quarter more than expected: the size of lines varies.
        if self.count >= EARLY && self.count as f64 > self.max_share * expected * 1.25 {
            return Err(self.too_many(lines));
        }
        Ok(())
    }

    /// Closes the report and judges the whole.
    pub fn end(&mut self, lines: u64) -> Result<Option<PathBuf>, ImportError> {
        if self.count as f64 > self.max_share * lines as f64 {
            return Err(self.too_many(lines));
        }
        self.flush()?;
        Ok((self.count > 0).then(|| self.path.clone()))
    }

    /// Writes what is buffered, also when the import fails for another reason.
    pub fn flush(&mut self) -> Result<(), ImportError> {
        match &mut self.writer {
            Some(w) => w.flush().map_err(|source| ImportError::Report { path: self.path.clone(), source }),
            None => Ok(()),
        }
    }

    fn too_many(&mut self, lines: u64) -> ImportError {
        if let Err(e) = self.flush() {
            return e;
        }
        ImportError::TooManyRejects {
            rejects: self.count,
            lines,
            max_share: self.max_share,
            report: (self.count > 0).then(|| self.path.clone()),
            first: self.first.clone(),
        }
    }
}

fn create(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_report_is_private_and_harmless_in_a_spreadsheet() {
        let folder = tempfile::tempdir().unwrap();
        let mut r = Rejects::new(&folder.path().join("a/b"), "rpls", 2024, 0.5);
        r.add(7, &Reject::new("NOM", "=1+1;\"x\"", "bad")).unwrap();
        let path = r.end(2).unwrap().unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "line;column;value;reason\n7;NOM;\"'=1+1;\"\"x\"\"\";bad\n"
        );
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(path.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn shares() {
        let folder = tempfile::tempdir().unwrap();
        let mut r = Rejects::new(folder.path(), "rpls", 2024, 0.01);
        assert_eq!(r.end(0).unwrap(), None);
        let reject = Reject::new("NOM", "x", "bad");
        r.add(2, &reject).unwrap();
        assert!(r.end(100).is_ok());
        let Err(ImportError::TooManyRejects { rejects: 1, lines: 99, first, .. }) = r.end(99) else { panic!() };
        assert_eq!(first, "line 2, NOM = \"x\": bad");
        for i in 0..1500 {
            r.add(i, &reject).unwrap();
        }
        // 1501 of 2000 at the tenth of the file: 20 000 expected, 200 allowed.
        assert!(r.check_early(2000, 0.1).is_err());
        assert!(r.check_early(2000, 0.005).is_ok());
    }
}
