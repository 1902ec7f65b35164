#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;
use futures_util::stream::iter;
use http_body::Frame;
use http_body_util::StreamBody;
use tempfile::{TempDir, tempdir};

use super::*;

/// The next step of a download.
enum Step {
    Bytes(&'static str),
    Fails,
    /// Neither bytes nor an end.
    Hangs,
}

fn download(length: Option<u64>, steps: impl IntoIterator<Item = Step>) -> Content {
    let pieces = iter(steps.into_iter().collect::<Vec<_>>()).then(|step| async move {
        match step {
            Step::Bytes(text) => Ok(Frame::data(Bytes::from_static(text.as_bytes()))),
            Step::Fails => Err(Error::new(Kind::Unreachable, "reset")),
            Step::Hangs => std::future::pending().await,
        }
    });
    Content::new(length, StreamBody::new(pieces))
}

fn names(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[tokio::test]
async fn a_saved_file_has_the_content_length_and_digest() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("report.pdf");
    let progress = Arc::new(Mutex::new(Vec::new()));
    let calls = Arc::clone(&progress);
    let content = download(Some(3), [Step::Bytes("a"), Step::Bytes("bc")]);
    let saved =
        Save::new(&path).at_most(3).progress(|so_far, all| calls.lock().unwrap().push((so_far, all))).run(content);
    let saved = saved.await.unwrap();
    assert_eq!((saved.length, saved.hex().as_str()), (3, ABC));
    assert_eq!(std::fs::read(&path).unwrap(), b"abc");
    assert_eq!(*progress.lock().unwrap(), [(1, Some(3)), (3, Some(3))]);
    assert_eq!(FileDigest::from_file(&path).await.unwrap(), saved);
    assert_eq!(names(&folder), ["report.pdf"]);
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "its owner alone may read it");
    }
}

#[tokio::test]
async fn a_failed_download_leaves_no_file_or_the_existing_one() {
    for (content, kind) in [
        (download(Some(3), [Step::Bytes("ab")]), Kind::Integrity),
        (download(None, [Step::Bytes("abc"), Step::Fails]), Kind::Unreachable),
        (download(None, [Step::Fails]), Kind::Unreachable),
        (download(None, [Step::Bytes("ab"), Step::Bytes("cd")]), Kind::Protocol),
        // Rejected because of its length, before it is read.
        (download(Some(4), [Step::Hangs]), Kind::Protocol),
        (download(Some(2), [Step::Bytes("abc")]), Kind::Integrity),
    ] {
        let folder = tempdir().unwrap();
        let path = folder.path().join("video.mp4");
        std::fs::write(&path, "earlier").unwrap();
        let error = Save::new(&path).existing(Existing::Replace).at_most(3).run(content).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(names(&folder), ["video.mp4"]);
        assert_eq!(std::fs::read(&path).unwrap(), b"earlier");
    }
    let folder = tempdir().unwrap();
    let short = download(Some(9), [Step::Bytes("abc")]);
    assert!(Save::new(folder.path().join("new")).run(short).await.is_err());
    assert_eq!(names(&folder), Vec::<String>::new());
}

#[tokio::test]
async fn an_existing_file_is_kept_unless_replaced() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("report.pdf");
    std::fs::write(&path, "earlier").unwrap();
    let error = Save::new(&path).run(Content::from_bytes("abc")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
    assert_eq!(std::fs::read(&path).unwrap(), b"earlier");
    // The file is created during the download.
    let late = folder.path().join("late");
    let place = late.clone();
    let save = Save::new(&late).accept(move |_| {
        std::fs::write(place, "earlier").unwrap();
        Ok(())
    });
    assert_eq!(save.run(Content::from_bytes("abc")).await.unwrap_err().kind(), Kind::Conflict);
    assert_eq!(std::fs::read(&late).unwrap(), b"earlier");
    Save::new(&path).existing(Existing::Replace).run(Content::from_bytes("abc")).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"abc");
    assert_eq!(names(&folder), ["late", "report.pdf"]);
}

#[tokio::test]
async fn checks_run_in_order_until_one_fails() {
    let folder = tempdir().unwrap();
    let checked = Arc::new(Mutex::new(Vec::new()));
    let note = |name| {
        let checked = Arc::clone(&checked);
        move |digested: &FileDigest| {
            checked.lock().unwrap().push((name, digested.length));
            if name == 2 { Err(Error::new(Kind::Integrity, "a placeholder")) } else { Ok(()) }
        }
    };
    let save = Save::new(folder.path().join("video.mp4")).accept(note(1)).accept(note(2)).accept(note(3));
    assert_eq!(save.run(Content::from_bytes("abc")).await.unwrap_err().kind(), Kind::Integrity);
    assert_eq!(*checked.lock().unwrap(), [(1, 3), (2, 3)]);
    assert_eq!(names(&folder), Vec::<String>::new());
}

#[test]
fn an_abandoned_download_leaves_no_file() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("video.mp4");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let begun = tokio::sync::Notify::new();
        let content = download(Some(9), [Step::Bytes("abc"), Step::Hangs]);
        let save = Save::new(&path).progress(|_, _| begun.notify_one()).run(content);
        tokio::select! {
            done = save => panic!("it ended: {done:?}"),
            () = begun.notified() => {}
        }
    });
    // Waits for the blocking threads.
    drop(runtime);
    assert_eq!(names(&folder), Vec::<String>::new());
}

#[tokio::test]
async fn errors_of_the_disk_do_not_contain_the_path() {
    let folder = tempdir().unwrap();
    let nowhere = folder.path().join("Mustermann").join("video.mp4");
    // More pieces than may wait for the disk.
    let content = download(None, (0..100).map(|_| Step::Bytes("abc")));
    let error = Save::new(&nowhere).run(content).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Storage);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(!format!("{error} {error:?} {source}").contains("Mustermann"), "{error}: {source}");
    let error = FileDigest::from_file(&nowhere).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Storage);
    assert!(!format!("{:?}", Save::new(&nowhere)).contains("Mustermann"));
}

#[tokio::test]
async fn a_file_that_differs_on_the_disk_is_an_error() {
    let folder = tempdir().unwrap();
    let place = folder.path().to_owned();
    // Changes the file after it was written, like a faulty disk.
    let spoil = move |so_far: u64, _| {
        let written = || {
            let temporary = std::fs::read_dir(&place).unwrap().next()?.unwrap().path();
            (std::fs::metadata(&temporary).unwrap().len() == so_far).then_some(temporary)
        };
        let temporary = loop {
            match written() {
                Some(temporary) => break temporary,
                None => std::thread::yield_now(),
            }
        };
        std::fs::write(temporary, "abd").unwrap();
    };
    let save = Save::new(folder.path().join("report.pdf")).progress(spoil);
    assert_eq!(save.run(Content::from_bytes("abc")).await.unwrap_err().kind(), Kind::Integrity);
    assert_eq!(names(&folder), Vec::<String>::new());
}

const PDF: &str = "%PDF-1.7 a page %%EOF";

#[tokio::test]
async fn at_96_a_damaged_artifact_is_kept_as_damaged() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("report.pdf");
    for (number, bytes) in ["%PDF-1.7 cut off", "<html>an error page</html>", ""].into_iter().enumerate() {
        let save = Save::new(&path).artifact(Artifact::Pdf).run(Content::from_bytes(bytes));
        let error = save.await.unwrap_err();
        assert_eq!(error.kind(), Kind::Integrity);
        assert!(error.to_string().contains("damaged"), "{error}");
        let name = ["report.pdf.damaged", "report.pdf.damaged-2", "report.pdf.damaged-3"][number];
        assert_eq!(std::fs::read(folder.path().join(name)).unwrap(), bytes.as_bytes());
        assert!(!path.exists(), "never under its final name");
    }
    Save::new(&path).artifact(Artifact::Pdf).run(Content::from_bytes(PDF)).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), PDF.as_bytes());
    // A damage that is known before, although the bytes are whole.
    let known = Save::new(&path).artifact(Artifact::Pdf).damaged(Damage::NOT_BASE64);
    let prepared = known.existing(Existing::Replace).prepare(Content::from_bytes(PDF)).await.unwrap();
    assert_eq!(prepared.damage(), Some(Damage::NOT_BASE64));
    drop(prepared);
    // An existing file is not replaced by a damaged one.
    let save = Save::new(&path).existing(Existing::Replace).artifact(Artifact::Pdf);
    save.run(Content::from_bytes("other")).await.unwrap_err();
    assert_eq!(std::fs::read(&path).unwrap(), PDF.as_bytes());
    assert_eq!(names(&folder).len(), 5);
}

#[tokio::test]
async fn at_96_a_list_with_one_damaged_file_saves_none() {
    let folder = tempdir().unwrap();
    let prepare = async |name: &str, bytes: &'static str| {
        let save = Save::new(folder.path().join(name)).artifact(Artifact::Pdf);
        save.prepare(Content::from_bytes(bytes)).await.unwrap()
    };
    let files = vec![prepare("1.pdf", PDF).await, prepare("2.pdf", "%PDF-").await, prepare("3.pdf", PDF).await];
    let error = commit_all(files).await.unwrap_err();
    assert!(error.to_string().contains("file 2 of 3 is damaged"), "{error}");
    assert_eq!(names(&folder), ["2.pdf.damaged"]);
    let files = vec![prepare("1.pdf", PDF).await, prepare("2.pdf", "%PDF-").await.accept_damage()];
    assert_eq!(commit_all(files).await.unwrap().len(), 2);
    assert_eq!(names(&folder), ["1.pdf", "2.pdf", "2.pdf.damaged"]);
}
