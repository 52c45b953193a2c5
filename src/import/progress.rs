//! How an import tells what it is doing.

/// Receives the progress of one import. Called from the reading thread, several times a second.
pub trait Progress: Send + Sync {
    /// Reading begins. `total` is the size of the file in bytes or its number of features; `None` when not known.
    fn begin(&self, what: &str, total: Option<u64>);
    /// `done` of `total` is read, which gave `lines`, of them `rejects` rejected.
    fn at(&self, done: u64, lines: u64, rejects: u64);
    /// Reading is over; now `what` is done (indexes).
    fn phase(&self, what: &str);
    /// The import is over, well or not.
    fn end(&self);
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: Option<u64>) {}
    fn at(&self, _: u64, _: u64, _: u64) {}
    fn phase(&self, _: &str) {}
    fn end(&self) {}
}
