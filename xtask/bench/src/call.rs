//! Places one order, in each way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use identkit::identity_tm::messages::PutOrder;
use identkit::identity_tm::{Credentials, IdentityTm};
use identkit::transport::http::{HyperTransport, IdleLimits, TlsConfig, certificates};
use identkit::transport::{Policy, SystemClock};
use identkit::{CallOptions, Secret};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::measure;
use crate::order::{Answer, ORDER, Order};

/// Basic authentication with "customer" and "code".
const CREDENTIALS: HeaderValue = HeaderValue::from_static("Basic Y3VzdG9tZXI6Y29kZQ==");
const AGENT: HeaderValue = HeaderValue::from_static("identkit/0.1.0");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Makes calls in one way. [`another`](Self::another) shares everything but hyper's connection.
pub struct Caller {
    client: Way,
    body: Bytes,
    /// The order, if each call serializes it and deserializes the response.
    json: Option<Box<Order>>,
}

enum Way {
    Hyper { sender: SendRequest<Full<Bytes>>, host: HeaderValue },
    HyperUtil { client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>, url: hyper::Uri },
    Reqwest { client: reqwest::Client, url: reqwest::Url },
    Identkit { client: IdentityTm, order: Box<PutOrder>, options: CallOptions },
}

/// Creates an identkit client that retains a connection for each concurrent call. Orders reuse them unless `fresh`.
pub fn identkit(port: &str, certificate: &str, fresh: bool) -> IdentityTm {
    let tls = TlsConfig::with_authorities(&certificates(&std::fs::read(certificate).unwrap()).unwrap()).unwrap();
    let idle = IdleLimits { per_server: 64, total: 64, time: Duration::from_secs(60) };
    let transport = HyperTransport::builder(&tls).idle(idle).build();
    IdentityTm::builder(Credentials::new("customer", Secret::new("code")))
        .base_url(format!("https://localhost:{port}"))
        .policy(Policy::default().fresh_connections(fresh))
        .transport(Arc::new(transport))
        .clock(Arc::new(SystemClock::new()))
        .build()
        .unwrap()
}

/// Opens a connection with hyper, which a task polls.
pub async fn hyper(port: &str, certificate: &str) -> SendRequest<Full<Bytes>> {
    let tls = TlsConnector::from(Arc::new(crate::tls::client(certificate)));
    let stream = TcpStream::connect(("localhost", port.parse().unwrap())).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let stream = tls.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

pub fn reqwest(certificate: &str) -> reqwest::Client {
    reqwest::Client::builder()
        .tls_backend_preconfigured(crate::tls::client(certificate))
        .http1_only()
        .no_proxy()
        .user_agent(AGENT)
        .build()
        .unwrap()
}

impl Caller {
    pub async fn new(way: &str, port: &str, certificate: &str) -> Self {
        let url = format!("https://localhost:{port}/putOrder");
        let order = serde_json::from_str::<Order>(ORDER).unwrap();
        let body = serde_json::to_vec(&order).unwrap().into();
        let client = match way {
            "hyper" | "hyper-json" => Way::Hyper {
                sender: hyper(port, certificate).await,
                host: HeaderValue::from_str(&format!("localhost:{port}")).unwrap(),
            },
            "hyper-util" => {
                let tls = HttpsConnectorBuilder::new().with_tls_config(crate::tls::client(certificate));
                let client = Client::builder(TokioExecutor::new()).build(tls.https_only().enable_http1().build());
                Way::HyperUtil { client, url: url.parse().unwrap() }
            }
            "reqwest" | "reqwest-json" => Way::Reqwest { client: reqwest(certificate), url: url.parse().unwrap() },
            "identkit" => Way::Identkit {
                client: identkit(port, certificate, false),
                order: Box::new(PutOrder::from_json(ORDER.as_bytes()).unwrap()),
                options: CallOptions::new(),
            },
            _ => panic!("unknown way: {way}"),
        };
        Self { client, body, json: way.ends_with("-json").then(|| Box::new(order)) }
    }

    async fn another(&self, port: &str, certificate: &str) -> Self {
        let client = match &self.client {
            Way::Hyper { host, .. } => Way::Hyper { sender: hyper(port, certificate).await, host: host.clone() },
            Way::HyperUtil { client, url } => Way::HyperUtil { client: client.clone(), url: url.clone() },
            Way::Reqwest { client, url } => Way::Reqwest { client: client.clone(), url: url.clone() },
            Way::Identkit { client, order, options } => {
                Way::Identkit { client: client.clone(), order: order.clone(), options: options.clone() }
            }
        };
        Self { client, body: self.body.clone(), json: self.json.clone() }
    }

    pub async fn call(&mut self) {
        let Self { client, body, json } = self;
        match client {
            Way::Hyper { sender, host } => {
                let body =
                    json.as_ref().map_or_else(|| body.clone(), |order| serde_json::to_vec(order).unwrap().into());
                let request = put("/putOrder").header(HOST, host.clone()).body(Full::new(body)).unwrap();
                let answer = by_hyper(sender, request).await;
                if json.is_some() {
                    read(serde_json::from_slice(&answer).unwrap());
                }
            }
            Way::HyperUtil { client, url } => {
                let request = put(url.clone()).body(Full::new(body.clone())).unwrap();
                let response = client.request(request).await.unwrap();
                assert_eq!(response.status(), StatusCode::ACCEPTED);
                response.into_body().collect().await.unwrap().to_bytes();
            }
            Way::Reqwest { client, url } => {
                let request = client.put(url.clone()).header(AUTHORIZATION, CREDENTIALS);
                let request = match json {
                    Some(order) => request.json(order),
                    None => request.header(CONTENT_TYPE, JSON).body(body.clone()),
                };
                let response = request.send().await.unwrap();
                assert_eq!(response.status(), StatusCode::ACCEPTED);
                match json {
                    Some(_) => read(response.json().await.unwrap()),
                    None => drop(response.bytes().await.unwrap()),
                }
            }
            Way::Identkit { client, order, options } => {
                let placed = client.put_order(order, options).await.unwrap();
                assert_eq!(placed.value.order_id.expose(), "99921269855041");
            }
        }
    }
}

fn put<U>(target: U) -> hyper::http::request::Builder
where
    hyper::Uri: TryFrom<U>,
    <hyper::Uri as TryFrom<U>>::Error: Into<hyper::http::Error>,
{
    Request::put(target).header(AUTHORIZATION, CREDENTIALS).header(CONTENT_TYPE, JSON).header(USER_AGENT, AGENT)
}

fn read(answer: Answer) {
    assert_eq!(answer.order_id, "99921269855041");
    std::hint::black_box(answer);
}

/// Sends a request that must be accepted, and returns the body of the response.
pub async fn by_hyper(sender: &mut SendRequest<Full<Bytes>>, request: Request<Full<Bytes>>) -> Bytes {
    sender.ready().await.unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    response.into_body().collect().await.unwrap().to_bytes()
}

pub async fn calls(way: &str, count: u32, port: &str, certificate: &str) {
    let mut caller = Caller::new(way, port, certificate).await;
    for _ in 0..count {
        caller.call().await;
    }
}

/// Makes `count` calls, 64 at a time. Prints milliseconds of CPU time and elapsed time.
pub async fn at_once(way: &str, count: u32, port: &str, certificate: &str) {
    const AT_ONCE: u32 = 64;
    let first = Caller::new(way, port, certificate).await;
    let mut callers = Vec::new();
    for _ in 0..AT_ONCE {
        callers.push(first.another(port, certificate).await);
    }
    // Two rounds to open the connections and warm up.
    for _ in 0..2 {
        callers = rounds(callers, 4).await;
    }
    let (cpu, began) = (measure::cpu(), Instant::now());
    rounds(callers, count / AT_ONCE).await;
    println!("{} {}", measure::cpu() - cpu, began.elapsed().as_secs_f64() * 1e3);
}

async fn rounds(callers: Vec<Caller>, each: u32) -> Vec<Caller> {
    let tasks: Vec<_> = callers
        .into_iter()
        .map(|mut caller| {
            tokio::spawn(async move {
                for _ in 0..each {
                    caller.call().await;
                }
                caller
            })
        })
        .collect();
    let mut callers = Vec::new();
    for task in tasks {
        callers.push(task.await.unwrap());
    }
    callers
}
