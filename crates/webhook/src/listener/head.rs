//! Reads the head of a connection's request before hyper does.

use std::io;

use bytes::{Bytes, BytesMut};
use http::{Uri, Version};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::framing;

/// Maximum size of a head in bytes. hyper rejects larger ones.
pub(super) const HEAD_LIMIT: usize = 32 * 1024;

/// Maximum number of headers: that of hyper.
const HEADERS: usize = 100;

/// The first bytes of a connection: a request's head, and perhaps a part of its body.
pub(super) struct Head {
    pub(super) bytes: Bytes,
    /// Whether the request is unambiguous, or so broken that hyper rejects it.
    pub(super) is_sound: bool,
    /// The target of the request, if hyper can read it.
    pub(super) target: Option<Uri>,
}

/// Reads until the head is complete, or until hyper can tell why it is invalid.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Head> {
    let mut bytes = BytesMut::new();
    loop {
        bytes.reserve(4096);
        let before = bytes.len();
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // It is parsed again only after another line, so that single bytes do not cost much time.
        let has_line = bytes.get(before..).is_some_and(|new| new.contains(&b'\n'));
        let parsed = if has_line || before == 0 { parse(&bytes) } else { None };
        if let Some((is_sound, target)) = parsed.or((bytes.len() >= HEAD_LIMIT).then_some((true, None))) {
            return Ok(Head { bytes: bytes.freeze(), is_sound, target });
        }
    }
}

/// Whether the head is sound, and its target. `None` if the head is not complete.
fn parse(bytes: &[u8]) -> Option<(bool, Option<Uri>)> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Partial) => None,
        Ok(httparse::Status::Complete(_)) => {
            let version = if request.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
            let headers = request.headers.iter().map(|header| (header.name, header.value));
            Some((framing::is_sound(version, headers), request.path.and_then(|path| path.parse().ok())))
        }
        Err(_) => Some((true, None)),
    }
}
