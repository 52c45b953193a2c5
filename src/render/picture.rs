//! Pixels ▶ PNG or JPEG, a band of rows at a time.

use super::Format;
use super::canvas::Pixels;
use super::palette::{self, Indexed};
use crate::encode::{Producer, Progress};
use crate::error::Error;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// Pixels encoded in one quantum: about a millisecond of work.
const BAND: usize = 200_000;

/// Encodes a finished picture in quanta.
pub struct Encoding {
    state: State,
}

enum State {
    /// Nothing done yet.
    Pixels(Pixels, Format),
    /// PNG under way.
    Png(Box<PngBands>),
    Done,
}

struct PngBands {
    writer: png::StreamWriter<'static, Sink>,
    sink: Sink,
    rows: Vec<u8>,
    at: usize,
    row: usize,
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

fn fault<E: std::fmt::Display>(e: E) -> Error {
    tracing::error!("cannot encode a picture: {e}");
    Error::Internal
}

impl Encoding {
    /// Prepares the encoding of a picture.
    pub fn new(pixels: Pixels, format: Format) -> Encoding {
        Encoding { state: State::Pixels(pixels, format) }
    }
}

impl Producer for Encoding {
    fn step(&mut self, out: &mut Vec<u8>) -> Result<Progress, Error> {
        self.state = match std::mem::replace(&mut self.state, State::Done) {
            State::Pixels(pixels, Format::Jpeg) => {
                jpeg(&pixels, out)?;
                State::Done
            }
            State::Pixels(pixels, format) => State::Png(Box::new(png(pixels, format)?)),
            State::Png(mut bands) => {
                if bands.step(out)? {
                    bands.writer.finish().map_err(fault)?;
                    bands.sink.drain(out);
                    State::Done
                } else {
                    State::Png(bands)
                }
            }
            State::Done => State::Done,
        };
        Ok(if matches!(self.state, State::Done) { Progress::Done } else { Progress::More })
    }
}

fn png(pixels: Pixels, format: Format) -> Result<PngBands, Error> {
    let indexed = match (palette::exact(&pixels), format) {
        (Some(exact), _) => Some(exact),
        (None, Format::Png8) => Some(palette::popular(&pixels)),
        (None, _) => None,
    };
    let sink = Sink::default();
    let mut encoder = png::Encoder::new(sink.clone(), pixels.width, pixels.height);
    encoder.set_compression(png::Compression::Fast);
    let (rows, row) = match indexed {
        Some(Indexed { colors, places }) => {
            encoder.set_color(png::ColorType::Indexed);
            // Neighbouring numbers of a palette mean nothing: prediction would only hide the runs.
            encoder.set_filter(png::Filter::NoFilter);
            encoder.set_palette(colors.iter().flat_map(|c| [c[0], c[1], c[2]]).collect::<Vec<_>>());
            if let Some(last) = colors.iter().rposition(|c| c[3] < 255) {
                encoder.set_trns(colors[..=last].iter().map(|c| c[3]).collect::<Vec<_>>());
            }
            (places, pixels.width as usize)
        }
        None => {
            let mut data = pixels.data;
            let mut opaque = true;
            for p in data.chunks_exact_mut(4) {
                if p[3] < 255 {
                    opaque = false;
                    p.copy_from_slice(&palette::plain([p[0], p[1], p[2], p[3]]));
                }
            }
            if opaque {
                encoder.set_color(png::ColorType::Rgb);
                (data.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect(), pixels.width as usize * 3)
            } else {
                encoder.set_color(png::ColorType::Rgba);
                (data, pixels.width as usize * 4)
            }
        }
    };
    encoder.set_depth(png::BitDepth::Eight);
    let writer = encoder.write_header().map_err(fault)?.into_stream_writer_with_size(64 * 1024).map_err(fault)?;
    Ok(PngBands { writer, sink, rows, at: 0, row })
}

impl PngBands {
    /// One band; true when it was the last.
    fn step(&mut self, out: &mut Vec<u8>) -> Result<bool, Error> {
        let band = (BAND / self.row.max(1)).max(1) * self.row;
        let end = (self.at + band).min(self.rows.len());
        self.writer.write_all(&self.rows[self.at..end]).map_err(fault)?;
        self.at = end;
        self.sink.drain(out);
        Ok(end == self.rows.len())
    }
}

/// Quality that keeps thin outlines clean.
const QUALITY: u8 = 88;

fn jpeg(pixels: &Pixels, out: &mut Vec<u8>) -> Result<(), Error> {
    let side =
        |v: u32| u16::try_from(v).map_err(|_| Error::Limit { what: "pixels", asked: u64::from(v), limit: 65_535 });
    let rgb: Vec<u8> = pixels.data.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
    let encoder = jpeg_encoder::Encoder::new(out, QUALITY);
    encoder.encode(&rgb, side(pixels.width)?, side(pixels.height)?, jpeg_encoder::ColorType::Rgb).map_err(fault)
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

    fn pixels(alpha: u8) -> Pixels {
        let (width, height) = (700, 600);
        let data = (0..width * height)
            .flat_map(|i| {
                [(i % 251) as u8, (i / 977 % 256) as u8, 7, 255].map(|v| (u32::from(v) * u32::from(alpha) / 255) as u8)
            })
            .collect();
        Pixels { width, height, data }
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
    fn jpeg_is_jpeg() {
        let bytes = run(Encoding::new(pixels(255), Format::Jpeg));
        assert!(bytes.starts_with(&[0xff, 0xd8, 0xff]) && bytes.ends_with(&[0xff, 0xd9]));
    }
}
