//! Artifacts in memory.
#![allow(clippy::unwrap_used, reason = "tests")]

use identkit_collector::{ArtifactSink as _, MemorySink};
use identkit_core::Content;

use crate::sink::{FOLDER, Opened, name, suite};

suite!(|| Opened::new(MemorySink::new(), ()));

#[tokio::test]
async fn the_locations_of_all_artifacts_are_listed() {
    let sink = MemorySink::new();
    sink.store(&name("b.pdf", 1), Content::from_bytes("b")).await.unwrap();
    sink.store(&name("a.pdf", 1), Content::from_bytes("a")).await.unwrap();
    assert_eq!(sink.locations(), [format!("{FOLDER}/a.pdf"), format!("{FOLDER}/b.pdf")]);
    assert_eq!(format!("{sink:?}"), "MemorySink { artifacts: 2 }");
}
