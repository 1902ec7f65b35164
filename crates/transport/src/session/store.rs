//! A token store, so that several processes share one login.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use identkit_core::{Clock, Error, Secret};

/// Time limit for a store. After it the session continues without the store.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The key of a token: API and account. A store holds one token per key.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenKey {
    /// The base URL of the API: the sandbox's tokens are not valid at the vendor.
    pub base_url: String,
    /// The account's public name, e.g. a user name.
    pub account: Secret,
}

impl TokenKey {
    /// Creates the key of an account's token at an API.
    pub fn new(base_url: impl Into<String>, account: impl Into<Secret>) -> Self {
        Self { base_url: base_url.into(), account: account.into() }
    }
}

/// A stored token.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredToken {
    /// The version, which increases with each token stored under a key.
    pub version: u64,
    /// The token. While it is valid, it grants the same access as the password.
    pub token: Secret,
}

impl StoredToken {
    /// Creates a stored token.
    pub fn new(version: u64, token: impl Into<Secret>) -> Self {
        Self { version, token: token.into() }
    }
}

/// Stores a token that several processes share.
///
/// - A session loads the token before it logs in, and stores the token of its login.
/// - Only the vendor's 401 invalidates a token. If the vendor refuses a stored token, the session loads again before it
///   logs in.
/// - If two processes log in at the same time, all use the token that was stored first.
/// - A session uses none of the last eight refused tokens again, whatever its version. After two refused stored tokens in
///   a row it logs in. A call that gets a 401 for both fails, because its second 401 is final.
/// - If the store fails, panics, or takes longer than two seconds, the session logs in; the call does not fail.
/// - An implementation must not block its thread: the two seconds and the deadline of the call are checked only while it
///   waits. Run slow blocking work (a database, a network file) in `tokio::task::spawn_blocking`.
///
/// Example: a file that several processes of one machine share. Only its owner can read it.
///
/// ```
/// use std::io::Write;
/// use std::path::{Path, PathBuf};
/// use identkit_core::{Error, Kind, Secret, async_trait};
/// use identkit_transport::{StoredToken, TokenKey, TokenStore};
///
/// /// One account's token: base URL, account, version and token, one per line.
/// #[derive(Debug)]
/// struct FileStore(PathBuf);
///
/// fn failed(source: std::io::Error) -> Error {
///     Error::new(Kind::Storage, "the token cannot be stored").with_source(source)
/// }
///
/// #[async_trait]
/// impl TokenStore for FileStore {
///     async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, Error> {
///         let Ok(text) = std::fs::read_to_string(&self.0) else { return Ok(None) };
///         let lines: Vec<&str> = text.lines().collect();
///         let [base_url, account, version, token] = lines[..] else { return Ok(None) };
///         if base_url != key.base_url || account != key.account.expose() {
///             return Err(Error::new(Kind::Storage, "the file belongs to another account"));
///         }
///         Ok(version.parse().ok().map(|version| StoredToken::new(version, token)))
///     }
///
///     async fn store(&self, key: &TokenKey, token: &Secret, instead_of: Option<u64>) -> Result<StoredToken, Error> {
///         let current = self.load(key).await?;
///         if let Some(current) = current.filter(|current| Some(current.version) != instead_of) {
///             return Ok(current);
///         }
///         let version = instead_of.unwrap_or(0) + 1;
///         // A temporary file with mode 0600 replaces the file atomically. A race costs only one more login.
///         let mut new = tempfile::NamedTempFile::new_in(self.0.parent().unwrap_or(Path::new("."))).map_err(failed)?;
///         writeln!(new, "{}\n{}\n{version}\n{}", key.base_url, key.account.expose(), token.expose()).map_err(failed)?;
///         new.persist(&self.0).map_err(|error| failed(error.error))?;
///         Ok(StoredToken::new(version, token.clone()))
///     }
/// }
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("token");
/// # let (store, key) = (FileStore(path.clone()), TokenKey::new("https://example.com", "account"));
/// # futures_util::FutureExt::now_or_never(async {
/// #     assert_eq!(store.load(&key).await.unwrap(), None);
/// #     assert_eq!(store.store(&key, &"a".into(), None).await.unwrap(), StoredToken::new(1, "a"));
/// #     assert_eq!(store.store(&key, &"b".into(), None).await.unwrap(), StoredToken::new(1, "a"));
/// #     assert_eq!(store.store(&key, &"b".into(), Some(1)).await.unwrap(), StoredToken::new(2, "b"));
/// #     assert_eq!(store.load(&key).await.unwrap(), Some(StoredToken::new(2, "b")));
/// #     for other in [TokenKey::new("https://example.com", "other"), TokenKey::new("http://127.0.0.1:1", "account")] {
/// #         assert!(store.load(&other).await.is_err());
/// #         assert!(store.store(&other, &"c".into(), None).await.is_err());
/// #     }
/// # }).unwrap();
/// # #[cfg(unix)]
/// # assert_eq!(std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777, 0o600);
/// ```
#[async_trait]
pub trait TokenStore: Send + Sync + fmt::Debug {
    /// Loads the token of this key.
    ///
    /// # Errors
    /// If the store cannot be read. The session then logs in and does not store its token.
    async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, Error>;

    /// Replaces version `instead_of` by this token with a higher version; `None` means that there was no token. If the store
    /// holds another version, that one stays. Returns the token that is stored afterwards.
    ///
    /// # Errors
    /// If the store cannot be written. The session then uses its token without sharing it.
    async fn store(&self, key: &TokenKey, token: &Secret, instead_of: Option<u64>) -> Result<StoredToken, Error>;
}

/// An in-memory store for tests and for several clients in one process. Clones share their tokens.
#[derive(Clone, Debug, Default)]
pub struct MemoryTokenStore(Arc<Mutex<Vec<(TokenKey, StoredToken)>>>);

#[async_trait]
impl TokenStore for MemoryTokenStore {
    async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, Error> {
        let stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(stored.iter().find(|(known, _)| known == key).map(|(_, stored)| stored.clone()))
    }

    async fn store(&self, key: &TokenKey, token: &Secret, instead_of: Option<u64>) -> Result<StoredToken, Error> {
        let mut stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match stored.iter_mut().find(|(known, _)| known == key) {
            Some((_, current)) if Some(current.version) == instead_of => {
                *current = StoredToken::new(current.version + 1, token.clone());
                Ok(current.clone())
            }
            Some((_, current)) => Ok(current.clone()),
            None => {
                let first = StoredToken::new(instead_of.unwrap_or(0) + 1, token.clone());
                stored.push((key.clone(), first.clone()));
                Ok(first)
            }
        }
    }
}

/// The result of a store's method. `None` if it fails, panics or takes too long.
pub(super) async fn within<T>(clock: &dyn Clock, work: impl Future<Output = Result<T, Error>>) -> Option<T> {
    // Unwind safe: nothing of the future is used after a panic.
    let work = AssertUnwindSafe(work).catch_unwind();
    match select(pin!(work), clock.sleep_until(clock.now().plus(TIMEOUT))).await {
        Either::Left((done, _)) => done.ok()?.ok(),
        Either::Right(_) => None,
    }
}
