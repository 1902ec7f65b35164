//! A body in gzip (RFC 1952).

use std::io::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use flate2::write::MultiGzDecoder;
use http_body::{Body, Frame};
use identkit_core::{Content, Error, Kind};

use super::undecoded::Undecoded;

/// Number of decoded bytes after which no further bytes are decoded until these are read. One coded byte can be a
/// thousand decoded ones.
const CHUNK: usize = 64 * 1024;

/// First bytes of a body in gzip.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Decodes a body as it is read. A body that does not begin like gzip is passed on: programs that decode a body can leave
/// the header.
///
/// If the coded bytes are damaged or end too early, the error follows what could be decoded, and the coded bytes are read to
/// their end before: who watches them has all of them (AT-97).
///
/// Sets `has_end` if the body is in gzip: a truncated one is an error then.
pub(super) fn decoded(coded: Content, has_end: Arc<AtomicBool>) -> Content {
    Content::new(None, Gunzip { coded, has_end, is_read: false, piece: Bytes::new(), state: State::Begin })
}

/// A body in gzip that is decoded as it is read.
struct Gunzip {
    coded: Content,
    has_end: Arc<AtomicBool>,
    /// Whether no coded bytes follow.
    is_read: bool,
    /// Coded bytes that were read, but not decoded.
    piece: Bytes,
    state: State,
}

enum State {
    /// Fewer bytes were read than show whether the body is in gzip.
    Begin,
    /// The decoder collects the decoded bytes.
    Decode(Box<MultiGzDecoder<Vec<u8>>>),
    /// The body is not in gzip.
    Pass,
    /// Reads the rest of the coded bytes before this error.
    Fail(Error),
    End,
}

fn damaged() -> Error {
    let detail = "the response is in gzip, which is damaged or ends too early";
    Error::new(Kind::Integrity, detail).with_source(Undecoded)
}

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

/// Returns what was decoded, unless it is empty.
fn take(decoder: &mut MultiGzDecoder<Vec<u8>>) -> Option<Frame<Bytes>> {
    let decoded = std::mem::take(decoder.get_mut());
    (!decoded.is_empty()).then(|| Frame::data(decoded.into()))
}

impl Gunzip {
    /// Decodes the piece, or ends the decoder with the reason why no piece follows. `None`: more coded bytes are needed.
    fn advance(&mut self, ended: Option<Result<(), Error>>) -> Option<Frame<Bytes>> {
        match &mut self.state {
            State::Begin if self.piece.len() >= MAGIC.len() => {
                self.state = match self.piece.starts_with(&MAGIC) {
                    true => {
                        self.has_end.store(true, Ordering::Relaxed);
                        State::Decode(Box::new(MultiGzDecoder::new(Vec::new())))
                    }
                    false => State::Pass,
                };
                self.advance(ended)
            }
            State::Decode(decoder) => {
                let result = match ended {
                    None => decode_piece(decoder, &mut self.piece).map(|()| false),
                    Some(Ok(())) => decoder.try_finish().map(|()| true).map_err(|_| damaged()),
                    Some(Err(error)) => {
                        // For what it has not written yet.
                        let _ = decoder.try_finish();
                        Err(error)
                    }
                };
                let decoded = take(decoder);
                match result {
                    Err(error) => self.state = State::Fail(error),
                    Ok(true) => self.state = State::End,
                    Ok(false) => {}
                }
                decoded
            }
            State::Begin if ended.is_none() => None,
            State::Begin | State::Pass => {
                if let Some(ended) = ended {
                    self.state = ended.map_or_else(State::Fail, |()| State::End);
                }
                let plain = std::mem::take(&mut self.piece);
                (!plain.is_empty()).then(|| Frame::data(plain))
            }
            State::Fail(_) | State::End => None,
        }
    }
}

impl Body for Gunzip {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        loop {
            if matches!(this.state, State::End) {
                return Poll::Ready(None);
            }
            if !matches!(this.state, State::Fail(_) | State::Begin)
                && let Some(decoded) = this.advance(None)
            {
                return Poll::Ready(Some(Ok(decoded)));
            }
            if matches!(this.state, State::Fail(_)) {
                while !this.is_read {
                    this.is_read = !matches!(std::task::ready!(Pin::new(&mut this.coded).poll_frame(cx)), Some(Ok(_)));
                }
                let State::Fail(error) = std::mem::replace(&mut this.state, State::End) else { continue };
                return Poll::Ready(Some(Err(error)));
            }
            let ended = match std::task::ready!(Pin::new(&mut this.coded).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let data = frame.into_data().unwrap_or_default();
                    this.piece = match this.piece.is_empty() {
                        true => data,
                        // Fewer than two bytes.
                        false => [&*this.piece, &*data].concat().into(),
                    };
                    None
                }
                Some(Err(error)) => Some(Err(error)),
                None => Some(Ok(())),
            };
            this.is_read = ended.is_some();
            if let Some(decoded) = this.advance(ended) {
                return Poll::Ready(Some(Ok(decoded)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn decoded(coded: Content) -> Content {
        super::decoded(coded, Arc::default())
    }

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
        for bad in
            [coded[..coded.len() - 1].to_vec(), coded[..5].to_vec(), changed, [coded.as_slice(), b"more"].concat()]
        {
            let body = decoded(Content::from_bytes(bad));
            assert_eq!(body.collect(1000).await.unwrap_err().kind(), Kind::Integrity);
        }
        let short = Content::new(Some(1000), Dripping(coded.into_iter()));
        let body = decoded(short);
        assert_eq!(body.collect(1000).await.unwrap_err().kind(), Kind::Integrity, "the length counts coded bytes");
    }

    #[tokio::test]
    async fn at_90_what_can_be_decoded_comes_before_the_error() {
        let text = "some text, and more. ".repeat(20_000);
        let coded = gzip(text.as_bytes());
        let mut changed = coded.clone();
        *changed.last_mut().unwrap() ^= 1;
        for bad in [coded[..coded.len() - 8].to_vec(), changed, [&coded, &b"more"[..]].concat()] {
            let whole = Content::from_bytes(bad.clone());
            let cut = Content::new(Some(1_000_000), Dripping(bad.into_iter()));
            for body in [whole, cut] {
                let (mut body, mut read) = (decoded(body), Vec::new());
                let error = loop {
                    match body.next().await.unwrap() {
                        Ok(chunk) => read.extend_from_slice(&chunk),
                        Err(error) => break error,
                    }
                };
                assert_eq!((error.kind(), read.len()), (Kind::Integrity, text.len()));
                assert!(body.next().await.is_none());
            }
        }
    }

    #[tokio::test]
    async fn at_97_the_coded_bytes_are_read_to_their_end() {
        use std::sync::atomic::AtomicUsize;

        struct Counting(Dripping, Arc<AtomicUsize>);
        impl Body for Counting {
            type Data = Bytes;
            type Error = Error;
            fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
                self.1.fetch_add(1, Ordering::SeqCst);
                Pin::new(&mut self.0).poll_frame(cx)
            }
        }

        let damaged = [&MAGIC[..], &[b'x'; 1000]].concat();
        let polls = Arc::new(AtomicUsize::new(0));
        let body = Content::new(None, Counting(Dripping(damaged.into_iter()), Arc::clone(&polls)));
        assert_eq!(decoded(body).collect(1000).await.unwrap_err().kind(), Kind::Integrity);
        assert_eq!(polls.load(Ordering::SeqCst), 1003);
    }

    #[tokio::test]
    async fn at_90_a_broken_body_that_is_not_gzip_is_an_error() {
        for plain in ["", "x", "plain text"] {
            let cut = Content::new(Some(1000), Dripping(plain.as_bytes().to_vec().into_iter()));
            assert_eq!(decoded(cut).collect(1000).await.unwrap_err().kind(), Kind::Integrity, "{plain}");
        }
    }

    #[tokio::test]
    async fn at_90_a_body_that_is_not_gzip_is_passed_on() {
        for plain in ["plain text", "x", "{}"] {
            let dripping = Content::new(None, Dripping(plain.as_bytes().to_vec().into_iter()));
            for body in [Content::from_bytes(plain), dripping] {
                assert_eq!(decoded(body).collect(1000).await.unwrap(), plain);
            }
        }
    }

    #[tokio::test]
    async fn at_90_the_cap_counts_decoded_bytes() {
        // 100 MiB of zeros in 100 KiB.
        let coded = gzip(&vec![0; 100 << 20]);
        let mut body = decoded(Content::from_bytes(coded.clone()));
        for _ in 0..10 {
            // At least 64 KiB. The decoder returns at most 32 KiB at once.
            assert!((65_536..98_304).contains(&body.next().await.unwrap().unwrap().len()));
        }
        let body = decoded(Content::from_bytes(coded));
        assert_eq!(body.collect(1 << 20).await.unwrap_err().kind(), Kind::Protocol);
    }
}
