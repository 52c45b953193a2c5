//! Paged readings: what names one, and which page opens one.

use super::Client;
use crate::protocol::{Call, Reading};
use crate::store::{Fetched, ReadingKey};
use sha2::{Digest, Sha256};

/// Certificate and request without paging.
pub(super) fn key(reading: &Reading, call: &Call, client: &Client) -> ReadingKey {
    struct Hashed(Sha256);
    impl std::fmt::Write for Hashed {
        fn write_str(&mut self, s: &str) -> std::fmt::Result {
            self.0.update(s);
            Ok(())
        }
    }
    let mut hash = Hashed(Sha256::new());
    if let Some(peer) = &client.peer {
        hash.0.update(peer.issuer);
        hash.0.update(peer.key);
    }
    let mut put = |what: std::fmt::Arguments<'_>| {
        // Writing into a hash cannot fail.
        let _ = std::fmt::Write::write_fmt(&mut hash, what);
    };
    put(format_args!("{:?}{:?}", call.name, reading.form));
    for s in call.query.selects() {
        put(format_args!("{:?}", (s.layer, &s.fields, s.geometry, &s.filter, &s.order, s.crs)));
    }
    hash.0.finalize().into()
}

/// The publication that a page opens a reading of: a full first page (others may follow), or a further one of a reading
/// that nobody opened.
pub(super) fn opens(page: &Reading, pinned: Option<i64>, fetched: &Fetched) -> Option<i64> {
    let Fetched::Features(parts) = fetched else { return None };
    let matched: u64 = parts.iter().map(|p| p.matched).sum();
    let opens = page.start == 0 || pinned.is_none();
    (opens && matched >= page.start.saturating_add(page.count))
        .then(|| parts.first().map(|p| p.snapshot.publication))
        .flatten()
}
