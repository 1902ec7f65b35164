//! Each operation of the disk fails, or the process ends there.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use identkit_core::{Advice, Content, Kind};
use identkit_files::{Disk, Step, When};
use tempfile::TempDir;

use super::{ONE, OTHER, PLAIN, files, folder, open, read, recover, store};
use crate::sink::port::{ArtifactName, ArtifactSink as _};

/// A disk on which the operation with this number fails, before or after it was executed.
fn failing(fails: usize, when: When, error: i32) -> (Disk, Arc<Mutex<Option<Step>>>) {
    let (count, failed) = (AtomicUsize::new(0), Arc::new(Mutex::new(None)));
    let step_failed = Arc::clone(&failed);
    let disk = Disk::with_hook(move |now, step, _| {
        if now == when && count.fetch_add(1, Ordering::Relaxed) == fails {
            *step_failed.lock().unwrap() = Some(step);
            return Err(io::Error::from_raw_os_error(error));
        }
        Ok(())
    });
    (disk, failed)
}

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

#[tokio::test]
async fn a_fault_at_any_step_leaves_nothing_incomplete() {
    for (when, code) in [(When::Before, EIO), (When::Before, ENOSPC), (When::After, EIO)] {
        let mut steps = Vec::new();
        for fails in 0.. {
            let (root, _dir) = folder();
            let (disk, failed) = failing(fails, when, code);
            let sink = open(disk, &root);
            let result = store(&sink, 1, ONE).await;
            let Some(step) = *failed.lock().unwrap() else {
                assert_eq!(result.unwrap().location, PLAIN);
                break;
            };
            let case = format!("{when:?} {step:?} {fails}");
            let error = result.unwrap_err();
            assert_eq!((error.kind(), error.advice()), (Kind::Storage, Advice::RetryLater), "{case}");
            let text = if code == ENOSPC { "free space" } else { "check the disk" };
            assert!(error.to_string().contains(text), "{case}: {error}");
            let is_named = step == Step::Rename && when == When::After || steps.contains(&Step::Rename);
            let expected = if is_named { vec![(PLAIN.to_owned(), ONE.to_vec())] } else { Vec::new() };
            assert_eq!(files(&root), expected, "{case}");
            // On the same sink, then after a restart.
            assert_eq!(store(&sink, 1, ONE).await.unwrap().location, PLAIN, "{case}");
            recover(&root, &case).await;
            steps.push(step);
        }
        use Step::{Create, CreateDir, Rename, Sync, SyncParent, Truncate, Write};
        let folders = [CreateDir, SyncParent, CreateDir, SyncParent];
        assert_eq!(steps, [&folders[..], &[Create, Write, Truncate, Sync, Rename, SyncParent]].concat());
    }
}

#[tokio::test]
async fn a_fault_while_an_equal_file_is_taken_over_is_an_error() {
    let mut steps = Vec::new();
    for fails in 0.. {
        let (root, _dir) = folder();
        store(&open(Disk::default(), &root), 1, ONE).await.unwrap();
        let (disk, failed) = failing(fails, When::Before, EIO);
        let result = store(&open(disk, &root), 2, ONE).await;
        assert_eq!(files(&root), [(PLAIN.to_owned(), ONE.to_vec())]);
        let Some(step) = *failed.lock().unwrap() else { break };
        assert_eq!(result.unwrap_err().kind(), Kind::Storage, "{step:?}");
        steps.push(step);
    }
    // The file, its name and the names of its folders are synced once more.
    let sync = if cfg!(unix) { &[Step::Sync][..] } else { &[] };
    let written = [Step::SyncParent, Step::SyncParent, Step::Create, Step::Write, Step::Truncate, Step::Sync];
    assert_eq!(steps, [&written, sync, &[Step::SyncParent]].concat());
}

#[tokio::test]
async fn a_removal_is_on_disk_when_it_returns() {
    for fails in 0..2 {
        let (root, _dir) = folder();
        store(&open(Disk::default(), &root), 1, ONE).await.unwrap();
        let (disk, failed) = failing(fails, When::Before, EIO);
        let error = open(disk, &root).remove(PLAIN).await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("cannot remove {PLAIN}: ")), "{error}");
        assert_eq!(*failed.lock().unwrap(), Some([Step::Remove, Step::SyncParent][fails]));
    }
    // A removal that finds nothing syncs what another one has removed.
    let (root, _dir) = folder();
    store(&open(Disk::default(), &root), 1, ONE).await.unwrap();
    open(Disk::default(), &root).remove(PLAIN).await.unwrap();
    let (disk, failed) = failing(0, When::Before, EIO);
    open(disk, &root).remove(PLAIN).await.unwrap_err();
    assert_eq!(*failed.lock().unwrap(), Some(Step::SyncParent));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Copies the folder at each operation. A copy is what a process that is killed there leaves.
#[tokio::test]
async fn a_crash_at_any_step_leaves_nothing_incomplete() {
    let (root, _dir) = folder();
    let copies: Arc<Mutex<Vec<(String, TempDir)>>> = Arc::default();
    let (all, source) = (Arc::clone(&copies), root.clone());
    let disk = Disk::with_hook(move |when, step, _| {
        for torn in [false, true] {
            let target = tempfile::tempdir().unwrap();
            copy(&source, target.path());
            if torn {
                // The last write was executed in part.
                let temporary = files(target.path()).into_iter().find(|(name, _)| name.contains("tmp"));
                let Some((name, content)) = temporary else { continue };
                std::fs::write(target.path().join(name), &content[..content.len() / 2]).unwrap();
            }
            all.lock().unwrap().push((format!("{when:?} {step:?} torn: {torn}"), target));
        }
        Ok(())
    });
    let sink = open(disk, &root);
    store(&sink, 1, ONE).await.unwrap();
    store(&sink, 2, OTHER).await.unwrap();
    let copies = std::mem::take(&mut *copies.lock().unwrap());
    assert!(copies.len() > 40, "{}", copies.len());
    for (case, copy) in copies {
        recover(copy.path(), &case).await;
    }
}

#[tokio::test]
async fn bytes_that_differ_on_the_disk_are_an_error() {
    for (spoiled, length) in [("the first_content", 17), ("the first conten", 16), ("the first content ", 18), ("", 0)]
    {
        assert_eq!(spoiled.len(), length);
        let (root, _dir) = folder();
        let place = root.clone();
        // Like a faulty disk: the file is synced, and has other bytes.
        let disk = Disk::with_hook(move |when, step, _| {
            if (when, step) == (When::After, Step::Sync) {
                let [(name, _)] = &files(&place)[..] else { panic!("one temporary file") };
                std::fs::write(place.join(name), spoiled)?;
            }
            Ok(())
        });
        let error = store(&open(disk, &root), 1, ONE).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Integrity);
        assert!(error.to_string().contains(PLAIN), "{error}");
        assert_eq!(files(&root), Vec::new());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_placed_before_the_rename_is_not_followed() {
    for (replaces_folder, text) in [(false, "report-0.pdf: it is not a file"), (true, "removed by another process")] {
        let (root, dir) = folder();
        let outside = dir.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("target"), "unchanged").unwrap();
        let (place, link) = (root.clone(), outside.clone());
        let disk = Disk::with_hook(move |when, step, _| {
            if (when, step) != (When::Before, Step::Rename) {
                return Ok(());
            }
            if replaces_folder {
                std::fs::rename(place.join("a/b"), place.join("a/c"))?;
                std::os::unix::fs::symlink(&link, place.join("a/b"))
            } else {
                std::os::unix::fs::symlink(link.join("target"), place.join(PLAIN))
            }
        });
        let error = store(&open(disk, &root), 1, ONE).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Storage);
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(files(&outside), [("target".to_owned(), b"unchanged".to_vec())]);
    }
}

#[tokio::test]
async fn names_taken_before_each_rename_are_a_conflict() {
    let (root, _dir) = folder();
    let (place, count) = (root.clone(), AtomicUsize::new(0));
    let disk = Disk::with_hook(move |when, step, _| match (when, step) {
        (When::Before, Step::Rename) => {
            let name = ["a/b/report-0.pdf", "a/b/report-0.1.pdf"][count.fetch_add(1, Ordering::Relaxed)];
            std::fs::write(place.join(name), OTHER)
        }
        _ => Ok(()),
    });
    let error = store(&open(disk, &root), 1, ONE).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
    let expected = ["a/b/report-0.1.pdf", PLAIN].map(|name| (name.to_owned(), OTHER.to_vec()));
    assert_eq!(files(&root), expected);
}

#[tokio::test]
async fn large_content_is_written_in_large_blocks() {
    let (root, _dir) = folder();
    let writes: Arc<Mutex<usize>> = Arc::default();
    let count = Arc::clone(&writes);
    let disk = Disk::with_hook(move |when, step, _| {
        *count.lock().unwrap() += usize::from((when, step) == (When::Before, Step::Write));
        Ok(())
    });
    let sink = open(disk, &root);
    let content = vec![7; 1_000_000];
    // One piece, and pieces like those of a connection.
    for (number, pieces, expected) in [(0, 1_000_000, 1), (1, 10_000, 4)] {
        let pieces: Vec<_> = content
            .chunks(pieces)
            .map(|piece| Ok::<_, identkit_core::Error>(http_body::Frame::data(bytes::Bytes::copy_from_slice(piece))))
            .collect();
        let body = http_body_util::StreamBody::new(futures_util::stream::iter(pieces));
        let name = ArtifactName::new("a/b", format!("{number}.pdf"), 1);
        let saved = sink.store(&name, Content::new(None, body)).await.unwrap();
        assert!(read(&sink, &saved.location).await == content);
        assert_eq!(std::mem::take(&mut *writes.lock().unwrap()), expected);
    }
}
