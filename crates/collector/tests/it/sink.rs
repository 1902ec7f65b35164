//! What every sink must pass.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;

use identkit_collector::{ArtifactName, ArtifactSink, SavedArtifact};
use identkit_core::{Content, Error, Kind};
use sha2::{Digest as _, Sha256};

use crate::sink_steps::{bytes, failing, pieces, polls};

pub(crate) const FOLDER: &str = "identity-tm/2026/11/30/0123456789abcdef0123456789abcdef";

/// A sink, and what must be dropped after it.
pub(crate) struct Opened {
    pub(crate) sink: Arc<dyn ArtifactSink>,
    /// What follows the name of each file.
    suffix: &'static str,
    _guard: Box<dyn Any + Send + Sync>,
}

impl Opened {
    pub(crate) fn new(sink: impl ArtifactSink + 'static, guard: impl Any + Send + Sync) -> Self {
        Self { sink: Arc::new(sink), suffix: "", _guard: Box::new(guard) }
    }

    /// A sink that adds a suffix to the name of each file.
    pub(crate) fn with_suffix(self, suffix: &'static str) -> Self {
        Self { suffix, ..self }
    }
}

/// Runs the suite with the function that opens an empty sink.
macro_rules! suite {
    ($open:expr) => {
        crate::sink::suite!($open =>
            an_artifact_of_each_size_is_read_back
            equal_content_is_stored_once
            other_content_gets_the_name_with_the_fence
            at_96_a_failed_content_leaves_nothing
            a_list_has_only_the_files_of_its_folder
            a_removal_can_be_repeated
            a_location_outside_of_the_sink_is_rejected
            a_check_leaves_no_file
            two_attempts_stop_at_each_await_point
            attempts_at_once_never_overwrite_each_other
            a_dropped_attempt_leaves_nothing_incomplete
        );
    };
    ($open:expr => $($name:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::sink::$name(&$open).await;
            }
        )*
    };
}
pub(crate) use suite;

pub(crate) fn name(file: &str, fence: u64) -> ArtifactName {
    ArtifactName::new(FOLDER, file, fence)
}

/// Checks that a location has these bytes.
pub(crate) async fn assert_stored(sink: &dyn ArtifactSink, saved: &SavedArtifact, expected: &[u8]) {
    let sum: [u8; 32] = Sha256::digest(expected).into();
    assert_eq!((saved.length, saved.sha256), (expected.len() as u64, sum), "{}", saved.location);
    assert_eq!(sink.digest(&saved.location).await.unwrap(), (saved.length, saved.sha256));
    let read = sink.read(&saved.location).await.unwrap();
    assert_eq!(read.len(), Some(saved.length));
    assert!(read.collect(u64::MAX).await.unwrap() == expected, "{} has other content", saved.location);
}

async fn kind_of_read(sink: &dyn ArtifactSink, location: &str) -> Option<Kind> {
    match sink.read(location).await {
        Ok(content) => content.collect(u64::MAX).await.err().map(|error| error.kind()),
        Err(error) => Some(error.kind()),
    }
}

pub(crate) async fn an_artifact_of_each_size_is_read_back(open: &impl Fn() -> Opened) {
    let Opened { sink, suffix, _guard } = open();
    let block = 256 * 1024;
    for (number, length) in [0, 1, 1000, block - 1, block, block + 1, 3 * block + 7].into_iter().enumerate() {
        for size in [997, block, 5 * block] {
            let content = bytes(length, number as u64);
            let file = format!("report-{length}-{size}.pdf");
            let saved = sink.store(&name(&file, 1), pieces(&content, size)).await.unwrap();
            assert_eq!(saved.location, format!("{FOLDER}/{file}{suffix}"));
            assert_stored(&*sink, &saved, &content).await;
        }
    }
}

pub(crate) async fn equal_content_is_stored_once(open: &impl Fn() -> Opened) {
    let Opened { sink, _guard, .. } = open();
    let content = bytes(1000, 1);
    let first = sink.store(&name("report-0.pdf", 1), pieces(&content, 300)).await.unwrap();
    for fence in [1, 2] {
        let again = sink.store(&name("report-0.pdf", fence), pieces(&content, 1000)).await.unwrap();
        assert_eq!(again, first);
    }
    assert_eq!(sink.list(FOLDER).await.unwrap(), [first.location]);
}

pub(crate) async fn other_content_gets_the_name_with_the_fence(open: &impl Fn() -> Opened) {
    let Opened { sink, suffix, _guard } = open();
    let contents: Vec<Vec<u8>> = (0..4).map(|seed| bytes(1000, seed)).collect();
    let mut all = Vec::new();
    for (content, fence) in [(&contents[0], 1), (&contents[1], 2), (&contents[2], 3)] {
        let saved = sink.store(&name("report-0.pdf", fence), pieces(content, 300)).await.unwrap();
        all.push((saved, content));
    }
    assert_eq!(all[0].0.location, format!("{FOLDER}/report-0.pdf{suffix}"));
    assert_ne!(all[1].0.location, all[2].0.location);
    // The same attempts once more.
    for (saved, content) in &all {
        assert_stored(&*sink, saved, content).await;
    }
    for (number, fence) in [(0, 2), (1, 2), (2, 3)] {
        let again = sink.store(&name("report-0.pdf", fence), pieces(all[number].1, 300)).await.unwrap();
        assert_eq!(again, all[number].0);
    }
    let error = sink.store(&name("report-0.pdf", 2), pieces(&contents[3], 300)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
    assert!(error.to_string().contains("report-0"), "{error}");
    assert_eq!(sink.list(FOLDER).await.unwrap().len(), 3);
    for (saved, content) in &all {
        assert_stored(&*sink, saved, content).await;
    }
}

pub(crate) async fn at_96_a_failed_content_leaves_nothing(open: &impl Fn() -> Opened) {
    let Opened { sink, suffix, _guard } = open();
    let content = bytes(600 * 1024, 1);
    let failed = |content: Content| {
        let sink = Arc::clone(&sink);
        async move { sink.store(&name("report-0.pdf", 1), content).await.unwrap_err().kind() }
    };
    for length in [0, 1, 1000, 256 * 1024, 600 * 1024] {
        assert_eq!(failed(failing(&content[..length], 1000)).await, Kind::Unavailable, "{length}");
    }
    let short = Content::new(Some(content.len() as u64 + 1), pieces(&content, 1000));
    assert_eq!(failed(short).await, Kind::Integrity);
    let damaged = identkit_core::Artifact::Pdf.checked(pieces(&content, 1000));
    assert_eq!(failed(damaged).await, Kind::Integrity);
    assert_eq!(sink.list(FOLDER).await.unwrap(), Vec::<String>::new());
    assert_eq!(kind_of_read(&*sink, &format!("{FOLDER}/report-0.pdf{suffix}")).await, Some(Kind::NotFound));
    let saved = sink.store(&name("report-0.pdf", 1), pieces(&content, 1000)).await.unwrap();
    assert_stored(&*sink, &saved, &content).await;
}

pub(crate) async fn a_list_has_only_the_files_of_its_folder(open: &impl Fn() -> Opened) {
    let Opened { sink, suffix, _guard } = open();
    assert_eq!(sink.list("a").await.unwrap(), Vec::<String>::new());
    for (folder, file) in [("a", "2.pdf"), ("a", "1.pdf"), ("a/b", "3.pdf"), ("ab", "4.pdf"), ("a-b", "5.pdf")] {
        sink.store(&ArtifactName::new(folder, file, 1), Content::from_bytes("content")).await.unwrap();
    }
    assert_eq!(sink.list("a").await.unwrap(), [format!("a/1.pdf{suffix}"), format!("a/2.pdf{suffix}")]);
    assert_eq!(sink.list("a/b").await.unwrap(), [format!("a/b/3.pdf{suffix}")]);
    assert_eq!(sink.list("a/c").await.unwrap(), Vec::<String>::new());
}

pub(crate) async fn a_removal_can_be_repeated(open: &impl Fn() -> Opened) {
    let Opened { sink, _guard, .. } = open();
    sink.remove("none/none/none.pdf").await.unwrap();
    let stored = |file: &'static str| {
        let sink = Arc::clone(&sink);
        async move { sink.store(&name(file, 1), Content::from_bytes("content")).await.unwrap() }
    };
    let (removed, kept) = (stored("1.pdf").await, stored("2.pdf").await);
    for _ in 0..2 {
        sink.remove(&removed.location).await.unwrap();
        assert_eq!(kind_of_read(&*sink, &removed.location).await, Some(Kind::NotFound));
        assert_eq!(sink.digest(&removed.location).await.unwrap_err().kind(), Kind::NotFound);
        assert_eq!(sink.list(FOLDER).await.unwrap(), std::slice::from_ref(&kept.location));
    }
    let again = sink.store(&name("1.pdf", 2), Content::from_bytes("other")).await.unwrap();
    assert_eq!(again.location, removed.location);
    assert_stored(&*sink, &again, b"other").await;
}

pub(crate) async fn a_location_outside_of_the_sink_is_rejected(open: &impl Fn() -> Opened) {
    let Opened { sink, _guard, .. } = open();
    for location in ["../a/b", "a/../../b", "/etc/passwd", "a//b", "a/.b", "a\\b/c", "a/b\0"] {
        let (folder, file) = location.rsplit_once('/').unwrap();
        let stored = sink.store(&ArtifactName::new(folder, file, 1), Content::from_bytes("content")).await;
        assert_eq!(stored.unwrap_err().kind(), Kind::InvalidInput, "{location}");
        assert_eq!(sink.read(location).await.unwrap_err().kind(), Kind::InvalidInput, "{location}");
        assert_eq!(sink.digest(location).await.unwrap_err().kind(), Kind::InvalidInput, "{location}");
        assert_eq!(sink.remove(location).await.unwrap_err().kind(), Kind::InvalidInput, "{location}");
    }
    for folder in ["..", "a/..", "", "/", "a/"] {
        assert_eq!(sink.list(folder).await.unwrap_err().kind(), Kind::InvalidInput, "{folder}");
    }
}

pub(crate) async fn a_check_leaves_no_file(open: &impl Fn() -> Opened) {
    let Opened { sink, _guard, .. } = open();
    sink.check().await.unwrap();
    sink.check().await.unwrap();
    assert_eq!(sink.list("check").await.unwrap(), Vec::<String>::new());
}

type Attempt<'a> = Pin<Box<dyn Future<Output = Result<SavedArtifact, Error>> + Send + 'a>>;

fn attempt<'a>(sink: &'a dyn ArtifactSink, name: &'a ArtifactName, content: &[u8]) -> Attempt<'a> {
    sink.store(name, pieces(content, content.len() / 2 + 1))
}

/// The first attempt stops after some polls, then the second one, then both complete in either order.
pub(crate) async fn two_attempts_stop_at_each_await_point(open: &impl Fn() -> Opened) {
    let (one, other) = (bytes(2000, 1), bytes(2000, 2));
    let names = [name("report-0.pdf", 1), name("report-0.pdf", 2)];
    for second in [&one, &other] {
        let mut is_complete = false;
        for stop in 0.. {
            for pause in 0.. {
                let Opened { sink, _guard, .. } = open();
                let mut attempts = [attempt(&*sink, &names[0], &one), attempt(&*sink, &names[1], second)];
                let [first, last] = &mut attempts;
                let mut results = [polls(first, stop).await, polls(last, pause).await];
                is_complete = results[0].is_some();
                let is_last = results[1].is_some();
                let order = if (stop + pause) % 2 == 0 { [0, 1] } else { [1, 0] };
                for at in order {
                    if results[at].is_none() {
                        results[at] = Some((&mut attempts[at]).await);
                    }
                }
                let [first, last] = results.map(|result| result.unwrap().unwrap());
                assert_stored(&*sink, &first, &one).await;
                assert_stored(&*sink, &last, second).await;
                let count = sink.list(FOLDER).await.unwrap().len();
                assert_eq!(count, if *second == one { 1 } else { 2 }, "{stop} {pause}");
                if is_last {
                    break;
                }
            }
            if is_complete {
                break;
            }
        }
        assert!(is_complete);
    }
}

pub(crate) async fn attempts_at_once_never_overwrite_each_other(open: &impl Fn() -> Opened) {
    for round in 0..3 {
        let Opened { sink, suffix, _guard } = open();
        let mut tasks = Vec::new();
        for fence in 0..8 {
            let (sink, content) = (Arc::clone(&sink), bytes(300 * 1024, round * 100 + fence % 3));
            tasks.push(tokio::spawn(async move {
                let saved = sink.store(&name("report-0.pdf", fence), pieces(&content, 70_000)).await.unwrap();
                (saved, content)
            }));
        }
        let mut all = Vec::new();
        for task in tasks {
            all.push(task.await.unwrap());
        }
        for (saved, content) in &all {
            assert_stored(&*sink, saved, content).await;
        }
        let mut locations: Vec<&String> = all.iter().map(|(saved, _)| &saved.location).collect();
        locations.sort();
        locations.dedup();
        assert_eq!(sink.list(FOLDER).await.unwrap().iter().collect::<Vec<_>>(), locations);
        assert!(locations.iter().any(|location| location.ends_with(&format!("/report-0.pdf{suffix}"))));
    }
}

pub(crate) async fn a_dropped_attempt_leaves_nothing_incomplete(open: &impl Fn() -> Opened) {
    let content = bytes(300 * 1024, 1);
    for stop in 0.. {
        let Opened { sink, _guard, .. } = open();
        let name = name("report-0.pdf", 1);
        let mut attempt = attempt(&*sink, &name, &content);
        let is_complete = polls(&mut attempt, stop).await.is_some();
        drop(attempt);
        for location in sink.list(FOLDER).await.unwrap() {
            assert!(sink.read(&location).await.unwrap().collect(u64::MAX).await.unwrap() == content, "{stop}");
        }
        let saved = sink.store(&name, pieces(&content, 70_000)).await.unwrap();
        assert_stored(&*sink, &saved, &content).await;
        assert_eq!(sink.list(FOLDER).await.unwrap(), [saved.location], "{stop}");
        if is_complete {
            return;
        }
    }
}
