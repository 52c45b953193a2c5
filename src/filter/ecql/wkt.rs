//! Geometry in ECQL: well-known text, with `SRID=n;` before it if wanted, and `ENVELOPE(west, east, south, north)`.

use super::lex::Token;
use super::{Parser, wrong};
use crate::error::{Error, Reason};
use crate::geo::{Crs, Envelope, Geometry, Position};

/// Words that begin a geometry.
pub(super) const KINDS: [&str; 8] = [
    "POINT",
    "LINESTRING",
    "POLYGON",
    "MULTIPOINT",
    "MULTILINESTRING",
    "MULTIPOLYGON",
    "GEOMETRYCOLLECTION",
    "ENVELOPE",
];

impl Parser<'_> {
    /// A geometry and its CRS; that of the data without `SRID`.
    pub(super) fn geometry(&mut self) -> Result<(Geometry, Crs), Error> {
        let mut crs = self.default_crs();
        if self.take_word("SRID") {
            self.symbol("=")?;
            let Some(Token::Number(n)) = self.next() else { return Err(self.expected(Reason::EpsgCode)) };
            let found = n.parse().ok().and_then(Crs::from_epsg);
            crs = found.ok_or_else(|| Error::Crs { name: format!("EPSG:{}", crate::error::printable(&n)) })?;
            self.symbol(";")?;
        }
        Ok((self.shape(0)?, crs))
    }

    fn shape(&mut self, depth: usize) -> Result<Geometry, Error> {
        self.deeper(depth)?;
        let kind =
            KINDS.into_iter().find(|k| self.take_word(k)).ok_or_else(|| self.expected(Reason::GeometryNeeded))?;
        Ok(match kind {
            "POINT" => Geometry::Point(self.bracket(Self::position)?),
            "LINESTRING" => Geometry::LineString(self.line()?),
            "POLYGON" => Geometry::Polygon(self.list(Self::ring)?),
            // Both MULTIPOINT(1 2, 3 4) and MULTIPOINT((1 2), (3 4)) are written.
            "MULTIPOINT" => Geometry::MultiPoint(self.list(|p| match p.is_symbol("(") {
                true => p.bracket(Self::position),
                false => p.position(),
            })?),
            "MULTILINESTRING" => Geometry::MultiLineString(self.list(Self::line)?),
            "MULTIPOLYGON" => Geometry::MultiPolygon(self.list(|p| p.list(Self::ring))?),
            "GEOMETRYCOLLECTION" => Geometry::Collection(self.list(|p| p.shape(depth + 1))?),
            _ => {
                let numbers = self.list(Self::number)?;
                let [west, east, south, north] = numbers.as_slice() else {
                    return Err(wrong("ENVELOPE", Reason::FourSides));
                };
                let envelope = Envelope::new(*west, *south, *east, *north);
                Geometry::Envelope(envelope.ok_or_else(|| wrong("ENVELOPE", Reason::FourSides))?)
            }
        })
    }

    fn position(&mut self) -> Result<Position, Error> {
        let (x, y) = (self.number()?, self.number()?);
        // A height is read over.
        while matches!(self.peek(), Some(Token::Number(_))) || self.is_symbol("-") {
            self.number()?;
        }
        self.reader.count_positions(1)?;
        Ok([x, y])
    }

    fn line(&mut self) -> Result<Vec<Position>, Error> {
        let line = self.list(Self::position)?;
        match line.len() {
            0 | 1 => Err(wrong("LINESTRING", Reason::TwoPositions)),
            _ => Ok(line),
        }
    }

    fn ring(&mut self) -> Result<Vec<Position>, Error> {
        let ring = self.list(Self::position)?;
        match ring.len() >= 4 && ring.first() == ring.last() {
            true => Ok(ring),
            false => Err(wrong("POLYGON", Reason::Ring)),
        }
    }
}
