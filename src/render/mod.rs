//! Resolved style + geometry ▶ pixels: scene, canvas (the rasteriser behind a few calls), symbols, labels, legends, palette.

mod anchor;
mod canvas;
mod classify;
mod hit;
mod jpeg;
mod labels;
pub mod legend;
mod marks;
mod message;
mod palette;
mod picture;
mod scene;
mod text;
mod view;

pub use hit::hits;
pub use message::message;
pub use scene::{Map, MapLayer};
pub use view::denominator;

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

impl Format {
    /// Media type of the answer.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Png => "image/png",
            Format::Png8 => "image/png; mode=8bit",
            Format::Jpeg => "image/jpeg",
        }
    }
}
