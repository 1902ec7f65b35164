//! Idents as the admin API writes them.

use serde::Serialize;
use serde_json::Value;

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
