//! The partner's account: login, sessions, projects, and where webhooks go.

use std::collections::BTreeMap;

use http::HeaderMap;
use identkit_core::{Fault, Secret};
use identkit_identify24::messages::{AuthResponse, Project};
use identkit_identify24::operations::Login;
use jiff::{SignedDuration, Timestamp};

use crate::vendor::Refused;
use crate::{Profile, World};

/// A session ends when it was not used for so long, [I] Lifetime.
const IDLE: SignedDuration = SignedDuration::from_mins(30);
/// After so long it is forgotten as well, so that its refusal no longer tells that it has expired.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(24);

/// What stands for partner and API key in the document's login example.
const EXAMPLE_PARTNER: &str = "YOUR PARTNER USERNAME";
const EXAMPLE_KEY: &str = "YOUR API KEY";
/// The token of the document's other examples.
const EXAMPLE_TOKEN: &str = "xxx";

/// How the account is set up, which at the vendor is done in its partner portal; see [`configure`](super::configure).
#[derive(Clone)]
pub struct Settings {
    /// The partner's user name.
    pub partner: String,
    /// The API key.
    pub api_key: String,
    /// Where status webhooks go; `None` sends none.
    pub webhook_url: Option<Secret>,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("partner", &self.partner).finish_non_exhaustive()
    }
}

impl Default for Settings {
    fn default() -> Self {
        // The partner of the document's examples, so that its commands work as printed.
        Self { partner: "911-internet".into(), api_key: "sandbox-api-key".into(), webhook_url: None }
    }
}

/// The vendor's share of a world, but for the idents.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub(super) settings: Settings,
    pub(super) projects: Vec<Project>,
    /// When each token was last used.
    sessions: BTreeMap<String, Timestamp>,
}

/// Changes how the account is set up, as one does in the partner portal.
pub fn configure(world: &mut World, change: impl FnOnce(&mut Settings)) {
    change(&mut world.part::<Account>().settings);
}

/// Sets where this account's webhooks go, as one does in the partner portal.
pub fn set_webhook(world: &mut World, url: Option<Secret>) {
    configure(world, |settings| settings.webhook_url = url);
}

/// The project of the document's examples.
pub(super) fn place_examples(world: &mut World) {
    world.part::<Account>().projects = vec![Project::new("6", "911 Internet GmbH", "Active")];
}

/// `auth`: a token for the right key.
pub(super) fn log_in(world: &mut World, login: Login) -> Result<AuthResponse, Refused> {
    let (now, examples) = (world.now, world.profile == Profile::Literal);
    let faults: Vec<Fault> = [("PARTNER", &login.0.partner), ("APIKEY", &login.0.api_key)]
        .into_iter()
        .filter(|(_, value)| value.as_ref().is_none_or(Secret::is_empty))
        .map(|(key, _)| Fault::new(key, "is required; the key is written in upper case", "AI-10", "[I] auth"))
        .collect();
    if !faults.is_empty() {
        return Err(Refused { status: 400, faults });
    }
    let token = world.random_text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 86);
    let account = world.part::<Account>();
    let given = |secret: &Option<Secret>| secret.as_ref().map_or("", Secret::expose).to_owned();
    let (partner, key) = (given(&login.0.partner), given(&login.0.api_key));
    let known = (partner == account.settings.partner && key == account.settings.api_key)
        || (examples && partner == EXAMPLE_PARTNER && key == EXAMPLE_KEY);
    if !known {
        let fault = Fault::new("APIKEY", "partner and API key do not fit together", "I-005", "[I] auth");
        return Err(Refused::new(401, fault));
    }
    account.sessions.retain(|_, used| now.duration_since(*used) < FORGOTTEN);
    account.sessions.insert(token.clone(), now);
    Ok(AuthResponse::granted(token))
}

/// Whether the request carries the partner and a token that is alive; using it keeps it alive (I-006).
pub(super) fn authenticated(world: &mut World, headers: &HeaderMap) -> Result<(), Refused> {
    let (now, examples) = (world.now, world.profile == Profile::Literal);
    let account = world.part::<Account>();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let refuse = |field: &'static str, message: &'static str, rule: &'static str| {
        Err(Refused::new(401, Fault::new(field, message, rule, "[I] Authentication")))
    };
    if header("x-api-partner") != account.settings.partner {
        return refuse("X-API-PARTNER", "must be the partner's user name", "I-005");
    }
    let token = header("x-api-token");
    if examples && token == EXAMPLE_TOKEN {
        return Ok(());
    }
    let Some(used) = account.sessions.get_mut(token) else {
        return refuse("X-API-TOKEN", "is missing or was not given out by auth", "I-005");
    };
    if now.duration_since(*used) >= IDLE {
        return refuse("X-API-TOKEN", "has expired: it was not used for 30 minutes; log in again", "I-006");
    }
    *used = now;
    Ok(())
}
