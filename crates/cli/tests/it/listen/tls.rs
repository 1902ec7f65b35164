//! The receiver with TLS.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::*;
use crate::support::{file, run};

/// Sends a GET request over TLS.
fn get(roots: RootCertStore, address: &str, path: &str) -> String {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config.with_no_client_auth()), name).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn with_a_certificate_webhooks_arrive_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = file(&folder, "cert.pem", &made.cert.pem());
    let key = file(&folder, "key.pem", &made.signing_key.serialize_pem());
    let mut receiver = Receiver::on(&folder, &["--tls-cert", &certificate, "--tls-key", &key, "--print"]);
    let address = receiver.url("").strip_prefix("https://").unwrap().to_owned();
    let url = receiver.order_url("OnFinal");
    let path = url.strip_prefix(&format!("https://{address}")).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    for (path, expected) in [(path, 202), ("/healthz", 200), ("/identity-tm/x/OnFinal", 404)] {
        let answer = get(roots.clone(), &address, path);
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{answer}");
    }
    assert_eq!(receiver.events(1)[0]["order_id"], ORDER);
    assert_eq!(receiver.stop().stderr.lines().count(), 1, "only the note about the key");
}

#[test]
fn an_unusable_certificate_is_2() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = [(); 2].map(|()| rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap());
    let certificate = file(&folder, "cert.pem", &one.cert.pem());
    let key = file(&folder, "key.pem", &one.signing_key.serialize_pem());
    let other_key = file(&folder, "other.pem", &other.signing_key.serialize_pem());
    let text = file(&folder, "text.pem", "secret-value");
    let absent = folder.path().join("absent.pem").display().to_string();
    for (arguments, words) in [
        (&["--tls-cert", &certificate][..], &["--tls-key"][..]),
        (&["--tls-key", &key], &["--tls-cert"]),
        (&["--tls-cert", &absent, "--tls-key", &key], &["--tls-cert", "absent.pem"]),
        (&["--tls-cert", &text, "--tls-key", &key], &["--tls-cert", "no certificate"]),
        (&["--tls-cert", &certificate, "--tls-key", &text], &["--tls-key", "no private key"]),
        (&["--tls-cert", &certificate, "--tls-key", &other_key], &["--tls-cert", "other.pem"]),
    ] {
        let result = run(&mut command(&folder, arguments));
        result.ends_with(2, words).hides(&["secret-value", "BEGIN"]);
        assert_eq!(result.stdout, "");
        assert!(!folder.path().join("state.db").exists(), "no store is created");
    }
}
