//! The twin test: two sources that differ only inside what is not published give the same bytes, whatever is asked.
//!
//! What is the same in both worlds because it would differ between any two publications of one source, or between any two
//! answers of one server: numbers of publications and their moments (set alike), surrogates and integer identifiers (random,
//! kept by `World::naked`), identifiers of downloads (a counter of the access record) and stamps of the moment of the answer
//! (both replaced before comparing), the header `Date`.

mod asks;
mod change;
pub mod table;

use crate::Case;
use crate::client::{Answer, Client};
use crate::portal::{Portal, state_beside};
use crate::worlds::World;
use asks::{Ask, Spot};
use change::{Decided, Files, Moved, NAMES, YEARS};
use seuil::db::{Role, Which};
use seuil::import::Source;
use seuil::server::{self, Running, Views};
use std::collections::{BTreeMap, BTreeSet, HashSet};

pub const CASES: &[Case] = &[("two_sources_that_differ_in_what_is_withheld_answer_alike", twins)];

/// Moment of publication of both worlds.
const MOMENT: &str = "2026-01-05T08:00:00Z";

/// A server on a world, and who asks it.
struct Served {
    running: Option<Running>,
    clients: BTreeMap<&'static str, Client>,
    runtime: tokio::runtime::Runtime,
    _state: tempfile::TempDir,
}

impl Served {
    /// Conventions, certificates and access records are the portal's: the same for both.
    fn start(portal: &'static Portal, world: &World) -> Served {
        let state = tempfile::tempdir().expect("folder");
        let mut config = portal.config.clone();
        config.server.listen = "127.0.0.1:0".parse().expect("address");
        config.server.operations = config.server.listen;
        config.server.state = state_beside(&config, &state.path().join("state"));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
        let views = Views { capabilities: None, database: Some(world.config.database.serving.clone()) };
        let running = runtime.block_on(server::start(config, views)).expect("server");
        let pki = portal.dir.join("pki");
        let client = |name: &'static str| {
            let own = pki.join(name);
            let identity = (own.join("client.pem"), own.join("client.key"));
            let client =
                Client::new(&running.address.to_string(), &pki.join("ca.pem"), Some((&identity.0, &identity.1)));
            // Links name the host that was asked: the same for both.
            (name, client.named("jumeau.invalid"))
        };
        let clients = ["mel", "lomme", "bailleur"].map(client).into_iter().collect();
        Served { running: Some(running), clients, runtime, _state: state }
    }

    /// What a client sees of answers, each made comparable.
    fn answers(&self, who: &str, asks: &[Ask]) -> Vec<Seen> {
        let mut line = self.clients[who].line();
        asks.iter().map(|a| Seen::of(&line.ask(a.method, &a.path, &a.headers, &a.body))).collect()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}

/// An answer without what differs between any two answers.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    status: u16,
    reason: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Seen {
    fn of(answer: &Answer) -> Seen {
        let name = answer.header("content-disposition");
        let stem = name.split('"').nth(1).and_then(|n| n.split('.').next()).unwrap_or_default();
        let download = stem.rsplit('_').next().unwrap_or_default().to_owned();
        let mut body = answer.picture();
        if answer.header("content-encoding") == "gzip" {
            let mut plain = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(body.as_slice()), &mut plain)
                .expect("gzip");
            body = plain;
        }
        let (body, gone) = neutral(&body, download.as_bytes());
        let headers = answer
            .headers
            .iter()
            .filter(|(n, _)| n.as_str() != "date")
            .map(|(n, v)| {
                let mut value = String::from_utf8_lossy(v.as_bytes()).into_owned();
                if !download.is_empty() {
                    value = value.replace(&download, "#");
                }
                // The identifier of a download has as many digits as its number. Packed, in a picture or after HEAD it cannot
                // be taken away again; the same request is made unpacked, and the body is compared in any case.
                if n == "content-length" {
                    let packed = answer.header("content-encoding") == "gzip";
                    let picture = answer.picture().len() != answer.body.len();
                    let length: usize = value.parse().expect("length");
                    let whole = !packed && !picture && length == answer.body.len();
                    value = if whole { (length - gone).to_string() } else { "#".to_owned() };
                }
                (n.to_string(), value)
            })
            .collect();
        Seen { status: answer.status, reason: answer.reason.clone(), headers, body }
    }

    /// Where two answers part.
    fn difference(&self, other: &Seen) -> String {
        if self.status != other.status {
            return format!("status {} and {}", self.status, other.status);
        }
        for (a, b) in self.headers.iter().zip(&other.headers) {
            if a != b {
                return format!("header {a:?} and {b:?}");
            }
        }
        let at = self.body.iter().zip(&other.body).take_while(|(a, b)| a == b).count();
        let around = |body: &[u8]| {
            String::from_utf8_lossy(&body[at.saturating_sub(60).min(body.len())..(at + 40).min(body.len())])
                .into_owned()
        };
        format!(
            "byte {at} of {} and {}: {} <> {}",
            self.body.len(),
            other.body.len(),
            around(&self.body),
            around(&other.body)
        )
    }
}

/// A body without the identifier of its download and stamps of now; and how many bytes that took away.
fn neutral(body: &[u8], download: &[u8]) -> (Vec<u8>, usize) {
    let mut out = Vec::with_capacity(body.len());
    let mut n = 0;
    // `2026-11-25T04:05:06.789Z`, of this year and day.
    let today = jiff::Timestamp::now().to_string();
    let days = [today[..11].to_owned(), yesterday()];
    while n < body.len() {
        let rest = &body[n..];
        if !download.is_empty() && rest.starts_with(download) {
            n += download.len();
        } else if rest.len() > 19 && days.iter().any(|d| rest.starts_with(d.as_bytes())) {
            n += 19;
            if body.get(n) == Some(&b'.') {
                n += 1 + body[n + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
            }
        } else {
            out.push(body[n]);
            n += 1;
        }
    }
    let gone = body.len() - out.len();
    (out, gone)
}

fn yesterday() -> String {
    (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24)).to_string()[..11].to_owned()
}

/// Every published row of a world, in the order of the tables.
fn published(world: &World) -> BTreeMap<String, Vec<String>> {
    let tables = world.sql(Which::Serving, Role::Owner, "SELECT nom FROM registre.relation ORDER BY 1");
    let names = tables.into_iter().flatten().flatten();
    names
        .map(|name| {
            let rows = world.sql(Which::Serving, Role::Owner, &format!("SELECT t::text FROM pub.{name} t"));
            (name, rows.into_iter().flatten().flatten().collect())
        })
        .collect()
}

/// Every line of the plan, and what zones count otherwise than as it stands.
fn plan(world: &World) -> BTreeSet<String> {
    let sql = "SELECT to_jsonb(l)::text FROM plan.ligne l UNION ALL SELECT to_jsonb(c)::text FROM travail.compte c";
    world.sql(Which::Source, Role::Publisher, sql).into_iter().flatten().flatten().collect()
}

/// Sets what any two publications differ in: moment, lots (a changed file is a version more), timings in the report.
fn align(world: &World) {
    let sql = format!(
        "UPDATE registre.publication SET creee = '{MOMENT}', verifiee = '{MOMENT}', courante_depuis = '{MOMENT}', \
         lots = '[]', rapport = NULL, rapport_html = NULL"
    );
    world.sql(Which::Serving, Role::Owner, &sql);
}

/// The twin of the first world: the same but for what is not published. Contents that the planner does not keep apart (two
/// plans cost the same) are put back, and the twin is made again.
fn twin(portal: &'static Portal, one: &World, decided: &Decided) -> (World, Moved) {
    let (rows, lines) = (published(one), plan(one));
    let mut stay = HashSet::new();
    for attempt in 1..=3 {
        let mut files = Files::read(&portal.dir.join("source"));
        let moved = change::change(decided, &mut files, &stay);
        let world = World::copy(portal, World::naked(portal), &format!("jumeau{attempt}"));
        let folder = tempfile::tempdir().expect("folder");
        for name in NAMES {
            let source = match name {
                "rpls" => Source::Rpls,
                "residences" => Source::Residences,
                "occupation" => Source::Occupation,
                _ => Source::Attributions,
            };
            for year in YEARS {
                let file = folder.path().join(format!("{name}_{year}.csv"));
                files.tables[&(name, year)].write(&file);
                world.import(source, &file, year);
            }
        }
        world.publish().expect("the twin is published");
        align(&world);
        let (other, others) = (published(&world), plan(&world));
        if rows == other && lines == others {
            return (world, moved);
        }
        let differ: Vec<&String> = lines.symmetric_difference(&others).collect();
        let before = stay.len();
        stay.extend(decided.keys_in(&differ));
        println!("attempt {attempt}: {} lines of the plan differ, {} residences stay", differ.len(), stay.len());
        assert!(stay.len() > before, "published rows differ: {:?}", differences(&rows, &other));
    }
    panic!("no twin after three attempts");
}

fn differences(one: &BTreeMap<String, Vec<String>>, two: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut all = Vec::new();
    for (name, rows) in one {
        let (a, b): (BTreeSet<_>, BTreeSet<_>) = (rows.iter().collect(), two[name].iter().collect());
        all.extend(a.symmetric_difference(&b).take(4).map(|r| format!("{name}: {}", &r[..r.len().min(400)])));
    }
    all.truncate(12);
    all
}

/// Withheld residences whose content is another's in the twin.
fn spots(world: &World, decided: &Decided, moved: &Moved) -> Vec<Spot> {
    let ids: Vec<String> = moved.residences.keys().map(|k| format!("'{}'", decided.id(k))).collect();
    let sql = format!(
        "SELECT id, objectid, ST_X(ST_Transform(geom, 4326)), ST_Y(ST_Transform(geom, 4326)), ST_X(geom), ST_Y(geom), \
         code_iris, insee_com FROM pub.parc_residence WHERE millesime = 2024 AND id IN ({}) ORDER BY md5(id) LIMIT 3",
        ids.join(",")
    );
    let number = |t: &Option<String>| t.as_ref().expect("number").parse::<f64>().expect("number");
    let text = |t: &Option<String>| t.clone().expect("text");
    world
        .sql(Which::Serving, Role::Owner, &sql)
        .iter()
        .map(|r| Spot {
            id: text(&r[0]),
            objectid: text(&r[1]),
            at: (number(&r[2]), number(&r[3])),
            lambert: (number(&r[4]), number(&r[5])),
            iris: text(&r[6]),
            commune: text(&r[7]),
        })
        .collect()
}

fn long() -> bool {
    std::env::var_os("SEUIL_LONG").is_some()
}

/// All requests about the layers of the newest vintage, a sample of those about their history, so that it is done in time.
fn thinned(asks: Vec<Ask>) -> Vec<Ask> {
    let history = |a: &Ask| a.path.contains("_evolution");
    asks.into_iter()
        .enumerate()
        .filter(|(n, a)| if history(a) { n % 11 == 0 } else { n % 5 < 2 || a.path.contains("GetMap") })
        .map(|(_, a)| a)
        .collect()
}

fn twins(portal: &'static Portal) {
    let begun = std::time::Instant::now();
    let first = World::copy(portal, World::first(portal), "jumeau0");
    align(&first);
    let decided = Decided::read(&first);
    let (second, moved) = twin(portal, &first, &decided);
    eprintln!(
        "{:?}: twins published, {} residences and rows {:?} moved",
        begun.elapsed(),
        moved.residences.len(),
        moved.rows
    );
    let (sizes, zeros) = change::contrast(&first, &second);
    let remainders = change::remainders(&decided);
    let without: Vec<_> = remainders.iter().filter(|r| !moved.inside(r)).collect();
    eprintln!(
        "{sizes} withheld residences of another size, {zeros} with zeros elsewhere; {} of {} remainders without a twin",
        without.len(),
        remainders.len()
    );
    for r in &without {
        eprintln!("  {} {:?}", r.theme, r.members);
    }
    let spots = spots(&first, &decided, &moved);
    assert_eq!(spots.len(), 3, "withheld residences to look at");
    let catalogue = seuil::catalogue::load_embedded().expect("catalogue");
    let mut asks = asks::all(&catalogue, &spots);
    if !long() {
        asks = thinned(asks);
    }
    let (one, two) = (Served::start(portal, &first), Served::start(portal, &second));
    let mut leaks = Vec::new();
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    let mut compared = 0;
    let mut of_first = Vec::new();
    for who in ["mel", "lomme", "bailleur"] {
        // The others see parts of the same rows: a sample of the requests.
        let some: Vec<Ask> =
            asks.iter().enumerate().filter(|(n, _)| who == "mel" || n % 13 == 0).map(|(_, a)| a.clone()).collect();
        let (a, b) = std::thread::scope(|scope| {
            let a = scope.spawn(|| one.answers(who, &some));
            let b = scope.spawn(|| two.answers(who, &some));
            (a.join().expect("first"), b.join().expect("second"))
        });
        for ((ask, a), b) in some.iter().zip(&a).zip(&b) {
            compared += 1;
            *statuses.entry(a.status).or_default() += 1;
            if a != b {
                leaks.push(format!("{who} {} {}: {}", ask.method, ask.path, a.difference(b)));
            }
        }
        if who == "mel" {
            of_first = a;
        }
    }
    eprintln!("{:?}: {compared} answers compared: {statuses:?}", begun.elapsed());
    assert!(statuses.get(&200).is_some_and(|n| *n > 800), "{statuses:?}");
    assert!(
        leaks.is_empty(),
        "{} of {compared} answers differ:\n{}",
        leaks.len(),
        leaks[..leaks.len().min(40)].join("\n")
    );
    drop((one, two));
    planted(portal, &second, &asks, &of_first, &spots[0]);
}

/// The comparison can fail: with one published figure changed, or one identifier that no figure says, it sees so in every
/// protocol.
fn planted(portal: &'static Portal, world: &World, asks: &[Ask], of_first: &[Seen], spot: &Spot) {
    let identifier =
        format!("UPDATE pub.parc_residence_p1 SET objectid = 7 WHERE millesime = 2024 AND id = '{}'", spot.id);
    // Far enough for another class on the map.
    let figure = "UPDATE pub.parc_iris_p1 SET nb_logements = 4 * nb_logements, part_1949_1974 = 99 \
                  WHERE statut = 'diffuse' AND millesime = 2024";
    world.sql(Which::Serving, Role::Owner, &identifier);
    world.sql(Which::Serving, Role::Owner, figure);
    let served = Served::start(portal, world);
    for (layer, protocols) in [
        ("parc_iris", ["/collections/parc_iris/items", "/wfs?", "GetMap", "/tiles/"]),
        ("parc_residence", ["/collections/parc_residence/items", "/wfs?", "GetFeatureInfo", "/tiles/"]),
    ] {
        let some: Vec<(&Ask, &Seen)> = asks.iter().zip(of_first).filter(|(a, _)| a.path.contains(layer)).collect();
        let list: Vec<Ask> = some.iter().map(|(a, _)| (*a).clone()).collect();
        let answers = served.answers("mel", &list);
        let seen: Vec<&str> =
            some.iter().zip(&answers).filter(|((_, a), b)| a != b).map(|((a, _), _)| a.path.as_str()).collect();
        for protocol in protocols {
            assert!(
                seen.iter().any(|p| p.contains(protocol)),
                "{layer} differs, and nothing is seen of it in {protocol} ({} answers differ)",
                seen.len()
            );
        }
    }
}
