//! The input of the suite: what a provider declares about itself and its mock vendor.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

use identkit_core::{
    Address, Document, Error, Gender, IdentityProvider, NewCase, Outcome, Person, Pii, Purpose, Secret,
};
use identkit_mock_server::faults::Fault;
use identkit_mock_server::{Sandbox, Transition, VirtualClock};
use identkit_transport::{Clock, Transport};
use identkit_wire::json::{self, JsonFault};
use identkit_wire::{Callback, Meta};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The connection of a provider that the suite creates.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Link {
    /// Transport to a sandbox.
    pub transport: Arc<dyn Transport>,
    /// Clock of this sandbox.
    pub clock: Arc<dyn Clock>,
    /// Public half of the credentials, e.g. the customer id.
    pub identity: String,
    /// Secret half of the credentials.
    pub secret: Secret,
}

/// An end or an intermediate state of a case, and how the provider must report it.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub(crate) transition: Transition,
    pub(crate) outcome: Outcome,
    pub(crate) has_evidence: bool,
}

impl Scenario {
    /// Creates a scenario from a story of the mock vendor.
    pub fn story(name: &str, outcome: Outcome, has_evidence: bool) -> Self {
        Self { transition: Transition::Scenario(name.to_owned()), outcome, has_evidence }
    }

    /// Creates a scenario without evidence from a single status in the vendor's own form.
    pub fn status(status: impl Into<Value>, outcome: Outcome) -> Self {
        Self { transition: Transition::Status(status.into()), outcome, has_evidence: false }
    }
}

/// Reads a sample with the provider's own message type.
pub type ReadSample = fn(&[u8]) -> Result<Box<dyn Debug>, Error>;

/// Reads a sample in JSON as the client reads a response. A [`ReadSample`] for each type of message.
///
/// # Errors
/// If the sample is not a message of this type.
pub fn read_json<T: DeserializeOwned + Debug + 'static>(sample: &[u8]) -> Result<Box<dyn Debug>, Error> {
    let (message, _) = json::read_answer::<T>(sample).map_err(JsonFault::answer)?;
    Ok(Box::new(message))
}

/// A sample of the vendor's document.
#[derive(Clone, Debug)]
pub struct Sample {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) personal: Vec<&'static str>,
    pub(crate) read: ReadSample,
}

impl Sample {
    /// Creates a sample. `personal` lists the personal data and the secrets in it, which `Debug` must not show.
    pub fn new(name: &'static str, bytes: impl Into<Vec<u8>>, personal: &[&'static str], read: ReadSample) -> Self {
        Self { name, bytes: bytes.into(), personal: personal.to_vec(), read }
    }
}

type Connect = dyn Fn(Link) -> Arc<dyn IdentityProvider> + Send + Sync;

/// A provider, its mock vendor, and what the provider declares.
///
/// Each promise applies if what it needs is declared: a provider that declares no unknown status is not tried with one.
pub struct Harness {
    /// Case that the provider can open.
    pub case: NewCase,
    pub(crate) name: &'static str,
    pub(crate) sandbox: Sandbox,
    pub(crate) connect: Box<Connect>,
    /// The first one ends the case of the main run.
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) unknown: String,
    pub(crate) unknown_status: Option<Value>,
    pub(crate) operations: Vec<&'static Meta>,
    pub(crate) callbacks: Vec<Arc<dyn Callback>>,
    pub(crate) webhook_setting: Option<&'static str>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) limit: Duration,
}

impl Debug for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Harness {
    /// Creates a harness for the provider `name` and its mock vendor in `sandbox`. `connect` creates the provider; the
    /// suite calls it often, also with wrong credentials. `scenario` ends the case of the main run.
    pub fn new(
        name: &'static str,
        sandbox: Sandbox,
        case: NewCase,
        scenario: Scenario,
        connect: impl Fn(Link) -> Arc<dyn IdentityProvider> + Send + Sync + 'static,
    ) -> Self {
        Self {
            case,
            name,
            sandbox,
            connect: Box::new(connect),
            scenarios: vec![scenario],
            unknown: "00000000".to_owned(),
            unknown_status: None,
            operations: Vec::new(),
            callbacks: Vec::new(),
            webhook_setting: None,
            samples: Vec::new(),
            faults: Fault::all().to_vec(),
            limit: Duration::from_secs(30),
        }
    }

    /// Adds scenarios that this case can have.
    #[must_use]
    pub fn scenarios(mut self, scenarios: impl IntoIterator<Item = Scenario>) -> Self {
        self.scenarios.extend(scenarios);
        self
    }

    /// Sets a well-formed id that the vendor does not know.
    #[must_use]
    pub fn unknown_id(mut self, id: impl Into<String>) -> Self {
        self.unknown = id.into();
        self
    }

    /// Sets a status, in the vendor's own form, that its document does not contain.
    #[must_use]
    pub fn unknown_status(mut self, status: impl Into<Value>) -> Self {
        self.unknown_status = Some(status.into());
        self
    }

    /// Sets the operations that the provider calls, with their send-safety.
    #[must_use]
    pub fn operations(mut self, operations: impl IntoIterator<Item = &'static Meta>) -> Self {
        self.operations = operations.into_iter().collect();
        self
    }

    /// Sets the webhooks of the provider.
    #[must_use]
    pub fn callbacks(mut self, callbacks: Vec<Arc<dyn Callback>>) -> Self {
        self.callbacks = callbacks;
        self
    }

    /// Sets the mock vendor's setting for the webhook URL, if the URL belongs to the account and not to the case.
    #[must_use]
    pub fn webhook_setting(mut self, name: &'static str) -> Self {
        self.webhook_setting = Some(name);
        self
    }

    /// Adds samples of the vendor's document.
    #[must_use]
    pub fn samples(mut self, samples: impl IntoIterator<Item = Sample>) -> Self {
        self.samples.extend(samples);
        self
    }

    /// Sets the faults that the sandbox injects into each operation. The default is all of them.
    #[must_use]
    pub fn faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.faults = faults.into_iter().collect();
        self
    }

    /// Sets the real time after which a call counts as endless. The default is 30 s; a call in the sandbox takes
    /// milliseconds.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Connects a provider to a sandbox.
    pub(crate) fn provider(&self, sandbox: &Sandbox) -> Arc<dyn IdentityProvider> {
        self.provider_over(sandbox, sandbox.transport())
    }

    /// Connects a provider to a sandbox through another transport.
    pub(crate) fn provider_over(&self, sandbox: &Sandbox, transport: Arc<dyn Transport>) -> Arc<dyn IdentityProvider> {
        let [identity, secret] = sandbox.credentials(self.name);
        (self.connect)(Link { transport, clock: Arc::new(sandbox.clock().clone()), identity, secret: secret.into() })
    }

    /// Connects a provider with wrong credentials.
    pub(crate) fn intruder(&self) -> Arc<dyn IdentityProvider> {
        let [identity, _] = self.sandbox.credentials(self.name);
        let clock = Arc::new(self.sandbox.clock().clone());
        (self.connect)(Link { transport: self.sandbox.transport(), clock, identity, secret: WRONG_SECRET.into() })
    }
}

/// Secret half of the credentials that the mock vendor must reject.
pub(crate) const WRONG_SECRET: &str = "not-the-secret";

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
