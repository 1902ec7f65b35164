//! The vendor's state in a saved world. Orders are saved in the vendor's own JSON, through the messages themselves.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::orders::{Order, Orders};
use super::reuse::Key;
use crate::account;
use crate::world::read::{read, to_value};
use crate::{CaseOrder, SavedError, StateReader, World};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    settings: Value,
    seal_key: Key,
    orders: Vec<Order>,
    reported: BTreeSet<(String, usize)>,
    opened: CaseOrder,
}

pub(super) fn save(states: &mut StateReader<'_>) -> Result<Value, SavedError> {
    // A state that was never used is its default.
    let Orders { settings, by_id, reported, opened } = states.get().cloned().unwrap_or_default();
    let settings = account::save_settings(&settings)?;
    let seal_key = states.get().cloned().unwrap_or_default();
    to_value(
        &Saved { settings, seal_key, orders: by_id.into_values().map(|order| *order).collect(), reported, opened },
        "an order",
    )
}

pub(super) fn load(world: &mut World, saved: &Value) -> Result<(), SavedError> {
    let Saved { settings, seal_key, orders, reported, opened } = read(saved, "")?;
    let mut state = Orders { settings: account::load_settings(&settings, "/settings")?, reported, ..Orders::default() };
    for (index, order) in orders.into_iter().enumerate() {
        if state.by_id.insert(order.id.expose().to_owned(), Box::new(order)).is_some() {
            return Err(SavedError::damaged(format!("/orders/{index}/id"), "expected an id of its own"));
        }
    }
    state.opened = opened.checked("/opened", |id| state.by_id.contains_key(id))?;
    *world.state() = state;
    *world.state() = seal_key;
    Ok(())
}
