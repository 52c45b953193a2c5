use super::*;
use crate::catalogue::load_embedded;
use crate::convention::revocations::Local;
use crate::convention::{CertificateRow, ConventionRow, State, file, samples};
use crate::pki::{Authority, Issued, Request};
use std::time::Instant;

struct Scene {
    dir: tempfile::TempDir,
    config: Config,
    authority: Authority,
    issued: Issued,
    catalogue: Arc<Catalogue>,
}

/// A server's folders with a registry on disk, confirmed so long ago, and a database that is away.
fn scene(ago: Duration) -> Scene {
    let dir = tempfile::tempdir().unwrap();
    let path = |p: &str| dir.path().join(p);
    std::fs::create_dir(path("clients")).unwrap();
    let authority = Authority::create(&path("clients/ca.pem"), &path("ca.key"), "MEL", None, now()).unwrap();
    let request = Request { organisation: "MEL".into(), name: "SIG".into(), days: 30, ..Request::default() };
    let issued = authority.issue(&request, now()).unwrap();
    let deed = file::parse("mel", samples::FILES[0].1, None).unwrap().deed;
    let certificate = CertificateRow {
        convention: "mel".into(),
        ca: issued.peer.issuer,
        key: issued.peer.key,
        purpose: "diagnostic_partage".into(),
        holder: "SIG".into(),
        public_url: None,
        revoked: false,
    };
    let conventions = vec![ConventionRow { deed, version: 1, state: State::Signed }];
    let rows = Rows { conventions, certificates: vec![certificate], ..Rows::default() };
    kept::write(&path("state"), &rows).unwrap();
    let file = std::fs::File::options().append(true).open(path("state/registre.json")).unwrap();
    file.set_modified(SystemTime::now() - ago).unwrap();
    let mut config = Config::default();
    config.database.serving = format!("host={} dbname=nothing", dir.path().display());
    config.server.state = path("state");
    config.server.client_ca = path("clients");
    Scene { config, authority, issued, catalogue: Arc::new(load_embedded().unwrap()), dir }
}

impl Scene {
    async fn open(&self) -> Arc<Holder> {
        Holder::open(&self.config, Arc::clone(&self.catalogue)).await.unwrap()
    }

    /// Waits for an answer; gives how long it took.
    async fn until(&self, holder: &Holder, wanted: Option<Refusal>) -> Duration {
        let begun = Instant::now();
        loop {
            if holder.identify(Some(&self.issued.peer), now()).err() == wanted {
                return begun.elapsed();
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{wanted:?} did not come");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn a_start_without_the_database_honours_the_kept_registry_while_it_is_young() {
    let young = scene(Duration::from_secs(60));
    let holder = young.open().await;
    assert_eq!(holder.identify(Some(&young.issued.peer), now()).unwrap().convention.id, "mel");
    assert!(holder.age().unwrap() >= Duration::from_secs(60));
    assert!(holder.identify(Some(&young.issued.peer), now() + 840_001).is_err(), "900 s from the confirmation");
    let old = scene(Duration::from_secs(901));
    let holder = old.open().await;
    assert_eq!(holder.identify(Some(&old.issued.peer), now()).unwrap_err(), Refusal::RegistryStale);
    assert_eq!(holder.age(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_take_effect_without_a_restart() {
    let s = scene(Duration::ZERO);
    let holder = s.open().await;
    assert!(holder.identify(Some(&s.issued.peer), now()).is_ok());
    let state = s.config.server.state.clone();
    Revocations::append(&state, &[Local::Key(s.issued.peer.key)], "lost").unwrap();
    let local = s.until(&holder, Some(Refusal::CertificateRevoked)).await;
    std::fs::remove_file(state.join(FILE)).unwrap();
    s.until(&holder, None).await;
    let revoked = [crate::pki::RevokedSerial { serial: s.issued.peer.serial.clone(), at: now() }];
    std::fs::write(s.dir.path().join("clients/ca.crl"), s.authority.crl(&revoked, 30, now()).unwrap()).unwrap();
    let listed = s.until(&holder, Some(Refusal::CertificateRevoked)).await;
    // Half a list: the former one stays in force.
    std::fs::write(s.dir.path().join("clients/ca.crl"), "-----BEGIN X509 CRL-----\nMII").unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(holder.identify(Some(&s.issued.peer), now()).is_err());
    std::fs::write(s.dir.path().join("clients/ca.crl"), s.authority.crl(&[], 30, now() + 2000).unwrap()).unwrap();
    s.until(&holder, None).await;
    println!("local revocation {local:?}, list {listed:?}");
    // Within a second on a machine that is not busy (`tests/` measures that); here the other tests run beside it.
    assert!(local < Duration::from_secs(5) && listed < Duration::from_secs(5));
}

#[tokio::test]
async fn a_mistyped_revocation_stops_the_start() {
    let s = scene(Duration::ZERO);
    std::fs::write(s.config.server.state.join(FILE), "cle nothing\n").unwrap();
    let refused = Holder::open(&s.config, Arc::clone(&s.catalogue)).await.unwrap_err();
    assert!(refused.to_string().contains("line 1"), "{refused}");
}
