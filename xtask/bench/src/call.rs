//! One order placed, in each of the ways.

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

/// Basic, "customer" and "code".
const CREDENTIALS: HeaderValue = HeaderValue::from_static("Basic Y3VzdG9tZXI6Y29kZQ==");
const AGENT: HeaderValue = HeaderValue::from_static("identkit/0.1.0");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Who calls. What is shared by calls at once is shared by clones; only hyper's connection is not.
pub enum Caller {
    Hyper {
        sender: SendRequest<Full<Bytes>>,
        host: HeaderValue,
        body: Bytes,
    },
    HyperJson {
        sender: SendRequest<Full<Bytes>>,
        host: HeaderValue,
        order: Box<Order>,
    },
    HyperUtil {
        client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
        url: hyper::Uri,
        body: Bytes,
    },
    Reqwest {
        client: reqwest::Client,
        url: reqwest::Url,
        body: Bytes,
    },
    ReqwestJson {
        client: reqwest::Client,
        url: reqwest::Url,
        order: Box<Order>,
    },
    Identkit {
        client: IdentityTm,
        order: Box<PutOrder>,
        options: CallOptions,
    },
}

/// A client of ours that keeps connections for as many calls as are made at once, and lets orders use them.
pub fn identkit(port: &str, certificate: &str) -> IdentityTm {
    let tls = TlsConfig::with_authorities(&certificates(&std::fs::read(certificate).unwrap()).unwrap()).unwrap();
    let idle = IdleLimits { per_server: 64, total: 64, time: Duration::from_secs(60) };
    let transport = HyperTransport::builder(&tls).idle(idle).build();
    IdentityTm::builder(Credentials::new("customer", Secret::new("code")))
        .base_url(format!("https://localhost:{port}"))
        .policy(Policy::default().fresh_connections(false))
        .transport(Arc::new(transport)).clock(Arc::new(SystemClock::new())).build()
        .unwrap()
}

/// A connection of hyper's own, which a task polls.
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
    /// The way of this name.
    pub async fn new(way: &str, port: &str, certificate: &str) -> Self {
        let host = HeaderValue::from_str(&format!("localhost:{port}")).unwrap();
        let url = format!("https://localhost:{port}/putOrder");
        let order = || Box::new(serde_json::from_str::<Order>(ORDER).unwrap());
        let body = || Bytes::from(serde_json::to_vec(&order()).unwrap());
        let ours = || Box::new(PutOrder::from_json(ORDER.as_bytes()).unwrap());
        match way {
            "hyper" => Self::Hyper { sender: hyper(port, certificate).await, host, body: body() },
            "hyper-json" => Self::HyperJson { sender: hyper(port, certificate).await, host, order: order() },
            "hyper-util" => {
                let tls = HttpsConnectorBuilder::new().with_tls_config(crate::tls::client(certificate));
                let client = Client::builder(TokioExecutor::new()).build(tls.https_only().enable_http1().build());
                Self::HyperUtil { client, url: url.parse().unwrap(), body: body() }
            }
            "reqwest" => Self::Reqwest { client: reqwest(certificate), url: url.parse().unwrap(), body: body() },
            "reqwest-json" => {
                Self::ReqwestJson { client: reqwest(certificate), url: url.parse().unwrap(), order: order() }
            }
            "identkit" => {
                Self::Identkit { client: identkit(port, certificate), order: ours(), options: CallOptions::new() }
            }
            _ => panic!("{way} is no way"),
        }
    }

    /// Another one that calls at the same time.
    async fn another(&self, port: &str, certificate: &str) -> Self {
        match self {
            Self::Hyper { host, body, .. } => {
                Self::Hyper { sender: hyper(port, certificate).await, host: host.clone(), body: body.clone() }
            }
            Self::HyperJson { host, order, .. } => {
                Self::HyperJson { sender: hyper(port, certificate).await, host: host.clone(), order: order.clone() }
            }
            Self::HyperUtil { client, url, body } => {
                Self::HyperUtil { client: client.clone(), url: url.clone(), body: body.clone() }
            }
            Self::Reqwest { client, url, body } => {
                Self::Reqwest { client: client.clone(), url: url.clone(), body: body.clone() }
            }
            Self::ReqwestJson { client, url, order } => {
                Self::ReqwestJson { client: client.clone(), url: url.clone(), order: order.clone() }
            }
            Self::Identkit { client, order, options } => {
                Self::Identkit { client: client.clone(), order: order.clone(), options: options.clone() }
            }
        }
    }

    /// Places an order.
    pub async fn call(&mut self) {
        match self {
            Self::Hyper { sender, host, body } => {
                by_hyper(sender, host, body.clone()).await;
            }
            Self::HyperJson { sender, host, order } => {
                let body = by_hyper(sender, host, serde_json::to_vec(order).unwrap().into()).await;
                read(serde_json::from_slice(&body).unwrap());
            }
            Self::HyperUtil { client, url, body } => {
                let request = Request::put(url.clone())
                    .header(AUTHORIZATION, CREDENTIALS)
                    .header(CONTENT_TYPE, JSON)
                    .header(USER_AGENT, AGENT)
                    .body(Full::new(body.clone()))
                    .unwrap();
                let response = client.request(request).await.unwrap();
                assert_eq!(response.status(), StatusCode::ACCEPTED);
                response.into_body().collect().await.unwrap().to_bytes();
            }
            Self::Reqwest { client, url, body } => {
                let request = client.put(url.clone()).header(AUTHORIZATION, CREDENTIALS).header(CONTENT_TYPE, JSON);
                let response = request.body(body.clone()).send().await.unwrap();
                assert_eq!(response.status(), StatusCode::ACCEPTED);
                response.bytes().await.unwrap();
            }
            Self::ReqwestJson { client, url, order } => {
                let request = client.put(url.clone()).header(AUTHORIZATION, CREDENTIALS);
                let response = request.json(order).send().await.unwrap();
                assert_eq!(response.status(), StatusCode::ACCEPTED);
                read(response.json().await.unwrap());
            }
            Self::Identkit { client, order, options } => {
                let placed = client.put_order(order, options).await.unwrap();
                assert_eq!(placed.value.order_id.expose(), "99921269855041");
            }
        }
    }
}

fn read(answer: Answer) {
    assert_eq!(answer.order_id, "99921269855041");
    std::hint::black_box(answer);
}

async fn by_hyper(sender: &mut SendRequest<Full<Bytes>>, host: &HeaderValue, body: Bytes) -> Bytes {
    sender.ready().await.unwrap();
    let request = Request::put("/putOrder")
        .header(HOST, host.clone())
        .header(AUTHORIZATION, CREDENTIALS)
        .header(CONTENT_TYPE, JSON)
        .header(USER_AGENT, AGENT)
        .body(Full::new(body))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    response.into_body().collect().await.unwrap().to_bytes()
}

/// So many calls one after another.
pub async fn calls(way: &str, count: u32, port: &str, certificate: &str) {
    let mut caller = Caller::new(way, port, certificate).await;
    for _ in 0..count {
        caller.call().await;
    }
}

/// So many calls, 64 at a time; prints milliseconds of CPU and of the clock.
pub async fn at_once(way: &str, count: u32, port: &str, certificate: &str) {
    const AT_ONCE: u32 = 64;
    let first = Caller::new(way, port, certificate).await;
    let mut callers = Vec::new();
    for _ in 0..AT_ONCE {
        callers.push(first.another(port, certificate).await);
    }
    // Twice: the connections are made, and everything else is there.
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
