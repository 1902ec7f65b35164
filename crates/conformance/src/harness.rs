//! What a provider brings to the suite.

use std::sync::Arc;

use identkit_core::{Address, CaseRef, Document, Gender, IdentityProvider, NewCase, Outcome, Person, Pii, Purpose};
use identkit_mock_server::{Sandbox, VirtualClock};

/// A provider over its sandbox twin.
#[derive(Debug)]
pub struct Harness {
    /// The sandbox.
    pub sandbox: Sandbox,
    /// The provider, with the sandbox's credentials.
    pub provider: Arc<dyn IdentityProvider>,
    /// The provider with credentials that are wrong.
    pub intruder: Arc<dyn IdentityProvider>,
    /// A case that it can open.
    pub case: NewCase,
    /// The sandbox's story that ends that case.
    pub story: &'static str,
    /// How the case then stands.
    pub outcome: Outcome,
    /// A case that the vendor does not know, in the form of one of its ids.
    pub unknown: CaseRef,
}

/// A sandbox whose time stands still, for tests that must come out the same each time.
pub fn sandbox() -> Sandbox {
    let start = jiff::Timestamp::from_second(1_599_739_200).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    Sandbox::builder().clock(VirtualClock::new(start)).seed(7).start()
}

/// A PDF that can be signed.
pub fn example_pdf() -> Vec<u8> {
    identkit_synthetic::sample_contract()
}

/// The person of the document of identity.TM, with one document to sign when `purpose` says so.
pub fn example_case(purpose: Purpose) -> NewCase {
    let person = Person {
        given_names: "Erika".into(),
        family_name: "Mustermann".into(),
        birth_date: Some(Pii::new(jiff::civil::date(1964, 8, 12))),
        birthplace: Some("Berlin".into()),
        nationality: Some("DE".into()),
        gender: Some(Gender::Female),
        email: Some("e.mustermann@example.com".into()),
        mobile: Some("+491711234567".into()),
        address: Address {
            street: Some("Heidestr.".into()),
            house_number: Some("17".into()),
            postal_code: Some("43000".into()),
            city: Some("Köln".into()),
            country: Some("DE".into()),
        },
    };
    let documents = match purpose {
        Purpose::Signature => vec![Document { name: "contract.pdf".into(), pdf: example_pdf().into() }],
        _ => Vec::new(),
    };
    NewCase {
        purpose,
        reference: Some("conformance-1".into()),
        project: Some("6".into()),
        person,
        documents,
        ..NewCase::default()
    }
}
