//! A body in gzip (RFC 1952).

use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use flate2::write::MultiGzDecoder;
use http_body::{Body, Frame};
use identkit_core::{Content, Error, Kind};

/// Number of decoded bytes after which no further bytes are decoded until these are read. One coded byte can be a
/// thousand decoded ones.
const CHUNK: usize = 64 * 1024;

/// Decodes a body as it is read.
pub(super) fn decoded(coded: Content) -> Content {
    let decoder = Some(MultiGzDecoder::new(Vec::new()));
    Content::new(None, Gunzip { coded, decoder, piece: Bytes::new(), begun: false })
}

/// A body in gzip that is decoded as it is read.
struct Gunzip {
    coded: Content,
    /// `None` after the end. It collects the decoded bytes.
    decoder: Option<MultiGzDecoder<Vec<u8>>>,
    /// Coded bytes that were read, but not decoded.
    piece: Bytes,
    /// Whether the body has a byte. An empty body is not in gzip.
    begun: bool,
}

impl Gunzip {
    /// Decodes bytes of the piece until a chunk is full.
    fn decode_piece(decoder: &mut MultiGzDecoder<Vec<u8>>, piece: &mut Bytes) -> Result<(), Error> {
        while !piece.is_empty() && decoder.get_ref().len() < CHUNK {
            match decoder.write(piece) {
                Ok(count) if count > 0 => piece.advance(count),
                _ => return Err(damaged()),
            }
        }
        Ok(())
    }
}

fn damaged() -> Error {
    Error::new(Kind::Integrity, "the response is in gzip, which is damaged or ends too early")
}

impl Body for Gunzip {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        loop {
            let Some(decoder) = &mut this.decoder else { return Poll::Ready(None) };
            if let Err(error) = Self::decode_piece(decoder, &mut this.piece) {
                this.decoder = None;
                return Poll::Ready(Some(Err(error)));
            }
            let decoded = std::mem::take(decoder.get_mut());
            if !decoded.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(decoded.into()))));
            }
            match std::task::ready!(Pin::new(&mut this.coded).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    this.piece = frame.into_data().unwrap_or_default();
                    this.begun |= !this.piece.is_empty();
                }
                Some(Err(error)) => {
                    this.decoder = None;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    let Some(mut decoder) = this.decoder.take() else { return Poll::Ready(None) };
                    if !this.begun {
                        return Poll::Ready(None);
                    }
                    let ended = decoder.try_finish().map_err(|_| damaged());
                    let decoded = std::mem::take(decoder.get_mut());
                    return Poll::Ready(match ended {
                        Err(error) => Some(Err(error)),
                        Ok(()) if decoded.is_empty() => None,
                        Ok(()) => Some(Ok(Frame::data(decoded.into()))),
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// A body of single bytes.
    struct Dripping(std::vec::IntoIter<u8>);

    impl Body for Dripping {
        type Data = Bytes;
        type Error = Error;
        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            Poll::Ready(self.0.next().map(|byte| Ok(Frame::data(Bytes::from(vec![byte])))))
        }
    }

    #[tokio::test]
    async fn at_90_gzip_is_decoded_in_any_pieces() {
        let text = "äöü, and more".repeat(10_000);
        let coded = gzip(text.as_bytes());
        let twice = [gzip(b"one "), gzip(b"two")].concat();
        for (coded, expected) in [(coded, &*text), (twice, "one two"), (gzip(b""), ""), (Vec::new(), "")] {
            for body in [
                Content::from_bytes(coded.clone()),
                Content::new(Some(coded.len() as u64), Dripping(coded.clone().into_iter())),
            ] {
                let body = decoded(body);
                assert!(body.len().is_none());
                assert_eq!(body.collect(1_000_000).await.unwrap(), expected.as_bytes());
            }
        }
    }

    #[tokio::test]
    async fn at_90_damaged_gzip_is_an_error() {
        let coded = gzip(b"some text, some text, some text");
        let mut changed = coded.clone();
        *changed.last_mut().unwrap() ^= 1;
        for bad in [
            coded[..coded.len() - 1].to_vec(),
            coded[..5].to_vec(),
            changed,
            [coded.as_slice(), b"more"].concat(),
            b"plain text".to_vec(),
        ] {
            let body = decoded(Content::from_bytes(bad));
            assert_eq!(body.collect(1000).await.unwrap_err().kind(), Kind::Integrity);
        }
        let short = Content::new(Some(1000), Dripping(coded.into_iter()));
        let body = decoded(short);
        assert_eq!(body.collect(1000).await.unwrap_err().kind(), Kind::Integrity, "the length counts coded bytes");
    }

    #[tokio::test]
    async fn at_90_the_cap_counts_decoded_bytes() {
        // 100 MiB of zeros in 100 KiB.
        let coded = gzip(&vec![0; 100 << 20]);
        let mut body = decoded(Content::from_bytes(coded.clone()));
        for _ in 0..10 {
            assert!(body.next().await.unwrap().unwrap().len() <= 2 * CHUNK);
        }
        let body = decoded(Content::from_bytes(coded));
        assert_eq!(body.collect(1 << 20).await.unwrap_err().kind(), Kind::Protocol);
    }
}
