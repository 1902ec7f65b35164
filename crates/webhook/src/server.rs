//! A listener of its own: plain HTTP/1.1, meant to stand behind whatever ends TLS.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::{BODY_LIMIT, Receiver};

/// A listener that serves until it is dropped.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Listening {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens for webhooks; spawns one task, which ends with the returned value and takes its connections along.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn listen(receiver: Arc<Receiver>, address: SocketAddr) -> io::Result<Listening> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    // A failed accept is the peer's; the next one may be fine.
                    let Ok((stream, _)) = accepted else { continue };
                    let receiver = Arc::clone(&receiver);
                    connections.spawn(async move {
                        let service = service_fn(move |request: Request<Incoming>| answer(Arc::clone(&receiver), request));
                        // What goes wrong on a connection is its client's to see.
                        let _ = hyper::server::conn::http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), service)
                            .await;
                    });
                }
                Some(_) = connections.join_next() => {}
            }
        }
    });
    Ok(Listening { address, task })
}

async fn answer(receiver: Arc<Receiver>, request: Request<Incoming>) -> Result<Response<Whole>, hyper::Error> {
    let (head, mut body) = request.into_parts();
    let mut all = BytesMut::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        if let Ok(data) = frame?.into_data() {
            all.extend_from_slice(&data);
        }
        // One byte over is enough for the receiver to refuse it, and no more is read.
        if all.len() > BODY_LIMIT {
            break;
        }
    }
    Ok(receiver.handle(Request::from_parts(head, all.freeze())).await.map(|bytes| Whole(Some(bytes))))
}

/// A body that is there already.
struct Whole(Option<Bytes>);

impl Body for Whole {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Ready(self.0.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
