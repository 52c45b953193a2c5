//! Plan and candidate: what `source` shows ▶ publication N in `serving`.
