//! Writes broken or slow responses, which an HTTP library would not write.

use std::io;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Response};
use identkit_core::Content;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::faults::{INTERIM, MISSING, Wire, bodiless, claimed_length};

/// Writes the response as its [`Wire`] marker says, then ends the connection.
pub(super) async fn write<S: Stream>(stream: &mut S, mut response: Response<Content>) -> io::Result<()> {
    let Some(wire) = response.extensions_mut().remove::<Wire>() else { return Ok(()) };
    let (head, content) = response.into_parts();
    let has_no_body = bodiless(head.status);
    let body = match wire {
        Wire::Reset => return reset(stream),
        _ => content.collect(u64::MAX).await.map_err(io::Error::other)?,
    };
    let whole = body.len() as u64;
    let length = match wire {
        _ if has_no_body => None,
        Wire::NoLength => None,
        Wire::WrongLength(by) => Some(claimed_length(whole, by)),
        Wire::Truncated => Some(whole.max(MISSING)),
        _ => Some(whole),
    };
    let head = encode_head(head.status, head.headers, length);
    match wire {
        Wire::CutHead => return cut(stream, &head).await,
        Wire::Truncated if has_no_body => return cut(stream, &head).await,
        Wire::Truncated => {
            stream.write_all(&head).await?;
            stream.write_all(body.get(..body.len() / 2).unwrap_or_default()).await?;
        }
        Wire::Drip(pace) => {
            let all = [head.as_slice(), &body].concat();
            for (index, piece) in pace.pieces(&all).enumerate() {
                if index > 0 {
                    pace.pause().await;
                }
                stream.write_all(piece).await?;
                stream.flush().await?;
            }
        }
        Wire::Interim(count) => {
            stream.write_all(&INTERIM.repeat(count as usize)).await?;
            write_all(stream, &head, &body).await?;
        }
        _ => write_all(stream, &head, &body).await?,
    }
    stream.flush().await?;
    stream.shutdown().await
}

async fn write_all<S: Stream>(stream: &mut S, head: &[u8], body: &Bytes) -> io::Result<()> {
    // In one write, so that surplus bytes arrive together with the response.
    stream.write_all(&[head, body].concat()).await
}

async fn cut<S: Stream>(stream: &mut S, head: &[u8]) -> io::Result<()> {
    stream.write_all(head.get(..head.len() / 2).unwrap_or_default()).await?;
    stream.flush().await?;
    reset(stream)
}

/// Makes the connection end with a reset (TCP RST) when it is dropped.
fn reset<S: Stream>(stream: &S) -> io::Result<()> {
    stream.tcp().set_zero_linger()
}

fn encode_head(status: http::StatusCode, mut headers: HeaderMap, length: Option<u64>) -> Vec<u8> {
    headers.remove(TRANSFER_ENCODING);
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONNECTION, http::HeaderValue::from_static("close"));
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    let mut text = format!("HTTP/1.1 {status}\r\n").into_bytes();
    for (name, value) in &headers {
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
    text
}

pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    fn tcp(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Stream for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}
