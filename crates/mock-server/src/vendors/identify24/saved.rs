//! The vendor's state in a saved world. Idents and projects are saved in the vendor's own JSON.

use identkit_identify24::messages::Project;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::idents::{Idents, StoredIdent};
use super::partner::Account;
use crate::account;
use crate::world::read::{read, to_value};
use crate::world::text;
use crate::{CaseOrder, SavedError, StateReader, World};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    settings: Value,
    projects: Vec<Project>,
    sessions: Vec<Session>,
    #[serde(deserialize_with = "Option::deserialize")]
    counted: Option<Counted>,
    idents: Vec<StoredIdent>,
    created: CaseOrder,
}

/// A login.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Session {
    token: String,
    #[serde(with = "text")]
    used: Timestamp,
}

/// Requests within the period of the rate.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counted {
    #[serde(with = "text")]
    since: Timestamp,
    requests: u32,
}

pub(super) fn save(states: &mut StateReader<'_>) -> Result<Value, SavedError> {
    // A state that was never used is its default.
    let Account { settings, projects, sessions, swept: _, counted } = states.get().cloned().unwrap_or_default();
    let Idents { by_id, created } = states.get().cloned().unwrap_or_default();
    let saved = Saved {
        settings: account::save_settings(&settings)?,
        projects,
        sessions: sessions.into_iter().map(|(token, used)| Session { token, used }).collect(),
        counted: counted.map(|(since, requests)| Counted { since, requests }),
        idents: by_id.into_values().map(|stored| *stored).collect(),
        created,
    };
    to_value(&saved, "an ident")
}

pub(super) fn load(world: &mut World, saved: &Value) -> Result<(), SavedError> {
    let saved: Saved = read(saved, "")?;
    let mut account = Account { projects: saved.projects, ..Account::default() };
    account.settings = account::load_settings(&saved.settings, "/settings")?;
    account.counted = saved.counted.map(|counted| (counted.since, counted.requests));
    for (index, Session { token, used }) in saved.sessions.into_iter().enumerate() {
        if account.sessions.insert(token, used).is_some() {
            return Err(SavedError::damaged(format!("/sessions/{index}/token"), "expected a token of its own"));
        }
    }
    let mut idents = Idents::default();
    for (index, stored) in saved.idents.into_iter().enumerate() {
        let id = stored.ident.id.as_ref().map(|id| id.expose().to_owned());
        let Some(id) = id.filter(|id| !idents.by_id.contains_key(id)) else {
            return Err(SavedError::damaged(
                format!("/idents/{index}/ident"),
                "expected an ident with an id of its own",
            ));
        };
        idents.by_id.insert(id, Box::new(stored));
    }
    idents.created = saved.created.checked("/created", |id| idents.by_id.contains_key(id))?;
    *world.state() = account;
    *world.state() = idents;
    Ok(())
}
