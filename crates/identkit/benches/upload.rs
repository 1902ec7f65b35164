//! Uploading a 25 MiB PDF as Base64 in JSON over HTTPS, beside sending a body that was made before.
//!
//! `cargo bench -p identkit --bench upload` runs each way in processes of its own, in turns, against a server in a
//! further process that reads and throws away. Of a process that makes one upload: CPU is what the kernel ran its threads
//! for from start to end, memory the peak of its resident set, both less those of a process that does all the same but
//! sends no PDF. Of one that makes eight: the CPU of an upload when everything it is made from is in memory already (for
//! the way from a file, in the file). Each upload has a connection of its own.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark measures the machine and prints it"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::task::{Context, Poll};

use base64::Engine as _;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper_util::rt::TokioIo;
use identkit::identity_tm::messages::{PutOrder, SignPdf};
use identkit::identity_tm::{Credentials, IdentityTm, samples};
use identkit::transport::SystemClock;
use identkit::transport::http::{HyperTransport, TlsConfig, certificates};
use identkit::wire::json::Blob;
use identkit::wire::{FileSource, OneOrMany};
use identkit::{CallOptions, Secret};
use rcgen::{CertificateParams, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

const SIZE: usize = 25 << 20;
/// Processes of each way.
const ROUNDS: usize = 9;
const ANSWER: &str = r#"{"OrderID":"99921269855041","Ref":"case-4711"}"#;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match arguments.as_slice() {
        ["sink", certificate] => runtime.block_on(sink(certificate)),
        ["way", way, count, port, certificate, folder] => {
            runtime.block_on(upload(
                way,
                count.parse().unwrap(),
                port.parse().unwrap(),
                certificate,
                Path::new(folder),
            ));
        }
        _ => compare(),
    }
}

fn child(arguments: &[&str]) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child =
        Command::new(std::env::current_exe().unwrap()).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (child, output)
}

fn line(output: &mut impl BufRead) -> String {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    line.trim().to_owned()
}

fn compare() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = folder.path().join("sink.pem");
    let noise = (0..u32::try_from(SIZE).unwrap()).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]);
    let pdf: Vec<u8> = b"%PDF-1.7\n".iter().copied().chain(noise).take(SIZE).collect();
    std::fs::write(folder.path().join("body.json"), body_of_strings(&pdf)).unwrap();
    std::fs::write(folder.path().join("contract.pdf"), pdf).unwrap();
    let (certificate, folder) = (certificate.to_str().unwrap(), folder.path().to_str().unwrap());
    let (mut server, mut output) = child(&["sink", certificate]);
    let port = line(&mut output);

    let mut figures: BTreeMap<(&str, &str), Vec<[f64; 3]>> = BTreeMap::new();
    for _ in 0..ROUNDS {
        for way in ["idle", "ready", "file", "memory", "string"] {
            for count in ["1", "8"] {
                let (mut process, mut output) = child(&["way", way, count, &port, certificate, folder]);
                let told = line(&mut output);
                assert!(process.wait().unwrap().success(), "{way}");
                let told: Vec<f64> = told.split(' ').map(|number| number.parse().unwrap()).collect();
                figures.entry((way, count)).or_default().push(told.try_into().unwrap());
            }
        }
    }
    server.kill().unwrap();
    server.wait().unwrap();

    let middle = |way, count, which: usize| {
        let mut sorted: Vec<f64> = figures[&(way, count)].iter().map(|told| told[which]).collect();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    };
    let process = |way| middle(way, "1", 0) - middle("idle", "1", 0);
    let upload = |way| middle(way, "8", 1);
    let peak = |way| middle(way, "1", 2) - middle("idle", "1", 2);
    println!("25 MiB as Base64 in JSON over HTTPS; the middle of {ROUNDS} processes each");
    println!("{:<31}{:>17}{:>8}{:>13}{:>22}{:>7}", "", "CPU, 1 upload", "ratio", "its peak", "CPU, each of 8", "ratio");
    for (way, name) in [
        ("ready", "hyper, the body made before"),
        ("file", "identkit, putOrder from a file"),
        ("memory", "identkit, putOrder from memory"),
        ("string", "hyper + base64 + serde_json"),
    ] {
        let (one, each) = (process(way), upload(way));
        let (of_one, of_each) = (one / process("ready"), each / upload("ready"));
        println!("{name:<31}{one:>14.1} ms{of_one:>8.2}{:>9.1} MiB{each:>19.1} ms{of_each:>7.2}", peak(way));
    }
}

/// Milliseconds that the kernel ran this process's threads for.
fn cpu() -> f64 {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .map(|task| std::fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap_or_default())
        .filter_map(|text| text.split(' ').next()?.parse::<f64>().ok())
        .sum::<f64>()
        / 1e6
}

/// Peak of the resident set, in MiB.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// Reads requests and answers each when its body is over.
async fn sink(certificate: &str) {
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let chain = vec![CertificateDer::from(own.der().to_vec())];
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())))
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    std::fs::write(certificate, own.pem()).unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let acceptor = TlsAcceptor::from(Arc::new(config));
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let mut stream = acceptor.accept(stream).await.unwrap();
            let mut block = vec![0; 256 * 1024];
            let mut filled = 0;
            loop {
                let Ok(read @ 1..) = stream.read(&mut block[filled..]).await else { return };
                filled += read;
                let Some(end) = block[..filled].windows(4).position(|window| window == b"\r\n\r\n") else { continue };
                let head = String::from_utf8_lossy(&block[..end]).to_ascii_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                let mut left = length.trim().parse::<usize>().unwrap() - (filled - end - 4);
                while left > 0 {
                    let Ok(read @ 1..) = stream.read(&mut block).await else { return };
                    left -= read;
                }
                filled = 0;
                let head = format!(
                    "HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                    ANSWER.len()
                );
                stream.write_all(format!("{head}{ANSWER}").as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
            }
        });
    }
}

/// The document's order, with a PDF to sign.
fn order(data: Option<Blob>) -> PutOrder {
    let order = PutOrder::from_json(samples::PUT_ORDER_REQUEST.as_bytes()).unwrap();
    match data {
        Some(data) => order.add(0_u64).sign_pdf(OneOrMany::One(SignPdf::default().data(data).filename("contract.pdf"))),
        None => order,
    }
}

/// One buffer as a body.
struct Ready(Option<Bytes>);

impl Body for Ready {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// What one writes without a second thought.
fn body_of_strings(pdf: &[u8]) -> Bytes {
    let data = base64::engine::general_purpose::STANDARD.encode(pdf);
    let value = serde_json::json!({"Ref": "case-4711", "eSignPDF": [{"Data": data, "Filename": "contract.pdf"}]});
    serde_json::to_vec(&value).unwrap().into()
}

async fn by_hyper(tls: &TlsConnector, port: u16, body: Bytes) {
    let stream = TcpStream::connect(("localhost", port)).await.unwrap();
    let stream = tls.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = hyper::Request::put("/putOrder").header("host", "localhost").body(Ready(Some(body))).unwrap();
    let mut response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 202);
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(response.body_mut()).poll_frame(cx)).await {
        frame.unwrap();
    }
    drop(sender);
    connection.await.unwrap().unwrap();
}

async fn upload(way: &str, count: usize, port: u16, certificate: &str, folder: &Path) {
    let pdf = folder.join("contract.pdf");
    let pem = std::fs::read(certificate).unwrap();
    let transport = HyperTransport::new(&TlsConfig::with_authorities(&certificates(&pem).unwrap()).unwrap());
    let client = IdentityTm::builder(Credentials::new("customer", Secret::new("code")))
        .base_url(format!("https://localhost:{port}"))
        .transport(Arc::new(transport))
        .clock(Arc::new(SystemClock::new()))
        .build()
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tls = TlsConnector::from(Arc::new(tls));
    // Everything is there once before the measuring.
    client.put_order(&order(None), &CallOptions::new()).await.unwrap();
    by_hyper(&tls, port, Bytes::from_static(b"{}")).await;

    let bytes = match way {
        "ready" => std::fs::read(folder.join("body.json")).unwrap().into(),
        "memory" | "string" => std::fs::read(&pdf).unwrap().into(),
        _ => Bytes::new(),
    };
    let began = cpu();
    for _ in 0..count {
        let blob = match way {
            "ready" => {
                by_hyper(&tls, port, bytes.clone()).await;
                continue;
            }
            "string" => {
                by_hyper(&tls, port, body_of_strings(&bytes)).await;
                continue;
            }
            "memory" => Some(Blob::from_bytes(bytes.clone())),
            "file" => Some(Blob::Source(Arc::new(FileSource::new(&pdf).unwrap()))),
            _ => None,
        };
        client.put_order(&order(blob), &CallOptions::new()).await.unwrap();
    }
    println!("{} {} {}", cpu(), (cpu() - began) / count as f64, peak());
}
