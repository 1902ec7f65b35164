//! Two partners in one process: over one transport and a real listener they share neither a token nor a connection.

use crate::support::*;
use futures_util::future::join_all;
use identkit_identify24::Credentials;
use tokio::io::{AsyncBufReadExt, BufReader};

/// A request as it came over a connection.
#[derive(Clone, Debug)]
struct Heard {
    connection: usize,
    path: String,
    partner: String,
    token: String,
}

type Log = Arc<Mutex<Vec<Heard>>>;

/// A vendor on a real socket that keeps connections open and gives `token of PARTNER` to whoever logs in.
async fn listener() -> (SocketAddr, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, log) = (listener.local_addr().unwrap(), Log::default());
    let heard = Arc::clone(&log);
    tokio::spawn(async move {
        for connection in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(connection, stream, Arc::clone(&heard)));
        }
    });
    (address, log)
}

async fn serve(connection: usize, stream: TcpStream, log: Log) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            head.push(line.trim_end().to_owned());
        }
        let header = |name: &str| {
            let fields = head.iter().skip(1).filter_map(|line| line.split_once(": "));
            fields.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value).to_owned()
        };
        let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
        stream.read_exact(&mut body).await.unwrap();
        let path = head[0].split(' ').nth(1).unwrap().to_owned();
        let (partner, answer) = if path == "/auth" {
            let login: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let partner = login["PARTNER"].as_str().unwrap().to_owned();
            let answer =
                format!(r#"{{"result":true,"response_status":200,"token":"token-of-{partner}","messages":[]}}"#);
            (partner, answer)
        } else {
            let answer = r#"{"result":true,"messages":[],"data":[],"response_status":200}"#.to_owned();
            (header("x-api-partner"), answer)
        };
        log.lock().unwrap().push(Heard { connection, path, partner, token: header("x-api-token") });
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        );
        stream.get_mut().write_all(answer.as_bytes()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_partners_over_one_transport_share_neither_a_token_nor_a_connection() {
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
    // In turn, so that each would find the other's idle connection, and together.
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
        assert_eq!(request.token, expected, "each carries the token of its own login");
        let strangers = on_connection(request.connection).filter(|another| another.partner != request.partner).count();
        assert_eq!(strangers, 0, "connection {} of {}", request.connection, request.partner);
    }
    let logins: Vec<_> = heard.iter().filter(|request| request.path == "/auth").collect();
    assert_eq!(logins.len(), 2);
    for login in logins {
        assert!(on_connection(login.connection).count() > 10, "a partner's reads go on where its login came");
    }
}
