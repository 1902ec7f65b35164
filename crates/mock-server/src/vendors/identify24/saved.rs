//! The vendor's share of a saved world. Idents and projects are saved in the vendor's own JSON.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::account::Account;
use super::idents::{Idents, Kept};
use crate::vendors::settings as by_name;
use crate::world::read::{Fields, items, read, written};
use crate::world::text;
use crate::{Opened, SavedError, Shares, World};

const KEYS: [&str; 6] = ["settings", "projects", "sessions", "counted", "idents", "created"];

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

pub(super) fn save(shares: &mut Shares<'_>) -> Result<Value, SavedError> {
    // A share that nobody has asked for yet is as good as its default.
    let (no_account, no_idents) = (Account::default(), Idents::default());
    let Account { settings, projects, sessions, swept: _, counted } = shares.get().unwrap_or(&no_account);
    let Idents { by_id, created } = shares.get().unwrap_or(&no_idents);
    let sessions: Vec<Session> =
        sessions.iter().map(|(token, used)| Session { token: token.clone(), used: *used }).collect();
    let counted = counted.map(|(since, requests)| Counted { since, requests });
    let mut idents = Vec::with_capacity(by_id.len());
    for kept in by_id.values() {
        idents.push(written(kept, "an ident")?);
    }
    Ok(Value::from_iter([
        ("settings", by_name::saved(settings)?),
        ("projects", written(projects, "a project")?),
        ("sessions", written(&sessions, "a login")?),
        ("counted", written(&counted, "the rate")?),
        ("idents", idents.into()),
        ("created", created.save()),
    ]))
}

pub(super) fn load(world: &mut World, saved: &Value) -> Result<(), SavedError> {
    let fields = Fields::of(saved, "", &KEYS)?;
    let settings = by_name::load(fields.get("settings")?, &fields.at("settings"))?;
    let projects = fields.list("projects")?;
    let mut sessions = BTreeMap::new();
    for (index, Session { token, used }) in fields.list("sessions")?.into_iter().enumerate() {
        if sessions.insert(token, used).is_some() {
            let at = format!("{}/{index}/token", fields.at("sessions"));
            return Err(SavedError::damaged(at, "expected a token of its own"));
        }
    }
    let counted: Option<Counted> = fields.read("counted")?;
    let mut by_id = BTreeMap::new();
    let place = fields.at("idents");
    for (item, at) in items(fields.get("idents")?, &place)? {
        let kept: Kept = read(item, &at)?;
        let fresh = kept.ident.id.as_ref().map(|id| id.expose().to_owned()).filter(|id| !by_id.contains_key(id));
        let Some(id) = fresh else {
            return Err(SavedError::damaged(format!("{at}/ident"), "expected an ident with an id of its own"));
        };
        by_id.insert(id, Box::new(kept));
    }
    let created = Opened::load(fields.list("created")?, &fields.at("created"), |id| by_id.contains_key(id))?;
    let counted = counted.map(|counted| (counted.since, counted.requests));
    *world.part() = Account { settings, projects, sessions, swept: None, counted };
    *world.part() = Idents { by_id, created };
    Ok(())
}
