//! Terms in pictures: a text chunk in PNG, a comment in JPEG. Pixels are shared bytes; what names convention and download is
//! put round them for each request.

use crate::encode::{Producer, Progress};
use crate::error::Result;

/// Signature and header chunk of a PNG (W3C PNG §5.2, §11.2.1); other chunks may follow at once.
const PNG_HEAD: usize = 8 + 25;
const PNG: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];
/// Start of image of a JPEG; any segment may follow (ITU-T T.81 §B.2.1).
const JPEG: [u8; 2] = [0xff, 0xd8];

/// Puts a text into a picture, whole or in quanta.
pub(super) struct Marked {
    rest: Box<dyn Producer>,
    text: Option<String>,
    /// The begin of the picture, until it is long enough to be told.
    held: Vec<u8>,
}

impl Marked {
    pub fn new(rest: Box<dyn Producer>, text: String) -> Marked {
        Marked { rest, text: Some(text), held: Vec::new() }
    }
}

impl Producer for Marked {
    fn step(&mut self, out: &mut Vec<u8>) -> Result<Progress> {
        if self.text.is_none() {
            return self.rest.step(out);
        }
        let progress = self.rest.step(&mut self.held)?;
        if (self.held.len() >= PNG_HEAD || progress == Progress::Done)
            && let Some(text) = self.text.take()
        {
            out.extend(put(std::mem::take(&mut self.held), &text));
        }
        Ok(progress)
    }
}

/// The picture with the text in it; other bytes as they are.
pub(super) fn put(picture: Vec<u8>, text: &str) -> Vec<u8> {
    let (at, insert) = if picture.starts_with(&PNG) && picture.len() >= PNG_HEAD {
        (PNG_HEAD, png_text(text))
    } else if picture.starts_with(&JPEG) {
        (JPEG.len(), jpeg_comment(text))
    } else {
        return picture;
    };
    let mut out = Vec::with_capacity(picture.len() + insert.len());
    out.extend_from_slice(&picture[..at]);
    out.extend_from_slice(&insert);
    out.extend_from_slice(&picture[at..]);
    out
}

/// An `iTXt` chunk (UTF-8, not compressed) under the keyword `Copyright` (W3C PNG §11.3.3.4).
fn png_text(text: &str) -> Vec<u8> {
    let mut chunk = b"iTXtCopyright\0\0\0fr\0\0".to_vec();
    chunk.extend_from_slice(text.as_bytes());
    let length = u32::try_from(chunk.len() - 4).unwrap_or(0);
    let mut out = length.to_be_bytes().to_vec();
    let check = crc32fast::hash(&chunk);
    out.append(&mut chunk);
    out.extend_from_slice(&check.to_be_bytes());
    out
}

/// A COM segment (ITU-T T.81 §B.2.4.5): its length counts itself and is at most 65,535.
fn jpeg_comment(text: &str) -> Vec<u8> {
    let mut end = text.len().min(60_000);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut out = vec![0xff, 0xfe];
    out.extend_from_slice(&u16::try_from(end + 2).unwrap_or(2).to_be_bytes());
    out.extend_from_slice(&text.as_bytes()[..end]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png() -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, 2, 1);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().unwrap().write_image_data(&[1, 2, 3, 4, 5, 6]).unwrap();
        out
    }

    /// Gives a byte at a time.
    struct Drop(std::collections::VecDeque<u8>);

    impl Producer for Drop {
        fn step(&mut self, out: &mut Vec<u8>) -> Result<Progress> {
            out.extend(self.0.pop_front());
            Ok(if self.0.is_empty() { Progress::Done } else { Progress::More })
        }
    }

    #[test]
    fn a_png_reads_as_before_and_carries_the_text() {
        let text = "Convention lomme. Téléchargement 00112233445566aa-7.";
        let whole = put(png(), text);
        let mut slow = Marked::new(Box::new(Drop(png().into())), text.to_owned());
        let mut out = Vec::new();
        while slow.step(&mut out).unwrap() == Progress::More {}
        assert_eq!(out, whole);
        let mut reader = png::Decoder::new(std::io::Cursor::new(&whole)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels, [1, 2, 3, 4, 5, 6]);
        assert_eq!(reader.info().utf8_text[0].get_text().unwrap(), text);
    }

    #[test]
    fn a_jpeg_gets_a_comment_and_other_bytes_stay() {
        let out = put(vec![0xff, 0xd8, 0xff, 0xdb, 1, 2], "é");
        assert_eq!(out, [0xff, 0xd8, 0xff, 0xfe, 0, 4, 0xc3, 0xa9, 0xff, 0xdb, 1, 2]);
        assert_eq!(put(b"GIF89a".to_vec(), "x"), b"GIF89a");
        let long = put(vec![0xff, 0xd8], &"é".repeat(50_000));
        assert_eq!(long.len(), 2 + 4 + 60_000);
    }
}
