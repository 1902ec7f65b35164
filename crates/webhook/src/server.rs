//! A listener of its own: plain HTTP/1.1, meant to stand behind whatever ends TLS.

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
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Connections served at once; more wait to be accepted.
const CONNECTIONS: usize = 512;
/// How long one connection may take, from its first byte to the last answer: the vendors give up after 10 s.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long nothing is accepted after accepting failed: with no file descriptor left, trying at once only burns time.
const PAUSE: Duration = Duration::from_millis(50);

/// Listens for webhooks; spawns one task, which ends with the returned value and takes its connections along.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn listen(receiver: Arc<Receiver>, address: SocketAddr, clock: Arc<dyn Clock>) -> io::Result<Listener> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        let soon = |by: Duration| clock.sleep_until(clock.now().plus(by));
        loop {
            tokio::select! {
                accepted = listener.accept(), if connections.len() < CONNECTIONS => {
                    let Ok((stream, from)) = accepted else {
                        soon(PAUSE).await;
                        continue;
                    };
                    let receiver = Arc::clone(&receiver);
                    let end = soon(PATIENCE);
                    connections.spawn(async move {
                        let service = service_fn(move |mut request: Request<Incoming>| {
                            request.extensions_mut().insert(Peer(from.ip()));
                            answer(Arc::clone(&receiver), request)
                        });
                        let serve = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                        // What goes wrong on a connection is its client's to see.
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
    // Nothing is read of what nobody knows.
    if receiver.admits(head.uri.path()) && receiver.admits_origin(&head) {
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                all.extend_from_slice(&data);
            }
            // One byte over is enough for the receiver to refuse it, and no more is read.
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

    use http::{Method, Uri, request};
    use identkit_core::{BoxFuture, Error, Event, Inbox, Instant, Kind, MemoryInbox, Secret, WorkGuard};
    use identkit_wire::{Callback, CallbackPath};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::AllowList;

    #[derive(Debug)]
    struct Status;

    impl Callback for Status {
        fn provider(&self) -> &'static str {
            "identify24"
        }
        fn name(&self) -> &'static str {
            "status"
        }
        fn url_template(&self, base: &Uri, token: &Secret) -> Result<Secret, Error> {
            CallbackPath::url(base, self.provider(), token, self.name()).map(Secret::new)
        }
        fn recognize(&self, head: &request::Parts) -> bool {
            head.method == Method::POST
        }
        fn parse(&self, request: &Request<Bytes>) -> Result<Event, Error> {
            let text = std::str::from_utf8(request.body()).map_err(|_| Error::new(Kind::Protocol, "no text"))?;
            Ok(Event::new(self.provider(), self.name(), text))
        }
        fn emit(&self, _: &str, _: &Method, _: &Event) -> Result<Request<Bytes>, Error> {
            Err(Error::unsupported("emit"))
        }
    }

    /// Time that stands still: nothing here may depend on it.
    #[derive(Debug)]
    struct Still;

    impl Clock for Still {
        fn wall(&self) -> jiff::Timestamp {
            jiff::Timestamp::UNIX_EPOCH
        }
        fn now(&self) -> Instant {
            Instant::default()
        }
        fn sleep_until(&self, _: Instant) -> BoxFuture<'static, WorkGuard> {
            Box::pin(std::future::pending())
        }
        fn hold(&self) -> WorkGuard {
            WorkGuard::idle()
        }
    }

    async fn started() -> (Listener, Arc<MemoryInbox>) {
        started_by(|receiver| receiver).await
    }

    async fn started_by(change: impl FnOnce(Receiver) -> Receiver) -> (Listener, Arc<MemoryInbox>) {
        let inbox = Arc::new(MemoryInbox::new());
        let receiver = change(Receiver::new(vec![Arc::new(Status)], Arc::clone(&inbox) as Arc<dyn Inbox>));
        receiver.accept_token("identify24", Secret::new("good"));
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        (listen(Arc::new(receiver), any, Arc::new(Still)).await.unwrap(), inbox)
    }

    async fn exchange(listener: &Listener, request: &str) -> String {
        let mut stream = TcpStream::connect(listener.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut block = vec![0; 4096];
        let count = stream.read(&mut block).await.unwrap();
        String::from_utf8_lossy(&block[..count]).into_owned()
    }

    #[tokio::test]
    async fn a_webhook_is_answered_over_a_socket() {
        let (listener, inbox) = started().await;
        let answer =
            exchange(&listener, "POST /identify24/good/status HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
                .await;
        assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
        assert_eq!(inbox.events().len(), 1);
    }

    #[tokio::test]
    async fn nothing_is_read_of_what_nobody_knows() {
        let (listener, inbox) = started().await;
        // The body never comes: an answer shows that nobody waited for it.
        let answer =
            exchange(&listener, "POST /identify24/wrong/status HTTP/1.1\r\nhost: x\r\ncontent-length: 999999\r\n\r\n")
                .await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        assert!(inbox.events().is_empty());
    }

    #[tokio::test]
    async fn at_69_the_listener_tells_where_a_request_came_from() {
        for (network, body, status) in [
            ("127.0.0.0/8", "content-length: 2\r\n\r\n{}", "202"),
            ("192.0.2.0/24", "content-length: 999999\r\n\r\n", "404"),
        ] {
            let list = AllowList::parse([network]).unwrap();
            let (listener, inbox) = started_by(|receiver| receiver.allow_only("identify24", list)).await;
            // Of a stranger's request no body is waited for.
            let answer =
                exchange(&listener, &format!("POST /identify24/good/status HTTP/1.1\r\nhost: x\r\n{body}")).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            assert_eq!(inbox.events().len(), usize::from(status == "202"));
        }
    }

    #[tokio::test]
    async fn dropping_it_closes_the_port() {
        let (listener, _) = started().await;
        let address = listener.address();
        drop(listener);
        tokio::task::yield_now().await;
        assert!(TcpStream::connect(address).await.is_err());
    }
}
