use std::sync::Arc;

use identkit_core::Tokens as _;
use identkit_store::{KeyEncryptionKey, Memory};

use super::*;

/// A rotation's step after which its process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Prepared,
    Replaced,
    Completed,
}

async fn new_store() -> Store {
    Store::open(Arc::new(Memory::default()), KeyEncryptionKey::from_bytes(&[7; 32])).await.unwrap()
}

fn expires() -> Timestamp {
    SystemClock::new().wall().checked_add(Duration::from_secs(3600)).unwrap()
}

/// Rotates the tokens, and stops after this step. Returns the new tokens.
async fn rotate_until(last: Step, file: &TokenFile<'_>, store: &Store) -> Tokens {
    let tokens = file.prepare().unwrap();
    if last >= Step::Replaced {
        file.replace(store, &tokens, expires()).await.unwrap();
    }
    if last >= Step::Completed {
        file.complete().unwrap();
    }
    tokens
}

#[tokio::test]
async fn a_start_recovers_a_rotation_killed_at_any_step() {
    for last in [Step::Prepared, Step::Replaced, Step::Completed] {
        for rotates in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("tokens");
            let (file, store) = (TokenFile::new(&path), new_store().await);
            let old = file.load(&store).await.unwrap();
            let new = rotate_until(last, &file, &store).await;
            // Also a lock of the killed process remains.
            std::fs::write(&file.lock, "4000000").unwrap();

            let about = format!("{last:?}, {rotates}");
            let loaded = match rotates {
                true => file.rotate(&store, expires()).await.expect(&about),
                false => file.load(&store).await.expect(&about),
            };
            assert!(loaded.are_current(&store).await.unwrap(), "{about}");
            assert_eq!(Tokens::read(&path).unwrap().as_ref(), Some(&loaded), "{about}");
            match (rotates, last) {
                (false, Step::Prepared) => assert_eq!(loaded, old, "{about}"),
                (false, _) => assert_eq!(loaded, new, "{about}"),
                (true, _) => assert!(loaded != old && loaded != new, "{about}"),
            }
            // The earlier URLs are valid during the overlap.
            let now = SystemClock::new().wall();
            for (provider, event, token) in old.iter() {
                assert!(store.is_valid(provider, event, token, now).await.unwrap(), "{about}");
            }
            assert!(!file.pending.exists(), "{about}");
            assert_eq!(file.load(&store).await.expect(&about), loaded, "{about}");
        }
    }
}

#[tokio::test]
async fn a_rotation_that_is_not_prepared_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    let (file, store) = (TokenFile::new(&path), new_store().await);
    let old = file.load(&store).await.unwrap();
    for at in [&file.lock, &file.pending] {
        // It is not a lock file, and cannot be renamed over a folder.
        std::fs::create_dir(at).unwrap();
        let failure = file.rotate(&store, expires()).await.err().unwrap();
        assert!(failure.lines(false).join("\n").contains("no token was replaced"), "{failure:?}");
        std::fs::remove_dir(at).unwrap();
    }
    assert!(old.are_current(&store).await.unwrap());
    assert_eq!(file.load(&store).await.unwrap(), old);
}

#[tokio::test]
async fn a_rotation_without_its_last_step_says_where_tokens_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    let (file, store) = (TokenFile::new(&path), new_store().await);
    std::fs::create_dir(&path).unwrap();
    let until = expires();
    let failure = file.rotate(&store, until).await.err().unwrap();
    let notes = failure.lines(false).join("\n");
    for part in ["tokens.pending", "--token-file", &format!("expire at {until:.0}")] {
        assert!(notes.contains(part), "{notes}");
    }
    std::fs::remove_dir(&path).unwrap();
    let tokens = file.load(&store).await.unwrap();
    assert!(tokens.are_current(&store).await.unwrap() && !file.pending.exists());
}

#[tokio::test]
async fn one_process_rotates_and_others_wait() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    let (file, store) = (TokenFile::new(&path), new_store().await);
    file.load(&store).await.unwrap();
    let lock = LockFile::acquire(&file.lock).unwrap();
    let failure = file.rotate(&store, expires()).await.err().unwrap();
    assert!(failure.code == 2 && failure.sentence.contains("another process"), "{failure:?}");
    // The other process has replaced the tokens of the store, but not the file.
    let new = rotate_until(Step::Replaced, &file, &store).await;
    let (loaded, ()) = tokio::join!(file.load(&store), async {
        identkit_testkit::pause(Duration::from_millis(200)).await;
        file.complete().unwrap();
        drop(lock);
    });
    assert_eq!(loaded.unwrap(), new);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_in_a_read_only_folder_is_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    let (file, store) = (TokenFile::new(&path), new_store().await);
    let tokens = file.load(&store).await.unwrap();
    let set = |mode| std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    set(0o500);
    let loaded = file.load(&store).await;
    set(0o700);
    assert_eq!(loaded.unwrap(), tokens);
}
