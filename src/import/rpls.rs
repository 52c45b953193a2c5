//! RPLS: one line a dwelling, state on 1 January of the vintage (arrêté of 5 January 2010, annex, for the positions).
//!
//! The open file has 38 columns; later editions have pairs `X_CODE`/`X_LIBELLE`, some leave the code out, geocoded ones
//! add coordinates. The complete file, which a metropolis gets from the prefect (CCH L411-10), adds identifier,
//! occupation, lease and rent.

use super::copy::Target;
use super::driver::Output;
use super::error::Reject;
use super::fields::Fields;
use super::keys::Keys;
use super::layout::Layout;
use super::table::{Row, columns};
use jiff::civil::Date;
use std::borrow::Cow;

columns! {
    DEPCOM = "DEPCOM" ["INSEE_COM", "DEPCOM_ARM", "CODGEO", "CODE_INSEE"] required;
    TYPECONST = "TYPECONST" ["TYPECONST_LIBELLE"] required;
    NBPIECE = "NBPIECE" required;
    SURFHAB = "SURFHAB" required;
    CONSTRUCT = "CONSTRUCT" required;
    LOCAT = "LOCAT";
    PATRIMOINE = "PATRIMOINE";
    ORIGINE = "ORIGINE";
    FINAN = "FINAN" required;
    DPEENERGIE = "DPEENERGIE" ["DPE_ENERGIE", "CLASSE_DPE"];
    DPESERRE = "DPESERRE" ["DPE_SERRE", "CLASSE_GES"];
    QPV = "QPV" ["ZUS"];
    IDENT_REP = "IDENT_REP" ["IDENT_RPLS", "NUMLOGT", "ID_RPLS"];
    MODE = "MODE" ["MODOCCUP"];
    DUREE_VACANCE = "DUREE_VACANCE" ["DUREEVAC"];
    BAIL = "BAIL" ["DATE_BAIL"];
    LOYERPRINC = "LOYERPRINC" ["LOYER_PRINC", "LOYER"];
    NB = "NB";
}

/// What is written, in this order.
pub(super) const TARGETS: &[Target] = &[Target {
    relation: "prive.logement",
    columns: &[
        "ident_rep",
        "insee_com",
        "typeconst",
        "nbpiece",
        "surfhab",
        "construct",
        "locat",
        "patrimoine",
        "origine",
        "finan",
        "dpeenergie",
        "dpeserre",
        "qpv",
        "mode",
        "duree_vacance",
        "bail",
        "loyer",
    ],
}];

/// One dwelling.
#[derive(Debug, PartialEq)]
struct Dwelling<'a> {
    ident_rep: Cow<'a, str>,
    insee_com: &'a str,
    typeconst: Option<&'static str>,
    nbpiece: Option<i16>,
    surfhab: Option<f64>,
    construct: Option<i16>,
    locat: Option<i16>,
    patrimoine: Option<i16>,
    origine: Option<i16>,
    finan: Option<i16>,
    dpeenergie: Option<&'static str>,
    dpeserre: Option<&'static str>,
    qpv: Option<i16>,
    mode: Option<i16>,
    duree_vacance: Option<i32>,
    bail: Option<Date>,
    loyer: Option<f64>,
}

/// The layout of RPLS.
pub(super) struct Rpls {
    millesime: i16,
    keys: Keys,
}

impl Rpls {
    /// For one vintage: no year in the file lies after it.
    pub fn new(millesime: i16) -> Self {
        Rpls { millesime, keys: Keys::new() }
    }
}

fn parse<'a>(row: &'a Row<'_>, millesime: i16) -> Result<Dwelling<'a>, Reject> {
    // A dwelling of the vintage may be finished or let within its year: files mix states by some months.
    let last = millesime + 1;
    let year = |column| row.int::<i16>(column, 1000..=i64::from(last), &[0, 9999]);
    let ident_rep = if row.has(IDENT_REP) {
        Cow::Borrowed(row.required(IDENT_REP, row.identifier(IDENT_REP)?)?)
    } else {
        Cow::Owned(format!("L{}", row.number))
    };
    // An edition by address gives the sum of the areas of its `nb` dwellings: not the area of this one.
    let alone = row.int::<i64>(NB, 0..=100_000, &[])?.unwrap_or(1) <= 1;
    let surfhab = if alone { row.float(SURFHAB, 5.0..=1000.0, &[0.0, 9999.0])? } else { None };
    Ok(Dwelling {
        ident_rep,
        insee_com: row.required(DEPCOM, row.commune(DEPCOM)?)?,
        typeconst: construction(row)?,
        nbpiece: row.int(NBPIECE, 1..=50, &[0, 99])?,
        surfhab,
        construct: year(CONSTRUCT)?,
        locat: year(LOCAT)?,
        patrimoine: year(PATRIMOINE)?,
        origine: row.int(ORIGINE, 1..=9, &[0])?,
        finan: row.int(FINAN, 10..=99, &[0])?,
        dpeenergie: label(row, DPEENERGIE)?,
        dpeserre: label(row, DPESERRE)?,
        qpv: row.int(QPV, 1..=2, &[0])?,
        mode: mode(row)?,
        duree_vacance: row.int(DUREE_VACANCE, 0..=1200, &[9999])?,
        bail: row.date(BAIL, last)?,
        // 9999 is "not applicable"; a rent of nothing is not known either.
        loyer: row.float(LOYERPRINC, 0.01..=9998.0, &[0.0, 9999.0])?,
    })
}

/// State on 1 January: 1 let, 2 offered and vacant, 3 empty, 4 taken by an association, 5 occupied otherwise, 6 temporary
/// shelter, 9 not applicable.
fn mode(row: &Row<'_>) -> Result<Option<i16>, Reject> {
    match row.int::<i16>(MODE, 1..=9, &[0])? {
        Some(7 | 8) => Err(row.reject(MODE, "none of 1 to 6, 9")),
        code => Ok(code),
    }
}

/// C collective, I individual, E for students; as code or as label.
fn construction(row: &Row<'_>) -> Result<Option<&'static str>, Reject> {
    let text = row.show(TYPECONST);
    if text.is_empty() {
        return Ok(None);
    }
    let lower = text.to_lowercase();
    for (code, names) in [
        ("C", ["c", "collectif", "logement collectif"]),
        ("I", ["i", "individuel", "logement individuel"]),
        ("E", ["e", "étudiant", "logement étudiant"]),
    ] {
        if names.contains(&lower.as_str()) {
            return Ok(Some(code));
        }
    }
    Err(row.reject(TYPECONST, "neither C, I nor E"))
}

/// Class of an energy label; empty, `N`, `NC`, `NR`, `ND`, `VN` and 0: none was made.
fn label(row: &Row<'_>, column: usize) -> Result<Option<&'static str>, Reject> {
    let text = row.show(column);
    match text.to_ascii_uppercase().as_str() {
        "" | "N" | "NC" | "NR" | "ND" | "VN" | "0" => Ok(None),
        upper => {
            let class = ["A", "B", "C", "D", "E", "F", "G"].into_iter().find(|c| *c == upper);
            class.map(Some).ok_or_else(|| row.reject(column, "not a class from A to G"))
        }
    }
}

impl Layout for Rpls {
    const COLUMNS: &'static [super::table::Column] = COLUMNS;

    fn line(&mut self, row: &Row<'_>, out: &mut Output) -> Result<(), Reject> {
        let d = parse(row, self.millesime)?;
        // Numbers of lines do not repeat.
        if row.has(IDENT_REP) && !self.keys.add(&d.ident_rep) {
            return Err(row.reject(IDENT_REP, "this dwelling is on an earlier line already"));
        }
        out.table(0)
            .row()
            .text(Some(&d.ident_rep))
            .text(Some(d.insee_com))
            .text(d.typeconst)
            .int2(d.nbpiece)
            .float8(d.surfhab)
            .int2(d.construct)
            .int2(d.locat)
            .int2(d.patrimoine)
            .int2(d.origine)
            .int2(d.finan)
            .text(d.dpeenergie)
            .text(d.dpeserre)
            .int2(d.qpv)
            .int2(d.mode)
            .int4(d.duree_vacance)
            .date(d.bail)
            .float8(d.loyer);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::tests as t;
    use super::*;

    const OPEN: &str = "REG;DEP;LIBDEP;DEPCOM;CODEPOSTAL;LIBCOM;NUMVOIE;INDREP;TYPVOIE;NOMVOIE;NUMAPPT;NUMBOITE;ESC;COULOIR;\
        ETAGE;COMPLIDENT;ENTREE;BAT;IMMEU;COMPLGEO;LIEUDIT;QPV;TYPECONST;NBPIECE;SURFHAB;CONSTRUCT;LOCAT;PATRIMOINE;ORIGINE;\
        FINAN;DATCONV;NEWLOGT;CUS;DPEENERGIE;DPESERRE;SRU_EXPIR;SRU_ALINEA;CODSEGPATRIM";
    const DWELLING: &str = "32;59;NORD;59350;59000;LILLE;1;;RUE;X;1;;;;0;;;;;;;2;C;3;64.5;1965;1965;1965;1;13;01/01/1990;;;D;E;2030.0;2.0;";

    fn all(text: &str) -> Vec<Result<String, String>> {
        t::parse(text.as_bytes(), COLUMNS, |r| parse(r, 2024).map(|d| format!("{d:?}")))
            .into_iter()
            .map(|r| r.map_err(|e| e.to_string()))
            .collect()
    }

    #[test]
    fn the_open_file_of_38_columns() {
        let got = t::parse(format!("{OPEN}\n{DWELLING}\n").as_bytes(), COLUMNS, |r| {
            let d = parse(r, 2024)?;
            assert_eq!(
                (d.ident_rep.as_ref(), d.insee_com, d.typeconst, d.nbpiece),
                ("L2", "59350", Some("C"), Some(3))
            );
            assert_eq!((d.surfhab, d.construct, d.finan, d.dpeenergie), (Some(64.5), Some(1965), Some(13), Some("D")));
            assert_eq!((d.mode, d.bail, d.loyer, d.qpv), (None, None, None, Some(2)));
            Ok(())
        });
        assert!(got[0].is_ok(), "{got:?}");
    }

    #[test]
    fn the_complete_file() {
        let text = format!(
            "{OPEN};IDENT_REP;MODE;DUREE_VACANCE;BAIL;LOYERPRINC\n{DWELLING};5935000001;1;;2019-07-01;412.35\n\
             {DWELLING};;1;;;\n{DWELLING};59 1;1;;;\n{DWELLING};5935000002;2;14;;9999\n{DWELLING};5935000003;1;;2026-01-01;\n\
             {DWELLING};5935000004;7;;;\n"
        );
        let got = all(&text);
        assert!(got[0].as_ref().unwrap().contains("bail: Some(2019-07-01), loyer: Some(412.35)"), "{got:?}");
        assert_eq!(got[1], Err("IDENT_REP = \"\": missing".into()));
        assert_eq!(got[2], Err("IDENT_REP = \"59 1\": not an identifier".into()));
        assert!(got[3].as_ref().unwrap().contains("duree_vacance: Some(14), bail: None, loyer: None"));
        assert_eq!(got[4], Err("BAIL = \"2026-01-01\": not between 1900 and 2025".into()));
        assert_eq!(got[5], Err("MODE = \"7\": none of 1 to 6, 9".into()));
    }

    #[test]
    fn editions_with_codes_and_labels() {
        let text = "DEPCOM_CODE;DEPCOM_LIBELLE;TYPECONST_LIBELLE;NBPIECE;SURFHAB;CONSTRUCT;FINAN_CODE;FINAN_LIBELLE;X;Y;EPSG\n\
                    59350;Lille;Étudiant;1;18;2020;14;PLS;1;2;2154\n59350;Lille;maison;1;18;2020;14;PLS;1;2;2154\n";
        let got = all(text);
        assert!(got[0].as_ref().unwrap().contains("typeconst: Some(\"E\"), nbpiece: Some(1), surfhab: Some(18.0)"));
        assert_eq!(got[1], Err("TYPECONST_LIBELLE = \"maison\": neither C, I nor E".into()));
    }

    #[test]
    fn an_edition_by_address_has_no_area_of_a_dwelling() {
        let got = all(&format!("{OPEN};nb\n{};19.0\n{DWELLING};1.0\n", DWELLING.replace("64.5", "1184.0")));
        assert!(got[0].as_ref().unwrap().contains("surfhab: None"));
        assert!(got[1].as_ref().unwrap().contains("surfhab: Some(64.5)"));
    }

    #[test]
    fn absurd_values_are_rejected() {
        for (from, to, why) in [
            (";64.5;", ";64500;", "SURFHAB = \"64500\": not between 5 and 1000"),
            (";64.5;", ";NaN;", "SURFHAB = \"NaN\": not a number"),
            (";1965;1965;1965;", ";2965;1965;1965;", "CONSTRUCT = \"2965\": not between 1000 and 2025"),
            (";C;3;", ";C;300;", "NBPIECE = \"300\": not between 1 and 50"),
            (";C;3;", ";X;3;", "TYPECONST = \"X\": neither C, I nor E"),
            (";D;E;", ";Z;E;", "DPEENERGIE = \"Z\": not a class from A to G"),
            (";59350;", ";5935;", "DEPCOM = \"5935\": 4 digits: a spreadsheet has dropped the leading zero"),
            (";2;C;", ";3;C;", "QPV = \"3\": not between 1 and 2"),
        ] {
            assert_eq!(all(&format!("{OPEN}\n{}\n", DWELLING.replace(from, to))), [Err(why.to_owned())]);
        }
    }
}
