//! What a running collector leaves in its store for the commands on its cases: where its artifacts are, how its receiver is
//! reached, and which evidence it wants.

use std::time::Duration;

use identkit_collector::{DeletePolicy, EvidenceWishes};
use identkit_store::Store;
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

/// Name of the value in the store.
const NAME: &str = "run";

/// The settings of the collector that was started last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunSettings {
    /// The sink as an absolute path or as a URL.
    #[serde(default)]
    pub(crate) sink: String,
    /// URL of the sink's object store, if it is not Amazon's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) s3_endpoint: Option<String>,
    /// Region of the bucket at that URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) s3_region: Option<String>,
    /// URL at which the vendors reach the receiver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) webhook_base: Option<String>,
    /// Additional evidence of new cases.
    #[serde(default)]
    pub(crate) wishes: EvidenceWishes,
    /// Time in seconds after which the results are deleted at the vendor. `None`: never.
    #[serde(default)]
    pub(crate) delete_after: Option<u64>,
}

impl RunSettings {
    /// When the results are deleted at the vendor.
    pub(crate) fn delete_policy(&self) -> DeletePolicy {
        self.delete_after.map_or(DeletePolicy::Never, |seconds| DeletePolicy::After(Duration::from_secs(seconds)))
    }

    /// Reads the settings. `None` if no collector was started on this store.
    pub(crate) async fn read(store: &Store) -> Result<Option<Self>, Failure> {
        // A later release can have written another form.
        Ok(store.watermark(NAME).await?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Stores the settings, and returns those before.
    pub(crate) async fn write(&self, store: &Store) -> Result<Option<Self>, Failure> {
        let new = serde_json::to_vec(self).map_err(|error| Failure::local(error.to_string()))?;
        loop {
            let before = store.watermark(NAME).await?;
            // Another process may have replaced it since.
            if store.swap_watermark(NAME, before.as_deref(), &new).await? {
                return Ok(before.and_then(|bytes| serde_json::from_slice(&bytes).ok()));
            }
        }
    }
}
