//! FES 2.0, 1.1, 1.0 (XML) ▶ `Filter`.
