//! The check of a chain: lines of one instance in their order, what retention removed, what signed heads say.

use super::line::{self, Entry, Hash, Line};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Where a chain is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {sequence}: {reason}")]
pub struct Broken {
    /// Number of the line.
    pub sequence: u64,
    /// What does not fit.
    pub reason: String,
}

/// Follows the chain of one instance. After a fault it goes on from the line as it stands, so that each fault is told once.
#[derive(Debug, Default)]
pub struct Follower {
    last: Option<(u64, Hash)>,
    purged: Vec<RangeInclusive<u64>>,
    heads: BTreeMap<u64, Vec<u8>>,
    /// Lines that fit.
    pub lines: u64,
    /// Lines that retention removed.
    pub missing: u64,
    /// Signed heads that the chain bears out.
    pub sealed: u64,
    /// The last line that a head covers.
    pub covered: u64,
}

impl Follower {
    /// A chain whose lines in `purged` (numbers, both included) may be missing, and of which signed heads say the hash of some
    /// lines.
    pub fn new(purged: Vec<RangeInclusive<u64>>, heads: BTreeMap<u64, Vec<u8>>) -> Follower {
        Follower { purged, heads, ..Follower::default() }
    }

    /// The next line: number, JSON text, hash.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn take(&mut self, sequence: u64, text: &str, hash: &[u8]) -> Result<(), Broken> {
        let outcome = self.judge(sequence, text, hash);
        let stands: Hash = hash.try_into().unwrap_or_default();
        self.last = Some((sequence, stands));
        if let Some(head) = self.heads.remove(&sequence) {
            if head != hash {
                let reason = "a signed head names another hash: it was replaced after the signature".to_owned();
                return outcome.and(Err(Broken { sequence, reason }));
            }
            self.sealed += 1;
            self.covered = sequence;
        }
        self.lines += u64::from(outcome.is_ok());
        outcome
    }

    fn judge(&mut self, sequence: u64, text: &str, hash: &[u8]) -> Result<(), Broken> {
        let broken = |reason: &str| Broken { sequence, reason: reason.to_owned() };
        let read: Line = serde_json::from_str(text).map_err(|e| broken(&e.to_string()))?;
        if read.n != sequence {
            return Err(broken("its text carries another number"));
        }
        let named = match &read.entry {
            Entry::Segment(head) => {
                let mut before = [0; 32];
                hex::decode_to_slice(&head.precedent, &mut before).map_err(|e| broken(&e.to_string()))?;
                Some(before)
            }
            _ => None,
        };
        let expected = self.last.map_or(1, |(n, _)| n + 1);
        if sequence < expected {
            return Err(broken("it stands twice, or out of order"));
        }
        let gone = expected..sequence;
        if !gone.is_empty() {
            if let Some(first) = gone.clone().find(|n| !self.purged.iter().any(|p| p.contains(n))) {
                return Err(broken(&format!(
                    "line {first} and maybe more before it are missing, and no purge removed them"
                )));
            }
            self.missing += sequence - expected;
        }
        let before = match (self.last, named) {
            (Some((n, hash)), Some(named)) if n + 1 == sequence && hash != named => {
                return Err(broken("it does not name the line before"));
            }
            (None, Some(named)) if sequence == 1 && named != [0; 32] => {
                return Err(broken("the first line names one before it"));
            }
            (Some((n, hash)), _) if n + 1 == sequence => hash,
            (_, Some(named)) => named,
            // The line before went with its month: this one's hash cannot be made again, the next ones' can.
            (_, None) => return Ok(()),
        };
        if line::chain(&before, text.as_bytes()).as_slice() != hash {
            return Err(broken("the hash does not fit: the line, or one before it, was changed"));
        }
        Ok(())
    }

    /// After the last line: heads beyond it say that lines were cut off.
    ///
    /// # Errors
    /// [`Broken`], naming the first line that a head knows and the chain does not.
    pub fn end(&mut self) -> Result<(), Broken> {
        let last = self.last.map_or(0, |(n, _)| n);
        let purged = |n: &u64| self.purged.iter().any(|p| p.contains(n));
        match self.heads.keys().find(|n| !purged(n)) {
            Some(n) => {
                Err(Broken { sequence: *n, reason: format!("a signed head covers it; the chain ends with {last}") })
            }
            None => Ok(()),
        }
    }
}

/// Follows the chain of one instance over its lines in order: number, JSON text, hash. Gives the number of lines.
///
/// # Errors
/// [`Broken`], naming the first line that does not fit.
pub fn verify<'a>(lines: impl IntoIterator<Item = (u64, &'a str, &'a [u8])>) -> Result<u64, Broken> {
    let mut lines = lines.into_iter().peekable();
    let first = lines.peek().map_or(1, |l| l.0);
    // What lies before the first line given was checked, or removed, elsewhere.
    let before = (first > 1).then(|| 1..=first - 1);
    let mut follower = Follower::new(before.into_iter().collect(), BTreeMap::new());
    for (sequence, text, hash) in lines {
        let head = || serde_json::from_str(text).is_ok_and(|l: Line| matches!(l.entry, Entry::Segment(_)));
        if follower.last.is_none() && first > 1 && !head() {
            return Err(Broken { sequence, reason: "the chain begins inside a segment".to_owned() });
        }
        follower.take(sequence, text, hash)?;
    }
    Ok(follower.lines)
}

#[cfg(test)]
mod tests {
    use super::super::line::{Head, body, write};
    use super::*;

    /// A chain of two segments, ten lines each.
    fn chain() -> Vec<(u64, String, Hash)> {
        let mut last = [0; 32];
        (1..=20u64)
            .map(|n| {
                let entry = if n % 10 == 1 {
                    let (instance, precedent) = ("00112233445566aa".to_owned(), hex::encode(last));
                    Entry::Segment(Head { le: n as i64, instance, precedent, ouverts: Vec::new() })
                } else {
                    let issue = "complete".to_owned();
                    let end = line::End {
                        acces: n,
                        issue,
                        objets: None,
                        octets: None,
                        duree_ms: None,
                        corps: None,
                        sha256: None,
                    };
                    Entry::Fin { le: n as i64, end }
                };
                let mut bytes = Vec::new();
                last = write(&mut bytes, &last, n, &body(&entry));
                (n, String::from_utf8(bytes[65..bytes.len() - 1].to_vec()).unwrap(), last)
            })
            .collect()
    }

    fn faults(lines: &[(u64, String, Hash)], purged: &[RangeInclusive<u64>], heads: &[(u64, Hash)]) -> Vec<u64> {
        let heads = heads.iter().map(|(n, h)| (*n, h.to_vec())).collect();
        let mut follower = Follower::new(purged.to_vec(), heads);
        let mut found: Vec<u64> =
            lines.iter().filter_map(|(n, t, h)| follower.take(*n, t, h).err()).map(|b| b.sequence).collect();
        found.extend(follower.end().err().map(|b| b.sequence));
        found
    }

    #[test]
    fn a_whole_chain_has_no_fault_and_bears_its_heads_out() {
        let lines = chain();
        assert!(faults(&lines, &[], &[(10, lines[9].2), (20, lines[19].2)]).is_empty());
    }

    #[test]
    fn a_changed_line_is_told_once() {
        let mut lines = chain();
        lines[4].1 = lines[4].1.replace("complete", "Complete");
        assert_eq!(faults(&lines, &[], &[]), [5]);
    }

    #[test]
    fn a_removed_line_or_segment_is_told() {
        let mut lines = chain();
        lines.remove(14);
        assert_eq!(faults(&lines, &[], &[]), [16]);
        let mut lines = chain();
        lines.drain(..10);
        assert_eq!(faults(&lines, &[], &[]), [11]);
    }

    #[test]
    fn what_a_purge_removed_may_be_missing_and_nothing_else() {
        let mut lines = chain();
        lines.drain(1..13); // the first segment's head stays; the second's head is gone too
        assert!(faults(&lines, &[2..=13], &[]).is_empty());
        assert_eq!(faults(&lines, &[2..=12], &[]), [14]);
    }

    #[test]
    fn a_chain_made_anew_or_cut_off_does_not_bear_the_signed_head_out() {
        let lines = chain();
        assert_eq!(faults(&lines, &[], &[(20, [7; 32])]), [20]);
        assert_eq!(faults(&lines[..15], &[], &[(20, lines[19].2)]), [20]);
    }
}
