//! Filter Encoding 2.0 (OGC 09-026r2), 1.1 (04-095) and 1.0 (02-059) ▶ [`super::Filter`].

pub mod xml;
