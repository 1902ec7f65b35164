//! Two partners in one process over one transport share neither tokens nor connections.

use crate::simulation::whole;
use crate::support::*;
use futures_util::future::join_all;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use identkit_identify24::Credentials;

/// A request with its connection.
#[derive(Clone, Debug)]
struct Heard {
    connection: usize,
    path: String,
    partner: String,
    token: String,
}

type Log = Arc<Mutex<Vec<Heard>>>;

/// Starts a vendor that keeps connections open and issues `token of PARTNER` at each login.
async fn listener() -> (SocketAddr, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, log) = (listener.local_addr().unwrap(), Log::default());
    let heard = Arc::clone(&log);
    tokio::spawn(async move {
        for connection in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            let log = Arc::clone(&heard);
            let service = service_fn(move |request| answer(connection, Arc::clone(&log), request));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, log)
}

async fn answer(connection: usize, log: Log, request: Request<Incoming>) -> Result<Response<Content>, hyper::Error> {
    let header = |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let (mut partner, token, path) = (header("x-api-partner"), header("x-api-token"), request.uri().path().to_owned());
    let body = whole(request.into_body()).await?;
    let mut answer = json!({ "result": true, "messages": [], "data": [], "response_status": 200 });
    if path == "/auth" {
        partner = serde_json::from_slice::<Value>(&body).unwrap()["PARTNER"].as_str().unwrap().to_owned();
        let token = format!("token-of-{partner}");
        answer = json!({ "result": true, "response_status": 200, "token": token, "messages": [] });
    }
    log.lock().unwrap().push(Heard { connection, path, partner, token });
    let content = Content::from_bytes(Bytes::from(answer.to_string()));
    Ok(Response::builder().header(CONTENT_TYPE, "application/json").body(content).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_partners_share_neither_tokens_nor_connections() {
    let (address, log) = listener().await;
    let transport: Arc<dyn Transport> = Arc::new(HyperTransport::new(&TlsConfig::bundled().unwrap()));
    let client = |partner: &str| {
        Identify24::builder(Credentials::new(partner, "key"))
            .transport(Arc::clone(&transport))
            .base_url(format!("http://{address}"))
            .build()
            .unwrap()
    };
    let (one, other) = (client("one"), client("other"));
    // One after the other, so that each could find the other's idle connection, and concurrently.
    for _ in 0..10 {
        for client in [&one, &other] {
            client.projects(&options()).await.unwrap();
        }
    }
    let (first, second) = (options(), options());
    let together = (0..20).map(|k| if k % 2 == 0 { one.projects(&first) } else { other.projects(&second) });
    assert!(join_all(together).await.into_iter().all(|answer| answer.is_ok()));

    let heard = log.lock().unwrap().clone();
    assert_eq!(heard.len(), 42);
    let on_connection = |connection| heard.iter().filter(move |request| request.connection == connection);
    for request in &heard {
        let expected = if request.path == "/auth" { String::new() } else { format!("token-of-{}", request.partner) };
        assert_eq!(request.token, expected, "each request has its own partner's token");
        let strangers = on_connection(request.connection).filter(|another| another.partner != request.partner).count();
        assert_eq!(strangers, 0, "connection {} of {}", request.connection, request.partner);
    }
    let logins: Vec<_> = heard.iter().filter(|request| request.path == "/auth").collect();
    assert_eq!(logins.len(), 2);
    for login in logins {
        assert!(on_connection(login.connection).count() > 10, "a partner's reads use the connection of its login");
    }
}
