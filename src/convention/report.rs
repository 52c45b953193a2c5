//! The use report of a convention: who used what for which purpose in a month. Read as the auditor.

use super::{ConventionError, calendar};
use crate::db::DbError;
use jiff::civil::Date;
use minijinja::{Value, context, value::Serde};
use serde::Serialize;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

/// What a month of a convention was used for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Convention.
    pub convention: String,
    /// Partner.
    pub partner: String,
    /// Month, e.g. `2026-11`.
    pub month: String,
    /// The whole month.
    pub total: Line,
    /// By certificate and purpose.
    pub users: Vec<Line>,
    /// By protocol and operation.
    pub operations: Vec<Line>,
    /// By layer; an access to several layers counts for each.
    pub layers: Vec<Line>,
    /// By day (Europe/Paris).
    pub days: Vec<Line>,
    /// How accesses ended.
    pub outcomes: Vec<Line>,
    /// Refusals by reason: `requests` alone counts.
    pub refusals: Vec<Line>,
}

/// A line of a table.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Line {
    /// What the line is about.
    pub what: String,
    /// Further words, e.g. the purpose.
    pub detail: String,
    /// Accesses.
    pub requests: i64,
    /// Features handed out.
    pub features: i64,
    /// Bytes handed out.
    pub bytes: i64,
}

/// Accesses of a month with their ends. $1: convention, $2 and $3: begin and end, seconds since 1970.
const ACCESSES: &str = "
    WITH a AS MATERIALIZED (
        SELECT a.*, f.issue, f.objets, f.octets
        FROM journal.acces a
        LEFT JOIN journal.fin f ON f.instance = a.instance AND f.acces = a.sequence AND f.ferme_le >= a.ouvert_le
        WHERE a.convention = $1 AND a.ouvert_le >= to_timestamp($2) AND a.ouvert_le < to_timestamp($3))";

/// Makes the report of a month, `YYYY-MM`.
///
/// # Errors
/// [`ConventionError::Month`], [`ConventionError::Unknown`], [`ConventionError::Database`].
pub async fn make(client: &Client, convention: &str, month: &str) -> Result<Report, ConventionError> {
    let first: Date = format!("{month}-01").parse().map_err(|_| ConventionError::Month { month: month.to_owned() })?;
    let next = first.last_of_month().tomorrow().map_err(|_| ConventionError::Month { month: month.to_owned() })?;
    #[allow(clippy::cast_precision_loss)]
    let seconds = |day: Date| calendar::begin_of(day) as f64 / 1000.0;
    let (from, to) = (seconds(first), seconds(next));
    let fail = |source| ConventionError::Database(DbError::Statement { doing: "reading the access record", source });
    let partner = client
        .query_opt("SELECT partenaire FROM convention.etat WHERE convention = $1", &[&convention])
        .await
        .map_err(fail)?
        .ok_or_else(|| ConventionError::Unknown { id: convention.to_owned() })?
        .get(0);
    let values: [&(dyn ToSql + Sync); 3] = [&convention, &from, &to];
    let ask = async |what: &str, order: &str, extra: &str| {
        let sql = format!(
            "{ACCESSES} SELECT {what}, count(*), coalesce(sum(objets), 0)::int8, coalesce(sum(octets), 0)::int8
             FROM a {extra} GROUP BY 1, 2 ORDER BY {order}"
        );
        client.query(&sql, &values).await.map(|rows| rows.iter().map(line).collect::<Vec<Line>>()).map_err(fail)
    };
    let refusals = client
        .query(
            "SELECT motif, '', sum(nombre)::int8, 0::int8, 0::int8 FROM journal.refus
             WHERE convention = $1 AND refuse_le >= to_timestamp($2) AND refuse_le < to_timestamp($3)
             GROUP BY 1 ORDER BY 3 DESC, 1",
            &values,
        )
        .await
        .map_err(fail)?;
    Ok(Report {
        convention: convention.to_owned(),
        partner,
        month: month.to_owned(),
        total: ask("''::text, ''::text", "1", "").await?.pop().unwrap_or_default(),
        users: ask(
            "coalesce(c.titulaire || ' (' || c.usage || ')', 'certificat ' || a.serie), a.finalite",
            "3 DESC, 1",
            "LEFT JOIN (SELECT DISTINCT ON (convention, serie) convention, serie, titulaire, usage
                        FROM convention.certificat ORDER BY convention, serie, certificat DESC) c
             ON c.convention = a.convention AND c.serie = a.serie",
        )
        .await?,
        operations: ask("protocole, operation", "3 DESC, 1, 2", "").await?,
        layers: ask("couche, ''::text", "3 DESC, 1", ", unnest(couches) couche").await?,
        days: ask("to_char(ouvert_le AT TIME ZONE 'Europe/Paris', 'YYYY-MM-DD'), ''::text", "1", "").await?,
        outcomes: ask("coalesce(issue, 'en cours'), ''::text", "3 DESC, 1", "").await?,
        refusals: refusals.iter().map(line).collect(),
    })
}

fn line(row: &Row) -> Line {
    Line { what: row.get(0), detail: row.get(1), requests: row.get(2), features: row.get(3), bytes: row.get(4) }
}

impl Report {
    fn tables(&self) -> [(&'static str, &[Line]); 6] {
        [
            ("Utilisateurs et finalités", &self.users),
            ("Protocoles", &self.operations),
            ("Couches", &self.layers),
            ("Jours", &self.days),
            ("Issue des accès", &self.outcomes),
            ("Refus", &self.refusals),
        ]
    }

    /// The report as CSV (semicolons, UTF-8 with BOM: what French spreadsheets read).
    ///
    /// # Errors
    /// [`ConventionError::Report`].
    pub fn csv(&self) -> Result<Vec<u8>, ConventionError> {
        let fail = |e: &dyn std::fmt::Display| ConventionError::Report { reason: e.to_string() };
        let mut out = csv::WriterBuilder::new().delimiter(b';').from_writer("\u{feff}".as_bytes().to_vec());
        let mut put = |fields: [&str; 8]| out.write_record(fields).map_err(|e| fail(&e));
        put(["convention", "mois", "tableau", "quoi", "precision", "acces", "objets", "octets"])?;
        let total = [("Total", std::slice::from_ref(&self.total))];
        for (table, lines) in total.into_iter().chain(self.tables()) {
            for l in lines {
                let (requests, features, bytes) = (l.requests.to_string(), l.features.to_string(), l.bytes.to_string());
                let (what, detail) = (plain(&l.what), plain(&l.detail));
                put([&self.convention, &self.month, table, &what, &detail, &requests, &features, &bytes])?;
            }
        }
        out.into_inner().map_err(|e| fail(&e))
    }

    /// The report as a page of its own, French.
    ///
    /// # Errors
    /// [`ConventionError::Report`].
    pub fn html(&self) -> Result<String, ConventionError> {
        let tables: Vec<_> = self
            .tables()
            .into_iter()
            .map(|(title, lines)| context! { title, lines => Value::from(Serde(lines)) })
            .collect();
        let page = include_str!("../../capabilities/templates/rapport.html");
        super::audit::fill("rapport.html", page, context! { report => Value::from(Serde(self)), tables })
    }
}

/// A text that no spreadsheet takes for a formula.
pub(super) fn plain(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let line = |what: &str| Line { what: what.into(), requests: 3, features: 40, bytes: 5000, ..Line::default() };
        Report {
            convention: "lille".into(),
            partner: "Ville <de> Lille".into(),
            month: "2026-11".into(),
            total: line(""),
            users: vec![line("=HYPERLINK(1)"), line("SIG; poste \"12\"")],
            operations: vec![line("wfs")],
            layers: Vec::new(),
            days: vec![line("2026-11-24")],
            outcomes: vec![line("complete")],
            refusals: Vec::new(),
        }
    }

    #[test]
    fn the_table_is_safe_in_a_spreadsheet() {
        let text = String::from_utf8(report().csv().unwrap()).unwrap();
        assert!(text.starts_with("\u{feff}convention;mois;"));
        assert!(text.contains(";'=HYPERLINK(1);") && text.contains("\"SIG; poste \"\"12\"\"\""));
        assert_eq!(text.lines().count(), 7);
    }

    #[test]
    fn the_page_escapes_what_it_shows() {
        let page = report().html().unwrap();
        assert!(page.contains("Ville &lt;de&gt; Lille") && !page.contains("Ville <de>"));
        assert!(page.contains("2026-11-24") && page.contains("Aucun"), "{page}");
    }
}
