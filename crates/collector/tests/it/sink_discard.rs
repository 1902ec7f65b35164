//! Artifacts that are discarded.
#![allow(clippy::unwrap_used, reason = "tests")]

use identkit_collector::{ArtifactSink as _, DiscardSink, SavedArtifact};
use identkit_core::Kind;

use crate::sink::{FOLDER, Opened, assert_stored, name, suite};
use crate::sink_steps::{bytes, pieces};

suite!(|| Opened::new(DiscardSink::new(64 * 1024 * 1024), ()));

async fn store(sink: &DiscardSink, number: u64, length: usize) -> SavedArtifact {
    sink.store(&name(&format!("{number}.pdf"), 1), pieces(&bytes(length, number), 100)).await.unwrap()
}

#[tokio::test]
async fn only_the_newest_bytes_are_retained() {
    let sink = DiscardSink::new(1000);
    let mut all = Vec::new();
    for (number, length) in [(0, 1001), (1, 400), (2, 600), (3, 1), (4, 500)] {
        all.push((store(&sink, number, length).await, bytes(length, number)));
    }
    let mut readable = Vec::new();
    for (saved, content) in &all {
        assert_eq!(sink.digest(&saved.location).await.unwrap(), (saved.length, saved.sha256));
        match sink.read(&saved.location).await {
            Ok(_) => assert_stored(&sink, saved, content).await,
            Err(error) => assert_eq!(error.kind(), Kind::NotFound),
        }
        readable.push(sink.read(&saved.location).await.is_ok());
    }
    // 600, 1 and 500 bytes are too many.
    assert_eq!(readable, [false, false, false, true, true]);
    // Equal content is recognized although its bytes were discarded.
    assert_eq!(store(&sink, 1, 400).await, all[1].0);
    assert_eq!(sink.list(FOLDER).await.unwrap().len(), 5);
}

#[tokio::test]
async fn removed_bytes_free_the_capacity() {
    let sink = DiscardSink::new(1000);
    for number in 0..10 {
        let saved = store(&sink, number, 900).await;
        assert_stored(&sink, &saved, &bytes(900, number)).await;
        sink.remove(&saved.location).await.unwrap();
    }
    let kept = store(&sink, 11, 1000).await;
    assert_stored(&sink, &kept, &bytes(1000, 11)).await;
}

#[tokio::test]
async fn the_number_of_remembered_artifacts_is_limited() {
    let sink = DiscardSink::new(1000);
    for number in 0..16 * 1024 + 10 {
        store(&sink, number, 1).await;
    }
    assert_eq!(sink.list(FOLDER).await.unwrap().len(), 16 * 1024);
    let forgotten = sink.digest(&format!("{FOLDER}/9.pdf")).await.unwrap_err();
    assert_eq!(forgotten.kind(), Kind::NotFound);
    assert!(sink.digest(&format!("{FOLDER}/10.pdf")).await.is_ok());
}
