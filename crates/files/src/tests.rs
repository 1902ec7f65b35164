use std::io::{self, Write as _};
use std::path::Path;

use crate::disk::Disk;
use crate::faults::{Faults, Step};
use crate::{
    AppendLog, Draft, Existing, FileIdentity, Leftover, LockFile, OpenError, Tail, create_dirs, create_file,
    open_regular,
};

/// Runs an operation without a fault, then with a fault at each of its steps. `check` gets directory and failed step.
fn with_faults<T>(run: impl Fn(Disk, &Path) -> io::Result<T>, check: impl Fn(&Path, Option<Step>)) -> Vec<Step> {
    let mut steps = Vec::new();
    for fail in std::iter::once(None).chain((0..20).map(Some)) {
        let dir = tempfile::tempdir().unwrap();
        let (disk, faults) = Faults { fail, ..Faults::default() }.disk();
        let result = run(disk, dir.path());
        let state = faults.lock().unwrap().clone();
        match fail {
            None => {
                drop(result.unwrap());
                assert!(!state.unsynced_file, "it returned before its content was on disk: {:?}", state.steps);
                assert!(!state.unsynced_parent, "it returned before its name was on disk: {:?}", state.steps);
                steps.clone_from(&state.steps);
                check(dir.path(), None);
            }
            Some(at) if at < steps.len() => {
                assert!(result.is_err(), "the fault at {:?} was ignored", steps[at]);
                drop(result);
                check(dir.path(), Some(steps[at]));
            }
            Some(_) => break,
        }
    }
    steps
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn into_io(error: OpenError) -> io::Error {
    match error {
        OpenError::Io(error) => error,
        other => io::Error::other(other),
    }
}

fn open(disk: Disk, path: &Path, tail: Tail) -> io::Result<(AppendLog, Vec<Vec<u8>>)> {
    let mut records = Vec::new();
    let read = |record: &[u8]| {
        records.push(record.to_vec());
        record.trim_ascii_end().ends_with(b"}")
    };
    let (log, _) = AppendLog::on(disk, path, b"{", tail, read).map_err(into_io)?;
    Ok((log, records))
}

#[test]
fn a_commit_replaces_the_file_as_a_whole_or_not_at_all() {
    let replace = |disk: Disk, dir: &Path| {
        std::fs::write(dir.join("file"), "old").unwrap();
        let mut draft = Draft::on(disk, dir.join("file"))?;
        draft.reserve(100)?;
        draft.write_all(b"new")?;
        Ok(draft.commit(Existing::Replace)?)
    };
    let steps = with_faults(replace, |dir, fault| {
        let content = std::fs::read_to_string(dir.join("file")).unwrap();
        let expected = if matches!(fault, None | Some(Step::SyncParent)) { "new" } else { "old" };
        assert_eq!((content.as_str(), names(dir)), (expected, vec!["file".to_owned()]), "{fault:?}");
    });
    assert_eq!(steps[steps.len() - 3..], [Step::Sync, Step::Rename, Step::SyncParent]);
}

#[test]
fn a_commit_does_not_replace_a_kept_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let mut draft = Draft::new(&path).unwrap();
    draft.write_all(b"new").unwrap();
    std::fs::write(&path, "old").unwrap();
    let error = draft.commit(Existing::Keep).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(error.keep().unwrap()).unwrap(), b"new");
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
}

#[test]
fn a_failed_append_leaves_the_log_unchanged() {
    let append = |disk: Disk, dir: &Path| {
        let (mut log, _) = open(disk, &dir.join("log"), Tail::Cut)?;
        log.append(b"{1}\n")?;
        // Appending succeeds again, so the log was truncated.
        log.append(b"{2}\n").inspect_err(|_| log.append(b"{3}\n").unwrap())
    };
    with_faults(append, |dir, fault| {
        let (_, records) = open(Disk::default(), &dir.join("log"), Tail::Cut).unwrap();
        let whole: Vec<&[u8]> = vec![b"{1}\n", b"{2}\n"];
        let repeated: Vec<&[u8]> = vec![b"{1}\n", b"{3}\n"];
        let before = records.is_empty() && fault.is_some();
        assert!(before || records == whole || (fault.is_some() && records == repeated), "{fault:?}: {records:?}");
    });
}

#[test]
fn a_rotation_moves_all_records_or_none() {
    let rotate = |disk: Disk, dir: &Path| {
        let (path, old) = (dir.join("log"), dir.join("old"));
        open(Disk::default(), &path, Tail::Cut)?.0.append(b"{1}\n")?;
        let mut log = open(Disk::default(), &path, Tail::Cut)?.0.on_disk(disk);
        let rotated = log.rotate(&old);
        // The log continues in either case.
        log.append(b"{2}\n").and(rotated)
    };
    let steps = with_faults(rotate, |dir, fault| {
        let read = |name: &str| std::fs::read(dir.join(name)).unwrap_or_default();
        let all = [read("old"), read("log")].concat();
        match fault {
            None => assert_eq!((&*read("old"), &*read("log")), (&b"{1}\n"[..], &b"{2}\n"[..])),
            Some(Step::Write | Step::Sync) => assert_eq!(all, b"{1}\n"),
            Some(step) => assert_eq!((&*read("log"), names(dir).len()), (&b"{1}\n{2}\n"[..], 1), "{step:?}"),
        }
    });
    assert_eq!(steps[..4], [Step::Rename, Step::SyncParent, Step::Create, Step::SyncParent]);
}

#[cfg(unix)]
#[test]
fn a_log_that_was_taken_away_accepts_no_record() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, other) = (dir.path().join("folder"), dir.path().join("other"));
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("log");
    let (mut log, _) = open(Disk::default(), &path, Tail::Cut).unwrap();
    log.append(b"{1}\n").unwrap();
    let fails = |log: &mut AppendLog| log.append(b"{2}\n").unwrap_err().kind() == io::ErrorKind::NotFound;
    std::fs::rename(&folder, &other).unwrap();
    assert!(fails(&mut log) && !log.is_in_place(), "the directory was renamed");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(&path, "").unwrap();
    assert!(fails(&mut log), "another file took its place");
    std::fs::rename(other.join("log"), &path).unwrap();
    log.append(b"{3}\n").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"{1}\n{3}\n");
}

#[test]
fn a_rotation_replaces_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let (path, old) = (dir.path().join("log"), dir.path().join("old"));
    std::fs::write(&old, "{mine}").unwrap();
    let (mut log, _) = open(Disk::default(), &path, Tail::Cut).unwrap();
    log.append(b"{1}\n").unwrap();
    assert_eq!(log.rotate(&old).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    log.append(b"{2}\n").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"{1}\n{2}\n");
    assert_eq!(std::fs::read(&old).unwrap(), b"{mine}");
    // The new file is locked, and the moved one is not.
    let moved = dir.path().join("moved");
    log.rotate(&moved).unwrap();
    assert!(open(Disk::default(), &path, Tail::Cut).is_err());
    assert_eq!(open(Disk::default(), &moved, Tail::Cut).unwrap().1, [b"{1}\n", b"{2}\n"]);
}

#[test]
fn a_torn_record_is_removed_after_its_copy_is_on_disk() {
    let recover = |disk: Disk, dir: &Path| {
        std::fs::write(dir.join("log"), "{1}\n{torn").unwrap();
        open(disk, &dir.join("log"), Tail::SetAside)
    };
    let steps = with_faults(recover, |dir, fault| {
        let read = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap_or_default();
        let (log, copy) = (read("log"), read("log.torn-1"));
        assert!(log == "{1}\n{torn" || (log == "{1}\n" && copy == "{torn"), "{fault:?}: {log} {copy}");
    });
    let copied = [Step::Create, Step::Write, Step::Truncate, Step::Sync, Step::Rename, Step::SyncParent];
    assert_eq!(steps, [&[Step::Create, Step::SyncParent][..], &copied, &[Step::Truncate, Step::Sync]].concat());
}

#[test]
fn a_last_record_without_line_end_is_cut_or_completed() {
    for (tail, expected) in [(Tail::Cut, "{1}\n"), (Tail::SetAside, "{1}\n{2}\n")] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "{1}\n{2}").unwrap();
        open(Disk::default(), &path, tail).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }
}

#[test]
fn a_second_torn_record_does_not_replace_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    for torn in ["{first", "{second"] {
        std::fs::write(&path, torn).unwrap();
        open(Disk::default(), &path, Tail::SetAside).unwrap();
    }
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!((read("log.torn-1"), read("log.torn-2")), ("{first".to_owned(), "{second".to_owned()));
}

#[cfg(unix)]
#[test]
fn a_log_is_a_regular_file_of_one_process_and_one_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let (path, link) = (dir.path().join("log"), dir.path().join("link"));
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = |path: &Path| AppendLog::open(path, b"{", Tail::Cut, |_| true);
    let log = open(&path).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(open(&path), Err(OpenError::InUse { .. })));
    drop(log);
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for other in [link.as_path(), dir.path(), Path::new("/dev/null")] {
        assert!(matches!(open(other), Err(OpenError::NotRegular)), "{}", other.display());
    }
}

#[cfg(unix)]
#[test]
fn only_files_of_ended_processes_are_leftovers() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("file");
    let (mut empty, mut full) = (Draft::new(&target).unwrap(), Draft::new(&target).unwrap());
    empty.reserve(100).unwrap();
    full.write_all(b"evidence  ").unwrap();
    assert!(Leftover::find_beside(&target).unwrap().is_empty(), "both are in use");
    let places = [empty.path().to_owned(), full.path().to_owned()];
    // As if the process was killed: copies without a lock.
    for place in &places {
        std::fs::copy(place, place.with_extension("copy")).unwrap();
    }
    drop((empty, full));
    std::fs::write(dir.path().join(".tmpother"), "").unwrap();
    std::os::unix::fs::symlink(&target, dir.path().join(".identkit-tmp-link")).unwrap();
    let found = Leftover::find_beside(&target).unwrap();
    let mut blank: Vec<bool> = found.iter().map(Leftover::is_blank).collect();
    blank.sort_unstable();
    assert_eq!(blank, [false, true]);
    assert!(Leftover::find_beside(&target).unwrap().is_empty(), "another process is about to remove them");
    for leftover in found {
        let path = leftover.path().to_owned();
        leftover.remove().unwrap();
        assert!(!path.exists());
    }
    assert_eq!(names(dir.path()), [".identkit-tmp-link", ".tmpother"]);
}

#[cfg(unix)]
#[test]
fn a_leftover_with_content_after_a_blank_start_is_not_blank() {
    for (length, content, blank) in [
        (0, "", true),
        (1024 * 1024, "", true),
        (1024 * 1024 - 1, "x", false),
        (1024 * 1024, "x", false),
        // Too large to be checked.
        (2 * 1024 * 1024, "", false),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let name = format!("{}killed", crate::disk::TEMPORARY);
        std::fs::write(dir.path().join(name), " ".repeat(length) + content).unwrap();
        let found = Leftover::find_beside(&dir.path().join("file")).unwrap();
        assert_eq!(found.iter().map(Leftover::is_blank).collect::<Vec<_>>(), [blank], "{length} {content}");
    }
}

#[test]
fn a_lock_excludes_others_and_names_its_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lock");
    let lock = LockFile::acquire(&path).unwrap();
    let own = std::process::id();
    assert!(matches!(LockFile::acquire(&path), Err(OpenError::InUse { holder: Some(id) }) if id == own));
    drop(lock);
    assert!(names(dir.path()).is_empty());
    std::fs::write(&path, "my notes").unwrap();
    assert!(matches!(LockFile::acquire(&path), Err(OpenError::Foreign { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), b"my notes");
}

#[cfg(unix)]
#[test]
fn everything_created_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let inner = dir.path().join("a/b");
    assert_eq!(create_dirs(&inner).unwrap(), [inner.clone(), dir.path().join("a")]);
    assert_eq!(create_dirs(&inner).unwrap(), Vec::<std::path::PathBuf>::new());
    assert_eq!((mode(&inner), mode(&dir.path().join("a"))), (0o700, 0o700));
    Draft::new(inner.join("draft")).unwrap().commit(Existing::Keep).unwrap();
    let lock = LockFile::acquire(inner.join("lock")).unwrap();
    open(Disk::default(), &inner.join("log"), Tail::Cut).unwrap();
    for name in names(&inner) {
        assert_eq!(mode(&inner.join(&name)), 0o600, "{name}");
    }
    drop(lock);
    assert_eq!(names(&inner), ["draft", "log"]);
}

#[test]
fn reserved_space_is_on_disk_and_not_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut draft = Draft::new(dir.path().join("a")).unwrap();
    draft.reserve(100).unwrap();
    assert_eq!(draft.path().metadata().unwrap().len(), 100);
    assert_eq!(draft.write(b"content").unwrap(), 7);
    draft.set_target(dir.path().join("b"));
    draft.commit(Existing::Keep).unwrap();
    assert_eq!(names(dir.path()), ["b"]);
    assert_eq!(std::fs::read(dir.path().join("b")).unwrap(), b"content");
}

#[test]
fn a_discarded_draft_leaves_nothing_or_fails() {
    let dir = tempfile::tempdir().unwrap();
    let draft = Draft::new(dir.path().join("a")).unwrap();
    std::fs::remove_file(draft.path()).unwrap();
    assert_eq!(draft.discard().unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn errors_have_a_text_and_their_source() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("a");
    std::fs::write(&target, "").unwrap();
    let error = Draft::new(&target).unwrap().commit(Existing::Keep).unwrap_err();
    assert_eq!(error.to_string(), std::error::Error::source(&error).unwrap().to_string());
    let full = || io::Error::from(io::ErrorKind::StorageFull);
    for (error, text) in [
        (OpenError::NotRegular, "not a regular file"),
        (OpenError::InUse { holder: None }, "already open"),
        (OpenError::Foreign { line: 7 }, "line 7"),
        (OpenError::Io(full()), &full().to_string()),
    ] {
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(std::error::Error::source(&error).is_some(), matches!(error, OpenError::Io(_)), "{error}");
    }
}

#[test]
fn a_failed_append_that_cannot_be_undone_is_undone_by_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let (mut log, _) = open(Disk::default(), &path, Tail::Cut).unwrap();
    log.append(b"{first}\n").unwrap();
    // The write and the cut after it fail.
    let faults = Faults { fail: Some(0), more: 1, ..Faults::default() };
    let mut log = log.on_disk(faults.disk().0);
    assert!(log.append(b"{a long record that is torn}\n").is_err());
    log.append(b"{2}\n").unwrap();
    drop(log);
    assert_eq!(std::fs::read(&path).unwrap(), b"{first}\n{2}\n");
}

#[test]
fn a_failed_append_after_a_completed_record_cuts_at_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    std::fs::write(&path, "{first}\n{second}").unwrap();
    let (log, records) = open(Disk::default(), &path, Tail::SetAside).unwrap();
    assert_eq!(records.len(), 2);
    let faults = Faults { fail: Some(0), ..Faults::default() };
    let mut log = log.on_disk(faults.disk().0);
    assert!(log.append(b"{third}\n").is_err());
    drop(log);
    assert_eq!(std::fs::read(&path).unwrap(), b"{first}\n{second}\n");
}

#[test]
fn a_lock_file_has_at_most_20_digits() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lock");
    std::fs::write(&path, "1".repeat(21)).unwrap();
    assert!(matches!(LockFile::acquire(&path), Err(OpenError::Foreign { line: 1 })));
    std::fs::write(&path, "1".repeat(20)).unwrap();
    drop(LockFile::acquire(&path).unwrap());
}

#[cfg(unix)]
#[test]
fn a_lock_removes_only_its_own_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lock");
    let lock = LockFile::acquire(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "").unwrap();
    drop(lock);
    assert_eq!(names(dir.path()), ["lock"]);
}

#[test]
#[cfg(unix)]
fn a_created_file_is_private_and_keeps_its_content() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    assert!(create_file(&path).unwrap());
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::write(&path, "content").unwrap();
    assert!(!create_file(&path).unwrap());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "content");
    assert!(create_file(&dir.path().join("none/file")).is_err());
}

#[test]
#[cfg(unix)]
fn a_replaced_file_has_another_identity() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("file"), dir.path().join("other"));
    std::fs::write(&path, "old").unwrap();
    let before = FileIdentity::of(&path).unwrap();
    std::fs::write(&path, "changed").unwrap();
    assert_eq!(FileIdentity::of(&path).unwrap(), before);
    std::fs::write(&other, "changed").unwrap();
    std::fs::rename(&other, &path).unwrap();
    assert_ne!(FileIdentity::of(&path).unwrap(), before);
    std::fs::remove_file(&path).unwrap();
    assert!(FileIdentity::of(&path).is_err());
}

#[test]
#[cfg(unix)]
fn only_a_regular_file_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let (path, link) = (dir.path().join("file"), dir.path().join("link"));
    assert!(matches!(open_regular(&path), Err(OpenError::Io(error)) if error.kind() == io::ErrorKind::NotFound));
    std::fs::write(&path, "content").unwrap();
    assert_eq!(io::read_to_string(open_regular(&path).unwrap()).unwrap(), "content");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for other in [link.as_path(), dir.path(), Path::new("/dev/null")] {
        assert!(matches!(open_regular(other), Err(OpenError::NotRegular)), "{}", other.display());
    }
}

#[test]
fn a_draft_that_found_its_name_in_use_gets_another() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("file"), dir.path().join("other"));
    std::fs::write(&path, "old").unwrap();
    let mut draft = Draft::new(&path).unwrap();
    draft.write_all(b"new").unwrap();
    let mut draft = draft.commit(Existing::Keep).unwrap_err().into_draft().unwrap();
    draft.set_target(&other);
    draft.commit(Existing::Keep).unwrap();
    assert_eq!((std::fs::read(&path).unwrap(), std::fs::read(&other).unwrap()), (b"old".to_vec(), b"new".to_vec()));
    assert_eq!(names(dir.path()), ["file", "other"]);
}

#[test]
fn directories_and_names_are_synced_on_request() {
    let (disk, faults) = Faults::default().disk();
    let dir = tempfile::tempdir().unwrap();
    let (inner, file) = (dir.path().join("a"), dir.path().join("a/file"));
    disk.create_dir(&inner).unwrap();
    assert_eq!(disk.create_dir(&inner).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    disk.sync_parent(&inner).unwrap();
    std::fs::write(&file, "").unwrap();
    disk.sync_existing(&std::fs::File::open(&file).unwrap()).unwrap();
    disk.remove_file(&file).unwrap();
    assert_eq!(disk.remove_file(&file).unwrap_err().kind(), io::ErrorKind::NotFound);
    let sync = if cfg!(unix) { &[Step::Sync][..] } else { &[] };
    let expected =
        [&[Step::CreateDir, Step::CreateDir, Step::SyncParent], sync, &[Step::Remove, Step::Remove]].concat();
    assert_eq!(faults.lock().unwrap().steps, expected);
}

#[cfg(unix)]
#[test]
fn a_draft_taken_for_a_leftover_is_created_again() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("file");
    // Another process removes each temporary file that it can lock, as fast as it can.
    let ends = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let remover = std::thread::spawn({
        let (ends, target) = (ends.clone(), target.clone());
        move || {
            while !ends.load(std::sync::atomic::Ordering::Relaxed) {
                let found = Leftover::find_beside(&target).unwrap_or_default();
                found.into_iter().for_each(|leftover| drop(leftover.remove()));
            }
        }
    });
    for _ in 0..2000 {
        let draft = Draft::new(&target).unwrap();
        assert!(draft.path().exists(), "it was removed while in use");
        draft.discard().unwrap();
    }
    ends.store(true, std::sync::atomic::Ordering::Relaxed);
    remover.join().unwrap();
}
