//! Artifacts in a local folder.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;

use identkit_collector::{ArtifactName, ArtifactSink as _, FolderSink, SavedArtifact};
use identkit_core::{Advice, Content, Error, Kind};
use tempfile::TempDir;

use crate::sink::{FOLDER, Opened, assert_stored, name, suite};
use crate::sink_steps::{bytes, failing, pieces};

suite!(|| {
    let dir = tempfile::tempdir().unwrap();
    Opened::new(FolderSink::open(dir.path()).unwrap(), dir)
});

fn open() -> (FolderSink, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (FolderSink::open(dir.path().join("sink")).unwrap(), dir)
}

/// All files and folders below a folder, in order.
fn names(root: &Path) -> Vec<String> {
    fn add(dir: &Path, root: &Path, names: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            names.push(entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            if entry.file_type().unwrap().is_dir() {
                add(&entry.path(), root, names);
            }
        }
    }
    let mut names_found = Vec::new();
    add(root, root, &mut names_found);
    names_found.sort();
    names_found
}

async fn store(sink: &FolderSink, folder: &str) -> Result<SavedArtifact, Error> {
    sink.store(&ArtifactName::new(folder, "report-0.pdf", 1), Content::from_bytes("content")).await
}

/// Checks that an error names a location, and neither the path of the sink nor content.
fn assert_error(error: &Error, location: &str, dir: &Path) {
    assert_eq!(error.kind(), Kind::Storage);
    let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let shown = format!("{error} {error:?} {source}");
    assert!(shown.contains(location), "{shown}");
    assert!(!shown.contains(dir.to_str().unwrap()) && !shown.contains("content"), "{shown}");
}

#[cfg(unix)]
#[tokio::test]
async fn everything_stored_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let (sink, dir) = open();
    store(&sink, "a/b").await.unwrap();
    for (name, expected) in [("sink", 0o700), ("sink/a", 0o700), ("sink/a/b", 0o700), ("sink/a/b/report-0.pdf", 0o600)]
    {
        let mode = dir.path().join(name).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{name}");
    }
}

#[tokio::test]
async fn a_failed_content_leaves_no_temporary_file() {
    let (sink, dir) = open();
    sink.store(&name("report-0.pdf", 1), failing(b"", 1)).await.unwrap_err();
    assert_eq!(names(dir.path()), ["sink"], "not even a folder");
    sink.store(&name("report-0.pdf", 1), failing(&bytes(900_000, 1), 1000)).await.unwrap_err();
    let files = |name: &String| dir.path().join(name).is_file();
    assert_eq!(names(dir.path()).iter().filter(|name| files(name)).count(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_in_the_place_of_a_folder_is_an_error() {
    let (sink, dir) = open();
    let outside = dir.path().join("outside");
    std::fs::create_dir_all(outside.join("b")).unwrap();
    std::fs::write(outside.join("b/report-0.pdf"), "content").unwrap();
    std::os::unix::fs::symlink(&outside, dir.path().join("sink/a")).unwrap();
    let before = names(dir.path());
    for folder in ["a", "a/b", "a/b/c"] {
        let location = format!("{folder}/report-0.pdf");
        assert_error(&store(&sink, folder).await.unwrap_err(), "store a: it is not a folder", dir.path());
        assert_error(&sink.read(&location).await.unwrap_err(), "read a:", dir.path());
        assert_error(&sink.list(folder).await.unwrap_err(), "list a:", dir.path());
        assert_error(&sink.remove(&location).await.unwrap_err(), "remove a:", dir.path());
    }
    assert_eq!(names(dir.path()), before);
}

#[cfg(unix)]
#[tokio::test]
async fn another_kind_of_file_in_a_place_is_an_error() {
    use std::os::unix::net::UnixListener;
    let (sink, dir) = open();
    let folder = dir.path().join("sink/a");
    std::fs::create_dir(&folder).unwrap();
    let (target, place) = (dir.path().join("target"), folder.join("report-0.pdf"));
    std::fs::write(&target, "content").unwrap();
    let makers: [&dyn Fn(); 4] = [
        &|| std::os::unix::fs::symlink(&target, &place).unwrap(),
        &|| std::os::unix::fs::symlink("nowhere", &place).unwrap(),
        &|| drop(UnixListener::bind(&place).unwrap()),
        &|| std::fs::create_dir(&place).unwrap(),
    ];
    for (number, make) in makers.iter().enumerate() {
        make();
        for error in [
            store(&sink, "a").await.unwrap_err(),
            sink.read("a/report-0.pdf").await.unwrap_err(),
            sink.remove("a/report-0.pdf").await.unwrap_err(),
        ] {
            assert_error(&error, "a/report-0.pdf: it is not a file", dir.path());
            assert_eq!(error.advice(), Advice::DoNotRetry, "{number}");
        }
        if place.is_dir() {
            assert_eq!(sink.list("a").await.unwrap(), Vec::<String>::new());
            std::fs::remove_dir(&place).unwrap();
        } else {
            assert_error(&sink.list("a").await.unwrap_err(), "a/report-0.pdf: it is not a file", dir.path());
            std::fs::remove_file(&place).unwrap();
        }
        assert_eq!(std::fs::read(&target).unwrap(), b"content");
        assert_eq!(names(&folder), Vec::<String>::new());
    }
    std::fs::write(dir.path().join("sink/b"), "").unwrap();
    assert_error(&store(&sink, "b/c").await.unwrap_err(), "store b: it is not a folder", dir.path());
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_cannot_be_written_is_a_lasting_error() {
    use std::os::unix::fs::PermissionsExt as _;
    let (sink, dir) = open();
    let folder = dir.path().join("sink/a");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o500)).unwrap();
    // The administrator can write there.
    if std::fs::write(folder.join("probe"), "").is_ok() {
        return;
    }
    let error = store(&sink, "a").await.unwrap_err();
    assert_error(&error, "cannot store a/report-0.pdf: the permission is missing", dir.path());
    assert_eq!(error.advice(), Advice::DoNotRetry);
}

#[tokio::test]
async fn temporary_files_of_killed_processes_are_removed() {
    let (sink, dir) = open();
    let folder = dir.path().join("sink/a");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join(".identkit-tmp-killed"), "half").unwrap();
    std::fs::write(folder.join(".other"), "").unwrap();
    std::fs::write(folder.join("note with spaces.txt"), "").unwrap();
    assert_eq!(sink.list("a").await.unwrap(), Vec::<String>::new());
    store(&sink, "a").await.unwrap();
    let expected = [".other", "note with spaces.txt", "report-0.pdf"];
    assert_eq!(names(&folder), expected);
    assert_eq!(sink.list("a").await.unwrap(), ["a/report-0.pdf"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_replaced_root_stores_nothing() {
    let (sink, dir) = open();
    store(&sink, "a").await.unwrap();
    let (root, away) = (dir.path().join("sink"), dir.path().join("away"));
    std::fs::rename(&root, &away).unwrap();
    for exists in [false, true] {
        if exists {
            std::fs::create_dir(&root).unwrap();
        }
        for error in [
            store(&sink, "a").await.unwrap_err(),
            sink.read("a/report-0.pdf").await.unwrap_err(),
            sink.list("a").await.unwrap_err(),
            sink.remove("a/report-0.pdf").await.unwrap_err(),
            sink.check().await.unwrap_err(),
        ] {
            assert_error(&error, "replaced or unmounted", dir.path());
            assert_eq!(error.advice(), Advice::RetryLater);
        }
    }
    std::fs::remove_dir(&root).unwrap();
    std::fs::rename(&away, &root).unwrap();
    assert_eq!(store(&sink, "a").await.unwrap().location, "a/report-0.pdf");
}

#[tokio::test]
async fn a_root_that_is_a_file_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, "").unwrap();
    assert_error(&FolderSink::open(&path).unwrap_err(), "cannot open the folder of the sink", dir.path());
    assert_error(&FolderSink::open(path.join("below")).unwrap_err(), "cannot open the folder of the sink", dir.path());
}

#[tokio::test]
async fn two_sinks_on_one_folder_share_its_artifacts() {
    let (sink, dir) = open();
    let other = FolderSink::open(dir.path().join("sink")).unwrap();
    let content = bytes(1000, 1);
    let saved = sink.store(&name("report-0.pdf", 1), pieces(&content, 100)).await.unwrap();
    assert_eq!(other.store(&name("report-0.pdf", 2), pieces(&content, 100)).await.unwrap(), saved);
    assert_stored(&other, &saved, &content).await;
    assert_eq!(other.list(FOLDER).await.unwrap(), std::slice::from_ref(&saved.location));
    // A file that is truncated while it is read is an error.
    let large = sink.store(&name("video-0.mp4", 1), pieces(&bytes(900_000, 1), 1000)).await.unwrap();
    let mut content = sink.read(&large.location).await.unwrap();
    content.next().await.unwrap().unwrap();
    std::fs::File::options()
        .write(true)
        .open(dir.path().join("sink").join(&large.location))
        .unwrap()
        .set_len(300_000)
        .unwrap();
    assert_eq!(content.collect(u64::MAX).await.unwrap_err().kind(), Kind::Integrity);
}
