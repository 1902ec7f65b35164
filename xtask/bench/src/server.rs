//! A minimal server on hyper that accepts orders and returns recordings.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper::{Request, Response, header};
use hyper_util::rt::TokioIo;
use identkit::identity_tm::samples;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A body of `left` bytes that repeats one block.
struct Blocks {
    block: Bytes,
    left: u64,
}

const BLOCK: usize = 1 << 20;

impl Body for Blocks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(left) = self.left.checked_sub(self.block.len() as u64) else { return Poll::Ready(None) };
        self.left = left;
        Poll::Ready(Some(Ok(Frame::data(self.block.clone()))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// Writes the certificate to a file, prints the port, and serves until the process is killed.
pub async fn serve(certificate: &str) {
    let (config, pem) = crate::tls::server();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    std::fs::write(certificate, pem).unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let answer = Bytes::from_static(samples::PUT_ORDER_RESPONSE.as_bytes());
    let block = Bytes::from(vec![0x5a; BLOCK]);
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (acceptor, answer, block) = (acceptor.clone(), answer.clone(), block.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(move |request: Request<Incoming>| {
                let (answer, block) = (answer.clone(), block.clone());
                async move {
                    let mebibytes = request.uri().path().strip_prefix("/getVideoFileBinary/").map(str::to_owned);
                    let mut body = request.into_body();
                    while let Some(frame) = body.frame().await {
                        frame?;
                    }
                    let (status, media, body) = match mebibytes {
                        Some(count) => (200, "video/mp4", Blocks { block, left: count.parse::<u64>().unwrap() << 20 }),
                        None => (202, "application/json", Blocks { left: answer.len() as u64, block: answer }),
                    };
                    Ok::<_, hyper::Error>(
                        Response::builder().status(status).header(header::CONTENT_TYPE, media).body(body).unwrap(),
                    )
                }
            });
            // Clients may disconnect at any time.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
