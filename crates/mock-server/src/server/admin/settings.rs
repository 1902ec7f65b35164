//! How the accounts are set up.

use super::{Answer, Asked, Problem, answer};

pub(super) fn get(asked: &Asked<'_>) -> Answer {
    answer(&asked.sandbox()?.settings())
}

/// Sets accounts up, and tells how they are set up then.
pub(super) fn set(asked: &Asked<'_>) -> Answer {
    let wanted = asked.object(r#"{"identity_tm":{"voice_files":true}}"#)?;
    let sandbox = asked.sandbox()?;
    match asked.worlds.set_up(&asked.world, &wanted) {
        Ok(()) => answer(&sandbox.settings()),
        Err(Some(refused)) => Err(Problem::refused("the account cannot be set up so", &refused)),
        Err(None) => Err(Problem::no_world(&asked.worlds.ids())),
    }
}
