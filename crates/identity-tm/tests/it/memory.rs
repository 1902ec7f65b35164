//! Memory needed for decoding, measured by allocations.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use http_body::{Body, Frame};
use identkit_wire::json::Piece;
use identkit_wire::{MemorySource, Part};

use crate::support::*;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Polls a future that is ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("the future is not ready")
}

fn decode<Op: ServedOperation<Dialect = Dialect>>(operation: &Op, body: Received) -> Result<Op::Output, Error> {
    let (head, ()) = Response::new(()).into_parts();
    operation.decode(&head, body, &Dialect::default()).map(|decoded| decoded.value)
}

fn id() -> OrderId {
    OrderId::new("99921269855041")
}

fn list_of_1000_orders() -> Bytes {
    let status = r#"{"Kind":71,"Time":"2018-09-05T10:54:00+02:00","Text":"signme Passwort"}"#;
    let order = |number: usize| {
        let id = format!("9992{number:010}");
        let entries = [status; 11].join(",");
        format!(
            r#"{{"OrderID":"{id}","Ref":"case-{number}","Executed":"2018-09-05T11:06:21+02:00","Status":[{entries}]}}"#
        )
    };
    format!("[{}]", (0..1000).map(order).collect::<Vec<_>>().join(",")).into()
}

#[test]
fn iterating_a_status_list_allocates_at_most_4_kib() {
    let body = list_of_1000_orders();
    let period = GetAllStatusExtended::default();
    let list = decode(&Unread(period), Received::Whole(body.clone())).unwrap();
    let mut count = 0;
    let memory = allocation_counter::measure(|| {
        list.for_each(|order| count += order.kinds().count()).unwrap();
    });
    assert_eq!(count, 11_000);
    assert!(memory.bytes_max <= 4 * KIB, "{memory:?}");
    // Control: the measurement detects leaked orders.
    let whole = allocation_counter::measure(|| drop(OrderList::for_each(&body, std::mem::forget)));
    assert!(whole.bytes_current > 500_000, "{whole:?}");
}

#[test]
fn at_07_an_empty_body_with_status_200_is_not_a_list() {
    let (mut head, ()) = Response::new(()).into_parts();
    let read = |head: &http::response::Parts, body: &'static str| {
        let list =
            Unread(GetAllStatusExtended::default()).decode(head, Received::Whole(body.into()), &Dialect::default())?;
        let mut count = 0;
        list.value.for_each(|_| count += 1).map(|_| count)
    };
    assert_eq!(read(&head, r#"[{"OrderID":"1"}]"#).unwrap(), 1);
    assert_eq!(read(&head, "").unwrap_err().kind(), Kind::Protocol);
    assert_eq!(read(&head, r#"[{"OrderID":"1"}"#).unwrap_err().kind(), Kind::Protocol);
    head.status = http::StatusCode::NOT_MODIFIED;
    assert_eq!(read(&head, "").unwrap(), 0);
}

/// A JSON list of files, generated in chunks while it is read.
struct GeneratedList {
    files: u32,
    size: usize,
    /// Position in the current file.
    at: usize,
    number: u32,
    truncated: bool,
}

/// Returns the bytes of a file in a range.
fn content_of(number: u32, from: usize, to: usize) -> Vec<u8> {
    (from..to).map(|at| (at as u32).wrapping_mul(2_654_435_761).wrapping_add(number).to_be_bytes()[0]).collect()
}

impl Body for GeneratedList {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        const STEP: usize = 12 * 1024;
        let mut piece = String::new();
        if self.number == self.files {
            return Poll::Ready(None);
        }
        if self.at == 0 {
            piece.push_str(if self.number == 0 { r#"{"PDFs":["# } else { "," });
            piece.push_str(r#"{"Base64Data":""#);
        }
        let to = self.size.min(self.at + STEP);
        piece.push_str(&encode_base64(&content_of(self.number, self.at, to)));
        self.at = to;
        if to == self.size {
            (self.at, self.number) = (0, self.number + 1);
            piece.push_str(if self.number == self.files && !self.truncated { r#""}]}"# } else { r#""}"# });
        }
        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
    }
}

fn generated(files: u32, size: usize, truncated: bool) -> FileStream<SignedPdf> {
    let rest = Content::new(None, GeneratedList { files, size, at: 0, number: 0, truncated });
    decode(&Streamed(GetESignPdf::new(id())), Received::Stream { head: Bytes::new(), rest }).unwrap()
}

#[test]
fn forty_signed_pdfs_of_2_mib_need_little_more_than_one() {
    let size = 2 * MIB;
    let mut files = generated(40, 2 * 1024 * 1024, false);
    let mut count = 0;
    let memory = allocation_counter::measure(|| {
        while let Some((blocks, _)) = now(files.next_file(size)).unwrap() {
            let mut at = 0;
            for block in &blocks {
                allocation_counter::opt_out(|| assert!(*block == content_of(count, at, at + block.len())));
                at += block.len();
            }
            assert_eq!(at as u64, size);
            count += 1;
        }
    });
    assert_eq!(count, 40);
    // The target is 1.4 x the largest file + 4 MiB; blocks need less than the file + 1 MiB.
    assert!(memory.bytes_max <= size + MIB, "{memory:?}");
    assert!(memory.bytes_max >= size, "less than a file was returned: {memory:?}");
}

#[test]
fn streamed_pdfs_need_constant_memory() {
    for size in [MIB, 16 * MIB] {
        let mut files = generated(3, usize::try_from(size).unwrap(), false);
        let (mut bytes, mut ends) = (0, 0);
        let memory = allocation_counter::measure(|| {
            while let Some(piece) = now(files.next()).unwrap() {
                match piece {
                    Piece::Bytes(piece) => bytes += piece.len() as u64,
                    Piece::End(_) => ends += 1,
                }
            }
        });
        assert_eq!((bytes, ends), (3 * size, 3));
        assert!(memory.bytes_max <= 128 * KIB, "{memory:?}");
    }
}

#[test]
fn a_body_in_one_buffer_is_also_decoded_in_pieces() {
    let data = encode_base64(&content_of(0, 0, 4 << 20));
    let body = Received::Whole(format!(r#"{{"PDFs":[{{"Base64Data":"{data}"}}]}}"#).into());
    let mut files = decode(&Streamed(GetESignPdf::new(id())), body).unwrap();
    let memory = allocation_counter::measure(|| while now(files.next()).unwrap().is_some() {});
    assert!(memory.bytes_max <= 128 * KIB, "{memory:?}");
}

#[test]
fn a_truncated_list_of_files_is_an_error() {
    let mut files = generated(2, 1000, true);
    assert!(now(files.next_file(1000)).unwrap().is_some() && now(files.next_file(1000)).unwrap().is_some());
    assert_eq!(now(files.next_file(1000)).unwrap_err().kind(), Kind::Protocol);
    assert_eq!(now(files.next_file(1000)).unwrap_err().kind(), Kind::Protocol);
    let mut files = generated(1, 1000, false);
    assert_eq!(now(files.next_file(999)).unwrap_err().kind(), Kind::Protocol);
    assert_eq!(now(files.next()).unwrap_err().kind(), Kind::Protocol);
}

#[test]
fn a_pdf_is_uploaded_in_reused_blocks() {
    let pdf = Bytes::from(vec![7; 6 << 20]);
    let body = identkit_wire::Body::from_parts(vec![Part::Base64(Arc::new(MemorySource(pdf)))]);
    let mut sent = 0;
    let memory = allocation_counter::measure(|| {
        // Each chunk is dropped after two more, as a connection does.
        let mut chunks = VecDeque::new();
        for chunk in body.read() {
            let chunk = chunk.unwrap();
            sent += chunk.len();
            chunks.push_back(chunk);
            if chunks.len() > 2 {
                chunks.pop_front();
            }
        }
    });
    assert_eq!(sent, 8 << 20);
    assert!(memory.bytes_total <= 512 * KIB, "the blocks are not reused: {memory:?}");
}

fn voices(text: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let body = Received::Whole(Bytes::copy_from_slice(text.as_bytes()));
    let mut files: FileStream<VoiceFile> = decode(&Streamed(GetVoiceFiles::new(id())), body)?;
    let mut read = Vec::new();
    while let Some((blocks, entry)) = now(files.next_file(MIB))? {
        let name = entry.filename.map(|name| name.expose().clone()).unwrap_or_default();
        read.push((name, blocks.concat()));
    }
    Ok(read)
}

#[test]
fn at_40_streamed_recordings_are_read_leniently_too() {
    let repaired = include_str!("../../fixtures/S-056-get-voice-files-response.repaired.json");
    assert_eq!(voices(repaired).unwrap(), [("sound_4348.mp3".to_owned(), vec![0xff, 0xfb, 0x90, 0, 0, 0, 0, 0])]);
    let name_last = r#"{"Voicefiles":[{"Base64Data":"__uQ","Filename":"a.mp3"}]}"#;
    assert_eq!(voices(name_last).unwrap(), [("a.mp3".to_owned(), vec![0xff, 0xfb, 0x90])]);
    let printed = r#"{"Voicefiles":[{"Filename":"sound_4348.mp3","Base64Data":"\\\\uQBAAAAA....."}]}"#;
    assert_eq!(voices(printed).unwrap_err().kind(), Kind::Protocol);
}

#[test]
fn at_35_missing_files_or_contents_are_errors() {
    for text in [
        r#"{"Voicefiles":[{"Filename":"a","Base64Data":"TQ"},{"Filename":"b"}]}"#,
        r#"{"Voicefiles":[{"Filename":"a","Base64Data":""}]}"#,
        r#"{"Voicefiles":[{"Filename":"a","Base64Data":null}]}"#,
        r#"{"Voicefiles":null}"#,
        "{}",
        "",
    ] {
        assert_eq!(voices(text).unwrap_err().kind(), Kind::Protocol, "{text}");
    }
    // An empty list means that there is no recording (AT-93); an error is a refusal (AT-94).
    assert!(voices(r#"{"Voicefiles":[]}"#).unwrap().is_empty());
    let error = voices(r#"{"Error":"Mustermann"}"#).unwrap_err();
    assert_eq!((error.kind(), error.vendor_text().unwrap().expose().as_str()), (Kind::Rejected, "Mustermann"));
}

#[test]
fn at_37_a_single_signed_pdf_is_streamed_unchanged() {
    let pdf = || Received::Stream {
        head: "%PDF-1.7".into(),
        rest: Content::new(None, GeneratedList { files: 0, size: 0, at: 0, number: 0, truncated: false }),
    };
    let mut one = decode(&Streamed(GetESignPdf::new(id())), pdf()).unwrap();
    assert_eq!(now(one.next()).unwrap(), Some(Piece::Bytes("%PDF-1.7".into())));
    assert_eq!(now(one.next()).unwrap(), Some(Piece::End(SignedPdf::default())));
    assert_eq!(now(one.next()).unwrap(), None);
    for (output, media_type, begins) in [
        (decode(&Streamed(GetESignPdf::new(id())), pdf()).unwrap(), "application/pdf", "%PDF-1.7"),
        (generated(1, 3, false), "application/json", r#"{"PDFs":[{"#),
    ] {
        let response = Streamed::<GetESignPdf>::encode_response(output).unwrap();
        assert_eq!(response.headers()["content-type"], media_type);
        assert!(now(response.into_body().collect(MIB)).unwrap().starts_with(begins.as_bytes()));
    }
}
