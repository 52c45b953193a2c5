//! Pixels ▶ PNG or JPEG, a band of rows at a time.

use super::Format;
use super::canvas::Pixels;
use super::jpeg::Jpeg;
use super::palette::{self, Census, Exact, Palette};
use crate::encode::{Producer, Progress};
use crate::error::Error;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// Pixels of a band: about a millisecond of work.
const BAND: usize = 65_536;

/// Encodes a finished picture in quanta.
pub struct Encoding {
    pixels: Pixels,
    format: Format,
    /// First row of the next band.
    row: usize,
    stage: Stage,
}

enum Stage {
    /// Are there at most 256 colours?
    Look(Exact),
    /// Which colours are the most frequent?
    Count(Census),
    Write(Box<Png>),
    Jpeg(Jpeg),
    Done,
}

struct Png {
    writer: png::StreamWriter<'static, Sink>,
    sink: Sink,
    palette: Option<Box<dyn Palette>>,
    band: Vec<u8>,
}

/// What the PNG encoder writes into; emptied after each band.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn drain(&self, out: &mut Vec<u8>) {
        out.append(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(super) fn fault<E: std::fmt::Display>(e: E) -> Error {
    tracing::error!("cannot encode a picture: {e}");
    Error::Internal
}

impl Encoding {
    /// Prepares the encoding of a picture.
    pub fn new(pixels: Pixels, format: Format) -> Encoding {
        let stage = match format {
            Format::Jpeg => Stage::Jpeg(Jpeg::new(pixels.width, pixels.height)),
            Format::Png | Format::Png8 => Stage::Look(Exact::new()),
        };
        Encoding { pixels, format, row: 0, stage }
    }

    /// The next band of rows, moving on; `None` after the last.
    fn band(&mut self, rows: usize) -> Option<std::ops::Range<usize>> {
        let height = self.pixels.height as usize;
        if self.row >= height {
            self.row = 0;
            return None;
        }
        let end = (self.row + rows.max(1)).min(height);
        let row = self.pixels.width as usize * 4;
        let range = self.row * row..end * row;
        self.row = end;
        Some(range)
    }

    fn rows(&self) -> usize {
        BAND / (self.pixels.width as usize).max(1)
    }
}

impl Producer for Encoding {
    fn step(&mut self, out: &mut Vec<u8>) -> Result<Progress, Error> {
        let rows = match &self.stage {
            Stage::Jpeg(jpeg) => jpeg.rows(),
            _ => self.rows(),
        };
        let band = self.band(rows);
        self.stage = match (std::mem::replace(&mut self.stage, Stage::Done), band) {
            (Stage::Look(mut exact), Some(band)) => {
                if exact.look(&self.pixels.data[band]) {
                    Stage::Look(exact)
                } else {
                    self.row = 0;
                    match self.format {
                        Format::Png8 => Stage::Count(Census::new()),
                        _ => Stage::Write(Box::new(Png::new(&self.pixels, None)?)),
                    }
                }
            }
            (Stage::Look(exact), None) => Stage::Write(Box::new(Png::new(&self.pixels, Some(Box::new(exact)))?)),
            (Stage::Count(mut census), Some(band)) => {
                census.count(&self.pixels.data[band]);
                Stage::Count(census)
            }
            (Stage::Count(census), None) => {
                Stage::Write(Box::new(Png::new(&self.pixels, Some(Box::new(census.finish())))?))
            }
            (Stage::Write(mut png), Some(band)) => {
                png.write(&self.pixels.data[band], self.pixels.opaque)?;
                png.sink.drain(out);
                Stage::Write(png)
            }
            (Stage::Write(png), None) => {
                png.writer.finish().map_err(fault)?;
                png.sink.drain(out);
                Stage::Done
            }
            (Stage::Jpeg(mut jpeg), Some(band)) => {
                jpeg.band(&self.pixels.data[band], out)?;
                Stage::Jpeg(jpeg)
            }
            (Stage::Jpeg(_), None) => {
                Jpeg::end(out);
                Stage::Done
            }
            (Stage::Done, _) => Stage::Done,
        };
        Ok(if matches!(self.stage, Stage::Done) { Progress::Done } else { Progress::More })
    }
}

impl Png {
    fn new(pixels: &Pixels, palette: Option<Box<dyn Palette>>) -> Result<Png, Error> {
        let sink = Sink::default();
        let mut encoder = png::Encoder::new(sink.clone(), pixels.width, pixels.height);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        match &palette {
            Some(palette) => {
                let colors = palette.colors();
                encoder.set_color(png::ColorType::Indexed);
                // Neighbouring numbers of a palette mean nothing: prediction would only hide the runs.
                encoder.set_filter(png::Filter::NoFilter);
                encoder.set_palette(colors.iter().flat_map(|c| [c[0], c[1], c[2]]).collect::<Vec<_>>());
                if let Some(last) = colors.iter().rposition(|c| c[3] < 255) {
                    encoder.set_trns(colors[..=last].iter().map(|c| c[3]).collect::<Vec<_>>());
                }
            }
            None if pixels.opaque => encoder.set_color(png::ColorType::Rgb),
            None => encoder.set_color(png::ColorType::Rgba),
        }
        let writer = encoder.write_header().map_err(fault)?.into_stream_writer_with_size(64 * 1024).map_err(fault)?;
        Ok(Png { writer, sink, palette, band: Vec::new() })
    }

    fn write(&mut self, pixels: &[u8], opaque: bool) -> Result<(), Error> {
        self.band.clear();
        match &self.palette {
            Some(palette) => palette.places(pixels, &mut self.band),
            None if opaque => self.band.extend(pixels.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]])),
            None => self.band.extend(pixels.chunks_exact(4).flat_map(|p| palette::plain([p[0], p[1], p[2], p[3]]))),
        }
        self.writer.write_all(&self.band).map_err(fault)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Runs a producer to its end.
    pub fn run(mut producer: impl Producer) -> Vec<u8> {
        let mut out = Vec::new();
        while producer.step(&mut out).unwrap() == Progress::More {}
        out
    }

    /// Reads a PNG as RGBA; true when it has a palette.
    pub fn decode(bytes: &[u8]) -> (png::OutputInfo, Vec<u8>, bool) {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::ALPHA);
        let mut reader = decoder.read_info().unwrap();
        let indexed = reader.info().palette.is_some();
        let mut data = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut data).unwrap();
        (info, data, indexed)
    }

    /// A picture of many colours with one alpha.
    pub fn pixels(alpha: u8) -> Pixels {
        let (width, height) = (700, 600);
        let dim = |v: u32| (v * u32::from(alpha) / 255) as u8;
        let data = (0..width * height).flat_map(|i| [i % 251, i / 977 % 256, 7, 255].map(dim)).collect();
        Pixels { width, height, data, opaque: alpha == 255 }
    }

    #[test]
    fn png_reads_back() {
        let p = pixels(255);
        let expected = p.data.clone();
        let (info, data, indexed) = decode(&run(Encoding::new(p, Format::Png)));
        assert_eq!((info.width, info.height, indexed), (700, 600, false));
        assert_eq!(data, expected);
    }

    #[test]
    fn png8_has_a_palette_and_transparency() {
        let (_, data, indexed) = decode(&run(Encoding::new(pixels(128), Format::Png8)));
        assert!(indexed);
        assert!(data.chunks_exact(4).all(|p| p[3].abs_diff(128) <= 1));
        let (_, data, indexed) = decode(&run(Encoding::new(pixels(0), Format::Png)));
        assert!(indexed && data.iter().all(|v| *v == 0));
    }

    #[test]
    fn a_quantum_stays_small() {
        let mut encoding = Encoding::new(pixels(255), Format::Png);
        let mut out = Vec::new();
        let mut before = 0;
        while encoding.step(&mut out).unwrap() == Progress::More {
            assert!(out.len() - before <= 512 * 1024);
            before = out.len();
        }
    }
}
