//! The map of what protection costs, part of the report: IRIS by what became of their row, residences withheld beyond the
//! threshold as points, a map for each theme in its newest vintage.

use super::PublishError;
use super::candidate::Candidate;
use crate::check::escape;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

/// Width of a map in pixels; outlines keep no more detail than a screen of this width shows twice over.
const WIDTH: f64 = 640.0;

/// Newest vintage of each theme, with the way its residences are placed in zones.
const NEWEST: &str = "SELECT DISTINCT ON (theme) theme, millesime, contexte FROM plan.millesime WHERE publication = $1 \
                      ORDER BY theme, millesime DESC";

/// Outlines of the IRIS of some contexts as SVG paths in metres (EPSG:2154, north up: y is negated), and their box.
const OUTLINES: &str = "\
    WITH zone AS (SELECT contexte, id, geom FROM travail.zone WHERE echelle = 'iris' AND contexte = ANY ($1)), \
    boite AS (SELECT ST_Extent(geom) AS b FROM zone) \
    SELECT z.contexte, z.id, ST_AsSVG(ST_SimplifyPreserveTopology(z.geom, (ST_XMax(b) - ST_XMin(b)) / $2), 1, 0), \
           ST_XMin(b), ST_YMax(b), ST_XMax(b) - ST_XMin(b), ST_YMax(b) - ST_YMin(b) \
    FROM zone z, boite ORDER BY 1, 2";

/// What became of the IRIS rows of a theme.
const ROWS: &str = "SELECT id, motif FROM plan.ligne \
                    WHERE publication = $1 AND theme = $2 AND millesime = $3 AND echelle = 'iris' AND statut = 'secret'";

/// Where the residences are that a theme withholds beyond the threshold.
const POINTS: &str = "\
    SELECT ST_X(r.geom)::float8, -ST_Y(r.geom)::float8 FROM plan.ligne l JOIN travail.residence r ON r.contexte = $4 AND r.id = l.id \
    WHERE l.publication = $1 AND l.theme = $2 AND l.millesime = $3 AND l.echelle = 'residence' \
      AND l.motif IN ('secondaire', 'collant') ORDER BY 1, 2";

/// Communes and QPV whose row a theme withholds beyond the threshold.
const NAMED: &str = "\
    SELECT z.nom FROM plan.ligne l JOIN travail.zone z ON z.contexte = $4 AND z.echelle = l.echelle AND z.id = l.id \
    WHERE l.publication = $1 AND l.theme = $2 AND l.millesime = $3 AND l.echelle IN ('commune', 'qpv') \
      AND l.motif IN ('secondaire', 'collant') AND z.nom IS NOT NULL ORDER BY l.echelle, z.nom";

/// The maps as HTML, in French. Read before the working tables are emptied.
pub(super) async fn maps(c: &Candidate<'_>) -> Result<String, PublishError> {
    let failed = |source| PublishError::during("drawing what is lost")(source);
    let newest = c.source.query(NEWEST, &[&c.publication]).await.map_err(failed)?;
    let contexts: Vec<i32> = newest.iter().map(|r| r.get::<_, i32>(2)).collect::<HashSet<_>>().into_iter().collect();
    let outlines = c.source.query(OUTLINES, &[&contexts, &(2.0 * WIDTH)]).await.map_err(failed)?;
    let Some(first) = outlines.first() else { return Ok(String::new()) };
    let [west, north, width, height] = [3, 4, 5, 6].map(|n| first.get::<_, f64>(n));
    let size = format!(
        "viewBox=\"{west:.0} {:.0} {width:.0} {height:.0}\" width=\"{WIDTH}\" height=\"{:.0}\"",
        -north,
        WIDTH * height / width.max(1.0)
    );
    let mut page = String::from(
        "<h2>Ce qui est perdu, sur la carte</h2><style>svg.perte path{stroke:#fff;stroke-width:.4px;\
         vector-effect:non-scaling-stroke}svg.perte{display:block;margin:1em 0}.d{fill:#c7e3d4}.p{fill:#c9c9c9}\
         .s{fill:#e8963c}svg.perte path.r{fill:none;stroke:#a4161a;stroke-width:4px;stroke-linecap:round}</style>\
         <p>IRIS en vert : ligne diffusée ; en gris : sous le seuil ; en orange : retirée pour que rien ne se déduise par \
         différence. Points rouges : résidences retirées au-delà du seuil. Millésime le plus récent de chaque thème.</p>",
    );
    for row in &newest {
        let (theme, vintage, context): (String, i32, i32) = (row.get(0), row.get(1), row.get(2));
        let rows = c.source.query(ROWS, &[&c.publication, &theme, &vintage]).await.map_err(failed)?;
        let withheld: HashMap<String, String> = rows.iter().map(|r| (r.get(0), r.get(1))).collect();
        let points = c.source.query(POINTS, &[&c.publication, &theme, &vintage, &context]).await.map_err(failed)?;
        let named = c.source.query(NAMED, &[&c.publication, &theme, &vintage, &context]).await.map_err(failed)?;
        let _ = write!(
            page,
            "<h3>{theme} {vintage}</h3><svg class=\"perte\" role=\"img\" aria-label=\"{theme} {vintage}\" {size}>"
        );
        for outline in outlines.iter().filter(|o| o.get::<_, i32>(0) == context) {
            let class = match withheld.get(outline.get::<_, &str>(1)).map(String::as_str) {
                None => "d",
                Some("primaire") => "p",
                Some(_) => "s",
            };
            let _ = write!(page, "<path class=\"{class}\" d=\"{}\"/>", outline.get::<_, &str>(2));
        }
        page.push_str("<path class=\"r\" d=\"");
        for point in &points {
            let _ = write!(page, "M{:.0} {:.0}h0", point.get::<_, f64>(0), point.get::<_, f64>(1));
        }
        page.push_str("\"/></svg>");
        if !named.is_empty() {
            let names: Vec<String> = named.iter().map(|r| escape(r.get(0))).collect();
            let _ = write!(page, "<p>Communes et quartiers retirés au-delà du seuil : {}.</p>", names.join(", "));
        }
    }
    Ok(page)
}
