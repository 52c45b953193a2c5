//! Paged readings across a change of publication: pages of one reading never mix two.

use crate::Case;
use crate::client::Client;
use crate::portal::{self, Portal};
use crate::store::{CATALOGUE, Own, eventually};
use seuil::server::{self, Running, Views};
use std::time::Duration;
use tokio::runtime::Runtime;

pub const CASES: &[Case] =
    &[("pages_by_number_stay_in_their_publication", wfs), ("pages_of_features_stay_in_their_publication", features)];

/// Servers on views of their own, whose publications this test makes; conventions and certificates are the portal's.
struct Servers {
    own: Own,
    portal: &'static Portal,
    runtime: Runtime,
    running: Vec<Running>,
}

impl Servers {
    fn new(portal: &'static Portal) -> Servers {
        let own = Own::start();
        let capabilities = own.folder.path().join("capabilities");
        let catalogue = CATALOGUE.replacen("theme = \"autre\"", "theme = \"parc\"", 1);
        let catalogue = catalogue.replacen("styles = [\"lieu\"]", "styles = [\"point\"]", 1);
        let catalogue = catalogue.replacen("scale = \"autre\"", "scale = \"residence\"", 1);
        std::fs::write(capabilities.join("catalogue.toml"), catalogue).expect("catalogue");
        std::fs::create_dir_all(capabilities.join("styles")).expect("styles");
        let style = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("styles/point.sld");
        std::fs::copy(style, capabilities.join("styles/point.sld")).expect("style");
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
        Servers { own, portal, runtime, running: Vec::new() }
    }

    /// Starts a server and gives a client of it.
    fn start(&mut self, grace: u64) -> Client {
        let mut config = self.portal.config.clone();
        config.server.listen = "127.0.0.1:0".parse().expect("address");
        config.server.operations = config.server.listen;
        let state = self.own.folder.path().join(format!("state{}", self.running.len()));
        config.server.state = portal::state_beside(&config, &state);
        config.server.grace = grace;
        config.server.poll = 1;
        let views = Views {
            capabilities: Some(self.own.folder.path().join("capabilities")),
            database: Some(self.own.database.serving.clone()),
        };
        let running = self.runtime.block_on(server::start(config, views)).expect("server");
        let pki = self.portal.dir.join("pki");
        let identity = [pki.join("mel/client.pem"), pki.join("mel/client.key")];
        let client = Client::new(&running.address.to_string(), &pki.join("ca.pem"), Some((&identity[0], &identity[1])));
        self.running.push(running);
        client
    }

    /// Publication `n`: every place of the former one with another name, and one place fewer.
    fn publish(&self, n: i64) {
        let former = n - 1;
        self.own
            .sql(&format!(
                "UPDATE registre.publication SET etat = 'ancienne'; \
                 INSERT INTO pub.lieu SELECT {n}, code, 'Publication {n}', valeur, geom FROM pub.lieu \
                 WHERE publication = {former} AND code <> (SELECT min(code) FROM pub.lieu WHERE publication = {former}); \
                 INSERT INTO registre.publication VALUES ({n}, 'courante', now()); \
                 NOTIFY seuil_publication"
            ))
            .expect("publication");
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for running in self.running.drain(..) {
            self.runtime.block_on(running.stop());
        }
    }
}

const ALL: &str = "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=lieu&OUTPUTFORMAT=geojson&COUNT=20";

/// Names on a page, and how many features match.
fn page(client: &Client, path: &str) -> (Vec<String>, u64) {
    let mut answer = client.get(path);
    // A server that does not hold the publication fetches it and says when to ask again.
    for _ in 0..100 {
        if answer.status != 503 {
            break;
        }
        assert!(!answer.header("retry-after").is_empty());
        std::thread::sleep(Duration::from_millis(100));
        answer = client.get(path);
    }
    let json = answer.expect(200).json();
    let names = json["features"].as_array().expect("features").iter();
    let names = names.map(|f| f["properties"]["nom"].as_str().expect("nom").to_owned());
    (names.collect(), json["numberMatched"].as_u64().expect("numberMatched"))
}

fn is_current(client: &Client, n: i64) -> bool {
    client.get("/whoami?f=json").json()["publication"] == n
}

fn wfs(portal: &'static Portal) {
    let mut servers = Servers::new(portal);
    let client = servers.start(600);
    let (first, matched) = page(&client, ALL);
    assert_eq!((first.len(), matched, first[0].as_str()), (20, 50, "Lieu"));
    // Another reading, of which only half is asked for before the change: its request differs.
    let other = format!("{ALL}&SORTBY=code%20DESC");
    page(&client, &other);

    servers.publish(2);
    eventually("publication 2", || is_current(&client, 2));
    // The reading goes on where it began, here and at a server that never saw its first page.
    let (second, matched) = page(&client, &format!("{ALL}&STARTINDEX=20"));
    assert_eq!((second.len(), matched, second[0].as_str()), (20, 50, "Lieu"));
    let late = servers.start(600);
    assert!(is_current(&late, 2));
    let (third, matched) = page(&late, &format!("{ALL}&STARTINDEX=40"));
    assert_eq!((third.len(), matched, third[0].as_str()), (10, 50, "Lieu"));
    // The order of parameters and letters of their names mean nothing.
    let spelt =
        "/wfs?startindex=20&count=20&service=WFS&request=GetFeature&version=2.0.0&typenames=lieu&outputformat=geojson";
    assert_eq!(page(&client, spelt).0[0], "Lieu");
    assert_eq!(page(&client, &format!("{other}&STARTINDEX=20")).1, 50);
    // STARTINDEX=0 opens a new reading, of the current publication, for both servers.
    let (first, matched) = page(&client, &format!("{ALL}&STARTINDEX=0"));
    assert_eq!((first[0].as_str(), matched), ("Publication 2", 49));
    eventually("the pin reaches the other server", || page(&late, &format!("{ALL}&STARTINDEX=20")).1 == 49);
    assert_eq!(page(&client, &format!("{ALL}&STARTINDEX=20")).1, 49);
    // One that nobody opened is one of the current publication.
    assert_eq!(page(&client, &format!("{ALL}1&STARTINDEX=20")).1, 49);

    // A publication that is gone: an exception, never another publication.
    servers.publish(3);
    servers.own.sql("UPDATE registre.publication SET etat = 'retiree' WHERE id < 3").expect("retired");
    let strict = servers.start(1);
    let gone = strict.get(&format!("{ALL}&STARTINDEX=20"));
    assert_eq!(gone.status, 403, "{}", gone.text());
    assert!(gone.text().contains("exceptionCode=\"ResponseCacheExpired\""), "{}", gone.text());
    assert_eq!(page(&strict, ALL).1, 48, "begun anew");
    assert_eq!(page(&strict, &format!("{ALL}&STARTINDEX=40")).1, 48);
}

fn features(portal: &'static Portal) {
    let mut servers = Servers::new(portal);
    let client = servers.start(600);
    let all = "/collections/lieu/items?f=json&limit=20";
    let first = client.get(all).expect(200).json();
    let links = first["links"].as_array().expect("links");
    let next = links.iter().find(|l| l["rel"] == "next").expect("next")["href"].as_str().expect("href");
    let next = next.split_once(&client_address(next)).expect("address").1.to_owned();
    servers.publish(2);
    eventually("publication 2", || is_current(&client, 2));
    assert_eq!(page(&client, &next).1, 50, "the link names its publication");
    assert_eq!(page(&client, &format!("{all}&offset=20")).1, 50, "and so does the certificate");
    // What a client may keep of a page is never taken for a page of another reading.
    let kept = client.get(&format!("{all}&offset=20"));
    let tag = kept.header("etag").to_owned();
    assert_eq!(page(&client, all).1, 49);
    let again = client.get_with(&format!("{all}&offset=20"), &[("if-none-match", &tag)]).expect(200).json();
    assert_eq!(again["numberMatched"], 49);
}

fn client_address(url: &str) -> String {
    let rest = url.strip_prefix("https://").expect("https");
    rest.split('/').next().expect("host").to_owned()
}
