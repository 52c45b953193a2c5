//! Resolved style + geometry ▶ pixels: scene, canvas (the rasteriser behind a few calls), symbols, labels, legends, palette.

/// Encoding of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `image/png`: exact palette when there are at most 256 colours, RGBA otherwise.
    Png,
    /// `image/png; mode=8bit`: always a palette.
    Png8,
    /// `image/jpeg`.
    Jpeg,
}
