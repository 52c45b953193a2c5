//! Spreadsheets of Office Open XML (ISO/IEC 29500-1; `excel2007`): a sheet a part, then one with the terms and the fields.
//!
//! Written as it goes, out of the bytes that the snapshot holds ready. Points have columns `x` and `y`; other geometry does not
//! fit a cell.

use super::archive::Archive;
use super::number::fixed;
use super::positions::Positions;
use super::{Producer, Progress, QUANTUM};
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::filter::fes::xml::escape;
use crate::filter::instant::write_instant;
use crate::geo::{Axes, GeometryKind};
use crate::query::Value;
use crate::store::Rows;

/// Rows of a sheet, the head aside.
const ROWS: u64 = 1_048_575;
/// Characters of a cell.
const LONGEST: usize = 32_767;
/// Characters of the name of a sheet.
const NAME: usize = 31;
/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
/// Days from 1899-12-30, the day 0 of spreadsheets, to 1970-01-01.
const EPOCH: i64 = 25_569;

/// Style numbers of `styles.xml`.
const DATE: u8 = 1;
const HEAD: u8 = 2;
const MOMENT: u8 = 3;

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// What the workbook says of itself.
#[derive(Debug, Clone)]
pub struct Workbook {
    /// Title, in the properties.
    pub title: String,
    /// The terms, in the properties and on the last sheet, line by line.
    pub terms: Vec<String>,
    /// What is to be found without unpacking: whose the file is, by which download.
    pub mark: String,
    /// Name of the last sheet.
    pub sheet: String,
    /// Whether fields are explained in French.
    pub french: bool,
}

/// A column: letters, name, place in the table, title, unit.
struct Column {
    letters: String,
    name: String,
    column: usize,
    title: String,
    unit: String,
}

struct Sheet {
    rows: Rows,
    name: String,
    columns: Vec<Column>,
    positions: Option<(Positions, [String; 2])>,
}

/// Makes the workbook.
pub struct Xlsx {
    archive: Archive,
    workbook: Workbook,
    sheets: Vec<Sheet>,
    now: i64,
    /// Sheet and row that come next; `None`: nothing was written yet.
    at: Option<(usize, usize)>,
    buffer: Vec<u8>,
}

/// `A`, `B`, ... `Z`, `AA`, ...
fn letters(mut n: usize) -> String {
    let mut text = String::new();
    loop {
        text.insert(0, char::from(b'A' + (n % 26) as u8));
        if n < 26 {
            return text;
        }
        n = n / 26 - 1;
    }
}

impl Xlsx {
    /// A workbook of these parts; `now`, milliseconds since 1970, is the time of its making.
    ///
    /// # Errors
    /// [`Error::Limit`] when a part has more rows than a sheet, [`Error::Crs`] when the CRS cannot be computed,
    /// [`Error::Internal`] when a layer is not in the catalogue.
    pub fn new(catalogue: &Catalogue, parts: Vec<Rows>, workbook: Workbook, now: i64) -> Result<Xlsx, Error> {
        let mut sheets: Vec<Sheet> = Vec::new();
        for rows in parts {
            let asked = rows.rows.len() as u64;
            if asked > ROWS {
                return Err(Error::Limit { what: "rows of a spreadsheet", asked, limit: ROWS });
            }
            let layer = catalogue.layer_by_id(rows.layer).ok_or(Error::Internal)?;
            let mut name: String = layer.name.chars().take(NAME).collect();
            let mut number = 1;
            while sheets.iter().any(|s| s.name == name) || name == workbook.sheet {
                number += 1;
                let tail = format!("_{number}");
                name = layer.name.chars().take(NAME - tail.len()).collect::<String>() + &tail;
            }
            let fields = rows.fields.iter().filter_map(|id| layer.field_by_id(*id)).enumerate();
            let columns: Vec<Column> = fields
                .map(|(n, f)| Column {
                    letters: letters(n),
                    name: f.name.clone(),
                    column: usize::from(f.id.0),
                    title: f.title.get(workbook.french).to_owned(),
                    unit: f.unit.clone().unwrap_or_default(),
                })
                .collect();
            let point = rows.geometry && layer.geometry == GeometryKind::Point;
            let after = [letters(columns.len()), letters(columns.len() + 1)];
            let positions = point.then(|| Positions::new(rows.crs, Axes::EastNorth)).transpose()?.map(|p| (p, after));
            sheets.push(Sheet { rows, name, columns, positions });
        }
        Ok(Xlsx { archive: Archive::new(now), workbook, sheets, now, at: None, buffer: Vec::new() })
    }

    /// All that is known without the rows.
    fn begin(&mut self) -> Result<(), Error> {
        let safe = |text: &str| {
            let mut out = String::new();
            escape(text, &mut out);
            out
        };
        let total = self.sheets.len() + 1;
        let created = write_instant(self.now - self.now.rem_euclid(1000));
        let core = format!(
            "{XML}<cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\" \
             xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:dcterms=\"http://purl.org/dc/terms/\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><dc:title>{}</dc:title>\
             <dc:description>{}</dc:description>\
             <dcterms:created xsi:type=\"dcterms:W3CDTF\">{created}</dcterms:created></cp:coreProperties>",
            safe(&self.workbook.title),
            safe(&self.workbook.terms.join("\n")),
        );
        self.archive.note(&self.workbook.mark)?;
        self.archive.whole("docProps/core.xml", &core)?;
        let mut types = format!(
            "{XML}<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
             <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
             <Default Extension=\"xml\" ContentType=\"application/xml\"/>"
        );
        for (part, kind) in [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")] {
            types.push_str(&override_type(part, &format!("officedocument.spreadsheetml.{kind}")));
        }
        for n in 1..=total {
            let part = format!("/xl/worksheets/sheet{n}.xml");
            types.push_str(&override_type(&part, "officedocument.spreadsheetml.worksheet"));
        }
        types.push_str(&override_type("/docProps/core.xml", "package.core-properties"));
        types.push_str("</Types>");
        self.archive.whole("[Content_Types].xml", &types)?;
        let root = format!(
            "{XML}<Relationships xmlns=\"{RELATIONS}\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/officeDocument\" \
             Target=\"xl/workbook.xml\"/><Relationship Id=\"rId2\" \
             Type=\"http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties\" \
             Target=\"docProps/core.xml\"/></Relationships>"
        );
        self.archive.whole("_rels/.rels", &root)?;
        let mut book = format!("{XML}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets>");
        let mut relations = format!("{XML}<Relationships xmlns=\"{RELATIONS}\">");
        let names = self.sheets.iter().map(|s| s.name.as_str()).chain([self.workbook.sheet.as_str()]);
        for (n, name) in (1..).zip(names) {
            book.push_str(&format!("<sheet name=\"{}\" sheetId=\"{n}\" r:id=\"rId{n}\"/>", safe(name)));
            relations.push_str(&format!(
                "<Relationship Id=\"rId{n}\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet{n}.xml\"/>"
            ));
        }
        book.push_str("</sheets></workbook>");
        relations.push_str(&format!(
            "<Relationship Id=\"rId{}\" Type=\"{OFFICE}/styles\" Target=\"styles.xml\"/></Relationships>",
            total + 1
        ));
        self.archive.whole("xl/workbook.xml", &book)?;
        self.archive.whole("xl/_rels/workbook.xml.rels", &relations)?;
        self.archive.whole("xl/styles.xml", &format!("{XML}{}", STYLES.replace("{MAIN}", MAIN)))
    }

    /// The last sheet: terms, then fields.
    fn end(&mut self) -> Result<(), Error> {
        let mut lines: Vec<Vec<&str>> = self.workbook.terms.iter().map(|t| vec![t.as_str()]).collect();
        lines.push(Vec::new());
        let head = if self.workbook.french { ["Champ", "Titre", "Unité"] } else { ["Field", "Title", "Unit"] };
        let heads = lines.len();
        lines.push(head.to_vec());
        let mut seen = std::collections::HashSet::new();
        for c in self.sheets.iter().flat_map(|s| &s.columns).filter(|c| seen.insert(c.name.as_str())) {
            lines.push(vec![&c.name, &c.title, &c.unit]);
        }
        let mut xml =
            format!("{XML}<worksheet xmlns=\"{MAIN}\"><cols><col min=\"1\" max=\"2\" width=\"32\"/></cols><sheetData>")
                .into_bytes();
        for (n, line) in lines.iter().enumerate() {
            let row = n + 1;
            xml.extend_from_slice(format!("<row r=\"{row}\">").as_bytes());
            for (i, text) in line.iter().enumerate().filter(|(_, t)| !t.is_empty()) {
                string(&letters(i), row, text, if n == heads { HEAD } else { 0 }, &mut xml);
            }
            xml.extend_from_slice(b"</row>");
        }
        xml.extend_from_slice(b"</sheetData></worksheet>");
        self.archive.file(&format!("xl/worksheets/sheet{}.xml", self.sheets.len() + 1))?;
        self.archive.write(&xml)?;
        self.archive.finish()
    }
}

fn override_type(part: &str, kind: &str) -> String {
    format!("<Override PartName=\"{part}\" ContentType=\"application/vnd.openxmlformats-{kind}+xml\"/>")
}

const STYLES: &str = "<styleSheet xmlns=\"{MAIN}\"><numFmts count=\"2\"><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd\"/>\
    <numFmt numFmtId=\"165\" formatCode=\"yyyy\\-mm\\-dd\\ hh:mm:ss\"/></numFmts>\
    <fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font>\
    <font><b/><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts>\
    <fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/></fill></fills>\
    <borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
    <cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs>\
    <cellXfs count=\"4\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>\
    <xf numFmtId=\"164\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>\
    <xf numFmtId=\"0\" fontId=\"1\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyFont=\"1\"/>\
    <xf numFmtId=\"165\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/></cellXfs>\
    <cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles></styleSheet>";

/// `<c r="B2"`, and the style.
fn open(letters: &str, row: usize, style: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<c r=\"");
    out.extend_from_slice(letters.as_bytes());
    out.extend_from_slice(itoa::Buffer::new().format(row).as_bytes());
    if style > 0 {
        out.extend_from_slice(b"\" s=\"");
        out.push(b'0' + style);
    }
    out.push(b'"');
}

fn number(letters: &str, row: usize, style: u8, digits: &[u8], out: &mut Vec<u8>) {
    open(letters, row, style, out);
    out.extend_from_slice(b"><v>");
    out.extend_from_slice(digits);
    out.extend_from_slice(b"</v></c>");
}

/// A cell of text that is escaped.
fn escaped(letters: &str, row: usize, xml: &[u8], style: u8, out: &mut Vec<u8>) {
    open(letters, row, style, out);
    out.extend_from_slice(b" t=\"inlineStr\"><is><t xml:space=\"preserve\">");
    out.extend_from_slice(xml);
    out.extend_from_slice(b"</t></is></c>");
}

fn string(letters: &str, row: usize, text: &str, style: u8, out: &mut Vec<u8>) {
    let mut xml = String::new();
    escape(&text.chars().take(LONGEST).collect::<String>(), &mut xml);
    escaped(letters, row, xml.as_bytes(), style, out);
}

impl Sheet {
    fn head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(
            format!(
                "{XML}<worksheet xmlns=\"{MAIN}\"><sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"1\" \
                 topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews>\
                 <sheetFormatPr defaultRowHeight=\"15\"/><sheetData><row r=\"1\">"
            )
            .as_bytes(),
        );
        for c in &self.columns {
            string(&c.letters, 1, &c.name, HEAD, out);
        }
        if let Some((_, [x, y])) = &self.positions {
            string(x, 1, "x", HEAD, out);
            string(y, 1, "y", HEAD, out);
        }
        out.extend_from_slice(b"</row>");
    }

    fn row(&self, n: usize, out: &mut Vec<u8>) {
        let data = self.rows.data();
        let row = self.rows.rows[n];
        let at = n + 2;
        out.extend_from_slice(b"<row r=\"");
        out.extend_from_slice(itoa::Buffer::new().format(at).as_bytes());
        out.extend_from_slice(b"\">");
        for c in &self.columns {
            let cells = &data.table.columns[c.column];
            match cells.value(row) {
                None => {}
                Some(Value::Text(text)) if text.len() > LONGEST => string(&c.letters, at, text, 0, out),
                Some(Value::Text(_)) => escaped(&c.letters, at, cells.xml(row), 0, out),
                Some(Value::DateTime(ms)) => {
                    let (day, time) = (ms.div_euclid(DAY) + EPOCH, ms.rem_euclid(DAY));
                    match time {
                        0 => number(&c.letters, at, DATE, itoa::Buffer::new().format(day).as_bytes(), out),
                        time => {
                            let serial = day as f64 + time as f64 / DAY as f64;
                            number(&c.letters, at, MOMENT, format!("{serial}").as_bytes(), out);
                        }
                    }
                }
                Some(Value::Double(d)) if !d.is_finite() => {}
                Some(_) => number(&c.letters, at, 0, cells.xml(row), out),
            }
        }
        if let Some((positions, ends)) = &self.positions {
            let (table, feature) = (&data.table.geometry, data.feature(row));
            let position = positions.get(table, table.feature_positions(feature).start);
            for (letters, value) in ends.iter().zip(position) {
                let mut digits = Vec::with_capacity(16);
                fixed(value, positions.decimals(), &mut digits);
                number(letters, at, 0, &digits, out);
            }
        }
        out.extend_from_slice(b"</row>");
    }
}

impl Producer for Xlsx {
    fn step(&mut self, out: &mut Vec<u8>) -> Result<Progress, Error> {
        let Some((sheet, mut n)) = self.at else {
            self.begin()?;
            self.at = Some((0, 0));
            self.archive.drain(out);
            return Ok(Progress::More);
        };
        let Some(part) = self.sheets.get(sheet) else {
            self.end()?;
            self.archive.drain(out);
            return Ok(Progress::Done);
        };
        self.buffer.clear();
        if n == 0 {
            self.archive.file(&format!("xl/worksheets/sheet{}.xml", sheet + 1))?;
            part.head(&mut self.buffer);
        }
        while n < part.rows.rows.len() && self.buffer.len() < QUANTUM {
            part.row(n, &mut self.buffer);
            n += 1;
        }
        let done = n == part.rows.rows.len();
        if done {
            self.buffer.extend_from_slice(b"</sheetData></worksheet>");
        }
        self.archive.write(&self.buffer)?;
        self.at = Some(if done { (sheet + 1, 0) } else { (sheet, n) });
        self.archive.drain(out);
        Ok(Progress::More)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::metropolis;
    use gdal::Dataset;
    use gdal::vector::LayerAccess;

    #[test]
    fn columns_are_counted_in_letters() {
        for (n, text) in [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(letters(n), text);
        }
    }

    #[test]
    fn every_cell_reads_back_with_gdal() {
        let world = metropolis();
        let parts = vec![world.rows("parc_residence"), world.rows("parc_commune"), world.rows("parc_commune")];
        let workbook = Workbook {
            title: "Portail & cie".into(),
            terms: vec!["Conditions <été> & \"hiver\"".into()],
            mark: "Téléchargement 18869f92141d2640-71".into(),
            sheet: "Conditions".into(),
            french: true,
        };
        let mut producer = Xlsx::new(&world.catalogue, parts.clone(), workbook, 1_735_689_600_000).unwrap();
        let mut out = Vec::new();
        while producer.step(&mut out).unwrap() == Progress::More {}
        let told = "18869f92141d2640-71".as_bytes();
        assert!(out.windows(told.len()).any(|w| w == told), "the download is not found without unpacking");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.xlsx");
        std::fs::write(&path, &out).unwrap();
        let dataset = Dataset::open(&path).unwrap();
        let names: Vec<String> = dataset.layers().map(|l| l.name()).collect();
        assert_eq!(names, ["parc_residence", "parc_commune", "parc_commune_2", "Conditions"]);
        for (rows, name) in parts.iter().zip(&names) {
            let mut read = dataset.layer_by_name(name).unwrap();
            assert_eq!(read.feature_count(), rows.rows.len() as u64);
            let layer = world.catalogue.layer_by_id(rows.layer).unwrap();
            for (feature, row) in read.features().zip(&rows.rows) {
                for field in &layer.fields {
                    let told = format!("{name} {} {row}", field.name);
                    let at = feature.field_index(&field.name).unwrap();
                    let text = feature.field_as_string(at).unwrap();
                    match rows.data().table.columns[usize::from(field.id.0)].value(*row) {
                        None => assert_eq!(text.filter(|t| !t.is_empty()), None, "{told}"),
                        Some(Value::Text(t)) => assert_eq!(text.as_deref(), Some(t.as_str()), "{told}"),
                        Some(Value::Int(n)) => assert_eq!(feature.field_as_integer64(at).unwrap(), Some(*n), "{told}"),
                        Some(Value::Double(d)) => assert_eq!(feature.field_as_double(at).unwrap(), Some(*d), "{told}"),
                        Some(Value::DateTime(ms)) => {
                            let day = write_instant(*ms)[..10].replace('-', "/");
                            assert!(text.as_ref().is_some_and(|t| t.starts_with(&day)), "{told}: {text:?} {day}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_sheet_has_its_limit() {
        let world = metropolis();
        let mut rows = world.rows("parc_commune");
        rows.rows = vec![0; ROWS as usize + 1];
        let workbook =
            Workbook { title: String::new(), terms: Vec::new(), mark: String::new(), sheet: "x".into(), french: true };
        let made = Xlsx::new(&world.catalogue, vec![rows], workbook, 0);
        assert!(matches!(made, Err(Error::Limit { asked: 1_048_576, .. })));
    }
}
