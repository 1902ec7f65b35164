//! Orders as the admin API writes them.

use serde::Serialize;
use serde_json::Value;

/// An order of identity.TM.
#[derive(Serialize)]
#[cfg_attr(feature = "server", derive(schemars::JsonSchema), schemars(rename = "Order"))]
pub(crate) struct CaseView {
    #[cfg_attr(feature = "server", schemars(extend("const" = "identity-tm")))]
    pub(super) vendor: &'static str,
    /// OrderID.
    pub(super) id: String,
    /// Whether the person's data is deleted.
    pub(super) data_deleted: bool,
    /// Whether calls about the order wait for a webhook.
    pub(super) blocked: bool,
    /// How the person is identified.
    #[cfg_attr(
        feature = "server",
        schemars(extend("enum" = ["Courier", "Shop", "eID", "Giro", "autoID", "SmartID", "Video"]))
    )]
    pub(super) method: &'static str,
    /// The TAN that was texted last.
    pub(super) tan: Option<String>,
    /// State of the video's recording.
    #[cfg_attr(feature = "server", schemars(extend("enum" = ["ready", "asked for", "not asked for"])))]
    pub(super) recording: &'static str,
    /// What the vendor did with IdentDataSigned: `accepted`, or why it was not used.
    pub(super) reuse: Option<&'static str>,
    /// The response of getStatus with all its codes, as the vendor writes it.
    #[cfg_attr(feature = "server", schemars(extend("type" = "object")))]
    pub(super) status: Value,
}
