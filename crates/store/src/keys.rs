//! The key of each case: created with its first row, wrapped, stored apart, and removed when the case is purged.
//!
//! A key belongs to a name, which is a keyed hash of the vendor's id or of the caller's reference. After a purge, the same
//! name gets another key and thereby another [`Link`], so a purge never affects what arrives afterwards.

use std::sync::Arc;

use identkit_core::{Error, Secret};
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::cipher::{self, Bytes32, KeyEncryptionKey};
use crate::engine::{Engine, Link};
use crate::fault;
use crate::pack::{micros, pack, unpack};

const NAME: usize = 32;

/// Length in bytes of the name of an event.
const EVENT_NAME: usize = 16;

/// Name of the value that shows whether the wrapping key is the right one.
const CHECK: &[u8] = b"check";

/// Number of keys that are read at once.
const PAGE: usize = 100;

/// What a name is the hash of.
#[derive(Clone, Copy)]
pub(crate) enum Naming {
    /// The vendor's id of a case.
    Vendor,
    /// The caller's reference of a case.
    Reference,
    /// Random bytes, for a record that belongs to no case.
    Record,
}

impl Naming {
    fn text(self) -> &'static [u8] {
        match self {
            Self::Vendor => b"vendor",
            Self::Reference => b"reference",
            Self::Record => b"record",
        }
    }
}

/// The key of a name.
pub(crate) struct CaseKey {
    pub(crate) link: Link,
    key: Bytes32,
}

impl CaseKey {
    /// Encrypts what belongs to a row with these columns.
    pub(crate) fn seal(&self, table: &str, columns: &[&[u8]], clear: &[u8]) -> Result<Vec<u8>, Error> {
        cipher::seal(&self.key, &context(&self.link, table, columns), clear)
    }

    pub(crate) fn open(&self, table: &str, columns: &[&[u8]], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        cipher::open(&self.key, &context(&self.link, table, columns), sealed)
    }
}

/// A ciphertext belongs to a key, a table and the readable columns of its row, so that it cannot be moved to another row.
fn context(link: &Link, table: &str, columns: &[&[u8]]) -> Vec<u8> {
    [pack(&[&link.0, table.as_bytes()]), pack(columns)].concat()
}

/// A name, and the text that has it. It creates and reads the values of its keys.
pub(crate) struct KeyName {
    wrapping: Arc<KeyEncryptionKey>,
    pub(crate) bytes: [u8; NAME],
    naming: Naming,
    id: Secret,
}

impl KeyName {
    /// Creates the value of a new key.
    pub(crate) fn create_value(&self) -> Result<Vec<u8>, Error> {
        let generation: [u8; Link::LENGTH - NAME] = cipher::random()?;
        let key = CaseKey { link: link(self.bytes, generation), key: Zeroizing::new(cipher::random()?) };
        let wrapped = self.wrapping.wrap(&key.link.0, key.key.as_slice())?;
        let sealed = key.seal("keys", &[], self.id.expose().as_bytes())?;
        Ok(pack(&[&generation, &wrapped, &sealed, self.naming.text()]))
    }

    /// Returns the key that has this value.
    pub(crate) fn read(&self, value: &[u8]) -> Result<CaseKey, Error> {
        read(&self.wrapping, self.bytes, value).map(|(key, _)| key)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Keys {
    engine: Arc<dyn Engine>,
    wrapping: Arc<KeyEncryptionKey>,
}

impl Keys {
    /// Whether a wrapping key was decided.
    pub(crate) async fn is_decided(engine: &dyn Engine) -> Result<bool, Error> {
        Ok(engine.key(CHECK).await?.is_some())
    }

    /// Checks that the key is the one with which the store was created.
    pub(crate) async fn open(engine: Arc<dyn Engine>, wrapping: KeyEncryptionKey) -> Result<Self, Error> {
        let stored = engine.add_key(CHECK, wrapping.wrap(CHECK, &[0; 32])?).await?;
        wrapping.unwrap(CHECK, &stored).map_err(|_| fault::wrong_key())?;
        Ok(Self { engine, wrapping: Arc::new(wrapping) })
    }

    /// The name of a text.
    pub(crate) fn name(&self, provider: &str, naming: Naming, id: &Secret) -> KeyName {
        let bytes = self.wrapping.name(&[provider.as_bytes(), naming.text(), id.expose().as_bytes()]);
        KeyName { wrapping: Arc::clone(&self.wrapping), bytes, naming, id: id.clone() }
    }

    /// The hash by which a token of webhook URLs is found.
    pub(crate) fn token_hash(&self, provider: &str, event: &str, token: &Secret) -> [u8; NAME] {
        let parts = [provider, event, token.expose()].map(str::as_bytes);
        self.wrapping.name(&[b"token", &pack(&parts)])
    }

    /// The hash of a text, for a purpose: the same in this store, and without the key of the store unrelated to the text.
    pub(crate) fn hash(&self, purpose: &str, text: &Secret) -> [u8; NAME] {
        let parts = [purpose, text.expose()].map(str::as_bytes);
        self.wrapping.name(&[b"hash", &pack(&parts)])
    }

    /// The name of an event that is the same each time it is read, and differs from that of any other event, also in
    /// another store. The time belongs to it because a restored store uses the ids after its backup again.
    pub(crate) fn event_name(&self, case: Link, id: u64, received: Timestamp) -> String {
        let name = self.wrapping.name(&[b"event", &case.0, &id.to_le_bytes(), &micros(received)]);
        name.iter().take(EVENT_NAME).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Returns the key of a name, if there is one.
    pub(crate) async fn find(&self, provider: &str, naming: Naming, id: &Secret) -> Result<Option<CaseKey>, Error> {
        let name = self.name(provider, naming, id);
        self.engine.key(&name.bytes).await?.map(|value| name.read(&value)).transpose()
    }

    /// Returns the key of a name, and creates it if there is none.
    pub(crate) async fn get_or_create(&self, provider: &str, naming: Naming, id: &Secret) -> Result<CaseKey, Error> {
        let name = self.name(provider, naming, id);
        let value = match self.engine.key(&name.bytes).await? {
            Some(value) => value,
            None => self.engine.add_key(&name.bytes, name.create_value()?).await?,
        };
        name.read(&value)
    }

    /// Returns the key of a link, unless it was removed.
    pub(crate) async fn get(&self, link: Link) -> Result<Option<CaseKey>, Error> {
        match self.stored(link).await? {
            Some((name, value)) => Ok(Some(read(&self.wrapping, name, &value)?.0)),
            None => Ok(None),
        }
    }

    /// Returns the key of a link with the text that has its name, unless it was removed.
    pub(crate) async fn get_with_id(&self, link: Link) -> Result<Option<(CaseKey, Secret)>, Error> {
        let Some((name, value)) = self.stored(link).await? else { return Ok(None) };
        let (key, sealed) = read(&self.wrapping, name, &value)?;
        let id = key.open("keys", &[], sealed)?;
        let id = std::str::from_utf8(&id).map_err(|_| fault::damaged())?;
        Ok(Some((key, Secret::new(id))))
    }

    /// Whether the link still has its key. What was stored under a link without a key cannot be read.
    pub(crate) async fn has(&self, link: Link) -> Result<bool, Error> {
        Ok(self.stored(link).await?.is_some())
    }

    /// Removes the key of a link. All copies of what belongs to it become unreadable.
    pub(crate) async fn remove(&self, link: Link) -> Result<(), Error> {
        match self.stored(link).await? {
            Some((name, stored)) => self.engine.remove_key(&name, &stored).await,
            None => Ok(()),
        }
    }

    /// Returns names of cases that have a key, and the name after which to continue; `None` at the end.
    pub(crate) async fn case_links(&self, after: &[u8]) -> Result<(Vec<Link>, Option<Vec<u8>>), Error> {
        let page = self.engine.keys(after, PAGE).await?;
        let last = page.last().map(|(name, _)| name.clone());
        let mut links = Vec::new();
        for (name, stored) in page.into_iter().filter(|(name, _)| name != CHECK) {
            let [generation, _, _, naming] = unpack(&stored).ok_or_else(fault::damaged)?;
            if naming != Naming::Record.text() {
                let link = [&name, generation].concat().try_into().map_err(|_| fault::damaged())?;
                links.push(Link(link));
            }
        }
        Ok((links, last))
    }

    async fn stored(&self, link: Link) -> Result<Option<([u8; NAME], Vec<u8>)>, Error> {
        let Some((name, generation)) = link.0.split_first_chunk::<NAME>() else { return Ok(None) };
        let stored = self.engine.key(name).await?;
        let same = |stored: &Vec<u8>| unpack::<4>(stored).is_some_and(|[stored, ..]| stored == generation);
        Ok(stored.filter(same).map(|stored| (*name, stored)))
    }
}

/// The key in a value, and the encrypted text that has its name.
fn read<'a>(wrapping: &KeyEncryptionKey, name: [u8; NAME], value: &'a [u8]) -> Result<(CaseKey, &'a [u8]), Error> {
    let [generation, wrapped, sealed, _] = unpack(value).ok_or_else(fault::damaged)?;
    let link = link(name, generation.try_into().map_err(|_| fault::damaged())?);
    Ok((CaseKey { link, key: wrapping.unwrap(&link.0, wrapped)? }, sealed))
}

fn link(name: [u8; NAME], generation: [u8; Link::LENGTH - NAME]) -> Link {
    let mut bytes = [0; Link::LENGTH];
    bytes.iter_mut().zip(name.into_iter().chain(generation)).for_each(|(to, from)| *to = from);
    Link(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ciphertext_belongs_to_key_table_and_columns() {
        let key = |link| CaseKey { link: Link(link), key: Zeroizing::new([1; 32]) };
        let sealed = key([1; 48]).seal("events", &[b"OnFinal", b"1"], b"Mustermann").unwrap();
        assert!(key([1; 48]).open("events", &[b"OnFinal", b"1"], &sealed).is_ok());
        assert!(key([2; 48]).open("events", &[b"OnFinal", b"1"], &sealed).is_err());
        assert!(key([1; 48]).open("entries", &[b"OnFinal", b"1"], &sealed).is_err());
        assert!(key([1; 48]).open("events", &[b"OnFina", b"l1"], &sealed).is_err());
    }
}
