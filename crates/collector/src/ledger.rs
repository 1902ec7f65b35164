//! The ledgers of a store in words: artifacts of a case, and deletions for an audit.

use identkit_core::{Error, EvidenceItem};
use identkit_store::{Deletion, Store};
use serde::{Deserialize, Serialize};

use crate::fault;

/// Number of entries that are read at once.
const PAGE: usize = 1000;

/// What an artifact is, as it is stored in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Item {
    Evidence(EvidenceItem),
    /// The payload of a webhook.
    Payload {
        event: String,
        index: u32,
    },
}

impl Item {
    pub(crate) fn encode(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|_| fault::unreadable())
    }

    pub(crate) fn decode(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// Reads the whole deletion ledger, oldest first, and gives each entry to `each`. It contains no personal data.
///
/// # Errors
/// If the store cannot be read, and the errors of `each`.
pub async fn read_deletions(store: &Store, mut each: impl FnMut(Deletion) -> Result<(), Error>) -> Result<(), Error> {
    let mut after = 0;
    loop {
        let page = store.deletions(after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = *last;
        for (_, deletion) in page {
            each(deletion)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use identkit_core::EvidenceKind;

    use super::*;

    #[test]
    fn an_item_is_read_back() {
        for item in [
            Item::Evidence(EvidenceItem::new(EvidenceKind::Report, 0, 1)),
            Item::Payload { event: "status".into(), index: 2 },
        ] {
            assert_eq!(Item::decode(&item.encode().unwrap()), Some(item));
        }
        assert_eq!(Item::decode("Mustermann.pdf"), None);
    }
}
