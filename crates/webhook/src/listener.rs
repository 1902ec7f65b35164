//! A plain HTTP/1.1 server. Run it behind a proxy or load balancer that terminates TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use identkit_core::Clock;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::allow::Peer;
use crate::receiver::{BODY_LIMIT, Receiver};

/// A listener that serves until it is dropped.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Listener {
    /// The local address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Maximum number of concurrent connections. Further ones wait to be accepted.
const CONNECTIONS: usize = 512;
/// Maximum duration of a connection. The vendors' own timeout is 10 s.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Pause after accepting failed, e.g. because the process has too many open files.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves webhooks until the returned listener is dropped, which closes all connections.
///
/// # Errors
/// If the address cannot be bound.
///
/// # Panics
/// Outside a tokio runtime with I/O, and timers if `clock` needs them.
pub async fn listen(receiver: Arc<Receiver>, address: SocketAddr, clock: Arc<dyn Clock>) -> io::Result<Listener> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        let after = |by: Duration| clock.sleep_until(clock.now().plus(by));
        loop {
            tokio::select! {
                accepted = listener.accept(), if connections.len() < CONNECTIONS => {
                    let Ok((stream, from)) = accepted else {
                        after(PAUSE).await;
                        continue;
                    };
                    let receiver = Arc::clone(&receiver);
                    let end = after(TIMEOUT);
                    connections.spawn(async move {
                        let service = service_fn(move |mut request: Request<Incoming>| {
                            request.extensions_mut().insert(Peer(from.ip()));
                            answer(Arc::clone(&receiver), request)
                        });
                        let serve = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                        // Errors of a connection concern its client only.
                        tokio::select! {
                            _ = serve => {}
                            _ = end => {}
                        }
                    });
                }
                Some(_) = connections.join_next() => {}
            }
        }
    });
    Ok(Listener { address, task })
}

async fn answer(receiver: Arc<Receiver>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, mut body) = request.into_parts();
    let mut all = BytesMut::new();
    // The body of an unknown request is not read.
    if receiver.admits(head.uri.path()) && receiver.admits_origin(&head) {
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                all.extend_from_slice(&data);
            }
            // One byte over the limit suffices: the receiver rejects the request.
            if all.len() > BODY_LIMIT {
                break;
            }
        }
    }
    Ok(receiver.handle(Request::from_parts(head, all.freeze())).await.map(Full::new))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use identkit_core::{Inbox, MemoryInbox, Secret};
    use identkit_testkit::{TestClock, hear};
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpStream;

    use super::*;
    use crate::AllowList;
    use crate::receiver::tests::OnFinal;

    async fn started(change: impl FnOnce(Receiver) -> Receiver) -> (Listener, Arc<MemoryInbox>) {
        let inbox = Arc::new(MemoryInbox::new());
        let receiver = change(Receiver::new(vec![Arc::new(OnFinal)], Arc::clone(&inbox) as Arc<dyn Inbox>));
        receiver.accept_token("identity-tm", Secret::new("good"));
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        // This clock stands still: the tests must not depend on time.
        (listen(Arc::new(receiver), any, Arc::new(TestClock::default())).await.unwrap(), inbox)
    }

    #[tokio::test]
    async fn at_69_the_body_of_an_unknown_request_is_not_read() {
        const WHOLE: &str = "content-length: 2\r\n\r\n{}";
        // The body never arrives, so a response proves that it is not read.
        const ENDLESS: &str = "content-length: 999999\r\n\r\n";
        for (network, token, body, status) in [
            (None, "good", WHOLE, 202),
            (None, "wrong", ENDLESS, 404),
            (Some("127.0.0.0/8"), "good", WHOLE, 202),
            (Some("192.0.2.0/24"), "good", ENDLESS, 404),
        ] {
            let list = network.map(|network| AllowList::parse([network]).unwrap());
            let (listener, inbox) = started(|receiver| match list {
                Some(list) => receiver.allow_only("identity-tm", list),
                None => receiver,
            })
            .await;
            let mut stream = TcpStream::connect(listener.address()).await.unwrap();
            let request = format!("GET /identity-tm/{token}/OnFinal?orderId=1 HTTP/1.1\r\nhost: x\r\n{body}");
            stream.write_all(request.as_bytes()).await.unwrap();
            let answer = hear(&mut stream, "\r\n\r\n").await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{network:?} {token}: {answer}");
            assert_eq!(inbox.events().len(), usize::from(status == 202), "{network:?} {token}");
        }
    }

    #[tokio::test]
    async fn at_68_a_body_in_pieces_is_read_up_to_the_limit() {
        let largest = "x".repeat(BODY_LIMIT - 1);
        // The end of the last body never arrives, so a response proves that the rest is not read.
        for (pieces, end, status) in [
            (&["{", "}"][..], "\r\n0\r\n\r\n", 202),
            (&["x", &largest], "\r\n0\r\n\r\n", 202),
            (&["x", &largest, "x"], "", 413),
        ] {
            let (listener, inbox) = started(|receiver| receiver).await;
            let mut stream = TcpStream::connect(listener.address()).await.unwrap();
            let chunks: Vec<_> = pieces.iter().map(|piece| format!("{:x}\r\n{piece}", piece.len())).collect();
            let chunks = chunks.join("\r\n");
            let head = "GET /identity-tm/good/OnFinal?orderId=1 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked";
            stream.write_all(format!("{head}\r\n\r\n{chunks}{end}").as_bytes()).await.unwrap();
            let answer = hear(&mut stream, "\r\n\r\n").await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            let payload = inbox.events().pop().and_then(|event| event.payload);
            let expected = (status == 202).then(|| pieces.concat().into());
            assert!(payload == expected, "the whole body is in the event");
        }
    }

    #[tokio::test]
    async fn dropping_the_listener_closes_the_port() {
        let (listener, _) = started(|receiver| receiver).await;
        let address = listener.address();
        drop(listener);
        tokio::task::yield_now().await;
        assert!(TcpStream::connect(address).await.is_err());
    }
}
