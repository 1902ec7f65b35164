//! How the accounts are set up.

use super::{Answer, Asked, Problem, answer};
use crate::Sandbox;
use crate::journal::Secrets;

pub(super) fn get(asked: &Asked<'_>) -> Answer {
    told(&asked.sandbox()?, asked.secrets()?)
}

/// Sets accounts up, and tells how they are set up then.
pub(super) fn set(asked: &Asked<'_>) -> Answer {
    let secrets = asked.secrets()?;
    let wanted = asked.whole(r#"{"identity_tm":{"voice_files":true}}"#)?;
    let sandbox = asked.sandbox()?;
    match asked.worlds.set_up(&asked.world, &wanted) {
        Ok(()) => told(&sandbox, secrets),
        Err(Some(refused)) => Err(Problem::refused("the account cannot be set up so", &refused)),
        Err(None) => Err(Problem::no_world(&asked.worlds.ids())),
    }
}

/// All settings. The accounts' credentials are told, since they are what one logs in with; the secrets in the URLs of
/// receivers are not.
fn told(sandbox: &Sandbox, secrets: Secrets) -> Answer {
    answer(&secrets.urls(sandbox.settings()))
}
