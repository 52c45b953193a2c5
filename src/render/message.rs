//! A picture that takes the place of a map: empty, or with a text in it.

use super::Format;
use super::canvas::Canvas;
use super::picture::Encoding;
use super::text::Line;
use crate::encode::{Producer, Progress};
use crate::error::Error;
use crate::style::Color;

/// Height of the letters in pixels.
const SIZE: f32 = 12.0;

/// Draws a text, broken into lines, on the given background (`None`: transparent).
///
/// # Errors
/// [`Error::Limit`] when there is no memory for it.
pub fn message(
    text: &str,
    (width, height): (u32, u32),
    background: Option<u32>,
    format: Format,
) -> Result<Vec<u8>, Error> {
    let background = background.or((format == Format::Jpeg).then_some(0xff_ffff)).map(Color::from_rgb);
    let mut canvas = Canvas::new(width, height, background).ok_or(Error::Limit {
        what: "pixels",
        asked: u64::from(width) * u64::from(height),
        limit: 0,
    })?;
    let (margin, white) = (6.0, Color::from_rgb(0xff_ffff));
    let mut y = margin + f64::from(SIZE);
    for line in lines(text, width as f32 - 2.0 * margin as f32) {
        // The rim keeps it legible whatever lies under a transparent picture.
        line.draw(&mut canvas, margin, y, (Color::from_rgb(0x99_1b1b), 1.0), Some((2.0, white, 0.9)));
        y += f64::from(SIZE) * 1.4;
        if y > f64::from(height) {
            break;
        }
    }
    let mut encoding = Encoding::new(canvas.finish(), format);
    let mut out = Vec::new();
    while encoding.step(&mut out)? == Progress::More {}
    Ok(out)
}

fn lines(text: &str, width: f32) -> Vec<Line> {
    let mut out = Vec::new();
    let mut current = String::new();
    for word in text.split_whitespace() {
        let longer = if current.is_empty() { word.to_owned() } else { format!("{current} {word}") };
        if Line::new(&longer, SIZE, false).width > width && !current.is_empty() {
            out.push(Line::new(&current, SIZE, false));
            current = word.to_owned();
        } else {
            current = longer;
        }
    }
    if !current.is_empty() {
        out.push(Line::new(&current, SIZE, false));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::picture::tests::decode;

    #[test]
    fn the_text_is_broken_and_drawn() {
        let text = "Couche « chat » : inconnue, ou hors de votre convention.";
        let picture = message(text, (120, 90), Some(0xff_ffff), Format::Png).unwrap();
        let (info, data, _) = decode(&picture);
        assert_eq!((info.width, info.height), (120, 90));
        let inked: Vec<usize> = (0..90).filter(|y| (0..120).any(|x| data[(y * 120 + x) * 4 + 1] < 128)).collect();
        assert!(inked.first() < Some(&20) && inked.last() > Some(&40), "several lines: {inked:?}");
        let (_, data, _) = decode(&message("", (10, 10), None, Format::Png).unwrap());
        assert!(data.iter().all(|v| *v == 0));
    }
}
