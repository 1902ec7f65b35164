//! Worlds.

use serde_json::{Map, Value, json};

use super::{Answer, Asked, Problem, answer, told};
use crate::Sandbox;
use crate::clock::Mode;
use crate::sandbox::in_json;
use crate::world::Profile;
use crate::worlds::NewWorld;

/// The name of a snapshot that is given none.
const UNNAMED: &str = "snapshot";

pub(super) fn list(asked: &Asked<'_>) -> Answer {
    answer(&json!({ "worlds": asked.worlds.ids() }))
}

pub(super) fn get(asked: &Asked<'_>) -> Answer {
    let sandbox = asked.sandbox()?;
    let mut world = described(&asked.world, &sandbox);
    world.insert("snapshots".into(), asked.worlds.snapshots(&asked.world)?.into());
    answer(&Value::Object(world))
}

pub(super) fn create(asked: &Asked<'_>) -> Answer {
    const EXAMPLE: &str =
        r#"{"id":"my-test","seed":7,"profile":"literal","clock":"frozen","now":"2020-09-10T12:00:00Z"}"#;
    let body = asked.optional(EXAMPLE)?;
    let refuse =
        |what: &str| Problem::new(400, "no such world can be made", format!("{what}; send {EXAMPLE}"), "admin-world");
    let mut wanted = NewWorld::default();
    for (name, value) in &body {
        match (name.as_str(), value) {
            ("id" | "seed" | "profile" | "clock" | "now", Value::Null) => {}
            ("id", Value::String(id)) => wanted.id = Some(id.clone()),
            ("seed", seed) => {
                wanted.seed = Some(seed.as_u64().ok_or_else(|| refuse("the seed is a whole number, not negative"))?);
            }
            ("profile", profile) => {
                let profile = profile.as_str().and_then(Profile::named);
                wanted.profile = Some(profile.ok_or_else(|| refuse("the profiles are literal, strict and chaos"))?);
            }
            ("clock", clock) => {
                wanted.mode = Some(match clock.as_str() {
                    Some("frozen") => Mode::Frozen,
                    Some("real") => Mode::Real,
                    _ => return Err(refuse("the clock is frozen or real; scale it by POST clock/mode")),
                });
            }
            ("now", now) => {
                let now = now.as_str().and_then(|now| now.parse().ok());
                wanted.start = Some(now.ok_or_else(|| refuse("now is a time as RFC 3339 writes it"))?);
            }
            ("id", _) => return Err(refuse("the id is a text")),
            _ => return Err(refuse("there is an element that is not known")),
        }
    }
    let (id, sandbox) = asked.worlds.create(&wanted)?;
    told(201, &Value::Object(described(&id, &sandbox)))
}

pub(super) fn fork(asked: &Asked<'_>) -> Answer {
    let id = asked.optional_text("id", r#"{"id":"copy"}"#, "admin-world")?;
    let (id, sandbox) = asked.worlds.fork(&asked.world, id.as_deref())?;
    told(201, &Value::Object(described(&id, &sandbox)))
}

pub(super) fn snapshot(asked: &Asked<'_>) -> Answer {
    let name = named(asked)?;
    let now = asked.worlds.keep_snapshot(&asked.world, &name)?;
    told(201, &json!({ "world": asked.world, "snapshot": name, "now": now.to_string() }))
}

pub(super) fn restore(asked: &Asked<'_>) -> Answer {
    let name = named(asked)?;
    let sandbox = asked.worlds.restore(&asked.world, &name)?;
    answer(&Value::Object(described(&asked.world, &sandbox)))
}

pub(super) fn delete(asked: &Asked<'_>) -> Answer {
    asked.worlds.delete(&asked.world)?;
    answer(&json!({ "deleted": asked.world }))
}

pub(super) fn reset(asked: &Asked<'_>) -> Answer {
    let sandbox = asked.worlds.reset(&asked.world)?;
    answer(&Value::Object(described(&asked.world, &sandbox)))
}

fn named(asked: &Asked<'_>) -> Result<String, Problem> {
    let name = asked.optional_text("snapshot", r#"{"snapshot":"before-payment"}"#, "admin-world")?;
    Ok(name.unwrap_or_else(|| UNNAMED.to_owned()))
}

/// A world with its credentials.
fn described(id: &str, sandbox: &Sandbox) -> Map<String, Value> {
    let mut world = Map::new();
    world.insert("id".into(), id.into());
    world.insert("now".into(), sandbox.now().to_string().into());
    world.insert("clock".into(), sandbox.clock().mode().name().into());
    let (seed, profile) = sandbox.with_world(|world| (world.seed(), world.profile));
    world.insert("seed".into(), seed.into());
    world.insert("profile".into(), profile.name().into());
    for (vendor, account) in sandbox.accounts() {
        world.insert(in_json(vendor), account);
    }
    world
}
