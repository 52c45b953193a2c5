//! CQL2 text and JSON (OGC 21-065r2) ▶ `Filter`.
