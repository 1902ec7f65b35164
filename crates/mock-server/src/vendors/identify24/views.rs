//! Accounts and idents as the admin API writes them.

use serde::Serialize;
use serde_json::Value;

/// The account of identify24.
#[derive(Serialize)]
#[cfg_attr(feature = "server", derive(schemars::JsonSchema), schemars(rename = "Identify24Account"))]
pub(crate) struct AccountView {
    /// Beginning of the vendor's paths.
    pub(super) base_path: &'static str,
    /// `PARTNER` of the login.
    pub(super) partner: String,
    /// `APIKEY` of the login.
    pub(super) api_key: String,
}

/// An ident of identify24.
#[derive(Serialize)]
#[cfg_attr(feature = "server", derive(schemars::JsonSchema), schemars(rename = "Ident"))]
pub(crate) struct CaseView {
    #[cfg_attr(feature = "server", schemars(extend("const" = "identify24")))]
    pub(super) vendor: &'static str,
    /// Id of the ident.
    pub(super) id: String,
    /// The response of ident/get, as the vendor writes it.
    #[cfg_attr(feature = "server", schemars(extend("type" = "object")))]
    pub(super) ident: Value,
}
