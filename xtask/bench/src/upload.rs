//! Uploads a PDF of 25 MiB as Base64 in the JSON of an order, compared with sending a prebuilt body.
//!
//! For a process with one upload, it measures CPU time from start to exit and peak resident set size, both minus those
//! of a process that does the same without a PDF. For a process with eight uploads, it measures the CPU time of an
//! upload whose input is in memory already (`file` reads a file). Each upload has its own connection.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use identkit::CallOptions;
use identkit::identity_tm::messages::{PutOrder, SignPdf};
use identkit::identity_tm::samples;
use identkit::wire::json::Blob;
use identkit::wire::{FileSource, OneOrMany};

use crate::{call, measure};

const SIZE: usize = 25 << 20;

/// Writes the PDF and the prebuilt body.
pub fn prepare(folder: &Path) {
    let noise = (0..u32::try_from(SIZE).unwrap()).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]);
    let pdf: Vec<u8> = b"%PDF-1.7\n".iter().copied().chain(noise).take(SIZE).collect();
    std::fs::write(folder.join("body.json"), body_of_strings(&pdf)).unwrap();
    std::fs::write(folder.join("contract.pdf"), pdf).unwrap();
}

/// The straightforward way: Base64 and JSON as whole buffers.
fn body_of_strings(pdf: &[u8]) -> Bytes {
    let data = base64::engine::general_purpose::STANDARD.encode(pdf);
    let value = serde_json::json!({"Ref": "case-4711", "eSignPDF": [{"Data": data, "Filename": "contract.pdf"}]});
    serde_json::to_vec(&value).unwrap().into()
}

/// The order of the document's sample, with a PDF to sign.
fn order(data: Option<Blob>) -> PutOrder {
    let order = PutOrder::from_json(samples::PUT_ORDER_REQUEST.as_bytes()).unwrap();
    match data {
        Some(data) => order.add(0_u64).sign_pdf(OneOrMany::One(SignPdf::default().data(data).filename("contract.pdf"))),
        None => order,
    }
}

async fn by_hyper(port: &str, certificate: &str, body: Bytes) {
    let request = Request::put("/putOrder").header("host", "localhost").body(Full::new(body)).unwrap();
    call::by_hyper(&mut call::hyper(port, certificate).await, request).await;
}

/// Uploads `count` times. Prints milliseconds of CPU time of the process and of each upload, and peak memory in MiB.
pub async fn run(way: &str, count: usize, port: &str, certificate: &str, folder: &str) {
    let (body, pdf) = (Path::new(folder).join("body.json"), Path::new(folder).join("contract.pdf"));
    let client = call::identkit(port, certificate, true);
    // Warms up before measuring.
    client.put_order(&order(None), &CallOptions::new()).await.unwrap();
    by_hyper(port, certificate, Bytes::from_static(b"{}")).await;

    let bytes: Bytes = match way {
        "ready" => std::fs::read(body).unwrap().into(),
        "memory" | "string" => std::fs::read(&pdf).unwrap().into(),
        _ => Bytes::new(),
    };
    let began = measure::cpu();
    for _ in 0..count {
        let blob = match way {
            "ready" => {
                by_hyper(port, certificate, bytes.clone()).await;
                continue;
            }
            "string" => {
                by_hyper(port, certificate, body_of_strings(&bytes)).await;
                continue;
            }
            "memory" => Some(Blob::from_bytes(bytes.clone())),
            "file" => Some(Blob::Source(Arc::new(FileSource::new(&pdf).unwrap()))),
            _ => None,
        };
        client.put_order(&order(blob), &CallOptions::new()).await.unwrap();
    }
    println!("{} {} {}", measure::cpu(), (measure::cpu() - began) / count as f64, measure::peak());
}
