//! Quotas of conventions: requests a minute, features a day. Counted in memory, by server.

use super::{Identity, Operation, calendar};
use crate::error::{Error, Result};
use jiff::civil::Date;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const MINUTE: i64 = 60_000;

/// What conventions have used. One for the process; outlives the registry's swaps.
#[derive(Debug, Default)]
pub struct Quotas {
    used: Mutex<HashMap<String, Used>>,
}

#[derive(Debug, Default)]
struct Used {
    /// When the requests made so far would be paid off at the granted rate, milliseconds since 1970 (GCRA).
    paid_off: i64,
    day: Option<Date>,
    features: u64,
    /// Features seen today, for conventions that may only look: looking twice at one is no second feature.
    seen: HashSet<u64>,
}

/// What is left of the requests of a minute, for `RateLimit` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Requests a minute.
    pub limit: u32,
    /// Requests possible at once, now.
    pub remaining: u32,
    /// Seconds until the whole minute is free again.
    pub reset: u64,
}

impl Quotas {
    /// Counts a request; `None` without a quota. Requests may come in a burst of a whole minute's number.
    ///
    /// # Errors
    /// [`Error::Quota`] with the time after which one more is possible. A refused request is not counted.
    pub fn request(&self, identity: &Identity, now: i64) -> Result<Option<Budget>> {
        let Some(limit) = identity.deed.quotas.requetes_minute.filter(|n| *n > 0) else { return Ok(None) };
        let each = MINUTE / i64::from(limit).min(MINUTE);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let used = used.entry(identity.convention.id.clone()).or_default();
        let next = used.paid_off.max(now) + each;
        let over = next - now - MINUTE;
        if over > 0 {
            return Err(Error::Quota { retry_after: Duration::from_millis(over.unsigned_abs()) });
        }
        used.paid_off = next;
        let remaining = u32::try_from(-over / each).unwrap_or(u32::MAX).min(limit);
        Ok(Some(Budget { limit, remaining, reset: (next - now).unsigned_abs().div_ceil(1000) }))
    }

    /// Counts features that are about to be handed out. For a convention that may only look (`wms` alone) distinct ones
    /// count, over all protocols: `keys` names them, and is asked only then.
    ///
    /// # Errors
    /// [`Error::Quota`] until the next day (Europe/Paris). Nothing of a refused answer is counted.
    pub fn features(&self, identity: &Identity, count: u64, keys: impl FnOnce() -> Vec<u64>, now: i64) -> Result<()> {
        let Some(limit) = identity.deed.quotas.objets_jour else { return Ok(()) };
        let today = calendar::day_at(now);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let used = used.entry(identity.convention.id.clone()).or_default();
        if used.day != today {
            *used = Used { paid_off: used.paid_off, day: today, ..Used::default() };
        }
        let looks_only = identity.deed.operations.iter().all(|o| *o == Operation::Wms);
        if looks_only {
            let fresh: HashSet<u64> = keys().into_iter().filter(|k| !used.seen.contains(k)).collect();
            if (used.seen.len() + fresh.len()) as u64 > limit {
                return Err(until_tomorrow(today, now));
            }
            used.seen.extend(fresh);
        } else {
            if used.features.saturating_add(count) > limit {
                return Err(until_tomorrow(today, now));
            }
            used.features += count;
        }
        Ok(())
    }
}

fn until_tomorrow(today: Option<Date>, now: i64) -> Error {
    let end = today.map_or(now, calendar::end_of);
    Error::Quota { retry_after: Duration::from_millis(end.saturating_sub(now).max(1000).unsigned_abs()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convention::{Access, Convention, file, samples};
    use std::sync::Arc;

    fn identity(of: &str, requests: Option<u32>, features: Option<u64>) -> Identity {
        let text = samples::FILES.iter().find(|f| f.0 == of).unwrap().1;
        let mut deed = file::parse(of, text, None).unwrap().deed;
        deed.quotas.requetes_minute = requests;
        deed.quotas.objets_jour = features;
        let catalogue = Arc::new(crate::catalogue::load_embedded().unwrap());
        let access = Access { scope_id: 1, catalogue, territory: None, operations: Default::default() };
        let convention = Convention { id: of.into(), access: Arc::new(access), terms: Arc::default(), places: None };
        Identity {
            convention: Arc::new(convention),
            serial: "1".into(),
            purpose: String::new(),
            public_url: None,
            deed: Arc::new(deed),
            version: 1,
            holder: String::new(),
            certificate_ends: i64::MAX,
            convention_ends: i64::MAX,
        }
    }

    fn noon() -> i64 {
        "2026-11-24T11:00:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn a_minute_holds_its_requests_and_no_more() {
        let (quotas, lille) = (Quotas::default(), identity("lille", Some(60), None));
        let now = noon();
        for n in 0..60 {
            let budget = quotas.request(&lille, now).unwrap().unwrap();
            assert_eq!((budget.limit, budget.remaining), (60, 59 - n));
        }
        let Err(Error::Quota { retry_after }) = quotas.request(&lille, now) else { panic!() };
        assert_eq!(retry_after, Duration::from_secs(1));
        assert!(quotas.request(&lille, now + 999).is_err());
        assert!(quotas.request(&lille, now + 1000).is_ok());
        assert!(quotas.request(&lille, now + 1000).is_err());
        // Another convention has its own; one without a quota has none.
        assert!(quotas.request(&identity("lomme", Some(60), None), now).is_ok());
        assert_eq!(quotas.request(&identity("mel", None, None), now), Ok(None));
    }

    #[test]
    fn a_day_is_that_of_paris() {
        let (quotas, lille) = (Quotas::default(), identity("lille", None, Some(100)));
        let none = Vec::new;
        let now = noon();
        quotas.features(&lille, 60, none, now).unwrap();
        let Err(Error::Quota { retry_after }) = quotas.features(&lille, 41, none, now) else { panic!() };
        assert_eq!(retry_after, Duration::from_secs(12 * 3600));
        quotas.features(&lille, 40, none, now).unwrap();
        assert!(quotas.features(&lille, 1, none, now + 12 * 3_600_000 - 1).is_err());
        quotas.features(&lille, 100, none, now + 12 * 3_600_000).unwrap();
    }

    #[test]
    fn who_may_only_look_is_counted_by_distinct_features() {
        let (quotas, looker) = (Quotas::default(), identity("vue-seule", None, Some(10)));
        let now = noon();
        for _ in 0..50 {
            quotas.features(&looker, 8, || (0..8).collect(), now).unwrap();
        }
        assert!(quotas.features(&looker, 8, || (5..13).collect(), now).is_err());
        quotas.features(&looker, 8, || (2..10).collect(), now).unwrap();
        assert!(quotas.features(&looker, 1, || vec![99], now).is_err());
        quotas.features(&looker, 1, || vec![3], now).unwrap();
    }
}
