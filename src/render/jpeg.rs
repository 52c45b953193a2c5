//! JPEG in bands: each band is encoded by itself, and the bands are joined by restart markers (ITU-T T.81 §B.2.1).
//!
//! A decoder starts afresh at a restart marker, as an encoder does at the beginning of a picture. So the compressed data
//! of the bands, one after the other with a marker between each two, are those of the whole picture, if its header says
//! how many blocks lie between two markers.

use super::picture::fault;
use crate::error::Error;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// Quality that keeps thin outlines clean.
const QUALITY: u8 = 88;

/// Rows and columns of a block of 4:2:0 subsampled colour (a minimum coded unit).
const BLOCK: usize = 16;

/// Pixels of a band: about a millisecond of work.
const BAND: usize = 49_152;

/// A picture under way.
pub struct Jpeg {
    width: usize,
    height: usize,
    bands: usize,
}

impl Jpeg {
    /// A picture of this size.
    pub fn new(width: u32, height: u32) -> Jpeg {
        Jpeg { width: width as usize, height: height as usize, bands: 0 }
    }

    /// Rows of every band but the last.
    pub fn rows(&self) -> usize {
        (BAND / self.width.max(1) / BLOCK).max(1) * BLOCK
    }

    /// Encodes the next band, four bytes a pixel.
    ///
    /// # Errors
    /// [`Error::Limit`] when a side is too long for the format.
    pub fn band(&mut self, pixels: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let side =
            |v: usize| u16::try_from(v).map_err(|_| Error::Limit { what: "pixels", asked: v as u64, limit: 65_535 });
        let rgb: Vec<u8> = pixels.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
        let rows = rgb.len() / 3 / self.width.max(1);
        let mut whole = Vec::with_capacity(rgb.len() / 4);
        let mut encoder = Encoder::new(&mut whole, QUALITY);
        // Named, not left to the encoder: the size of a block depends on it.
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder.encode(&rgb, side(self.width)?, side(rows)?, ColorType::Rgb).map_err(fault)?;
        let (mut header, data) = split(&mut whole).ok_or_else(|| fault("a JPEG without a scan"))?;
        if self.bands == 0 {
            let blocks = self.width.div_ceil(BLOCK) * (self.rows() / BLOCK);
            header.set_height(side(self.height)?);
            header.write(side(blocks)?, out);
        } else {
            out.extend([0xff, 0xd0 + ((self.bands - 1) % 8) as u8]);
        }
        out.extend_from_slice(data);
        self.bands += 1;
        Ok(())
    }

    /// Ends the picture.
    pub fn end(out: &mut Vec<u8>) {
        out.extend([0xff, 0xd9]);
    }
}

/// What stands before the compressed data.
struct Header<'a> {
    /// Up to the scan header.
    tables: &'a mut [u8],
    scan: &'a [u8],
    /// Place of the height in `tables`.
    height: usize,
}

impl Header<'_> {
    fn set_height(&mut self, height: u16) {
        self.tables[self.height..self.height + 2].copy_from_slice(&height.to_be_bytes());
    }

    /// Writes the header, the restart interval in it.
    fn write(&self, blocks: u16, out: &mut Vec<u8>) {
        out.extend_from_slice(self.tables);
        out.extend([0xff, 0xdd, 0, 4]);
        out.extend(blocks.to_be_bytes());
        out.extend_from_slice(self.scan);
    }
}

/// Splits a picture into its header and its compressed data, end marker left off.
fn split(picture: &mut [u8]) -> Option<(Header<'_>, &[u8])> {
    let mut at = 2;
    let mut height = None;
    loop {
        let [0xff, marker, high, low] = *picture.get(at..at + 4)? else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        match marker {
            // Baseline frame: precision, height, width.
            0xc0 => height = Some(at + 5),
            0xda => {
                let end = picture.len().checked_sub(2)?;
                let (tables, rest) = picture[..end].split_at_mut(at);
                let (scan, data) = rest.split_at_checked(2 + length)?;
                return Some((Header { tables, scan, height: height? }, data));
            }
            _ => {}
        }
        at += 2 + length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Format;
    use crate::render::picture::Encoding;
    use crate::render::picture::tests::{pixels, run};

    /// Reads all samples of a picture with another program's decoder.
    fn decode(bytes: &[u8]) -> ((usize, usize), Vec<u8>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("picture.jpg");
        std::fs::write(&path, bytes).unwrap();
        let data = gdal::Dataset::open(&path).unwrap();
        let size = data.raster_size();
        let samples = (1..=3).flat_map(|band| {
            let band = data.rasterband(band).unwrap();
            band.read_as::<u8>((0, 0), size, size, None).unwrap().data().to_vec()
        });
        (size, samples.collect())
    }

    #[test]
    fn bands_make_the_picture_that_one_piece_makes() {
        let picture = pixels(255);
        let rgb: Vec<u8> = picture.data.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
        let mut whole = Vec::new();
        let mut encoder = Encoder::new(&mut whole, QUALITY);
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder.encode(&rgb, 700, 600, ColorType::Rgb).unwrap();
        let banded = run(Encoding::new(picture, Format::Jpeg));
        assert!(banded.windows(2).filter(|w| w[0] == 0xff && (0xd0..=0xd7).contains(&w[1])).count() > 5);
        assert_eq!(decode(&banded), decode(&whole));
    }
}
