//! A file of the source as bytes: what is not touched stays as it is, whatever its encoding.

use std::io::Read;
use std::path::Path;

pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Vec<Vec<u8>>>,
}

impl Table {
    pub fn read(path: &Path) -> Table {
        let mut bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let mut plain = Vec::new();
            flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).expect("gzip");
            bytes = plain;
        }
        assert!(!bytes.contains(&b'"'), "{}: quoted fields", path.display());
        let mut lines =
            bytes.split(|b| *b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l)).filter(|l| !l.is_empty());
        let cells = |line: &[u8]| line.split(|b| *b == b';').map(<[u8]>::to_vec).collect::<Vec<_>>();
        let header = cells(lines.next().expect("header")).into_iter().map(|c| String::from_utf8(c).expect("header"));
        Table { header: header.collect(), rows: lines.map(cells).collect() }
    }

    pub fn column(&self, name: &str) -> usize {
        self.header.iter().position(|h| h == name).unwrap_or_else(|| panic!("no column {name}"))
    }

    pub fn write(&self, path: &Path) {
        let mut out = self.header.join(";").into_bytes();
        out.push(b'\n');
        for row in &self.rows {
            out.extend(row.join(&b';'));
            out.push(b'\n');
        }
        std::fs::write(path, out).expect("table");
    }
}
