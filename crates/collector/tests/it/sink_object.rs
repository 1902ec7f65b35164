//! Artifacts in an object store.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use identkit_collector::{ArtifactKey, ArtifactSink as _, EncryptedSink, ObjectSink};
use identkit_core::{Advice, Content, Error, Kind};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};

use crate::sink::{FOLDER, Opened, assert_stored, name, suite};
use crate::sink_faulty::{Fault, Faulty};
use crate::sink_steps::{bytes, failing, pieces};

suite!(|| Opened::new(ObjectSink::new(Arc::new(Faulty::new()), "prefix/of several/parts"), ()));

const PART: usize = 8 * 1024 * 1024;

fn sink(store: &Faulty) -> ObjectSink {
    ObjectSink::new(Arc::new(store.clone()), "prefix")
}

const FAULTS: [Fault; 5] = [Fault::Before, Fault::After, Fault::Torn, Fault::Spoiled, Fault::Denied];

/// Checks that an error names the location, and nothing of the object store's own error.
fn assert_error(error: &Error, fault: Fault, case: &str) {
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("report-0"), "{case}: {shown}");
    assert!(!shown.contains("secret") && std::error::Error::source(error).is_none(), "{case}: {shown}");
    let expected = match fault {
        Fault::Spoiled => (Kind::Integrity, Advice::DoNotRetry),
        Fault::Denied => (Kind::Storage, Advice::DoNotRetry),
        _ => (Kind::Storage, Advice::RetryLater),
    };
    assert_eq!((error.kind(), error.advice()), expected, "{case}: {shown}");
}

/// Stores a content with each fault at each operation, and this number of operations in a row. Returns the operations
/// without a fault.
async fn with_faults(content: &[u8], count: usize) -> Vec<&'static str> {
    let mut names = Vec::new();
    for fault in FAULTS {
        for number in 0.. {
            let store = Faulty::new();
            let faulty = store.with_fault(number..number + count, fault);
            let result = sink(&faulty).store(&name("report-0.pdf", 1), pieces(content, 3_000_000)).await;
            let Some(at) = faulty.names().get(number).copied() else {
                result.unwrap();
                names = faulty.names();
                break;
            };
            let case = format!("{count} x {fault:?} at {at} {number}");
            let left = sink(&store).list(FOLDER).await.unwrap();
            // These have no content. A single fault of the read after them is repaired by a second one.
            let has_no_effect = fault == Fault::Spoiled && (at == "complete" || (at == "begin" && count == 1));
            match result {
                Ok(saved) => {
                    // A second look at the object showed that it is complete.
                    assert!(has_no_effect || (at == "get" && count == 1), "{case}: the fault was ignored");
                    assert_stored(&sink(&store), &saved, content).await;
                }
                Err(error) => {
                    assert!(!has_no_effect, "{case}: {error}");
                    assert_error(&error, fault, &case);
                    for location in &left {
                        // The object is created, and the answer is lost or the object cannot be read. The next attempt
                        // finds it.
                        let is_created = matches!((fault, at), (Fault::After | Fault::Spoiled, "put")) || at == "get";
                        assert!(content.len() <= PART && is_created, "{case}: {location} is left");
                        let read = sink(&store).read(location).await.unwrap().collect(u64::MAX).await.unwrap();
                        assert_eq!(read == content, (fault, at) != (Fault::Spoiled, "put"), "{case}: {location}");
                    }
                }
            }
            // An upload does not depend on earlier ones.
            if content.len() <= PART {
                let saved = sink(&store).store(&name("report-0.pdf", 1), pieces(content, 3_000_000)).await.unwrap();
                assert_stored(&sink(&store), &saved, content).await;
            }
        }
    }
    names
}

#[tokio::test]
async fn faults_at_each_operation_leave_nothing_incomplete() {
    for count in [1, 2] {
        assert_eq!(with_faults(&bytes(1000, 1), count).await, ["put", "get"]);
    }
}

#[tokio::test]
async fn faults_of_an_upload_leave_no_object() {
    let names = with_faults(&bytes(2 * PART + 1, 1), 1).await;
    assert_eq!(names, ["begin", "part", "part", "part", "complete", "get"]);
    assert_eq!(with_faults(&bytes(PART + 1, 1), 2).await, ["begin", "part", "part", "complete", "get"]);
}

#[tokio::test]
async fn large_content_gets_a_unique_name_for_each_attempt() {
    for (length, is_large) in [(PART, false), (PART + 1, true), (2 * PART, true), (3 * PART + 5, true)] {
        let (store, content) = (Faulty::new(), bytes(length, 1));
        let sink = sink(&store);
        let mut locations = Vec::new();
        for size in [700_000, PART, 5 * PART] {
            let saved = sink.store(&name("video-0.mp4", 7), pieces(&content, size)).await.unwrap();
            assert_stored(&sink, &saved, &content).await;
            locations.push(saved.location);
        }
        locations.sort();
        locations.dedup();
        assert_eq!(sink.list(FOLDER).await.unwrap(), locations);
        if is_large {
            assert_eq!(locations.len(), 3);
            for location in &locations {
                let unique = location.strip_prefix(&format!("{FOLDER}/video-0.7-")).unwrap();
                let digits = unique.strip_suffix(".mp4").unwrap();
                assert!(digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{unique}");
            }
        } else {
            assert_eq!(locations, [format!("{FOLDER}/video-0.mp4")]);
        }
    }
}

#[tokio::test]
async fn at_96_a_failed_upload_is_aborted() {
    let (store, content) = (Faulty::new(), bytes(2 * PART + 100, 1));
    let sink = sink(&store);
    // The upload begins after the second part.
    for (length, aborted) in [(PART, 0), (2 * PART, 1), (2 * PART + 100, 2)] {
        let error = sink.store(&name("video-0.mp4", 1), failing(&content[..length], 700_000)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable);
        assert_eq!(store.aborted(), aborted);
    }
    let short = Content::new(Some(content.len() as u64 + 1), pieces(&content, 700_000));
    assert_eq!(sink.store(&name("video-0.mp4", 1), short).await.unwrap_err().kind(), Kind::Integrity);
    assert_eq!(store.aborted(), 3);
    assert_eq!(sink.list(FOLDER).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn faults_of_other_operations_are_errors() {
    for fault in [Fault::Before, Fault::After, Fault::Denied] {
        let store = Faulty::new();
        let saved = sink(&store).store(&name("report-0.pdf", 1), pieces(b"content", 100)).await.unwrap();
        let faulty = || sink(&store.with_fault(0..1, fault));
        assert_error(&faulty().read(&saved.location).await.unwrap_err(), fault, "read");
        assert_error(&faulty().digest(&saved.location).await.unwrap_err(), fault, "digest");
        let error = faulty().list(FOLDER).await.unwrap_err();
        assert!(error.kind() == Kind::Storage && error.to_string().contains(FOLDER), "{error}");
        assert_error(&faulty().remove(&saved.location).await.unwrap_err(), fault, "remove");
        // Again, although it may have been removed.
        sink(&store).remove(&saved.location).await.unwrap();
    }
    for (number, fault) in [(0, Fault::Before), (1, Fault::Denied), (2, Fault::Before)] {
        let store = Faulty::new();
        let checked = sink(&store.with_fault(number..number + 1, fault)).check().await;
        // A failed look at the object is repeated.
        assert_eq!(checked.is_err(), number != 1, "{number} {fault:?}");
        sink(&store).check().await.unwrap();
    }
}

#[tokio::test]
async fn a_check_tries_each_right_and_leaves_no_object() {
    let store = Faulty::new();
    sink(&store).check().await.unwrap();
    let names = ["put", "get", "get", "delete", "get", "put", "put", "delete", "begin", "abort"];
    assert_eq!(store.names(), names);
    assert_eq!(store.aborted(), 1);
    for (number, name) in names.into_iter().enumerate().filter(|(number, _)| *number != 1) {
        let store = Faulty::new();
        let error = sink(&store.with_fault(number..number + 1, Fault::Denied)).check().await.unwrap_err();
        assert!(error.kind() == Kind::Storage && error.to_string().contains("denied the access"), "{number}: {error}");
        // What cannot be read or removed remains, and is named.
        let left = sink(&store).list("check").await.unwrap();
        assert_eq!(left.len(), usize::from(name == "delete" || number == 2), "{number} {name}");
        assert!(left.iter().all(|location| error.to_string().contains(location)), "{number}: {error}");
    }
}

#[tokio::test]
async fn the_check_of_encryption_includes_the_store() {
    let store = Faulty::new();
    let key = || ArtifactKey::from_bytes(&[7; 32]);
    EncryptedSink::new(sink(&store), key()).check().await.unwrap();
    let begin = store.names().iter().position(|name| *name == "begin").unwrap();
    let denied = sink(&store.with_fault(begin..begin + 1, Fault::Denied));
    EncryptedSink::new(denied, key()).check().await.unwrap_err();
}

#[tokio::test]
async fn a_torn_read_is_an_error() {
    let store = Faulty::new();
    let saved = sink(&store).store(&name("report-0.pdf", 1), pieces(b"content", 100)).await.unwrap();
    for (fault, kind) in [(Fault::Torn, Kind::Storage), (Fault::Spoiled, Kind::Integrity)] {
        let content = sink(&store.with_fault(0..1, fault)).read(&saved.location).await.unwrap();
        assert_eq!(content.collect(u64::MAX).await.unwrap_err().kind(), kind);
        assert_eq!(sink(&store.with_fault(0..1, fault)).digest(&saved.location).await.unwrap_err().kind(), kind);
    }
}

#[tokio::test]
async fn objects_have_the_prefix_and_foreign_ones_are_left_out() {
    let store = Arc::new(InMemory::new());
    for (prefix, expected) in [("", "a/1.pdf"), ("p", "p/a/1.pdf"), ("p/q", "p/q/a/1.pdf")] {
        let sink = ObjectSink::new(store.clone(), prefix);
        let name = identkit_collector::ArtifactName::new("a", "1.pdf", 1);
        assert_eq!(sink.store(&name, Content::from_bytes(prefix)).await.unwrap().location, "a/1.pdf");
        store.head(&Path::from(expected)).await.unwrap();
    }
    let sink = ObjectSink::new(store.clone(), "p");
    store.put(&Path::from("p/a/.hidden"), "x".into()).await.unwrap();
    store.put(&Path::from("p/a/with spaces"), "x".into()).await.unwrap();
    assert_eq!(sink.list("a").await.unwrap(), ["a/1.pdf"]);
    assert_eq!(store.list_with_delimiter(Some(&Path::from("p/a"))).await.unwrap().objects.len(), 3);
    assert!(!format!("{sink:?}").contains("InMemory"));
}
