//! Downloads a recording of 1 GiB into a file, in each way.

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::header::HOST;
use identkit::CallOptions;
use identkit::identity_tm::{OrderId, PlaceholderRule, VideoReady};
use identkit::transport::save::Save;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::spawn_blocking;

use crate::{call, measure};

/// Block size in bytes of the writer, a blocking thread that all ways except `save` share.
const BLOCK: usize = 256 * 1024;
/// Maximum number of pieces that wait for the writer.
const WAITING: usize = 16;

fn write(path: &Path, digest: bool, mut pieces: Receiver<Bytes>) {
    let mut file = std::fs::File::create(path).unwrap();
    let (mut block, mut hash) = (Vec::with_capacity(2 * BLOCK), Sha256::new());
    while let Some(piece) = pieces.blocking_recv() {
        if digest {
            hash.update(&piece);
        }
        block.extend_from_slice(&piece);
        if block.len() >= BLOCK {
            file.write_all(&block).unwrap();
            block.clear();
        }
    }
    file.write_all(&block).unwrap();
    if digest {
        std::hint::black_box(hash.finalize());
    }
}

/// Downloads once. Prints milliseconds of CPU time and elapsed time, and peak memory in MiB.
pub async fn run(way: &str, mebibytes: u64, port: &str, certificate: &str, folder: &str) {
    let file = Path::new(folder).join("recording.mp4");
    let path = format!("/getVideoFileBinary/{mebibytes}");
    let (cpu, began) = (measure::cpu(), Instant::now());
    let (to_disk, pieces) = channel(WAITING);
    let writer = {
        let (file, digest) = (file.clone(), way.ends_with("sha"));
        spawn_blocking(move || write(&file, digest, pieces))
    };
    let ready = VideoReady::force(OrderId::new(mebibytes.to_string()));
    match way {
        "idle" => {
            call::identkit(port, certificate, true);
        }
        "hyper" | "hyper-sha" => {
            let mut sender = call::hyper(port, certificate).await;
            let request = Request::get(path).header(HOST, format!("localhost:{port}")).body(Full::default()).unwrap();
            let mut body = sender.send_request(request).await.unwrap().into_body();
            while let Some(frame) = body.frame().await {
                to_disk.send(frame.unwrap().into_data().unwrap()).await.unwrap();
            }
        }
        "reqwest" | "reqwest-sha" => {
            let url = format!("https://localhost:{port}{path}");
            let mut response = call::reqwest(certificate).get(url).send().await.unwrap();
            while let Some(piece) = response.chunk().await.unwrap() {
                to_disk.send(piece).await.unwrap();
            }
        }
        "identkit" | "identkit-sha" => {
            let client = call::identkit(port, certificate, true);
            let mut content = client.video(&ready, &CallOptions::new()).await.unwrap().value.content;
            while let Some(piece) = content.next().await {
                to_disk.send(piece.unwrap()).await.unwrap();
            }
        }
        "save" => {
            let saved = Path::new(folder).join("saved.mp4");
            let client = call::identkit(port, certificate, true);
            client
                .save_video(&ready, Save::new(&saved), &PlaceholderRule::default(), &CallOptions::new())
                .await
                .unwrap();
            assert_eq!(std::fs::metadata(&saved).unwrap().len(), mebibytes << 20);
            std::fs::remove_file(saved).unwrap();
        }
        _ => panic!("unknown way: {way}"),
    }
    drop(to_disk);
    writer.await.unwrap();
    let (cpu, took) = (measure::cpu() - cpu, began.elapsed());
    if !matches!(way, "idle" | "save") {
        assert_eq!(std::fs::metadata(&file).unwrap().len(), mebibytes << 20);
    }
    std::fs::remove_file(file).unwrap();
    println!("{cpu} {} {}", took.as_secs_f64() * 1e3, measure::peak());
}
