use super::*;
use rcgen::{CertificateParams, KeyPair};

const NOW: i64 = 1_790_000_000_000;

fn authority(dir: &Path, name: &str) -> Authority {
    Authority::create(&dir.join(format!("{name}.pem")), &dir.join(format!("{name}.key")), name, None, NOW).unwrap()
}

fn request(name: &str) -> Request {
    Request { organisation: "Ville de Lomme".into(), name: name.into(), days: 730, ..Request::default() }
}

fn anchors_of(authorities: &[&Authority]) -> Anchors {
    let mut anchors = Anchors::default();
    for a in authorities {
        anchors.accept(anchors::certificates(a.pem().as_bytes()).unwrap().swap_remove(0)).unwrap();
    }
    anchors
}

#[test]
fn a_peer_is_placed_under_the_ca_whose_key_signed_it() {
    let dir = tempfile::tempdir().unwrap();
    // Two CAs of the same name: only the signature tells them apart.
    let (one, two) = (authority(dir.path(), "a"), {
        std::fs::create_dir(dir.path().join("b")).unwrap();
        authority(&dir.path().join("b"), "a")
    });
    let anchors = anchors_of(&[&one, &two]);
    let issued = two.issue(&request("SIG"), NOW).unwrap();
    let peer = Peer::from_der(std::slice::from_ref(&issued.der), &anchors).unwrap();
    assert_eq!(peer.issuer, two.key());
    assert_ne!(peer.issuer, one.key());
    assert_eq!(peer, issued.peer);
    assert!(peer.not_before < NOW && peer.not_after == NOW + 730 * 86_400_000);
    assert!(peer.subject.contains("Ville de Lomme"));
    let only_one = anchors_of(&[&one]);
    assert!(matches!(Peer::from_der(&[issued.der], &only_one), Err(PkiError::UnknownIssuer { .. })));
}

#[test]
fn keys_are_private_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let made = authority(dir.path(), "ca");
    let key = dir.path().join("ca.key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let again = Authority::create(&dir.path().join("ca.pem"), &key, "x", None, NOW);
    assert!(matches!(again, Err(PkiError::File { .. })));
    assert_eq!(Authority::open(&dir.path().join("ca.pem"), &key).unwrap().key(), made.key());
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(Authority::open(&dir.path().join("ca.pem"), &key), Err(PkiError::KeyExposed { .. })));
}

#[test]
fn a_request_gives_its_key_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let ca = authority(dir.path(), "ca");
    let pair = KeyPair::generate().unwrap();
    let mut asked = CertificateParams::new(vec!["evil.example".to_owned()]).unwrap();
    asked.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let csr = asked.serialize_request(&pair).unwrap().pem().unwrap();
    let issued = ca.issue(&Request { csr: Some(csr.clone()), ..request("robot") }, NOW).unwrap();
    assert!(issued.private_key.is_none());
    let certificate = parse(&issued.der).unwrap();
    assert!(!certificate.is_ca() && certificate.subject_alternative_name().unwrap().is_none());
    assert_eq!(issued.peer.key, sha256(&rcgen::PublicKeyData::subject_public_key_info(&pair)));
    // One flipped byte of the signature: no proof of possession.
    let mut lines: Vec<String> = csr.lines().map(str::to_owned).collect();
    let n = lines.len() - 2;
    let flipped = if lines[n].starts_with('A') { "B" } else { "A" };
    lines[n].replace_range(0..1, flipped);
    let broken = Request { csr: Some(lines.join("\n")), ..request("robot") };
    assert!(matches!(ca.issue(&broken, NOW), Err(PkiError::Format { .. })));
}

#[test]
fn a_directory_of_cas_and_lists_is_read_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let keys = tempfile::tempdir().unwrap();
    let (ours, theirs) = (authority(keys.path(), "ours"), authority(keys.path(), "theirs"));
    std::fs::write(dir.path().join("ours.pem"), ours.pem()).unwrap();
    let gone = ours.issue(&request("gone"), NOW).unwrap();
    let kept = ours.issue(&request("kept"), NOW).unwrap();
    let list = ours.crl(&[RevokedSerial { serial: gone.peer.serial.clone(), at: NOW }], 30, NOW).unwrap();
    std::fs::write(dir.path().join("ours.crl"), &list).unwrap();
    let anchors = Anchors::load(dir.path()).unwrap();
    let crl = anchors.crl(&ours.key()).unwrap();
    assert!(crl.revokes(&gone.peer.serial) && !crl.revokes(&kept.peer.serial));
    assert_eq!((crl.len(), crl.next_update), (1, NOW + 30 * 86_400_000));
    // A list of a CA that is not accepted, then a truncated one.
    std::fs::write(dir.path().join("z.crl"), theirs.crl(&[], 30, NOW).unwrap()).unwrap();
    assert!(Anchors::load(dir.path()).is_err());
    std::fs::write(dir.path().join("z.crl"), &list[..list.len() / 2]).unwrap();
    assert!(Anchors::load(dir.path()).is_err());
    std::fs::remove_file(dir.path().join("z.crl")).unwrap();
    // A client's certificate is no CA.
    std::fs::write(dir.path().join("leaf.pem"), &kept.pem).unwrap();
    assert!(Anchors::load(dir.path()).is_err());
}

#[test]
fn an_older_list_never_replaces_a_newer_one() {
    let dir = tempfile::tempdir().unwrap();
    let ca = authority(dir.path(), "ca");
    let issued = ca.issue(&request("gone"), NOW).unwrap();
    let mut anchors = anchors_of(&[&ca]);
    let revoked = [RevokedSerial { serial: issued.peer.serial.clone(), at: NOW }];
    anchors.revoke(ca.crl(&revoked, 30, NOW + 1000).unwrap().as_bytes()).unwrap();
    anchors.revoke(ca.crl(&[], 30, NOW).unwrap().as_bytes()).unwrap();
    assert!(anchors.crl(&ca.key()).unwrap().revokes(&issued.peer.serial));
}

#[test]
fn a_shown_intermediate_is_named_and_grants_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (root, between) = (authority(dir.path(), "root"), authority(dir.path(), "between"));
    let issued = between.issue(&request("x"), NOW).unwrap();
    let shown = anchors::certificates(between.pem().as_bytes()).unwrap().swap_remove(0);
    let peer = Peer::from_der(&[issued.der, shown], &anchors_of(&[&root])).unwrap();
    assert_eq!(peer.issuer, between.key());
}

#[test]
fn a_demonstration_is_recognised_by_its_ca() {
    let dir = tempfile::tempdir().unwrap();
    let make = |name: &str, unit| {
        let (c, k) = (dir.path().join(format!("{name}.pem")), dir.path().join(format!("{name}.key")));
        Authority::create(&c, &k, "MEL", unit, NOW).unwrap().pem().to_owned()
    };
    assert!(is_demo_ca(make("demo", Some(DEMO_UNIT)).as_bytes()));
    assert!(!is_demo_ca(make("real", None).as_bytes()));
    assert!(!is_demo_ca(b"nothing"));
}

#[test]
fn both_kinds_of_pkcs12_read_back_and_need_their_password() {
    use p12_keystore::{KeyStore, Pkcs12ImportPolicy};
    let dir = tempfile::tempdir().unwrap();
    let issued = authority(dir.path(), "ca").issue(&request("SIG"), NOW).unwrap();
    for strength in [Strength::Modern, Strength::Legacy] {
        let bytes = pkcs12(&issued, "seuil lomme", "seuil", strength).unwrap();
        let read = KeyStore::from_pkcs12(&bytes, "seuil", Pkcs12ImportPolicy::Strict).unwrap();
        let (alias, chain) = read.private_key_chain().unwrap();
        assert_eq!(alias, "seuil lomme");
        assert_eq!(chain.certs()[0].as_der(), issued.der.as_ref());
        assert_eq!(chain.certs().len(), 2);
        assert!(KeyStore::from_pkcs12(&bytes, "wrong", Pkcs12ImportPolicy::Strict).is_err());
    }
}

#[test]
fn an_rsa_key_is_issued_where_one_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let ca = authority(dir.path(), "ca");
    let issued = ca.issue(&Request { key: KeyKind::Rsa(2048), ..request("QGIS 3.22") }, NOW).unwrap();
    let certificate = parse(&issued.der).unwrap();
    let Ok(x509_parser::public_key::PublicKey::RSA(key)) = certificate.public_key().parsed() else { panic!() };
    assert_eq!(key.key_size(), 2048);
    for strength in [Strength::Modern, Strength::Legacy] {
        assert!(!pkcs12(&issued, "seuil", "geheim", strength).unwrap().is_empty());
    }
    let weak = ca.issue(&Request { key: KeyKind::Rsa(1024), ..request("weak") }, NOW);
    assert!(matches!(weak, Err(PkiError::Key(_))));
}
