//! Versions of WFS, and how one is agreed on.

use crate::encode::gml::Dialect;
use crate::error::{Error, Reason};
use crate::protocol::OwsVersion;

/// A version that is spoken, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    /// OGC 02-058.
    V100,
    /// OGC 04-094.
    V110,
    /// ISO 19142, OGC 09-025r1.
    V200,
    /// OGC 09-025r2.
    V202,
}

impl Version {
    /// All of them, the preferred one first. 2.0.0 comes before 2.0.2, which only mends texts: some clients know the
    /// former alone.
    pub const OFFERED: [Version; 4] = [Version::V200, Version::V202, Version::V110, Version::V100];

    pub fn number(self) -> &'static str {
        match self {
            Version::V100 => "1.0.0",
            Version::V110 => "1.1.0",
            Version::V200 => "2.0.0",
            Version::V202 => "2.0.2",
        }
    }

    fn reason() -> Reason {
        Reason::Version(Version::OFFERED.map(Version::number).join(", "))
    }

    pub fn is_2(self) -> bool {
        self >= Version::V200
    }

    /// Form of exceptions.
    pub fn exceptions(self) -> OwsVersion {
        match self {
            Version::V100 => OwsVersion::Wfs10,
            Version::V110 => OwsVersion::Wfs11,
            _ => OwsVersion::Wfs20,
        }
    }

    /// GML that features come in when no format is asked for.
    pub fn dialect(self) -> Dialect {
        match self {
            Version::V100 => Dialect::V2,
            Version::V110 => Dialect::V31,
            _ => Dialect::V32,
        }
    }

    /// A version by its exact number.
    pub fn find(number: &str) -> Option<Version> {
        let number = number.trim();
        // "2.0" and "1.1" are common spellings.
        Version::OFFERED.into_iter().find(|v| v.number() == number || v.number().strip_suffix(".0") == Some(number))
    }

    /// The version of a request that is not GetCapabilities.
    pub fn of_request(asked: Option<&str>) -> Result<Version, Error> {
        match asked.filter(|a| !a.trim().is_empty()) {
            None => Ok(Version::OFFERED[0]),
            Some(a) => Version::find(a).ok_or_else(|| Error::invalid("VERSION", a, Version::reason())),
        }
    }

    /// Version negotiation of GetCapabilities: `ACCEPTVERSIONS` (06-121r3 §7.3.2), else `VERSION` (02-058 §6.2.4).
    pub fn negotiate(accepted: &[String], asked: Option<&str>) -> Result<Version, Error> {
        if !accepted.is_empty() {
            let found = accepted.iter().find_map(|a| Version::find(a));
            return found.ok_or_else(|| Error::Version { asked: crate::error::printable(&accepted.join(",")) });
        }
        let Some(asked) = asked.filter(|a| !a.trim().is_empty()) else { return Ok(Version::OFFERED[0]) };
        if let Some(v) = Version::find(asked) {
            return Ok(v);
        }
        let parts: Option<Vec<u32>> = asked.trim().split('.').map(|p| p.parse().ok()).collect();
        let parts = parts.ok_or_else(|| Error::invalid("VERSION", asked, Reason::VersionNumber))?;
        // Below the lowest: the lowest; otherwise the highest that does not exceed what was asked.
        let numbers = |v: Version| v.number().split('.').filter_map(|p| p.parse().ok()).collect::<Vec<u32>>();
        let below = Version::OFFERED.into_iter().filter(|v| numbers(*v) <= parts).max();
        Ok(match below {
            Some(Version::V202) => Version::V200,
            Some(v) => v,
            None => Version::V100,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_agreed_on() {
        let list = |s: &str| s.split(',').map(str::to_owned).collect::<Vec<_>>();
        for (accepted, asked, expected) in [
            ("", None, Version::V200),
            ("", Some("1.1.0"), Version::V110),
            ("", Some("2.0.2"), Version::V202),
            ("", Some("1.0.20"), Version::V100),
            ("", Some("1.2.0"), Version::V110),
            ("", Some("3.0.0"), Version::V200),
            ("", Some("0.0.7"), Version::V100),
            ("9.0.0,1.1.0,2.0.0", Some("1.0.0"), Version::V110),
        ] {
            let accepted = if accepted.is_empty() { Vec::new() } else { list(accepted) };
            assert_eq!(Version::negotiate(&accepted, asked), Ok(expected), "{accepted:?} {asked:?}");
        }
        assert!(matches!(Version::negotiate(&list("5.0.0"), None), Err(Error::Version { .. })));
        assert!(matches!(Version::negotiate(&[], Some("x")), Err(Error::Invalid { .. })));
        assert!(Version::of_request(Some("9.9.9")).is_err());
    }
}
