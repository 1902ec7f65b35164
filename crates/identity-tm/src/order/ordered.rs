//! The signed results that an order must return.

use identkit_core::{Error, EvidenceItem, EvidenceKind, Kind, Pii};
use identkit_wire::Operation as _;
use serde::{Deserialize, Serialize};

use crate::PutOrder;
use crate::operations::{GetESignHash, GetESignPdf};

/// The number of documents and the names of hashes in an order, as far as they are known: a signature that the vendor does
/// not return must not be deleted with the rest of the order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ordered {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    documents: Option<usize>,
    /// Names of the hashes. A single hash may have none (AT-35).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hashes: Option<Vec<Option<Pii<String>>>>,
}

impl Ordered {
    /// Returns what an order contains. What an order for the documents of another order returns is not documented.
    pub(crate) fn of(order: &PutOrder) -> Self {
        if order.multi_sign_options.is_some() {
            return Self::default();
        }
        let documents = order.sign_pdf.as_ref().map(|pdfs| pdfs.as_slice().len());
        let hashes = order.sign_hash.as_ref().map(|hashes| hashes.as_slice());
        let name =
            |hash: &crate::messages::SignHash| hash.filename.as_ref().map(|name| Pii::new(name.expose().to_string()));
        Self {
            documents: documents.filter(|count| *count > 0),
            hashes: hashes.filter(|all| !all.is_empty()).map(|all| all.iter().map(name).collect()),
        }
    }

    /// Whether nothing is known.
    pub(crate) fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// Checks the pieces of a kind that the vendor returned.
    ///
    /// # Errors
    /// [`Kind::Integrity`] if they are not those of the order.
    pub(crate) fn check<'a>(
        &self,
        kind: EvidenceKind,
        items: impl ExactSizeIterator<Item = &'a EvidenceItem>,
    ) -> Result<(), Error> {
        let (expected, what, operation) = match kind {
            EvidenceKind::SignedDocument => (self.documents, "signed documents", GetESignPdf::META.name),
            EvidenceKind::SignedHash => (self.hashes.as_ref().map(Vec::len), "signed hashes", GetESignHash::META.name),
            _ => return Ok(()),
        };
        let error = |detail: String| Error::new(Kind::Integrity, detail).with_operation(operation);
        let returned = items.len();
        if let Some(expected) = expected
            && expected != returned
        {
            return Err(error(format!(
                "the number of {what} is {returned}, but the order has {expected}: ask the vendor"
            )));
        }
        let Some(names) = self.hashes.as_ref().filter(|_| kind == EvidenceKind::SignedHash) else { return Ok(()) };
        // A hash without a name can have any in the response.
        let is_ordered = |name: &Option<Pii<String>>| names.contains(&None) || names.contains(name);
        // A file name may contain personal data.
        let others = items.filter(|item| !is_ordered(&item.name)).count();
        match others {
            0 => Ok(()),
            _ => Err(error(format!(
                "{others} of {returned} {what} have a name that the order does not have: ask the vendor"
            ))),
        }
    }
}
