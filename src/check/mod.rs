//! Independent proof that a candidate, together with everything ever published, gives nothing away.
