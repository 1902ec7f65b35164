//! The errors of the store, in one wording for all engines.

use identkit_core::{Error, Kind};

pub(crate) fn outdated() -> Error {
    Error::new(Kind::Conflict, "the claim is outdated: another worker has claimed the case, or it was purged")
}

pub(crate) fn changed() -> Error {
    Error::new(Kind::Conflict, "the case has another version: read it again")
}

pub(crate) fn exists() -> Error {
    Error::new(Kind::Conflict, "a case with this reference exists")
}

pub(crate) fn taken() -> Error {
    Error::new(Kind::Conflict, "another case has the same id at the vendor")
}

pub(crate) fn damaged() -> Error {
    Error::new(Kind::Integrity, "a row of the store cannot be decrypted, or was changed")
}

pub(crate) fn unreadable_event() -> Error {
    Error::new(Kind::Storage, "an event cannot be written or read in this version's format")
}

pub(crate) fn wrong_key() -> Error {
    Error::new(Kind::Storage, "the key does not fit the store: pass the key with which it was created")
}
