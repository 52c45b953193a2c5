//! What the administrator revokes on the spot, with or without a database: the file `revocations` in the server's state.
//!
//! One line each, `#` begins a comment:
//!
//! ```text
//! cle <SHA-256 of the certificate's public key>
//! serie <SHA-256 of the CA's public key> <serial number>
//! ca <SHA-256 of the CA's public key>
//! convention <identifier>
//! ```

use super::ConventionError;
use crate::pki::Peer;
use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

/// Name of the file in the server's state directory.
pub const FILE: &str = "revocations";

/// The file, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Revocations {
    keys: HashSet<[u8; 32]>,
    serials: HashSet<([u8; 32], String)>,
    authorities: HashSet<[u8; 32]>,
    conventions: HashSet<String>,
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Local {
    /// A certificate, by its public key.
    Key([u8; 32]),
    /// A certificate, by CA and serial number.
    Serial([u8; 32], String),
    /// Everything that a CA issued.
    Authority([u8; 32]),
    /// A convention: answered as suspended.
    Convention(String),
}

impl Revocations {
    /// Reads the file; absent, it is empty. A line that says nothing sensible is an error: an administrator who
    /// mistyped a revocation must hear of it.
    ///
    /// # Errors
    /// [`ConventionError::File`], [`ConventionError::Revocations`].
    pub fn read(state: &Path) -> Result<Revocations, ConventionError> {
        let path = state.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(ConventionError::File { path, source }),
        };
        let (found, bad) = Revocations::parse(&text);
        if bad.is_empty() { Ok(found) } else { Err(ConventionError::Revocations { path, lines: bad }) }
    }

    /// Reads what can be read of the file, and gives the numbers of the lines that cannot.
    pub fn parse(text: &str) -> (Revocations, Vec<usize>) {
        let mut found = Revocations::default();
        let mut bad = Vec::new();
        for (n, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            match Local::parse(line) {
                Some(Local::Key(key)) => _ = found.keys.insert(key),
                Some(Local::Serial(ca, serial)) => _ = found.serials.insert((ca, serial)),
                Some(Local::Authority(ca)) => _ = found.authorities.insert(ca),
                Some(Local::Convention(id)) => _ = found.conventions.insert(id),
                None => bad.push(n + 1),
            }
        }
        (found, bad)
    }

    /// Adds lines, durably. A running server honours them within a second.
    ///
    /// # Errors
    /// [`ConventionError::File`].
    pub fn append(state: &Path, lines: &[Local], comment: &str) -> Result<(), ConventionError> {
        let path = state.join(FILE);
        let comment: String = comment.chars().filter(|c| !c.is_control()).collect();
        let mut text = String::new();
        for line in lines {
            text.push_str(&format!("{line} # {comment}\n"));
        }
        let write = || {
            std::fs::create_dir_all(state)?;
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|source| ConventionError::File { path: path.clone(), source })
    }

    /// Whether a certificate is revoked.
    pub fn revokes(&self, peer: &Peer) -> bool {
        // Empty nearly always; the serial number is only copied when there is something to compare it with.
        self.keys.contains(&peer.key)
            || self.authorities.contains(&peer.issuer)
            || (!self.serials.is_empty() && self.serials.contains(&(peer.issuer, peer.serial.clone())))
    }

    /// Whether a convention is held up.
    pub fn suspends(&self, convention: &str) -> bool {
        self.conventions.contains(convention)
    }
}

impl Local {
    fn parse(line: &str) -> Option<Local> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let digest = |text: &str| -> Option<[u8; 32]> {
            let plain: String = text.chars().filter(|c| *c != ':').collect();
            hex::decode(plain).ok()?.try_into().ok()
        };
        match words.as_slice() {
            ["cle", key] => Some(Local::Key(digest(key)?)),
            ["serie", ca, serial] => {
                let plain: String = serial.chars().filter(|c| *c != ':').collect::<String>().to_ascii_lowercase();
                let good = !plain.is_empty() && plain.bytes().all(|b| b.is_ascii_hexdigit());
                let number = plain.trim_start_matches('0').to_owned();
                if good { Some(Local::Serial(digest(ca)?, number)) } else { None }
            }
            ["ca", ca] => Some(Local::Authority(digest(ca)?)),
            ["convention", id] => Some(Local::Convention((*id).to_owned())),
            _ => None,
        }
    }
}

impl std::fmt::Display for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Local::Key(key) => write!(f, "cle {}", hex::encode(key)),
            Local::Serial(ca, serial) => write!(f, "serie {} {serial}", hex::encode(ca)),
            Local::Authority(ca) => write!(f, "ca {}", hex::encode(ca)),
            Local::Convention(id) => write!(f, "convention {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(issuer: u8, key: u8, serial: &str) -> Peer {
        let subject = String::new();
        Peer { issuer: [issuer; 32], key: [key; 32], serial: serial.into(), subject, not_before: 0, not_after: 0 }
    }

    #[test]
    fn what_is_appended_is_read_and_honoured() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Revocations::read(dir.path()).unwrap(), Revocations::default());
        let lines = [
            Local::Key([1; 32]),
            Local::Serial([7; 32], "ab01".into()),
            Local::Authority([9; 32]),
            Local::Convention("lille".into()),
        ];
        Revocations::append(dir.path(), &lines, "lost laptop\nsecond line").unwrap();
        let read = Revocations::read(dir.path()).unwrap();
        assert!(read.revokes(&peer(7, 1, "1")) && read.revokes(&peer(7, 2, "ab01")) && read.revokes(&peer(9, 2, "1")));
        assert!(!read.revokes(&peer(8, 2, "ab01")) && read.suspends("lille") && !read.suspends("lomme"));
    }

    #[test]
    fn serials_are_compared_as_numbers_and_bad_lines_are_named() {
        let ca = "07".repeat(32);
        let (read, bad) = Revocations::parse(&format!("# all\nserie {ca} 00:AB:01\ncle 1234\n\nkonvention x\n"));
        assert!(read.revokes(&peer(7, 2, "ab01")));
        assert_eq!(bad, [3, 5]);
    }
}
