//! The state of a stored case: which statuses end the order, and what it signs.

use identkit_core::{CaseRef, Error, EvidenceKind, Kind, Purpose, Secret};
use identkit_wire::json;
use serde::{Deserialize, Serialize};

use crate::order::Ordered;
use crate::{OrderFlavor, OrderId, PROVIDER, PlacedOrder, PutOrder};

/// Version of the format. A state without a version has this one.
const VERSION: u32 = 1;

/// State of a case, saved in [`CaseRef::state`].
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    #[serde(default = "version", skip_serializing)]
    version: u32,
    #[serde(rename = "flavour")]
    pub(super) flavor: OrderFlavor,
    /// Kinds of the signed results. States of earlier releases lack them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    signed: Vec<EvidenceKind>,
    /// The signed results of the order. States of earlier releases and of adopted orders lack them.
    #[serde(default, skip_serializing_if = "Ordered::is_unknown")]
    pub(super) ordered: Ordered,
}

fn version() -> u32 {
    VERSION
}

impl State {
    fn new(flavor: OrderFlavor, signed: Vec<EvidenceKind>) -> Self {
        Self { version: VERSION, flavor, signed, ordered: Ordered::default() }
    }

    /// Reads the state of a case. A case without state has an unknown flavor.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if the state is not in this format: an unknown flavor instead could end an order wrongly.
    pub(super) fn read(case: &CaseRef) -> Result<Self, Error> {
        let Some(state) = &case.state else { return Ok(Self::new(OrderFlavor::Unknown, Vec::new())) };
        let read = json::read::<Self>(state.expose().as_bytes()).ok().filter(|state| state.version == VERSION);
        read.ok_or_else(|| {
            let detail = "the stored state of the case cannot be read: it is damaged, or another provider or a later \
                          release wrote it; store CaseRef unchanged, or create it again with `adopt`";
            Error::new(Kind::InvalidInput, detail)
        })
    }

    fn pack(&self) -> Secret {
        // Writing words cannot fail. If it did, the id of a placed order must still not be lost.
        let bytes = json::write(self).unwrap_or_else(|_| br#"{"flavour":"unknown"}"#.to_vec());
        Secret::new(String::from_utf8_lossy(&bytes))
    }

    /// Kinds of the signed results, if the order was signed.
    pub(super) fn signed(&self) -> &[EvidenceKind] {
        if self.signed.is_empty() { &[EvidenceKind::SignedDocument] } else { &self.signed }
    }
}

/// Returns the vendor's id of a case.
pub(super) fn order_id(case: &CaseRef) -> Result<OrderId, Error> {
    if case.provider != PROVIDER {
        return Err(Error::new(Kind::InvalidInput, "the case belongs to another provider"));
    }
    State::read(case)?;
    Ok(OrderId::new(case.id.expose()))
}

/// Returns the reference to an order of this purpose.
pub(super) fn case_of(id: &OrderId, purpose: Purpose) -> Result<CaseRef, Error> {
    let state = match purpose {
        Purpose::Identification => State::new(OrderFlavor::IdentOnly, Vec::new()),
        Purpose::Signature => State::new(OrderFlavor::Qes, vec![EvidenceKind::SignedDocument]),
        _ => return Err(Error::new(Kind::Unsupported, "the provider does not know this purpose")),
    };
    Ok(CaseRef::new(PROVIDER, id.expose()).with_state(state.pack()))
}

impl PutOrder {
    /// Returns the state of the reference that [`PlacedOrder::case_ref`] has after this order was placed: what the order must
    /// return. Store it before the order is sent. After a lost response, give it to the reference of
    /// [`IdentityProvider::find`](identkit_core::IdentityProvider::find) with [`CaseRef::with_state`]. It contains the names of
    /// the hashes, which can be personal data.
    pub fn case_state(&self) -> Secret {
        State { ordered: Ordered::of(self), ..State::new(self.flavor(), self.signed_kinds()) }.pack()
    }
}

impl PlacedOrder {
    /// Returns the reference with which [`IdentityProvider`](identkit_core::IdentityProvider) goes on with the order.
    /// Store it.
    pub fn case_ref(&self) -> CaseRef {
        let state = State { ordered: self.ordered.clone(), ..State::new(self.flavor, self.signed.clone()) };
        CaseRef::new(PROVIDER, self.order_id.expose()).with_state(state.pack())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(state: &str) -> Result<State, Error> {
        State::read(&CaseRef::new(PROVIDER, "1").with_state(state))
    }

    #[test]
    fn a_state_of_an_earlier_release_is_read() {
        for (text, flavor) in [
            (r#"{"flavour":"ident-only"}"#, OrderFlavor::IdentOnly),
            (r#"{"flavour":"qes"}"#, OrderFlavor::Qes),
            (r#"{"flavour":"sign-account-only"}"#, OrderFlavor::SignAccountOnly),
            (r#"{"flavour":"unknown"}"#, OrderFlavor::Unknown),
        ] {
            let state = read(text).unwrap();
            assert_eq!((state.flavor, state.signed()), (flavor, &[EvidenceKind::SignedDocument][..]), "{text}");
            assert_eq!(state.pack().expose(), text, "an earlier release can read it too");
        }
        let none = State::read(&CaseRef::new(PROVIDER, "1")).unwrap();
        assert_eq!(none.flavor, OrderFlavor::Unknown);
    }

    #[test]
    fn a_state_that_cannot_be_read_is_an_error() {
        for text in [
            "",
            "qes",
            "{}",
            "[1]",
            r#"{"flavour":"qes""#,
            r#"{"flavour":"gold"}"#,
            r#"{"flavour":"qes","version":2}"#,
            r#"{"flavour":"qes","version":"1"}"#,
            r#"{"flavour":"qes","signed":["stone"]}"#,
            r#"{"session":"x"}"#,
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.kind(), Kind::InvalidInput, "{text}");
            assert!(error.detail().contains("state"), "{error}");
            assert!(order_id(&CaseRef::new(PROVIDER, "1").with_state(text)).is_err(), "{text}");
        }
    }
}
