//! Shapefiles in a ZIP archive (`SHAPE-ZIP`): `.shp`, `.shx`, `.dbf`, `.prj`, `.cpg` of each part, and a table that says what the
//! short names of the fields stand for.
//!
//! Written as it goes. The formats want sizes before contents, so rows are looked at once before they are written; nothing
//! is held. (The `shapefile` and `dbase` crates go back to the header when the rows are written, which a stream cannot.)

mod dbf;
mod shape;
#[cfg(test)]
mod tests;

use super::archive::Archive;
use super::positions::Positions;
use super::{Producer, Progress, QUANTUM};
use crate::catalogue::{Catalogue, Layer};
use crate::error::Error;
use crate::geo::{Axes, Envelope};
use crate::store::Rows;
use dbf::Column;

/// Bytes that each file may have: programs read offsets as signed numbers.
const LIMIT: u64 = i32::MAX as u64;
/// Rows looked at in one quantum.
const LOOK: usize = 4096;

/// The text that travels with the data.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Name of the file, e.g. `LISEZMOI.txt`.
    pub name: String,
    /// Its text.
    pub text: String,
    /// What is to be found without unpacking: whose the file is, by which download.
    pub mark: String,
}

/// One part: the files of one name.
struct Part {
    rows: Rows,
    stem: String,
    columns: Vec<Column>,
    /// `None`: the geometry was not asked for; there is a table alone.
    positions: Option<Positions>,
    /// Table of the fields: short name, name, titles, unit.
    guide: String,
    /// Bytes of `.shp`, once it was measured.
    length: u64,
    extent: Envelope,
}

/// What is written next.
enum Stage {
    Notice,
    Measure(usize),
    Shapes(usize),
    /// Row, and where its shape begins.
    Index(usize, u64),
    Table(usize),
    Small,
}

/// Makes the archive.
pub struct Shapefiles {
    archive: Archive,
    notice: Notice,
    parts: Vec<Part>,
    at: usize,
    stage: Stage,
    now: i64,
    buffer: Vec<u8>,
}

impl Shapefiles {
    /// An archive of these parts. `now`, milliseconds since 1970, is the time of its files.
    ///
    /// # Errors
    /// [`Error::Limit`] when a file would be too long for the format, [`Error::Crs`] when the CRS cannot be computed,
    /// [`Error::Internal`] when a layer is not in the catalogue.
    pub fn new(catalogue: &Catalogue, parts: Vec<Rows>, notice: Notice, now: i64) -> Result<Shapefiles, Error> {
        let mut made: Vec<Part> = Vec::new();
        for rows in parts {
            let layer = catalogue.layer_by_id(rows.layer).ok_or(Error::Internal)?;
            let mut stem = layer.name.clone();
            let mut number = 1;
            while made.iter().any(|p| p.stem == stem) {
                number += 1;
                stem = format!("{}_{number}", layer.name);
            }
            made.push(Part::new(layer, rows, stem)?);
        }
        let archive = Archive::new(now);
        Ok(Shapefiles { archive, notice, parts: made, at: 0, stage: Stage::Notice, now, buffer: Vec::new() })
    }
}

impl Part {
    fn new(layer: &Layer, rows: Rows, stem: String) -> Result<Part, Error> {
        let asked = |id: crate::catalogue::FieldId| match rows.fields.is_empty() {
            false => rows.fields.contains(&id),
            // A table needs a column.
            true => id == layer.key,
        };
        let named = layer.fields.iter().zip(dbf::names(layer)).filter(|(f, _)| asked(f.id));
        let columns: Vec<Column> = named.map(|(f, name)| Column::new(name, f)).collect();
        let mut guide = String::from("champ;nom;titre;title;unite\r\n");
        for column in &columns {
            let Some(field) = layer.field(&column.field) else { continue };
            let cell = |t: &str| format!("\"{}\"", t.replace('"', "\"\""));
            let (fr, en) = (cell(&field.title.fr), cell(&field.title.en));
            let unit = cell(field.unit.as_deref().unwrap_or_default());
            guide.push_str(&format!("{};{};{fr};{en};{unit}\r\n", column.name, column.field));
        }
        let positions = rows.geometry.then(|| Positions::new(rows.crs, Axes::EastNorth)).transpose()?;
        let mut part = Part { rows, stem, columns, positions, guide, length: shape::HEADER, extent: Envelope::EMPTY };
        part.check()?;
        Ok(part)
    }

    /// Whether the files can be as long as they would get.
    fn check(&mut self) -> Result<(), Error> {
        let data = self.rows.data();
        let rows = self.rows.rows.len() as u64;
        let shapes: u64 = match self.positions {
            None => 0,
            Some(_) => {
                let each = self.rows.rows.iter().map(|r| 8 + shape::content(&data.table.geometry, data.feature(*r)));
                each.sum::<u64>() + shape::HEADER
            }
        };
        let widest: usize = self.columns.iter().map(Column::widest).sum();
        let mut table = rows * widest as u64;
        if table > LIMIT {
            // Only now is it worth knowing exactly.
            let mut columns = self.columns.clone();
            for row in &self.rows.rows {
                columns.iter_mut().for_each(|c| c.measure(&data.table, *row));
            }
            table = rows * dbf::record_length(&columns) as u64;
        }
        match shapes.max(table) {
            long if long > LIMIT => Err(Error::Limit { what: "bytes of a shapefile", asked: long, limit: LIMIT }),
            _ => Ok(()),
        }
    }

    /// Looks at a row: widths, length, extent.
    fn measure(&mut self, row: u32) {
        let data = self.rows.data();
        self.columns.iter_mut().for_each(|c| c.measure(&data.table, row));
        if let Some(positions) = &self.positions {
            let (geometry, feature) = (&data.table.geometry, data.feature(row));
            self.length += 8 + shape::content(geometry, feature);
            geometry.feature_positions(feature).for_each(|p| self.extent.add(positions.rounded(geometry, p)));
        }
    }

    fn prj(&self) -> &'static str {
        self.rows.crs.esri_wkt()
    }
}

impl Shapefiles {
    /// Works on the part until the buffer is full or there is something else to do.
    fn work(&mut self) -> Result<Progress, Error> {
        let Some(part) = self.parts.get_mut(self.at) else {
            self.archive.finish()?;
            return Ok(Progress::Done);
        };
        let total = part.rows.rows.len();
        let buffer = &mut self.buffer;
        buffer.clear();
        self.stage = match self.stage {
            Stage::Notice => {
                self.archive.note(&self.notice.mark)?;
                self.archive.whole(&self.notice.name, &self.notice.text)?;
                Stage::Measure(0)
            }
            Stage::Measure(from) => {
                let to = total.min(from + LOOK);
                for n in from..to {
                    part.measure(part.rows.rows[n]);
                }
                match (to == total, &part.positions) {
                    (false, _) => Stage::Measure(to),
                    (true, None) => Stage::Table(0),
                    (true, Some(_)) => Stage::Shapes(0),
                }
            }
            Stage::Shapes(mut n) => {
                let (data, Some(positions)) = (part.rows.data(), &part.positions) else { return Err(Error::Internal) };
                let geometry = &data.table.geometry;
                if n == 0 {
                    self.archive.file(&format!("{}.shp", part.stem))?;
                    shape::header(geometry.kind, part.length, &part.extent, buffer);
                }
                while n < total && buffer.len() < QUANTUM {
                    shape::record(n as u32 + 1, geometry, data.feature(part.rows.rows[n]), positions, buffer);
                    n += 1;
                }
                self.archive.write(buffer)?;
                if n == total { Stage::Index(0, shape::HEADER) } else { Stage::Shapes(n) }
            }
            Stage::Index(mut n, mut offset) => {
                let data = part.rows.data();
                let geometry = &data.table.geometry;
                if n == 0 {
                    self.archive.file(&format!("{}.shx", part.stem))?;
                    shape::header(geometry.kind, shape::HEADER + 8 * total as u64, &part.extent, buffer);
                }
                while n < total && buffer.len() < QUANTUM {
                    let content = shape::content(geometry, data.feature(part.rows.rows[n]));
                    shape::index(offset, content, buffer);
                    offset += 8 + content;
                    n += 1;
                }
                self.archive.write(buffer)?;
                if n == total { Stage::Table(0) } else { Stage::Index(n, offset) }
            }
            Stage::Table(mut n) => {
                let table = &part.rows.data().table;
                if n == 0 {
                    self.archive.file(&format!("{}.dbf", part.stem))?;
                    dbf::header(&part.columns, total, self.now, buffer);
                }
                while n < total && buffer.len() < QUANTUM {
                    dbf::record(&part.columns, table, part.rows.rows[n], buffer);
                    n += 1;
                }
                if n == total {
                    buffer.push(0x1A);
                }
                self.archive.write(buffer)?;
                if n == total { Stage::Small } else { Stage::Table(n) }
            }
            Stage::Small => {
                let mut small = vec![("cpg", "UTF-8".to_owned())];
                if part.positions.is_some() {
                    small.push(("prj", part.prj().to_owned()));
                }
                let cut: Vec<&str> = part.columns.iter().filter(|c| c.cut).map(|c| c.field.as_str()).collect();
                let mut guide = part.guide.clone();
                if !cut.is_empty() {
                    guide.push_str(&format!("# 254 octets au plus / bytes at most;{};;;\r\n", cut.join(" ")));
                }
                small.push(("champs.csv", format!("\u{feff}{guide}")));
                for (extension, text) in small {
                    self.archive.whole(&format!("{}.{extension}", part.stem), &text)?;
                }
                self.at += 1;
                Stage::Measure(0)
            }
        };
        Ok(Progress::More)
    }
}

impl Producer for Shapefiles {
    fn step(&mut self, out: &mut Vec<u8>) -> Result<Progress, Error> {
        let progress = self.work()?;
        self.archive.drain(out);
        Ok(progress)
    }
}
