//! The tokens of the webhook URLs: new ones at each start, or those of the token file.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use identkit_core::{Secret, Tokens as _};
use identkit_files::{Draft, Existing};
use identkit_store::Store;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::exit::Failure;
use crate::input::warn_if_shared;
use crate::output::say;
use crate::providers::{WEBHOOKS, callbacks};

/// The tokens of all events: provider, event, token.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tokens {
    tokens: BTreeMap<String, BTreeMap<String, Secret>>,
}

impl Tokens {
    /// The token of an event.
    pub(crate) fn get(&self, provider: &str, event: &str) -> Option<&Secret> {
        self.tokens.get(provider)?.get(event)
    }

    fn insert(&mut self, provider: &str, event: &str, token: Secret) {
        self.tokens.entry(provider.to_owned()).or_default().insert(event.to_owned(), token);
    }

    /// Creates the tokens of this start. Those of earlier starts remain valid.
    pub(crate) async fn create(store: &Store) -> Result<Self, Failure> {
        let mut tokens = Self::default();
        tokens.complete(store).await?;
        Ok(tokens)
    }

    /// Creates the tokens that are missing. Returns whether there were any.
    async fn complete(&mut self, store: &Store) -> Result<bool, Failure> {
        let mut changed = false;
        for callback in callbacks() {
            let (provider, event) = (callback.provider(), callback.name());
            if self.get(provider, event).is_none() {
                self.insert(provider, event, store.create_token(provider, event).await?);
                changed = true;
            }
        }
        Ok(changed)
    }

    /// Creates new tokens, which are valid in no store.
    pub(super) fn random() -> Result<Self, Failure> {
        let mut tokens = Self::default();
        for callback in callbacks() {
            tokens.insert(callback.provider(), callback.name(), Store::random_token()?);
        }
        Ok(tokens)
    }

    /// Creates new tokens, and replaces those of the store. All earlier ones expire at `expires`.
    pub(crate) async fn rotate(store: &Store, expires: Timestamp) -> Result<Self, Failure> {
        let tokens = Self::random()?;
        store.rotate_tokens(tokens.iter(), expires).await?;
        Ok(tokens)
    }

    /// All tokens: provider, event, token.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str, &Secret)> {
        self.tokens.iter().flat_map(|(provider, events)| {
            events.iter().map(move |(event, token)| (provider.as_str(), event.as_str(), token))
        })
    }

    /// Whether the store has all of them, and none was replaced.
    pub(super) async fn are_current(&self, store: &Store) -> Result<bool, Failure> {
        for (provider, event, token) in self.iter() {
            if !store.is_valid(provider, event, token, Timestamp::MAX).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads the tokens of the file and makes them valid in the store. Returns `None` if the file does not exist or does not
    /// have all tokens.
    pub(super) async fn read_complete(store: &Store, path: &Path) -> Result<Option<Self>, Failure> {
        let Some(tokens) = Self::read(path)? else { return Ok(None) };
        if callbacks().any(|callback| tokens.get(callback.provider(), callback.name()).is_none()) {
            return Ok(None);
        }
        tokens.validated(store, path).await.map(Some)
    }

    /// Reads the tokens of the file and makes them valid in the store. Creates those that are missing, and the file.
    pub(super) async fn read_or_create(store: &Store, path: &Path) -> Result<Self, Failure> {
        let Some(mut tokens) = Self::read(path)? else {
            let draft = Draft::new(path).map_err(|error| unwritten(path, &error))?;
            let tokens = Self::create(store).await?;
            if tokens.write(path, draft, Existing::Keep)? {
                return Ok(tokens);
            }
            // Another process has created the file at the same time. The tokens that were made here remain unused.
            let Some(tokens) = Self::read(path)? else { return Err(unusable(path, &"it was removed")) };
            return tokens.validated(store, path).await;
        };
        if tokens.complete(store).await? {
            let draft = Draft::new(path).map_err(|error| unwritten(path, &error))?;
            tokens.write(path, draft, Existing::Replace)?;
        }
        tokens.validated(store, path).await
    }

    /// The tokens, after they are valid in the store.
    async fn validated(self, store: &Store, path: &Path) -> Result<Self, Failure> {
        for callback in callbacks() {
            let (provider, event) = (callback.provider(), callback.name());
            let Some(token) = self.get(provider, event) else {
                return Err(unusable(path, &format!("it has no token for {event}")));
            };
            store.add_token(provider, event, token).await?;
            // Also if it will expire: it was replaced, and the vendors must get the new URL.
            if !store.is_valid(provider, event, token, Timestamp::MAX).await? {
                let why = format!("its token for {event} was replaced in this store, or was changed");
                return Err(unusable(path, &why).note("--rotate-token replaces all tokens and the file"));
            }
        }
        Ok(self)
    }

    /// Reads the file. Returns `None` if it does not exist.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, Failure> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(path, &error)),
        };
        warn_if_shared(path);
        // serde's message can quote a token.
        let tokens = serde_json::from_slice(&text).map_err(|_| unusable(path, &"it is not a token file"))?;
        Ok(Some(tokens))
    }

    /// Writes the file durably. Returns `false` if it exists and is to be kept.
    pub(super) fn write(&self, path: &Path, mut draft: Draft, existing: Existing) -> Result<bool, Failure> {
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| unwritten(path, &error))?;
        text.push(b'\n');
        draft.write_all(&text).map_err(|error| unwritten(path, &error))?;
        match draft.commit(existing) {
            Ok(()) => Ok(true),
            Err(error) if existing == Existing::Keep && error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(unwritten(path, &error)),
        }
    }
}

pub(super) fn unusable(path: &Path, why: &dyn Display) -> Failure {
    Failure::usage(format!("--token-file {} cannot be used: {why}", path.display()))
}

pub(super) fn unwritten(path: &Path, error: &dyn Display) -> Failure {
    Failure::usage(format!("--token-file {} cannot be written: {error}", path.display()))
}

/// Says where the URLs of the ready line must be set.
pub(super) fn note_new_urls(when: &str) {
    say(&format!("note: all webhook URLs are new: {when}"));
    for webhooks in WEBHOOKS {
        say(&format!("note: set {} {}", webhooks.member, webhooks.place));
    }
}
