//! TLS of all kinds, each by a real peer: what is wrong is told apart, and nothing of the request gets through.

use std::io::Read;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use identkit_core::{Delivery, Kind, Secret};
use identkit_transport::Failure;
use identkit_transport::http::{ConnectError, ConnectFault, HyperTransport, Pin, TlsBuilder, TlsConfig};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

use crate::support::{attempt, closed, hear, put, server};

/// An authority, made for one test.
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

    /// A certificate for these names and its key.
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

/// A server that answers "ok"; what it heard of requests is kept.
pub(crate) async fn peer(config: ServerConfig) -> (SocketAddr, Arc<Mutex<String>>) {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let heard = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&heard);
    let (address, _) = server(move |stream, _| {
        let (acceptor, log) = (acceptor.clone(), Arc::clone(&log));
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let request = hear(&mut stream, "body").await;
            log.lock().unwrap().push_str(&request);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            closed(&mut stream).await;
        }
    })
    .await;
    (address, heard)
}

fn trusting(authority: &Authority) -> TlsBuilder {
    TlsConfig::builder().without_roots().authorities(&[authority.der()])
}

/// Makes a request that must not get through, and returns why.
async fn refused(tls: TlsBuilder, address: SocketAddr, heard: &Arc<Mutex<String>>) -> (ConnectFault, Failure) {
    let transport = HyperTransport::new(&tls.build().unwrap());
    let (sent, delivery) =
        attempt(&transport, put(&format!("https://localhost:{}/", address.port()), "body"), true).await;
    let failure = sent.expect_err("a connection that should have been refused");
    assert_eq!(heard.lock().unwrap().as_str(), "", "something of the request got through");
    assert_eq!((failure.delivery, failure.kind), (delivery, Kind::Unreachable));
    let fault = failure.source.as_ref().unwrap().downcast_ref::<ConnectError>().unwrap().fault();
    assert_eq!(failure.detail, fault.text(), "{:?}", failure.source);
    assert_eq!(failure.permanent, fault.permanent());
    (fault, failure)
}

async fn refused_unsent(tls: TlsBuilder, address: SocketAddr, heard: &Arc<Mutex<String>>) -> ConnectFault {
    let (fault, failure) = refused(tls, address, heard).await;
    assert_eq!(failure.delivery, Delivery::NotSent);
    assert!(failure.permanent);
    fault
}

async fn accepted(tls: TlsBuilder, address: SocketAddr, heard: &Arc<Mutex<String>>) {
    let transport = HyperTransport::new(&tls.build().unwrap());
    // Twice: the second connection may resume the session of the first, and must be as good.
    for _ in 0..2 {
        let url = format!("https://localhost:{}/", address.port());
        let (sent, _) = attempt(&transport, put(&url, "body"), true).await;
        assert_eq!(sent.unwrap().into_body().collect(10).await.unwrap(), "ok");
    }
    assert!(heard.lock().unwrap().starts_with("PUT / HTTP/1.1\r\n"));
}

#[tokio::test]
async fn servers_of_either_version_work() {
    let authority = Authority::new();
    for versions in [TLS_1_2, TLS_1_3] {
        let (address, heard) = peer(settings(&authority.issue(&["localhost"], |_| ()), versions, None)).await;
        accepted(trusting(&authority), address, &heard).await;
    }
}

#[tokio::test]
async fn certificates_that_are_not_trusted_are_told_apart() {
    let (authority, other) = (Authority::new(), Authority::new());
    let dated = |from: i32, to: i32| {
        move |params: &mut CertificateParams| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        }
    };
    let clients_only = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    };
    for versions in [TLS_1_2, TLS_1_3] {
        for (issued, expected) in [
            (authority.issue(&["localhost"], dated(2000, 2001)), ConnectFault::CertificateExpired),
            (authority.issue(&["localhost"], dated(3000, 3001)), ConnectFault::CertificateNotYetValid),
            (authority.issue(&["example.com"], |_| ()), ConnectFault::WrongHost),
            (other.issue(&["localhost"], |_| ()), ConnectFault::UnknownAuthority),
            (authority.issue(&["localhost"], clients_only), ConnectFault::CertificateUnusable),
        ] {
            let (address, heard) = peer(settings(&issued, versions, None)).await;
            assert_eq!(refused_unsent(trusting(&authority), address, &heard).await, expected);
        }
    }
}

#[tokio::test]
async fn the_bundled_roots_trust_no_authority_of_ones_own() {
    let authority = Authority::new();
    let (address, heard) = peer(settings(&authority.issue(&["localhost"], |_| ()), TLS_1_3, None)).await;
    assert_eq!(refused_unsent(TlsConfig::builder(), address, &heard).await, ConnectFault::UnknownAuthority);
    accepted(TlsConfig::builder().authorities(&[authority.der()]), address, &heard).await;
}

#[cfg(feature = "platform-roots")]
#[tokio::test]
async fn the_platforms_roots_are_trusted_on_request() {
    let authority = Authority::new();
    let (address, heard) = peer(settings(&authority.issue(&["localhost"], |_| ()), TLS_1_3, None)).await;
    // Beside an authority of one's own, so that a machine without any root can run this.
    let tls = || TlsConfig::builder().platform_roots().authorities(&[authority.der()]);
    accepted(tls(), address, &heard).await;
    heard.lock().unwrap().clear();
    let stranger = TlsConfig::builder().platform_roots().authorities(&[Authority::new().der()]);
    assert_eq!(refused_unsent(stranger, address, &heard).await, ConnectFault::UnknownAuthority);
}

#[tokio::test]
async fn a_pinned_key_is_wanted_besides_a_trusted_certificate() {
    let (authority, other) = (Authority::new(), Authority::new());
    for versions in [TLS_1_2, TLS_1_3] {
        let issued = authority.issue(&["localhost"], |_| ());
        let good = Pin::of_certificate(&issued.der).unwrap();
        let bad = Pin::of_certificate(&authority.issue(&["localhost"], |_| ()).der).unwrap();
        let (address, heard) = peer(settings(&issued, versions, None)).await;
        let fault = refused_unsent(trusting(&authority).pins([bad]), address, &heard).await;
        assert_eq!(fault, ConnectFault::PinMismatch);
        // The key of the authority is not the server's.
        let above = Pin::of_certificate(&authority.der()).unwrap();
        assert_eq!(
            refused_unsent(trusting(&authority).pins([above]), address, &heard).await,
            ConnectFault::PinMismatch
        );
        // A pin replaces no check.
        let fault = refused_unsent(trusting(&other).pins([good]), address, &heard).await;
        assert_eq!(fault, ConnectFault::UnknownAuthority);
        accepted(trusting(&authority).pins([bad, good]), address, &heard).await;
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_its_absence_told() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let client = clients.issue(&["client"], |_| ());
    let stranger = Authority::new().issue(&["client"], |_| ());
    let showing = |issued: &Issued| {
        let key = Secret::new(issued.key.serialize_pem());
        trusting(&authority).client_certificate(issued.pem.as_bytes(), &key).unwrap()
    };
    // With TLS 1.3 the refusal comes after the client's last word: at times before the request has left, at times not.
    let (before, after) = (Delivery::NotSent, Delivery::MaybeSent);
    for (versions, known) in [(TLS_1_2, &[before][..]), (TLS_1_3, &[before, after])] {
        let config = settings(&authority.issue(&["localhost"], |_| ()), versions, Some(&clients));
        let (address, heard) = peer(config).await;
        for without in [trusting(&authority), showing(&stranger)] {
            let (fault, failure) = refused(without, address, &heard).await;
            assert_eq!(fault, ConnectFault::ClientCertificate, "{:?}", failure.source);
            assert!(known.contains(&failure.delivery) && failure.permanent);
        }
        accepted(showing(&client), address, &heard).await;
    }
}

#[tokio::test]
async fn a_configuration_of_the_users_own_is_taken_as_it_is() {
    let authority = Authority::new();
    let (address, heard) = peer(settings(&authority.issue(&["localhost"], |_| ()), TLS_1_3, None)).await;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().into()).unwrap();
    let own = |versions: Versions| {
        let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_protocol_versions(versions).unwrap();
        TlsConfig::custom(builder.with_root_certificates(roots.clone()).with_no_client_auth())
    };
    let url = format!("https://localhost:{}/", address.port());
    let (sent, _) = attempt(&HyperTransport::new(&own(TLS_1_2)), put(&url, "body"), true).await;
    let failure = sent.unwrap_err();
    assert_eq!((failure.detail, failure.delivery), (ConnectFault::NoCommonTls.text(), Delivery::NotSent));
    assert_eq!(heard.lock().unwrap().as_str(), "");
    let (sent, _) = attempt(&HyperTransport::new(&own(TLS_1_3)), put(&url, "body"), true).await;
    assert_eq!(sent.unwrap().status(), 200);
}

#[tokio::test]
async fn a_server_that_speaks_tls_1_1_only_is_told_as_such() {
    // An alert "protocol version", as every such server sends it.
    let heard = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&heard);
    let (address, _) = server(move |mut stream, _| {
        let log = Arc::clone(&log);
        async move {
            let mut block = [0; 1];
            tokio::io::AsyncReadExt::read_exact(&mut stream, &mut block).await.unwrap();
            stream.write_all(&[21, 3, 2, 0, 2, 2, 70]).await.unwrap();
            let all = hear(&mut stream, "body").await;
            if all.contains("body") || all.contains("PUT") {
                log.lock().unwrap().push_str(&all);
            }
        }
    })
    .await;
    let authority = Authority::new();
    assert_eq!(refused_unsent(trusting(&authority), address, &heard).await, ConnectFault::NoCommonTls);
}

/// OpenSSL's server, ended when it goes out of scope. `None` when there is no `openssl` and none is required.
struct OpenSsl(Child, u16);

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl OpenSsl {
    fn start(issued: &Issued, folder: &std::path::Path, options: &[&str]) -> Option<Self> {
        let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
        std::fs::write(&certificate, &issued.pem).unwrap();
        std::fs::write(&key, issued.key.serialize_pem()).unwrap();
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-naccept", "3", "-www", "-cert"]);
        command.arg(&certificate).arg("-key").arg(&key).args(options);
        let mut child =
            crate::support::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()))?;
        // It says "ACCEPT 127.0.0.1:<port>".
        let mut said = String::new();
        let out = child.stdout.as_mut().unwrap();
        let mut byte = [0];
        while !(said.contains("ACCEPT") && said.ends_with('\n')) {
            assert_eq!(out.read(&mut byte).unwrap(), 1, "openssl ended: {said}");
            said.push(char::from(byte[0]));
        }
        let port = said.trim().rsplit(':').next().unwrap().parse().unwrap();
        Some(Self(child, port))
    }
}

#[tokio::test]
async fn openssl_with_old_versions_is_refused_and_with_tls_1_2_welcome() {
    let authority = Authority::new();
    let issued = authority.issue(&["localhost"], |_| ());
    let folder = tempfile::tempdir().unwrap();
    let nothing = Arc::new(Mutex::new(String::new()));
    for (options, works) in [
        (&["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"][..], false),
        (&["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"], false),
        (&["-tls1_2"], true),
        (&["-tls1_3"], true),
    ] {
        let Some(peer) = OpenSsl::start(&issued, folder.path(), options) else { return };
        let address = SocketAddr::from(([127, 0, 0, 1], peer.1));
        if works {
            let transport = HyperTransport::new(&trusting(&authority).build().unwrap());
            let url = format!("https://localhost:{}/", address.port());
            // It answers no other method.
            let mut get = put(&url, "");
            *get.method_mut() = http::Method::GET;
            let (sent, _) = attempt(&transport, get, true).await;
            assert_eq!(sent.unwrap().status(), 200, "{options:?}");
        } else {
            let fault = refused_unsent(trusting(&authority), address, &nothing).await;
            assert_eq!(fault, ConnectFault::NoCommonTls, "{options:?}");
        }
    }
}
