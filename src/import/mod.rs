//! Files ▶ `source`: one file a kind of source. All or nothing per file and vintage.
