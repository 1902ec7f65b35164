//! Settings of an account.

use serde::{Deserialize, Serialize};

/// Settings of an account.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Public half of the credentials.
    pub client_id: String,
    /// Secret half of the credentials.
    pub client_secret: String,
    /// Number of days after which a case is deleted, by default 30 (ACME-09).
    pub life_in_days: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self { client_id: "acme-client".into(), client_secret: "sandbox-acme-secret".into(), life_in_days: 30 }
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// The account in a world.
#[derive(Clone, Debug, Default)]
pub(super) struct Account(pub(super) Settings);
