//! The store that a command opens: `--store` and `--key-file`.

use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use clap::Args;
use identkit_core::Secret;
use identkit_files::{Draft, Existing, create_dirs};
use identkit_store::{Engine, KeyEncryptionKey, Postgres, Sqlite, Store};

use crate::exit::Failure;
use crate::input::warn_if_shared;
use crate::output::say;
use crate::state::StateDirectory;

/// Options of the commands that use a store.
#[derive(Clone, Debug, Args)]
pub(crate) struct StoreArguments {
    /// The store: `sqlite:PATH` for one machine, or `postgres://USER@HOST/DATABASE` for several.
    ///
    /// For PostgreSQL, prefer the variable: other users of this machine can see a command line with a password.
    #[arg(long, value_name = "STORE", env = "IDENTKIT_STORE", hide_env_values = true)]
    pub(crate) store: Location,

    /// File with the key of the store: 32 bytes as 64 hexadecimal digits, e.g. of `openssl rand -hex 32`.
    ///
    /// It wraps the keys of the cases. Without it, nothing in the store can be read: keep a copy of it, but not in a
    /// backup of the store. [default: PATH.key beside a SQLite store; for PostgreSQL, a file in the state directory. The
    /// commands that create a store create it]
    #[arg(long, value_name = "FILE", env = "IDENTKIT_KEY_FILE")]
    pub(crate) key_file: Option<PathBuf>,
}

/// Where a store is.
#[derive(Clone, Debug)]
pub(crate) enum Location {
    /// The path of a SQLite database.
    Sqlite(PathBuf),
    /// The URL of a PostgreSQL database, which can contain a password.
    Postgres(Secret),
}

impl FromStr for Location {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(text.into())),
            // The text is not repeated: it may contain a password.
            _ => Err("must be sqlite:PATH or postgres://USER@HOST/DATABASE".to_owned()),
        }
    }
}

impl Location {
    /// The location without a password.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(url) => without_password(url.expose()),
        }
    }
}

/// A URL without a password and without parameters, which can contain one.
fn without_password(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return "postgres".to_owned() };
    match rest.rsplit_once('@') {
        Some((account, place)) => {
            let user = account.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{place}")
        }
        None => format!("{scheme}://{rest}"),
    }
}

/// Whether a command creates what does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// A store and its key are created.
    Create,
    /// It is an error.
    Fail,
}

impl StoreArguments {
    /// Opens the store, and says so if a key was created.
    pub(crate) async fn open(&self, missing: Missing) -> Result<Store, Failure> {
        let (store, created) = self.open_silently(missing).await?;
        // The commands that create a store are the services; the others are short, and would repeat the warning.
        if missing == Missing::Create && created.is_none() {
            warn_if_shared(&self.key_path()?);
        }
        if let Some(path) = created {
            let path = path.display();
            say(&format!("note: created the store's key {path}: keep a copy, but not in a backup of the store"));
        }
        Ok(store)
    }

    /// Opens the store. Also returns the file of its key if that was created.
    pub(crate) async fn open_silently(&self, missing: Missing) -> Result<(Store, Option<PathBuf>), Failure> {
        if let (Missing::Fail, Location::Sqlite(path)) = (missing, &self.store)
            && !path.exists()
        {
            return Err(Failure::usage(format!(
                "the store {} does not exist: `identkit listen` creates one",
                path.display()
            )));
        }
        let path = self.key_path()?;
        let engine: Arc<dyn Engine> = match &self.store {
            Location::Sqlite(path) => Arc::new(Sqlite::builder(path).open()?),
            Location::Postgres(url) => Arc::new(Postgres::builder(url.clone()).open().await?),
        };
        // Only a store without a key gets a new one: the file of any other key could hide the right one.
        let create = missing == Missing::Create && !Store::has_key(&*engine).await?;
        let (key, created) = key(path, create)?;
        Ok((Store::open(engine, key).await?, created))
    }

    /// Path of the file with the key.
    pub(crate) fn key_path(&self) -> Result<PathBuf, Failure> {
        match (&self.key_file, &self.store) {
            (Some(path), _) => Ok(path.clone()),
            (None, Location::Sqlite(path)) => {
                let mut name = OsString::from(path);
                name.push(".key");
                Ok(name.into())
            }
            (None, Location::Postgres(_)) => Ok(StateDirectory::default().path()?.join("postgres.key")),
        }
    }
}

/// The key of a file, and the file if it is new.
fn key(path: PathBuf, may_create: bool) -> Result<(KeyEncryptionKey, Option<PathBuf>), Failure> {
    match fs::read_to_string(&path) {
        Ok(text) => Ok((parse(&text).ok_or_else(|| unusable(&path))?, None)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && may_create => create(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(absent(&path)),
        Err(error) => Err(Failure::usage(format!("the key file {} cannot be read: {error}", path.display()))),
    }
}

fn absent(path: &Path) -> Failure {
    let path = path.display();
    Failure::usage(format!("the key file {path} does not exist: name the one of this store (--key-file)"))
}

fn unusable(path: &Path) -> Failure {
    let rule = "it must contain 64 hexadecimal digits";
    Failure::usage(format!("the key file {} cannot be used: {rule}", path.display()))
}

/// Creates a key, unless another process creates it at the same time.
fn create(path: PathBuf) -> Result<(KeyEncryptionKey, Option<PathBuf>), Failure> {
    let shown = path.display().to_string();
    let cannot = |error: &dyn Display| Failure::usage(format!("the key file {shown} cannot be created: {error}"));
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_dirs(parent).map_err(|error| cannot(&error))?;
    }
    let bytes = KeyEncryptionKey::random_bytes()?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut draft = Draft::new(&path).map_err(|error| cannot(&error))?;
    draft.write_all(format!("{digits}\n").as_bytes()).map_err(|error| cannot(&error))?;
    match draft.commit(Existing::Keep) {
        Ok(()) => Ok((KeyEncryptionKey::from_bytes(&bytes), Some(path))),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let text = fs::read_to_string(&path).map_err(|error| cannot(&error))?;
            Ok((parse(&text).ok_or_else(|| unusable(&path))?, None))
        }
        Err(error) => Err(cannot(&error)),
    }
}

fn parse(text: &str) -> Option<KeyEncryptionKey> {
    let digits = text.trim_end_matches(['\r', '\n']).as_bytes();
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let pairs: &[[u8; 2]; 32] = pairs.try_into().ok()?;
    let digit = |character: u8| char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = [0; 32];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? * 16 + digit(*low)?;
    }
    Some(KeyEncryptionKey::from_bytes(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_64_hexadecimal_digits() {
        let digits = "0123456789abcdefABCDEF0123456789".repeat(2);
        let short = digits.strip_suffix("89").unwrap();
        for (text, is_key) in [
            (digits.clone(), true),
            (format!("{digits}\n"), true),
            (format!("{digits}\r\n"), true),
            (format!(" {digits}"), false),
            (short.to_owned(), false),
            (format!("{digits}00"), false),
            (format!("{short}0g"), false),
            (format!("{short}+1"), false),
            (format!("{short}ä"), false),
            (String::new(), false),
        ] {
            assert_eq!(parse(&text).is_some(), is_key, "{text:?}");
        }
    }

    #[test]
    fn a_shown_location_has_no_password() {
        for (url, shown) in [
            ("postgres://user:geheim@host:5432/db?password=geheim", "postgres://user@host:5432/db"),
            ("postgres://user:ge@heim@host/db", "postgres://user@host/db"),
            ("postgres://host/db", "postgres://host/db"),
            ("postgres:host=geheim", "postgres"),
        ] {
            assert_eq!(url.parse::<Location>().unwrap().shown(), shown);
        }
        assert_eq!("sqlite:a.db".parse::<Location>().unwrap().shown(), "sqlite:a.db");
    }

    #[test]
    fn a_location_names_its_engine() {
        assert!(matches!("sqlite:a:b".parse(), Ok(Location::Sqlite(path)) if path == Path::new("a:b")));
        assert!(matches!("postgres://x@y/z".parse(), Ok(Location::Postgres(_))));
        assert!(matches!("postgresql://x@y/z".parse(), Ok(Location::Postgres(_))));
        for wrong in ["", "sqlite:", "state.db", "mysql://secret@host"] {
            let error = wrong.parse::<Location>().unwrap_err();
            assert!(error.contains("sqlite:PATH") && !error.contains("secret"), "{error}");
        }
    }
}
