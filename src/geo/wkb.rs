//! Reads geometry as PostGIS sends it: EWKB, or the WKB of ISO 13249-3; either byte order; Z and M are dropped.

use super::Position;

/// What can be wrong with a geometry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WkbError {
    /// The bytes end too early, or a count is larger than they can hold.
    #[error("geometry is cut off")]
    Short,
    /// The first byte is neither 0 nor 1.
    #[error("{0} is no byte order of WKB")]
    ByteOrder(u8),
    /// A curve, a surface of another kind, or no geometry at all.
    #[error("geometry type {0} is not read: linearise it in the view (ST_CurveToLine)")]
    Kind(u32),
    /// Points, lines and areas in one geometry.
    #[error("geometry collection mixes dimensions: separate it in the view (ST_CollectionExtract)")]
    Mixed,
    /// A coordinate is NaN or infinite.
    #[error("geometry has a coordinate that is no number")]
    NotFinite,
}

/// A geometry read, flat. Reused from one reading to the next.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Flat {
    /// SRID of EWKB; `None` when the bytes carry none.
    pub srid: Option<u32>,
    /// 0 points, 1 lines, 2 areas; `None` for an empty collection.
    pub dimension: Option<u8>,
    /// Rings of each part (points and lines are parts of one ring).
    pub parts: Vec<u32>,
    /// Positions of each ring.
    pub rings: Vec<u32>,
    /// Positions.
    pub positions: Vec<Position>,
}

impl Flat {
    /// Reads a geometry; what was here before is forgotten.
    ///
    /// # Errors
    /// [`WkbError`]; the content is then undefined.
    pub fn read(&mut self, bytes: &[u8]) -> Result<(), WkbError> {
        self.srid = None;
        self.dimension = None;
        self.parts.clear();
        self.rings.clear();
        self.positions.clear();
        self.geometry(&mut Reader { bytes, little: true }, 0)
    }

    fn geometry(&mut self, r: &mut Reader<'_>, depth: u8) -> Result<(), WkbError> {
        r.little = match r.byte()? {
            0 => false,
            1 => true,
            other => return Err(WkbError::ByteOrder(other)),
        };
        let word = r.word()?;
        if word & 0x2000_0000 != 0 {
            self.srid = Some(r.word()?).filter(|s| *s != 0);
        }
        // EWKB marks Z and M by bits, ISO by thousands.
        let iso = word & 0x0FFF_FFFF;
        let extra = usize::from(word & 0x8000_0000 != 0)
            + usize::from(word & 0x4000_0000 != 0)
            + match iso / 1000 {
                0 => 0,
                1 | 2 => 1,
                3 => 2,
                _ => return Err(WkbError::Kind(iso)),
            };
        match iso % 1000 {
            1 => {
                self.dimension(0)?;
                // An empty point is written with NaN coordinates.
                let p = r.position(extra)?;
                if !p.iter().all(|v| v.is_nan()) {
                    self.push(p)?;
                    self.rings.push(1);
                    self.parts.push(1);
                }
            }
            2 => {
                self.dimension(1)?;
                if self.ring(r, extra)? {
                    self.parts.push(1);
                }
            }
            3 => {
                self.dimension(2)?;
                let mut rings = 0;
                for _ in 0..r.word()? {
                    rings += u32::from(self.ring(r, extra)?);
                }
                if rings > 0 {
                    self.parts.push(rings);
                }
            }
            4..=7 if depth < 8 => {
                for _ in 0..r.word()? {
                    self.geometry(r, depth + 1)?;
                }
            }
            other => return Err(WkbError::Kind(other)),
        }
        Ok(())
    }

    fn dimension(&mut self, dimension: u8) -> Result<(), WkbError> {
        match self.dimension.replace(dimension) {
            Some(before) if before != dimension => Err(WkbError::Mixed),
            _ => Ok(()),
        }
    }

    fn ring(&mut self, r: &mut Reader<'_>, extra: usize) -> Result<bool, WkbError> {
        let n = r.word()?;
        // A count that the bytes cannot hold is refused before anything is reserved for it.
        if r.bytes.len() < n as usize * (16 + 8 * extra) {
            return Err(WkbError::Short);
        }
        self.positions.reserve(n as usize);
        for _ in 0..n {
            let p = r.position(extra)?;
            self.push(p)?;
        }
        if n > 0 {
            self.rings.push(n);
        }
        Ok(n > 0)
    }

    fn push(&mut self, p: Position) -> Result<(), WkbError> {
        if !p.iter().all(|v| v.is_finite()) {
            return Err(WkbError::NotFinite);
        }
        self.positions.push(p);
        Ok(())
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    little: bool,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], WkbError> {
        let (head, tail) = self.bytes.split_first_chunk::<N>().ok_or(WkbError::Short)?;
        self.bytes = tail;
        Ok(*head)
    }

    fn byte(&mut self) -> Result<u8, WkbError> {
        Ok(self.take::<1>()?[0])
    }

    fn word(&mut self) -> Result<u32, WkbError> {
        let b = self.take()?;
        Ok(if self.little { u32::from_le_bytes(b) } else { u32::from_be_bytes(b) })
    }

    fn double(&mut self) -> Result<f64, WkbError> {
        let b = self.take()?;
        Ok(if self.little { f64::from_le_bytes(b) } else { f64::from_be_bytes(b) })
    }

    fn position(&mut self, extra: usize) -> Result<Position, WkbError> {
        let p = [self.double()?, self.double()?];
        for _ in 0..extra {
            self.double()?;
        }
        Ok(p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Flat, WkbError> {
        let mut flat = Flat::default();
        flat.read(&hex::decode(text).unwrap()).map(|()| flat)
    }

    // Texts made by PostGIS 3.3: select ST_AsEWKB(...), ST_AsBinary(...), ST_AsBinary(..., 'XDR').
    const POINT_EWKB: &str = "01010000206A080000000000000000F03F0000000000000040";
    const POINT_XDR: &str = "00000000013FF00000000000004000000000000000";
    const POINT_Z: &str = "01E9030000000000000000F03F00000000000000400000000000000840";
    const EMPTY_POINT: &str = "0101000000000000000000F87F000000000000F87F";

    #[test]
    fn points_of_every_form() {
        let one = read(POINT_EWKB).unwrap();
        assert_eq!((one.srid, one.dimension), (Some(2154), Some(0)));
        assert_eq!((&one.parts[..], &one.rings[..], &one.positions[..]), (&[1][..], &[1][..], &[[1.0, 2.0]][..]));
        assert_eq!(read(POINT_XDR).unwrap().positions, [[1.0, 2.0]]);
        assert_eq!(read(POINT_Z).unwrap().positions, [[1.0, 2.0]]);
        assert!(read(EMPTY_POINT).unwrap().parts.is_empty());
    }

    #[test]
    fn polygons_keep_their_rings() {
        // MULTIPOLYGON(((0 0,4 0,4 4,0 0),(1 .5,2 .5,2 1,1 .5)))
        let ring = |points: &[[f64; 2]]| {
            let mut out = (points.len() as u32).to_le_bytes().to_vec();
            points.iter().flatten().for_each(|v| out.extend(v.to_le_bytes()));
            out
        };
        let mut bytes = vec![1, 6, 0, 0, 0, 1, 0, 0, 0, 1, 3, 0, 0, 0, 2, 0, 0, 0];
        bytes.extend(ring(&[[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 0.0]]));
        bytes.extend(ring(&[[1.0, 0.5], [2.0, 0.5], [2.0, 1.0], [1.0, 0.5]]));
        let mut flat = Flat::default();
        flat.read(&bytes).unwrap();
        assert_eq!((&flat.parts[..], &flat.rings[..], flat.positions.len()), (&[2][..], &[4, 4][..], 8));
        for cut in 0..bytes.len() {
            assert_eq!(Flat::default().read(&bytes[..cut]), Err(WkbError::Short), "{cut}");
        }
    }

    #[test]
    fn hostile_bytes_are_refused() {
        // A line string that claims four thousand million positions.
        assert_eq!(read("0102000000FFFFFFFF"), Err(WkbError::Short));
        assert_eq!(read("0108000000"), Err(WkbError::Kind(8)));
        assert_eq!(read("07"), Err(WkbError::ByteOrder(7)));
        assert_eq!(read(&"010700000001000000".repeat(20)), Err(WkbError::Kind(7)));
    }
}
