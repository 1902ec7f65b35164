//! The input of the suite: a provider and its sandbox.

use std::sync::Arc;

use identkit_core::{Address, CaseRef, Document, Gender, IdentityProvider, NewCase, Outcome, Person, Pii, Purpose};
use identkit_mock_server::{Sandbox, VirtualClock};

/// A provider, its mock vendor, and a case to run.
#[derive(Debug)]
pub struct Harness {
    /// Sandbox that the provider calls.
    pub sandbox: Sandbox,
    /// Provider with the sandbox's credentials.
    pub provider: Arc<dyn IdentityProvider>,
    /// Provider with wrong credentials.
    pub intruder: Arc<dyn IdentityProvider>,
    /// Case that the provider can open.
    pub case: NewCase,
    /// Story of the sandbox that ends this case.
    pub story: &'static str,
    /// Outcome of the case after the story.
    pub outcome: Outcome,
    /// Case with a well-formed id that the vendor does not know.
    pub unknown: CaseRef,
}

/// Starts a sandbox with a frozen clock and a fixed seed, for reproducible tests.
///
/// # Panics
/// Outside a tokio runtime.
pub fn sandbox() -> Sandbox {
    let start = jiff::Timestamp::from_second(1_599_739_200).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    Sandbox::builder().clock(VirtualClock::new(start)).seed(7).start()
}

/// Returns a PDF that can be signed.
pub fn example_pdf() -> Vec<u8> {
    identkit_synthetic::sample_contract()
}

/// Returns a case for the example person of identity.TM's document, with one PDF if `purpose` is a signature.
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
