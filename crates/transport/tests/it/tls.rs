//! TLS against real peers: each fault is reported, and nothing of the request is sent.

use std::io::Read;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;

use identkit_core::{Delivery, Secret};
use identkit_transport::Failure;
use identkit_transport::http::{ConnectFault, HyperTransport, Pin, TlsBuilder, TlsConfig, certificates};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

use crate::support::{Log, Running, answer_noted, attempt, hear, noting, put, refused, spawn, text};

/// A certificate authority for one test.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    /// Issues a certificate and a key for these names.
    pub(crate) fn issue(&self, names: &[&str], change: impl Fn(&mut CertificateParams)) -> Issued {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Issued { pem: certificate.pem(), der: certificate.der().clone(), key }
    }
}

pub(crate) struct Issued {
    pem: String,
    der: CertificateDer<'static>,
    key: KeyPair,
}

impl Issued {
    fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}

pub(crate) type Versions = &'static [&'static SupportedProtocolVersion];
const TLS_1_2: Versions = &[&rustls::version::TLS12];
pub(crate) const TLS_1_3: Versions = &[&rustls::version::TLS13];

pub(crate) fn settings(issued: &Issued, versions: Versions, clients: Option<&Authority>) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions).unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der().into()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    builder.with_single_cert(vec![issued.der.clone()], issued.key()).unwrap()
}

/// A server that answers "ok" and logs the requests.
pub(crate) async fn peer(config: ServerConfig) -> (SocketAddr, Log) {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    noting(move |stream, log| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            answer_noted(stream, "body", log).await;
        }
    })
    .await
}

pub(crate) fn trusting(authority: &Authority) -> TlsBuilder {
    TlsConfig::builder().without_roots().authorities(&[authority.der()])
}

fn url(address: SocketAddr) -> String {
    format!("https://localhost:{}/", address.port())
}

/// The fault of a request of which the server received nothing.
async fn not_received(tls: TlsBuilder, address: SocketAddr, log: &Log) -> (ConnectFault, Failure) {
    let refused = refused(&HyperTransport::new(&tls.build().unwrap()), &url(address)).await;
    assert_eq!(*log.lock().unwrap(), [""; 0], "something of the request was sent");
    assert!(refused.1.permanent);
    refused
}

async fn unsent(tls: TlsBuilder, address: SocketAddr, log: &Log) -> ConnectFault {
    let (fault, failure) = not_received(tls, address, log).await;
    assert_eq!(failure.delivery, Delivery::NotSent);
    fault
}

async fn accepted(tls: TlsBuilder, address: SocketAddr, log: &Log) {
    let transport = HyperTransport::new(&tls.build().unwrap());
    // Twice: the second connection may resume the TLS session of the first.
    for _ in 0..2 {
        assert_eq!(text(&transport, &url(address), true).await.unwrap(), "ok");
    }
    let log = std::mem::take(&mut *log.lock().unwrap());
    assert!(log[0].starts_with("PUT / HTTP/1.1\r\n"));
}

#[tokio::test]
async fn each_certificate_is_accepted_or_has_its_fault() {
    use ConnectFault::{
        CertificateExpired, CertificateNotYetValid, CertificateUnusable, PinMismatch, UnknownAuthority, WrongHost,
    };
    let (authority, other) = (Authority::new(), Authority::new());
    let dated = |from: i32, to: i32| {
        authority.issue(&["localhost"], |params| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        })
    };
    let clients_only = authority.issue(&["localhost"], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let (good, elsewhere) = (authority.issue(&["localhost"], |_| ()), authority.issue(&["example.com"], |_| ()));
    let (expired, early) = (dated(2000, 2001), dated(3000, 3001));
    let pin = |der: &[u8]| Pin::from_certificate(der).unwrap();
    let (own, another, above) = (pin(&good.der), pin(&elsewhere.der), pin(&authority.der()));
    let both = [another, own];
    let trusted = || trusting(&authority);
    let bundled = TlsConfig::builder;
    // Always with another authority, so that the test also runs on machines without roots.
    #[cfg(feature = "platform-roots")]
    let bundled_or_platform = [bundled, || TlsConfig::builder().platform_roots()];
    #[cfg(not(feature = "platform-roots"))]
    let bundled_or_platform = [bundled];
    for versions in [TLS_1_2, TLS_1_3] {
        let mut rows = vec![
            ("good", &good, trusted(), None),
            ("expired", &expired, trusted(), Some(CertificateExpired)),
            ("not yet valid", &early, trusted(), Some(CertificateNotYetValid)),
            ("another host", &elsewhere, trusted(), Some(WrongHost)),
            ("another authority", &good, trusting(&other), Some(UnknownAuthority)),
            ("another purpose", &clients_only, trusted(), Some(CertificateUnusable)),
            ("another key pinned", &good, trusted().pins([another]), Some(PinMismatch)),
            ("the authority's key pinned", &good, trusted().pins([above]), Some(PinMismatch)),
            ("a pin replaces no check", &good, trusting(&other).pins([own]), Some(UnknownAuthority)),
            ("one of two pins", &good, trusted().pins(both), None),
            ("the bundled roots alone", &good, bundled(), Some(UnknownAuthority)),
        ];
        for roots in bundled_or_platform {
            rows.push(("roots and another", &good, roots().authorities(&[other.der()]), Some(UnknownAuthority)));
            rows.push(("roots and one's own", &good, roots().authorities(&[authority.der()]), None));
        }
        for (row, issued, tls, expected) in rows {
            let (address, received) = peer(settings(issued, versions, None)).await;
            match expected {
                None => accepted(tls, address, &received).await,
                Some(fault) => assert_eq!(unsent(tls, address, &received).await, fault, "{row}"),
            }
        }
    }
}

#[tokio::test]
async fn a_missing_client_certificate_is_a_fault() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let client = clients.issue(&["client"], |_| ());
    let stranger = Authority::new().issue(&["client"], |_| ());
    let showing = |issued: &Issued| {
        let key = Secret::new(issued.key.serialize_pem());
        trusting(&authority).client_certificate(issued.pem.as_bytes(), &key).unwrap()
    };
    // With TLS 1.3 the refusal arrives after the client finished the handshake, before or after the request is sent.
    let (before, after) = (Delivery::NotSent, Delivery::MaybeSent);
    for (versions, known) in [(TLS_1_2, &[before][..]), (TLS_1_3, &[before, after])] {
        let config = settings(&authority.issue(&["localhost"], |_| ()), versions, Some(&clients));
        let (address, received) = peer(config).await;
        for without in [trusting(&authority), showing(&stranger)] {
            let (fault, failure) = not_received(without, address, &received).await;
            assert_eq!(fault, ConnectFault::ClientCertificate, "{:?}", failure.source);
            assert!(known.contains(&failure.delivery));
        }
        accepted(showing(&client), address, &received).await;
    }
}

#[tokio::test]
async fn a_custom_configuration_is_used_unchanged() {
    let authority = Authority::new();
    let (address, received) = peer(settings(&authority.issue(&["localhost"], |_| ()), TLS_1_3, None)).await;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().into()).unwrap();
    let own = |versions: Versions| {
        let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_protocol_versions(versions).unwrap();
        TlsConfig::custom(builder.with_root_certificates(roots.clone()).with_no_client_auth())
    };
    let (fault, failure) = refused(&HyperTransport::new(&own(TLS_1_2)), &url(address)).await;
    assert_eq!((fault, failure.delivery), (ConnectFault::NoCommonTls, Delivery::NotSent));
    assert_eq!(*received.lock().unwrap(), [""; 0]);
    assert_eq!(text(&HyperTransport::new(&own(TLS_1_3)), &url(address), true).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_server_without_tls_1_2_gets_nothing_of_the_request() {
    // The alert "protocol version".
    let alert: &[u8] = &[21, 3, 2, 0, 2, 2, 70];
    for (answer, expected) in
        [(alert, ConnectFault::NoCommonTls), (b"HTTP/1.1 400 Bad Request\r\n\r\n", ConnectFault::NoTls)]
    {
        let (address, received) = noting(move |mut stream, log| async move {
            hear(&mut stream, "\u{16}").await;
            stream.write_all(answer).await.unwrap();
            let all = hear(&mut stream, "body").await;
            if all.contains("body") || all.contains("PUT") {
                log.lock().unwrap().push(all);
            }
        })
        .await;
        assert_eq!(unsent(trusting(&Authority::new()), address, &received).await, expected);
    }
}

/// OpenSSL's server with `certificate.pem` and `key.pem`. `None` if `openssl` is missing and not required.
fn openssl(folder: &std::path::Path, options: &[&str]) -> Option<Running> {
    let mut command = Command::new("openssl");
    command.args(["s_server", "-accept", "127.0.0.1:0", "-naccept", "3", "-www"]).current_dir(folder);
    command.args(["-cert", "certificate.pem", "-key", "key.pem"]).args(options);
    let mut child = spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()))?;
    // It prints "ACCEPT 127.0.0.1:<port>".
    let mut output = String::new();
    let out = child.stdout.as_mut().unwrap();
    let mut byte = [0];
    while !(output.contains("ACCEPT") && output.ends_with('\n')) {
        assert_eq!(out.read(&mut byte).unwrap(), 1, "openssl ended: {output}");
        output.push(char::from(byte[0]));
    }
    let port = output.trim().rsplit(':').next().unwrap().parse().unwrap();
    Some(Running(child, SocketAddr::from(([127, 0, 0, 1], port))))
}

/// The status of a GET, the only method that OpenSSL's server answers.
async fn got(tls: TlsBuilder, address: SocketAddr) -> u16 {
    let mut get = put(&url(address), "");
    *get.method_mut() = http::Method::GET;
    let (sent, _) = attempt(&HyperTransport::new(&tls.build().unwrap()), get, true).await;
    sent.unwrap().status().as_u16()
}

#[tokio::test]
async fn the_documented_openssl_command_makes_a_usable_certificate() {
    const PAGE: &str = include_str!("../../../../docs/operate.md");
    let documented = PAGE.lines().skip_while(|line| !line.starts_with("openssl req -x509 ")).take(2);
    let documented = documented.collect::<String>().replace('\\', "");
    let documented = documented.replace("server.key", "key.pem").replace("server.pem", "certificate.pem");
    let own = "-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key.pem -out certificate.pem";
    let p521 = "-newkey ec -pkeyopt ec_paramgen_curve:P-521 -nodes";
    let server = "-addext basicConstraints=critical,CA:FALSE";
    for (commands, expected) in [
        (vec![documented], None),
        (vec![format!("openssl req -x509 -newkey rsa:2048 -nodes {own}")], Some(ConnectFault::CertificateOfAuthority)),
        (vec![format!("openssl req -x509 {p521} {server} {own}")], Some(ConnectFault::NoCommonTls)),
        (
            vec![
                format!("openssl req -x509 {p521} -subj /CN=authority -keyout authority.key -out authority.pem"),
                "openssl ecparam -name prime256v1 -genkey -noout -out key.pem".to_owned(),
                "openssl req -new -key key.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost -out csr".to_owned(),
                "openssl x509 -req -in csr -CA authority.pem -CAkey authority.key -copy_extensions copy -out certificate.pem"
                    .to_owned(),
            ],
            Some(ConnectFault::UnsupportedSignature),
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for command in &commands {
            let mut words = command.split_whitespace();
            let mut made = Command::new(words.next().unwrap());
            made.args(words).current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::piped());
            let Some(made) = spawn(&mut made) else { return };
            let made = made.wait_with_output().unwrap();
            assert!(made.status.success(), "{command}: {}", String::from_utf8_lossy(&made.stderr));
        }
        let trusted = [path("authority.pem"), path("certificate.pem")].into_iter().find(|path| path.exists()).unwrap();
        let trusted = certificates(&std::fs::read(trusted).unwrap()).unwrap();
        let tls = || TlsConfig::builder().without_roots().authorities(&trusted);
        let Some(peer) = openssl(folder.path(), &[]) else { return };
        match expected {
            None => assert_eq!(got(tls(), peer.1).await, 200, "{commands:?}"),
            Some(fault) => assert_eq!(unsent(tls(), peer.1, &Log::default()).await, fault, "{commands:?}"),
        }
    }
}

#[tokio::test]
async fn openssl_is_accepted_with_tls_1_2_or_newer_only() {
    let authority = Authority::new();
    let issued = authority.issue(&["localhost"], |_| ());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("certificate.pem"), &issued.pem).unwrap();
    std::fs::write(folder.path().join("key.pem"), issued.key.serialize_pem()).unwrap();
    for (options, works) in [
        (&["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"][..], false),
        (&["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"], false),
        (&["-tls1_2"], true),
        (&["-tls1_3"], true),
    ] {
        let Some(peer) = openssl(folder.path(), options) else { return };
        if works {
            assert_eq!(got(trusting(&authority), peer.1).await, 200, "{options:?}");
        } else {
            let fault = unsent(trusting(&authority), peer.1, &Log::default()).await;
            assert_eq!(fault, ConnectFault::NoCommonTls, "{options:?}");
        }
    }
}
