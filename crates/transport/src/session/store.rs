//! One login for several processes: a place outside of them where the token is kept.

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

/// How long a store may take. Longer, and the session goes on without it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whose token it is. A store keeps one token per key, so that neither accounts nor hosts are mixed up.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenKey {
    /// Where the API is: a token of the sandbox is none of the vendor's.
    pub base_url: String,
    /// The account's public name, e.g. a user name.
    pub account: Secret,
}

impl TokenKey {
    /// The key of this account's token at this API.
    pub fn new(base_url: impl Into<String>, account: impl Into<Secret>) -> Self {
        Self { base_url: base_url.into(), account: account.into() }
    }
}

/// A token as it is stored.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredToken {
    /// Grows with each token that is stored under a key.
    pub version: u64,
    /// The token, as good as a password while it lives.
    pub token: Secret,
}

impl StoredToken {
    /// This token under this version.
    pub fn new(version: u64, token: impl Into<Secret>) -> Self {
        Self { version, token: token.into() }
    }
}

/// Where several processes keep the token that they share.
///
/// A session asks it before it logs in and tells it the token that it got. Only the vendor's 401 says that a token is
/// dead: a stored one is taken as it is, and when the vendor refuses it, another one is looked for before
/// anybody logs in. Two processes that begin at the same moment may both log in; then the token that was stored first
/// is everybody's. A token that the vendor refused is not taken again, whatever its version, and after two stored ones
/// in a row the session logs in by itself; a call that meets both of them fails, since its second 401 is final.
///
/// A store that fails, panics, or takes longer than two seconds costs a login of one's own and no call. It must not
/// block its thread: the two seconds, and the deadline of the call, are looked at only while it waits. What blocks for
/// longer than a small local file does (a database, a file on a network) belongs on a thread of its own, for instance
/// by `tokio::task::spawn_blocking`.
///
/// A file that several processes of one machine share; it is as good as a password and therefore its owner's only:
///
/// ```
/// use std::io::Write;
/// use std::path::{Path, PathBuf};
/// use identkit_core::{Error, Kind, Secret, async_trait};
/// use identkit_transport::{StoredToken, TokenKey, TokenStore};
///
/// /// One account's token: base URL, account, version and token, one a line.
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
///         let there = self.load(key).await?;
///         if let Some(there) = there.filter(|there| Some(there.version) != instead_of) {
///             return Ok(there);
///         }
///         let version = instead_of.unwrap_or(0) + 1;
///         // Whole or not at all: written beside, with mode 0600, and renamed. Two at once cost a login more and nothing
///         // else.
///         let mut beside = tempfile::NamedTempFile::new_in(self.0.parent().unwrap_or(Path::new("."))).map_err(failed)?;
///         writeln!(beside, "{}\n{}\n{version}\n{}", key.base_url, key.account.expose(), token.expose()).map_err(failed)?;
///         beside.persist(&self.0).map_err(|error| failed(error.error))?;
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
    /// The token that is stored under this key.
    ///
    /// # Errors
    /// When the store cannot be read; the session then logs in by itself and tells the store nothing.
    async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, Error>;

    /// Stores a token in place of version `instead_of` (`None`: where there was none), under a higher version. Where
    /// the store holds another version by then, that one stays. Returns what is stored now.
    ///
    /// # Errors
    /// When the store cannot be written; the session then uses its token alone.
    async fn store(&self, key: &TokenKey, token: &Secret, instead_of: Option<u64>) -> Result<StoredToken, Error>;
}

/// A store in memory: for several clients in one process, and for tests. Clones share their tokens.
#[derive(Clone, Debug, Default)]
pub struct MemoryTokenStore(Arc<Mutex<Vec<(TokenKey, StoredToken)>>>);

#[async_trait]
impl TokenStore for MemoryTokenStore {
    async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, Error> {
        let stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(stored.iter().find(|(whose, _)| whose == key).map(|(_, stored)| stored.clone()))
    }

    async fn store(&self, key: &TokenKey, token: &Secret, instead_of: Option<u64>) -> Result<StoredToken, Error> {
        let mut stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match stored.iter_mut().find(|(whose, _)| whose == key) {
            Some((_, there)) if Some(there.version) == instead_of => {
                *there = StoredToken::new(there.version + 1, token.clone());
                Ok(there.clone())
            }
            Some((_, there)) => Ok(there.clone()),
            None => {
                let first = StoredToken::new(instead_of.unwrap_or(0) + 1, token.clone());
                stored.push((key.clone(), first.clone()));
                Ok(first)
            }
        }
    }
}

/// What a store returns; `None` if it fails, panics or takes too long.
pub(super) async fn within<T>(clock: &dyn Clock, work: impl Future<Output = Result<T, Error>>) -> Option<T> {
    // A store of the user's with a bug is no reason to lose a call: nothing of it is used after a panic.
    let work = AssertUnwindSafe(work).catch_unwind();
    match select(pin!(work), clock.sleep_until(clock.now().plus(PATIENCE))).await {
        Either::Left((done, _)) => done.ok()?.ok(),
        Either::Right(_) => None,
    }
}
