//! The connection options: trust, client certificates, proxies, timeouts.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{
    NO_SERVER, Reply, Run, Sandbox, Server, Vendor, accept, clean_command, feed, file, head, ident, order, run, tunnel,
};
use identkit_transport::http::Pin;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, CertifiedKey, IsCa, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;
use tempfile::TempDir;

/// A command of each vendor that reads.
const READS: [&str; 2] = ["tm ping", "identify24 login"];

/// A certificate authority for one test, and its files.
pub(crate) struct Authority {
    pub(crate) issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, folder: tempfile::tempdir().unwrap() }
    }

    fn issue(&self, name: &str) -> CertifiedKey<KeyPair> {
        self.issue_until(name, 4096, 1, 1)
    }

    /// Issues a certificate that expires on this day.
    pub(crate) fn issue_until(&self, name: &str, year: i32, month: u8, day: u8) -> CertifiedKey<KeyPair> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(year, month, day);
        CertifiedKey { cert: params.signed_by(&key, &self.issuer).unwrap(), signing_key: key }
    }

    fn file(&self, name: &str, content: &str) -> String {
        file(&self.folder, name, content)
    }

    pub(crate) fn ca_file(&self) -> String {
        self.file("ca.pem", &self.issuer.pem())
    }
}

/// A TLS server with the same response to every request; it records the heads of requests.
pub(crate) fn peer(issued: &CertifiedKey<KeyPair>, clients: Option<&Authority>) -> (SocketAddr, Arc<Mutex<String>>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = match clients {
        None => builder.unwrap().with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.issuer.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.unwrap().with_client_cert_verifier(verifier)
        }
    };
    let key = PrivatePkcs8KeyDer::from(issued.signing_key.serialize_der());
    let config = Arc::new(builder.with_single_cert(vec![issued.cert.der().clone()], key.into()).unwrap());
    let heard = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&heard);
    let (address, _) = accept(move |stream| {
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
        let head = head(&mut stream).unwrap_or_default();
        log.lock().unwrap().push_str(&head);
        if !head.is_empty() {
            let body = r#"{"result":true,"token":"xxx"}"#;
            let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = stream.read(&mut [0]);
        }
    });
    (address, heard)
}

type Log = Arc<Mutex<Vec<String>>>;

/// A proxy that tunnels what `allow` accepts, and records the requests.
fn proxy(allow: impl Fn(&str) -> Result<(), &'static str> + Send + Sync + 'static) -> (SocketAddr, Log) {
    let requests = Log::default();
    let log = Arc::clone(&requests);
    let (address, _) = accept(move |mut near| {
        let connect = head(&mut near).unwrap_or_default();
        log.lock().unwrap().push(connect.clone());
        if let Err(refusal) = allow(&connect) {
            let _ = write!(near, "HTTP/1.1 {refusal}\r\ncontent-length: 0\r\n\r\n");
            return;
        }
        let target = connect.split(' ').nth(1).unwrap();
        let far = TcpStream::connect(target).unwrap();
        let _ = write!(near, "HTTP/1.1 200 Connection established\r\n\r\n");
        tunnel(near, far);
    });
    (address, requests)
}

mod trust {
    use super::*;

    #[test]
    fn only_a_server_with_a_pinned_key_is_accepted() {
        let authority = Authority::new();
        let issued = authority.issue("localhost");
        let (address, heard) = peer(&issued, None);
        let base = format!("https://localhost:{}", address.port());
        let pin = |issued: &CertifiedKey<KeyPair>| Pin::from_certificate(issued.cert.der()).unwrap().to_string();
        let (right, wrong) = (pin(&issued), pin(&authority.issue("localhost")));
        for line in READS {
            let trust = format!("{line} --ca-file {} --no-bundled-roots", authority.ca_file());
            let ask = |more: &str| base.run(&format!("{trust}{more}"));
            ask("").ends_with(0, &[]);
            ask(&format!(" --pin {right}")).ends_with(0, &[]);
            ask(&format!(" --pin {wrong} --pin {right}")).ends_with(0, &[]);
            let before = heard.lock().unwrap().len();
            let words = ["its key is not one of the pinned keys", "--pin"];
            ask(&format!(" --pin {wrong}")).fails_with(7, &words);
            ask(" --pin sha256/AAAA").fails_with(2, &["--pin", "nothing was sent"]);
            assert_eq!(heard.lock().unwrap().len(), before, "no request was sent");
        }
    }

    #[test]
    fn a_client_certificate_is_shown_to_a_server_that_asks_for_one() {
        let authority = Authority::new();
        let (address, _) = peer(&authority.issue("localhost"), Some(&authority));
        let base = format!("https://localhost:{}", address.port());
        let (mine, other) = (authority.issue("client"), authority.issue("other"));
        let certificate = authority.file("client.pem", &mine.cert.pem());
        let key = authority.file("client.key", &mine.signing_key.serialize_pem());
        let other = authority.file("other.key", &other.signing_key.serialize_pem());
        let none = authority.file("none.pem", "hush-hush");
        let damaged = "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n";
        let damaged = authority.file("damaged.pem", &format!("{}{damaged}", mine.cert.pem()));
        for line in READS {
            let trust = format!("{line} --ca-file {}", authority.ca_file());
            base.run(&format!("{trust} --client-cert {certificate} --client-key {key}")).ends_with(0, &[]);
            let mut by_variables = base.command(&trust);
            by_variables.env("IDENTKIT_CLIENT_CERT", &certificate).env("IDENTKIT_CLIENT_KEY", &key);
            run(&mut by_variables).ends_with(0, &[]);
            // With TLS 1.3 the server may reject the client late; the advice is the same.
            base.run(&trust).fails_with(7, &["pass a certificate that the server accepts with --client-cert"]);
            for (more, expected) in [
                (format!("--client-cert {certificate}"), "needs --client-key"),
                (format!("--client-key {key}"), "needs --client-cert"),
                (format!("--client-cert {none} --client-key {key}"), "does not contain a PEM certificate"),
                (format!("--client-cert {certificate} --client-key {none}"), "not an unencrypted PEM private key"),
                (format!("--client-cert {certificate} --client-key {other}"), "do not match"),
                (format!("--client-cert /nowhere --client-key {key}"), "cannot be read"),
                (format!("--client-cert {damaged} --client-key {key}"), "certificate 2 in it cannot be read"),
            ] {
                let result = base.run(&format!("{trust} {more}"));
                result.fails_with(2, &["--client-", expected, "nothing was sent"]).logs_none_of(&["hush-hush"]);
            }
        }
    }

    #[test]
    fn roots_are_bundled_platform_or_from_a_file() {
        let sandbox = Sandbox::start();
        let ca_file = sandbox.ready_text("/ca_file");
        let folder = tempfile::tempdir().unwrap();
        let empty = file(&folder, "empty.pem", "");
        for line in READS {
            let ask = |more: &str, machine: Option<&str>| {
                let mut asked = sandbox.command(&format!("{line}{more}"));
                asked.env_remove("IDENTKIT_CA_FILE").env_remove("SSL_CERT_DIR");
                run(asked.envs(machine.map(|file| ("SSL_CERT_FILE", file))))
            };
            ask(" --platform-roots", Some(ca_file)).ends_with(0, &[]);
            ask("", Some(ca_file)).fails_with(7, &["no trusted authority issued it", "--ca-file"]);
            ask(&format!(" --no-bundled-roots --ca-file {ca_file}"), None).ends_with(0, &[]);
            ask(" --no-bundled-roots", None).fails_with(2, &["--no-bundled-roots", "--ca-file"]);
            ask(" --platform-roots", Some(&empty)).fails_with(2, &["no trusted authority"]);
            ask(" --platform-roots --no-bundled-roots", None).ends_with(2, &["--help"]);
        }
    }

    #[test]
    fn a_byte_order_mark_is_ignored_and_utf_16_is_named() {
        let authority = Authority::new();
        let (pem, chain, key) = (authority.issuer.pem(), authority.issue("client"), "client.key");
        let peer_address = peer(&authority.issue("localhost"), Some(&authority)).0;
        let base = format!("https://localhost:{}", peer_address.port());
        let utf_16 =
            |text: &str| -> Vec<u8> { format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect() };
        let path = |name: &str| authority.folder.path().join(name);
        let write = |name: &str, bytes: &[u8]| std::fs::write(path(name), bytes).unwrap();
        let marked = |text: &str| format!("\u{feff}{text}").into_bytes();
        let line = |ca: &str| {
            let folder = authority.folder.path().display();
            format!(
                "tm ping --ca-file {folder}/{ca} --no-bundled-roots --client-cert {folder}/client.pem --client-key {folder}/{key}"
            )
        };
        write("ca.pem", &marked(&pem));
        write("x509.pem", &marked(&pem.replace(" CERTIFICATE", " X509 CERTIFICATE")));
        write("client.pem", &marked(&chain.cert.pem()));
        write(key, &marked(&chain.signing_key.serialize_pem()));
        base.run(&line("ca.pem")).ends_with(0, &[]);
        base.run(&line("x509.pem")).ends_with(0, &[]);
        write("utf16.pem", &utf_16(&pem));
        base.run(&line("utf16.pem")).fails_with(2, &["--ca-file", "is UTF-16: save it as UTF-8", "nothing was sent"]);
        write(key, &utf_16(&chain.signing_key.serialize_pem()));
        base.run(&line("ca.pem")).fails_with(2, &["--client-key", "is UTF-16: save it as UTF-8", "nothing was sent"]);
        write("order.json", &utf_16("{}"));
        let order = format!("tm put-order {}", path("order.json").display());
        base.run(&order).fails_with(2, &["is UTF-16: save it as UTF-8", "nothing was sent"]);
    }
}

mod proxies {
    use super::*;

    const VENDOR: &str = "https://vendor.invalid";
    const USER: &str = "Basic QWxhZGRpbjpvcGVuOnNlc2FtZQ==";

    fn picky(connect: &str) -> Result<(), &'static str> {
        if connect.contains(USER) { Ok(()) } else { Err("407 Proxy Authentication Required") }
    }

    #[test]
    fn a_proxy_password_comes_from_a_file_or_variable_only() {
        let sandbox = Sandbox::start();
        let (address, requests) = proxy(picky);
        let (url, secret) = (format!("http://{address}"), format!("http://Aladdin:open%3Asesame@{address}"));
        let folder = tempfile::tempdir().unwrap();
        let right = file(&folder, "right", "Aladdin:open:sesame\n");
        for line in READS {
            let before = requests.lock().unwrap().len();
            let auth = format!("--proxy-auth-file {right}");
            for (more, variable, value) in [
                (format!("--proxy {url} {auth}"), "IDENTKIT_PROXY", ""),
                (format!("--proxy {url}"), "IDENTKIT_PROXY_AUTH_FILE", right.as_str()),
                (auth, "IDENTKIT_PROXY", &url),
                ("--timeout 60".to_owned(), "IDENTKIT_PROXY", &secret),
            ] {
                run(sandbox.command(&format!("{line} {more}")).env(variable, value)).ends_with(0, &[]);
            }
            assert!(requests.lock().unwrap()[before..].iter().all(|connect| connect.starts_with("CONNECT 127.0.0.1:")));
            assert_eq!(requests.lock().unwrap().len(), before + 4);
            let result = sandbox.run(&format!("{line} --proxy {url}"));
            result.fails_with(7, &["the proxy requires credentials", "--proxy-auth-file"]);
            let result = sandbox.run(&format!("{line} --proxy {secret}"));
            result.fails_with(2, &["--proxy must not contain", "IDENTKIT_PROXY", "nothing was sent"]);
            result.logs_none_of(&["sesame"]);
            let result = sandbox.run(&format!("{line} --proxy-auth-file {right}"));
            result.fails_with(2, &["--proxy-auth-file needs a proxy", "nothing was sent"]);
            let mut twice = sandbox.command(&format!("{line} --proxy-auth-file {right}"));
            let result = run(twice.env("IDENTKIT_PROXY", &secret));
            result.fails_with(2, &["use one of both places", "nothing was sent"]).logs_none_of(&["sesame"]);
            for content in ["open sesame", ":open sesame", "a:sesame\nb", ""] {
                let odd = file(&folder, "odd", content);
                let result = sandbox.run(&format!("{line} --proxy {url} --proxy-auth-file {odd}"));
                result.fails_with(2, &["--proxy-auth-file", "nothing was sent"]).logs_none_of(&["sesame"]);
            }
        }
    }

    #[test]
    fn an_invalid_proxy_is_2_and_never_quoted() {
        let server = Server::untouched();
        for (bad, expected) in [
            ("socks5://127.0.0.1:1080", "must be an HTTP proxy"),
            ("http://127.0.0.1:1/hush-hush", "must not have a path"),
            ("http://", "--proxy"),
            ("", "--proxy"),
        ] {
            for line in READS {
                server.run(&format!("{line} --proxy {bad}")).fails_with(2, &["--proxy", expected, "nothing was sent"]);
                let secret = bad.replace("127.0.0.1", "hush:hush-hush@127.0.0.1");
                for variable in ["IDENTKIT_PROXY", "https_proxy"].into_iter().filter(|_| !bad.is_empty()) {
                    let result = run(server.command(line).env(variable, &secret));
                    result.fails_with(2, &[variable, "nothing was sent"]).logs_none_of(&["hush"]);
                }
            }
        }
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn a_failing_proxy_is_7_with_an_explanation() {
        let (address, _) = proxy(|_| Err("403 Forbidden"));
        let forbids = format!("http://{address}");
        for line in READS {
            let ask = |proxy: &str| VENDOR.run(&format!("{line} --timeout 1 --proxy {proxy}"));
            ask(&forbids).fails_with(7, &["the proxy does not allow", "--no-proxy"]);
            ask(NO_SERVER).fails_with(7, &[]);
            // The environment's proxy does not apply to loopback addresses.
            run(VENDOR.command(line).env("HTTPS_PROXY", &forbids)).fails_with(7, &["the proxy does not allow"]);
        }
        // The proxy would see the credentials.
        let plain = "tm ping --base-url http://127.0.0.1:1/api";
        let words =
            &["--proxy (or IDENTKIT_PROXY) cannot be used", "the base URL begins with http://", "nothing was sent"];
        VENDOR.run(&format!("{plain} --proxy {NO_SERVER}")).fails_with(2, words);
        run(VENDOR.command(plain).env("IDENTKIT_PROXY", NO_SERVER)).fails_with(2, words);
        let direct = run(VENDOR.command(plain).env("IDENTKIT_PROXY", NO_SERVER).env("IDENTKIT_NO_PROXY", "127.0.0.1"));
        direct.fails_with(7, &["no connection"]);
        let result = VENDOR.run(&format!("tm ping --proxy {NO_SERVER}"));
        result.fails_with(7, &["no connection to the proxy could be made", "check --proxy"]);
    }

    #[test]
    fn no_proxy_items_that_cannot_be_parsed_are_refused() {
        let sandbox = Sandbox::start();
        for item in ["10.0.0.0/99", "127.0.0.1:99999", "https://example.com", "ex*mple.com", "[::1", "10.0.0.0/8:443"] {
            for (line, proxy) in [(READS[0], ""), (READS[1], " --proxy http://127.0.0.1:1")] {
                let list = format!("example.com,{item}");
                let words = &["--no-proxy", item, "a network such as 10.0.0.0/8", "nothing was sent"];
                run(sandbox.command(&format!("{line}{proxy}")).args(["--no-proxy", &list])).fails_with(2, words);
                run(sandbox.command(&format!("{line}{proxy}")).env("IDENTKIT_NO_PROXY", &list)).fails_with(2, words);
            }
        }
        let mut command = sandbox.command(READS[0]);
        let environment = command.env("https_proxy", "http://127.0.0.1:1").env("no_proxy", "169.254/16,127.0.0.1");
        let result = run(environment);
        result.ends_with(0, &[]);
        assert!(
            result.stderr.contains("warning: NO_PROXY contains an item that is ignored: \"169.254/16\""),
            "{}",
            result.stderr
        );
    }

    #[test]
    fn at_99_a_port_that_is_not_a_port_is_refused() {
        for line in READS {
            let refused = |options: &str, words: &[&str]| {
                VENDOR.run(&format!("{line} {options}")).fails_with(2, &[&["from 1 to 65535"], words].concat());
            };
            refused("--base-url https://127.0.0.1:99999", &["--base-url", "the base URL"]);
            refused("--proxy http://127.0.0.1:99999", &["--proxy", "the proxy URL", "nothing was sent"]);
            let mut command = VENDOR.command(line);
            let environment = command.env("https_proxy", "http://user:password@127.0.0.1:65536");
            run(environment).fails_with(2, &["https_proxy", "from 1 to 65535", "nothing was sent"]);
        }
    }

    #[test]
    fn no_proxy_hosts_are_reached_directly() {
        let sandbox = Sandbox::start();
        let (address, requests) = proxy(|_| Err("403 Forbidden"));
        let url = format!("http://{address}");
        for line in READS {
            let proxied = || sandbox.command(&format!("{line} --proxy {url}"));
            let port = sandbox.ready_text("/listen").rsplit(':').next().unwrap().to_owned();
            let with_port = format!("127.0.0.1:{port},[::1]:1");
            for list in ["127.0.0.1", "*", "example.com, *", "example.com,127.0.0.0/8", &with_port] {
                run(proxied().args(["--no-proxy", list])).ends_with(0, &[]);
                run(proxied().env("IDENTKIT_NO_PROXY", list)).ends_with(0, &[]);
            }
            run(sandbox.command(line).env("https_proxy", &url)).ends_with(0, &[]);
            let mut elsewhere = VENDOR.command(&format!("{line} --no-proxy invalid --timeout 1"));
            assert_eq!(run(elsewhere.env("https_proxy", &url)).code, Some(7));
        }
        assert_eq!(requests.lock().unwrap().len(), 0);
        sandbox.run(&format!("tm ping --proxy {url} --no-proxy example.com")).fails_with(7, &[]);
        assert_eq!(requests.lock().unwrap().len(), 1);
    }
}

/// A peer that stops responding at any point: the deadline of 2 s holds (without it, a call takes 60 s), and the exit
/// code says whether the request may have been sent.
mod silence {
    use super::*;

    /// A read is 7. A create is 6 if it may have been sent, otherwise 7.
    fn falls_silent(base: &str, set_up: impl Fn(&mut Command), creates: i32) {
        std::thread::scope(|scope| {
            for (line, input, code) in [
                ("tm status 99921269855041", String::new(), 7),
                ("tm put-order -", order(&json!({})), creates),
                ("identify24 get x", String::new(), 7),
                ("identify24 create - --reveal", ident(&json!({})), creates),
            ] {
                let mut command = base.command(&format!("{line} --timeout 2"));
                set_up(&mut command);
                scope.spawn(move || {
                    let result: Run = feed(&mut command, input.as_bytes());
                    result.fails_with(code, &[]);
                    assert!(result.took < Duration::from_secs(10), "{result:#?}");
                });
            }
        });
    }

    #[test]
    fn a_connection_that_is_never_accepted() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let entered = runtime.enter();
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        // A listener whose queue is full.
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut full = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            full.push(stream);
        }
        falls_silent(&format!("http://{address}"), |_| {}, 7);
        drop((entered, full));
    }

    /// The system's resolver cannot be canceled, and its thread must not delay the end of the program. glibc's resolver
    /// reads the file HOSTALIASES for a name without dots; here it is a pipe without a writer, so the read never ends.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_that_is_never_resolved() {
        let folder = TempDir::new().unwrap();
        let pipe = folder.path().join("aliases");
        assert!(clean_command("mkfifo").arg(&pipe).status().unwrap().success());
        falls_silent("https://vendor", |command| _ = command.env("HOSTALIASES", &pipe), 7);
    }

    #[test]
    fn a_tls_handshake_that_never_begins() {
        let (address, _) = accept(|mut stream| drop(std::io::copy(&mut stream, &mut std::io::sink())));
        falls_silent(&format!("https://{address}"), |_| {}, 7);
    }

    #[test]
    fn a_proxy_that_never_answers() {
        let silent = Server::always(Reply::silence);
        falls_silent("https://vendor.invalid", |command| _ = command.args(["--proxy", &silent.url()]), 7);
        assert!(silent.calls().iter().all(|call| call == "CONNECT vendor.invalid:443"), "{:?}", silent.calls());
    }

    #[test]
    fn at_77_a_missing_or_partial_response_is_6_and_sent_once() {
        for then in [
            Reply::silence,
            || Reply::Stall(b"HTTP/1.1 202 Accepted\r\ncontent-le".to_vec()),
            || Reply::Stall(b"HTTP/1.1 202 Accepted\r\ncontent-length: 100\r\n\r\n{".to_vec()),
        ] {
            let server = Server::after_login(move |_| then());
            falls_silent(&server.url(), |_| {}, 6);
            let calls = server.calls();
            for create in ["PUT /putOrder", "POST /ident/create"] {
                assert_eq!(calls.iter().filter(|call| *call == create).count(), 1, "{calls:?}");
            }
        }
    }
}

/// Characters that control a terminal, are invisible, or change the direction of text never reach the output.
mod hostile_text {
    use super::*;

    const HOSTILE: [char; 10] =
        ['\u{1b}', '\u{7}', '\u{85}', '\u{9b}', '\u{200b}', '\u{202e}', '\u{2066}', '\u{feff}', '\u{ad}', '\u{e0041}'];

    #[track_caller]
    fn shows_safely(result: &Run, words: &str) {
        let all = format!("{}{}", result.stdout, result.stderr);
        assert!(!all.contains(HOSTILE) && !all.contains('\r'), "{result:#?}");
        assert!(all.contains(words), "the text is shown, but not as it is: {words} {result:#?}");
    }

    #[test]
    fn no_output_contains_hostile_characters() {
        const VENDOR: &str = "https://vendor.invalid";
        let hostile: String = std::iter::once('x').chain(HOSTILE).collect();
        let hostile = hostile.as_str();
        let entry = json!({ "Kind": 2, "Text": hostile, "Time": hostile, "Detail": hostile });
        let status = json!({ "OrderID": "99921269855041", "Status": [entry], hostile: hostile });
        let good = Server::json("200 OK", status.to_string());
        let bad = Server::json("400 Bad Request", json!({ "Error": hostile }).to_string());
        let (good, bad) = (good.url(), bad.url());
        let line = "tm status 99921269855041";
        shows_safely(&good.run(line), "x\u{fffd}\u{fffd}");
        let result = good.run(&format!("{line} --output json"));
        shows_safely(&result, "\\u202e");
        assert!(result.json().to_string().contains('\u{202e}'), "JSON has the same values");
        shows_safely(&bad.run(&format!("{line} --show-vendor-text")), "the vendor wrote: x");
        shows_safely(&bad.run(&format!("{line} --show-vendor-text --output json")), "exit_code");
        // Names of files, and arguments.
        for (line, option) in [
            ("tm put-order", &[][..]),
            ("tm put-order --output json", &[]),
            ("tm", &[]),
            (line, &["--ca-file"]),
            (line, &["--timeout"]),
            (line, &["--no-proxy"]),
            (line, &["--base-url"]),
        ] {
            let result = run(VENDOR.command(line).args(option).arg(hostile));
            shows_safely(&result, "");
            assert_eq!(result.code, Some(2), "{result:#?}");
        }
        let result = run(VENDOR.command(line).arg(format!("--{hostile}")));
        shows_safely(&result, "'number ");
        // Names in certificates.
        let authority = Authority::new();
        let issued = authority.issue("\u{1b}]0;x\u{7}.example.com");
        let (address, _) = peer(&issued, None);
        let base = format!("https://localhost:{}", address.port());
        let result = base.run(&format!("{line} --ca-file {}", authority.ca_file()));
        result.fails_with(7, &["it is for another host"]);
        shows_safely(&result, "example.com");
    }
}

#[test]
fn an_empty_value_is_an_error_and_an_empty_variable_is_unset() {
    let server = Server::json("200 OK", "{}");
    for option in [
        "--ca-file",
        "--client-cert",
        "--client-key",
        "--proxy-auth-file",
        "--no-proxy",
        "--state",
        "--customer-code-file",
    ] {
        server.run(&format!("tm status 99921269855041 {option} ")).fails_with(2, &[option, "empty"]);
    }
    assert_eq!(server.connections(), 0);
    let mut command = server.command("tm status 99921269855041");
    for variable in ["CA_FILE", "CLIENT_CERT", "NO_PROXY", "STATE_DIR"] {
        command.env(format!("IDENTKIT_{variable}"), "");
    }
    run(&mut command);
    assert_eq!(server.calls(), ["GET /getStatus/99921269855041"]);
}

#[cfg(unix)]
#[test]
fn a_signal_stops_the_wait_for_a_named_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(clean_command("mkfifo").arg(&pipe).status().unwrap().success());
    for option in ["--ca-file", "--customer-code-file"] {
        let mut command = NO_SERVER.command(&format!("tm status 99921269855041 {option} {}", pipe.display()));
        if option == "--customer-code-file" {
            command.env_remove("IDENTKIT_TM_CUSTOMER_CODE");
        }
        let mut child = command.spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(700));
        let kill = clean_command("kill").args(["-TERM", &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let deadline = std::time::Instant::now() + crate::support::HANGS;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if std::time::Instant::now() > deadline {
                child.kill().unwrap();
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        assert_eq!(status.code(), Some(143), "{option}");
    }
}

#[test]
fn an_empty_value_that_selects_a_service_is_2() {
    for (line, variable) in [
        ("identify24 projects", "IDENTKIT_IDENTIFY24_BASE_URL"),
        ("identify24 projects", "IDENTKIT_IDENTIFY24_API_KEY_FILE"),
        ("tm ping", "IDENTKIT_TM_BASE_URL"),
        ("tm ping", "IDENTKIT_TM_CUSTOMER_CODE_FILE"),
    ] {
        run(NO_SERVER.command(line).env(variable, "")).ends_with(2, &[variable]);
    }
    for line in
        ["identify24 projects --base-url=", "tm ping --base-url=", "sandbox --webhook-ca=", "sandbox --write-ca="]
    {
        let option = line.rsplit(' ').next().unwrap().trim_end_matches('=');
        NO_SERVER.run(line).ends_with(2, &[option]);
    }
}
