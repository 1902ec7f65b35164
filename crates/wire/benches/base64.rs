//! Compares reading a 25 MiB Base64 file from JSON in pieces with a `String` and the crate `base64`.
//!
//! `cargo bench -p identkit-wire --bench base64` prints milliseconds and their ratio. With arguments (`pieces N` or
//! `string N`) it only reads N times, for a tool that counts instructions.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark measures real time and prints it"
)]

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use base64::Engine as _;
use bytes::Bytes;
use identkit_core::Content;
use identkit_wire::encode_base64;
use identkit_wire::json::{Files, Piece};

#[derive(serde::Deserialize)]
struct List {
    #[serde(rename = "PDFs")]
    pdfs: Vec<Pdf>,
}

#[derive(serde::Deserialize)]
struct Pdf {
    #[serde(rename = "Base64Data")]
    data: Option<String>,
}

fn string(text: &Bytes) -> usize {
    let list: List = serde_json::from_slice(text).unwrap();
    let decode = |pdf: &Pdf| base64::engine::general_purpose::STANDARD.decode(pdf.data.as_ref().unwrap()).unwrap();
    list.pdfs.iter().map(decode).map(|bytes| black_box(bytes).len()).sum()
}

fn pieces(text: &Bytes) -> usize {
    let mut files = Files::<Pdf>::new(Content::from_bytes(text.clone()), "PDFs", "Base64Data", u64::MAX);
    let mut len = 0;
    loop {
        let next = pin!(files.next()).poll(&mut Context::from_waker(Waker::noop()));
        match next {
            Poll::Ready(Ok(Some(Piece::Bytes(bytes)))) => len += black_box(bytes).len(),
            Poll::Ready(Ok(Some(Piece::End(pdf)))) => assert!(pdf.data.is_some()),
            Poll::Ready(Ok(None)) => return len,
            Poll::Ready(Err(error)) => panic!("{error}"),
            Poll::Pending => panic!("bytes in memory never wait"),
        }
    }
}

fn time(work: impl Fn() -> usize) -> Duration {
    let began = Instant::now();
    assert_eq!(black_box(work()), 25 << 20);
    began.elapsed()
}

fn main() {
    let pdf: Vec<u8> = (0..25_u32 << 20).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let text = Bytes::from(format!(r#"{{"PDFs":[{{"Base64Data":"{}"}}]}}"#, encode_base64(&pdf)));
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [which, count] = arguments.as_slice() {
        for _ in 0..count.parse::<u32>().unwrap() {
            black_box(if which == "pieces" { pieces(&text) } else { string(&text) });
        }
        return;
    }
    let (mut pieces_took, mut string_took) = (Vec::new(), Vec::new());
    for _ in 0..31 {
        pieces_took.push(time(|| pieces(&text)));
        string_took.push(time(|| string(&text)));
    }
    pieces_took.sort();
    string_took.sort();
    let (pieces_took, string_took) = (pieces_took[15], string_took[15]);
    println!("a file of 25 MiB as Base64 in JSON");
    println!("json::Files       {:6.1} ms", pieces_took.as_secs_f64() * 1e3);
    println!("String + base64   {:6.1} ms", string_took.as_secs_f64() * 1e3);
    println!("ratio             {:6.2}", pieces_took.as_secs_f64() / string_took.as_secs_f64());
}
