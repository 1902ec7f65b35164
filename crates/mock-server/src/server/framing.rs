//! Finds requests whose end is ambiguous: those with `Content-Length` and `Transfer-Encoding` (RFC 9112, section 6.3).
//!
//! hyper accepts them and drops the length, so a handler cannot see it. The bytes that hyper reads are therefore scanned
//! first. After a request with a transfer coding, the scan ends: its connection must not be used again.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Maximum size of a head that is scanned, in bytes. hyper rejects larger ones.
const HEAD: usize = 1024 * 1024;

/// A stream whose requests are scanned as they are read.
pub(super) struct Scanned<S> {
    pub(super) stream: S,
    scan: Scan,
    ambiguous: Arc<AtomicBool>,
}

impl<S> Scanned<S> {
    /// The stream, and a flag that is set before hyper sees an ambiguous request.
    pub(super) fn new(stream: S) -> (Self, Arc<AtomicBool>) {
        let ambiguous = Arc::default();
        (Self { stream, scan: Scan::Head(Vec::new()), ambiguous: Arc::clone(&ambiguous) }, ambiguous)
    }
}

enum Scan {
    /// A head, as far as it was read.
    Head(Vec<u8>),
    /// The number of bytes left of a body.
    Body(u64),
    Ended,
}

impl Scan {
    /// Scans more bytes. Returns `true` if they complete an ambiguous head.
    fn is_ambiguous_after(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            match self {
                Self::Ended => return false,
                Self::Body(left) => {
                    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    bytes = bytes.get(count..).unwrap_or_default();
                    *left = left.saturating_sub(count as u64);
                    if *left == 0 {
                        *self = Self::Head(Vec::new());
                    }
                }
                Self::Head(head) => {
                    // Empty lines before a request are ignored (RFC 9112, section 2.2).
                    let start =
                        if head.is_empty() { bytes.iter().take_while(|b| b"\r\n".contains(b)).count() } else { 0 };
                    bytes = bytes.get(start..).unwrap_or_default();
                    let line = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1);
                    head.extend_from_slice(bytes.get(..line).unwrap_or_default());
                    bytes = bytes.get(line..).unwrap_or_default();
                    if head.ends_with(b"\n\r\n") || head.ends_with(b"\n\n") {
                        let (length, coded) = framing(head);
                        *self = if coded { Self::Ended } else { Self::Body(length.unwrap_or_default()) };
                        if let Self::Body(0) = self {
                            *self = Self::Head(Vec::new());
                        }
                        if coded && length.is_some() {
                            return true;
                        }
                    } else if head.len() > HEAD {
                        *self = Self::Ended;
                    }
                }
            }
        }
        false
    }
}

/// The length of a body, and whether it has a transfer coding.
fn framing(head: &[u8]) -> (Option<u64>, bool) {
    let headers = head.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at(colon);
        Some((name.trim_ascii(), value.get(1..)?.trim_ascii()))
    });
    let (mut length, mut coded) = (None, false);
    for (name, value) in headers {
        if name.eq_ignore_ascii_case(b"content-length") {
            // hyper rejects a length that is not a number.
            length = Some(std::str::from_utf8(value).ok().and_then(|value| value.parse().ok()).unwrap_or_default());
        }
        coded |= name.eq_ignore_ascii_case(b"transfer-encoding");
    }
    (length, coded)
}

impl<S: AsyncRead + Unpin> AsyncRead for Scanned<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        if this.scan.is_ambiguous_after(buffer.filled().get(before..).unwrap_or_default()) {
            this.ambiguous.store(true, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Scanned<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_head_with_length_and_coding_is_ambiguous() {
        const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
        for (requests, ambiguous) in [
            (GET.to_owned(), false),
            (GET.repeat(3), false),
            (format!("\r\n{GET}\n{GET}"), false),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc".to_owned(), false),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(), false),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n".to_owned(), true),
            ("POST / HTTP/1.1\ncontent-length :5\nTRANSFER-ENCODING:\tchunked\n\n0\r\n\r\n".to_owned(), true),
            // The second request of a connection.
            (format!("{GET}POST / HTTP/1.1\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"), true),
            (
                format!(
                    "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n\n\r\n\r\n{}",
                    "POST / HTTP/1.1\r\nTransfer-Encoding: x\r\nContent-Length: 0\r\n\r\n"
                ),
                true,
            ),
            // In a body these are not headers.
            (
                "POST / HTTP/1.1\r\nContent-Length: 60\r\n\r\nx\r\n\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                    .to_owned(),
                false,
            ),
        ] {
            let mut whole = Scan::Head(Vec::new());
            assert_eq!(whole.is_ambiguous_after(requests.as_bytes()), ambiguous, "{requests:?}");
            let mut dripped = Scan::Head(Vec::new());
            let found = requests.as_bytes().chunks(1).fold(false, |found, byte| found | dripped.is_ambiguous_after(byte));
            assert_eq!(found, ambiguous, "in single bytes: {requests:?}");
        }
    }
}
