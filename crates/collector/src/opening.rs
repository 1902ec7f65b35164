//! Opening a case: its intent is durable before the request is sent, and the request is never sent again.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use identkit_core::{
    CallOptions, CaseRef, Delivery, Error, IdentityProvider, Kind, NewCase, Opened, Purpose, RawResponse, Secret,
};
use identkit_store::{CaseId, Entry, EventId, Finish, HeldClaim, Intent};
use jiff::Timestamp;

use crate::collector::Collector;
use crate::fault;
use crate::incident::Incident;
use crate::random;
use crate::record::{EvidenceWishes, Record};
use crate::setup::ProviderSetup;
use crate::state::CaseState;
use crate::work::Work;

/// Time between a request and the first read of its case.
const FIRST_READ: Duration = Duration::from_secs(60);

/// Number of attempts to store the vendor's response, and the pause between them.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// What the request that opens a case must contain.
#[non_exhaustive]
pub struct OpenCall<'a> {
    /// Id of the case in the store.
    pub case: CaseId,
    /// The provider.
    pub provider: &'a dyn IdentityProvider,
    /// The reference of the case at the vendor.
    pub reference: &'a str,
    /// The URL that the vendor calls when the case has ended, if the collector sets one.
    pub webhook_final: Option<&'a Secret>,
    /// Options of the call: its timeout is shorter than the lease.
    pub options: &'a CallOptions,
}

impl fmt::Debug for OpenCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenCall").field("case", &self.case).finish_non_exhaustive()
    }
}

/// Sends the request that opens a case, e.g. one in the vendor's own format. For a [`NewCase`], use [`Collector::open`].
#[async_trait]
pub trait CaseOpener: Send + Sync + fmt::Debug {
    /// Sends the request once.
    ///
    /// # Errors
    /// Those of [`IdentityProvider::open`]: [`Kind::OutcomeUnknown`] if the request may have been executed.
    async fn open(&self, call: &OpenCall<'_>) -> Result<Opened, Error>;

    /// Returns what the case must return, as [`IdentityProvider::expected_state`] does for a [`NewCase`]. It is stored,
    /// encrypted, before the request is sent. Without it, a case that is found after a lost response can end with fewer
    /// signatures than it was opened for.
    fn expected_state(&self, provider: &dyn IdentityProvider) -> Option<Secret> {
        let _ = provider;
        None
    }
}

#[async_trait]
impl CaseOpener for NewCase {
    fn expected_state(&self, provider: &dyn IdentityProvider) -> Option<Secret> {
        provider.expected_state(self)
    }

    async fn open(&self, call: &OpenCall<'_>) -> Result<Opened, Error> {
        let case = Self {
            reference: Some(call.reference.into()),
            webhook_final: call.webhook_final.cloned().or_else(|| self.webhook_final.clone()),
            ..self.clone()
        };
        call.provider.open(&case, call.options).await
    }
}

/// A case to open with a [`CaseOpener`].
#[non_exhaustive]
#[derive(Debug)]
pub struct OpenRequest<'a> {
    /// Name of the provider.
    pub provider: &'a str,
    /// Purpose of the case.
    pub purpose: Purpose,
    /// The caller's reference, unique and without personal data. `None`: a random one.
    pub reference: Option<Secret>,
    /// Additional evidence. `None`: that of the collector.
    pub wishes: Option<EvidenceWishes>,
    /// The service's own name of the person, e.g. a customer number, under which [`Collector::signed_data`] finds the signed data
    /// of this case. They are collected even without [`EvidenceWishes::signed_ident_data`]. The store has a keyed hash of the name
    /// only.
    pub person: Option<Secret>,
    /// Whether the request contains the signed data of an earlier case: the report then says whether the vendor has used them.
    pub has_signed_data: bool,
    /// Sends the request.
    pub opener: &'a dyn CaseOpener,
}

impl<'a> OpenRequest<'a> {
    /// Creates a request with a random reference and the collector's wishes.
    pub fn new(provider: &'a str, purpose: Purpose, opener: &'a dyn CaseOpener) -> Self {
        Self { provider, purpose, reference: None, wishes: None, person: None, has_signed_data: false, opener }
    }

    /// Sets the caller's reference, unique and without personal data.
    #[must_use]
    pub fn reference(mut self, reference: impl Into<Secret>) -> Self {
        self.reference = Some(reference.into());
        self
    }

    /// Sets the service's own name of the person, and collects the signed data of the case.
    #[must_use]
    pub fn person(mut self, name: impl Into<Secret>) -> Self {
        self.person = Some(name.into());
        self
    }

    /// Says that the request contains the signed data of an earlier case.
    #[must_use]
    pub fn with_signed_data(mut self) -> Self {
        self.has_signed_data = true;
        self
    }

    /// Sets the additional evidence.
    #[must_use]
    pub fn wishes(mut self, wishes: EvidenceWishes) -> Self {
        self.wishes = Some(wishes);
        self
    }
}

/// A case that was opened, or whose outcome is unknown.
#[non_exhaustive]
#[derive(Debug)]
#[must_use = "the state can be `unknown`: the person has no URL then, and the case must not be opened again"]
pub struct OpenedCase {
    /// Id of the case in the store.
    pub case: CaseId,
    /// The reference of the case.
    pub reference: Secret,
    /// [`CaseState::Open`]; or [`CaseState::Unknown`] if the vendor may have opened the case: the collector searches for it.
    pub state: CaseState,
    /// The vendor's id.
    pub vendor_id: Option<Secret>,
    /// URL for the person. Anyone who has it can act as the person.
    pub person_url: Option<Secret>,
    /// Why the outcome is unknown.
    pub unknown_because: Option<Error>,
}

impl Collector {
    /// Opens a case at a vendor. The intent is durable before the request is sent, and the vendor's response before this
    /// returns.
    ///
    /// If the process stops or the future is dropped meanwhile, or if the outcome is unknown, the case is [`CaseState::Unknown`]: a running collector
    /// searches for it by its reference. It is never opened a second time. In a handler of an HTTP server, which is dropped if the
    /// client closes its connection, run it in a task.
    ///
    /// # Errors
    /// The case was not opened: the errors of [`IdentityProvider::open`] except [`Kind::OutcomeUnknown`];
    /// [`Kind::Conflict`] if a case has the reference; [`Kind::Storage`] if the intent cannot be stored, and nothing was
    /// sent. [`Kind::InvalidInput`] also for an unknown provider.
    pub async fn open(&self, provider: &str, case: &NewCase) -> Result<OpenedCase, Error> {
        let mut request = OpenRequest::new(provider, case.purpose, case);
        request.reference = case.reference.as_ref().map(|reference| Secret::new(reference.expose().as_str()));
        self.open_with(request).await
    }

    /// Like [`open`](Self::open), with a request of the caller's own, e.g. in the vendor's format.
    ///
    /// # Errors
    /// Like [`open`](Self::open).
    pub async fn open_with(&self, request: OpenRequest<'_>) -> Result<OpenedCase, Error> {
        let OpenRequest { provider, purpose, reference, wishes, person, has_signed_data, opener } = request;
        let setup = self.provider(provider)?;
        let sent = self.now();
        let reference = match reference {
            Some(reference) if reference.is_empty() => return Err(fault::empty_reference()),
            Some(reference) => reference,
            None => Secret::new(random::name()?),
        };
        let date = sent.strftime("%Y/%m/%d");
        let folder = format!("{provider}/{date}/{}", random::name()?);
        let mut wishes = wishes.unwrap_or(self.wishes);
        // Without its signed data, the case is of no use for the person's next one.
        wishes.signed_ident_data |= person.is_some();
        let mut record = Record::new(purpose, wishes, folder, sent);
        record.person = person.map(|person| self.store.keyed_hash("person", &person));
        record.has_signed_data = has_signed_data;
        record.expected = opener.expected_state(&*setup.provider);
        let intent = Intent::new(provider, reference.clone(), sent)
            .with_status(record.state().as_str())
            .with_data(record.encode()?);
        let claim = self.store.create(&intent).await.map_err(|error| match error.kind() {
            // A case has the reference.
            Kind::Conflict => fault::unsent(error),
            _ => error,
        })?;
        let mut ended = None;
        let slot = &mut ended;
        let attended = self.dispatcher.run_one(claim, async |held: HeldClaim| {
            let opening = Opening { collector: self, setup, reference: &reference, opener };
            let (result, finish) = opening.run(&held).await;
            *slot = Some(result);
            finish
        });
        let attended = attended.await;
        match ended {
            Some(result) => result,
            // The claim was lost meanwhile: this process was paused for longer than the lease.
            None => Err(attended.err().unwrap_or_else(fault::unreadable)),
        }
    }
}

struct Opening<'a> {
    collector: &'a Collector,
    setup: &'a ProviderSetup,
    reference: &'a Secret,
    opener: &'a dyn CaseOpener,
}

impl Opening<'_> {
    async fn run(&self, held: &HeldClaim) -> (Result<OpenedCase, Error>, Finish) {
        match self.send(held).await {
            Ok((opened, due)) => (Ok(opened), Finish::Wait { due }),
            // The next worker finds the intent, and searches.
            Err(error) => (Err(error), Finish::Retry { due: self.collector.now() }),
        }
    }

    async fn send(&self, held: &HeldClaim) -> Result<(OpenedCase, Timestamp), Error> {
        let Self { collector, setup, reference, opener } = self;
        let id = held.claim().case();
        let case = collector.store.case(id).await?.ok_or_else(fault::unreadable)?;
        let mut work = Work::new(collector, held, setup, case)?;
        let prepared = self.prepare(&work).await;
        let (webhook, options) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                // Nothing was sent.
                work.record.not_opened = Some(error.detail().to_owned());
                work.enter(CaseState::Closed);
                self.save_with_retries(&mut work, &[]).await?;
                return Err(error);
            }
        };
        let call = OpenCall {
            case: id,
            provider: &*setup.provider,
            reference: reference.expose(),
            webhook_final: webhook.as_ref(),
            options: &options,
        };
        let result = opener.open(&call).await;
        let mut opened = OpenedCase {
            case: id,
            reference: (*reference).clone(),
            state: CaseState::Open,
            vendor_id: None,
            person_url: None,
            unknown_because: None,
        };
        match result {
            Ok(Opened { case, person_url, .. }) => {
                (opened.vendor_id, opened.person_url) = (Some(case.id.clone()), person_url.clone());
                work.record.person_url = person_url;
                work.case.opened = Some(case);
                work.enter(CaseState::Open);
                let due = work.rest_until(FIRST_READ);
                if let Err(error) = self.save_with_retries(&mut work, &[]).await {
                    // The caller has the only copy.
                    (opened.state, opened.unknown_because) = (CaseState::Unknown, Some(error));
                    return Ok((opened, due));
                }
                // A webhook can have arrived before.
                let early = collector.store.event_page_of(id, EventId::default(), 1).await;
                let due = if early.is_ok_and(|page| page.last.is_none()) { due } else { collector.now() };
                Ok((opened, due))
            }
            Err(error) => {
                let response: Vec<Entry> = error.answer().map(response_entry).into_iter().collect();
                if is_certain(&error) {
                    work.record.not_opened = Some(error.detail().to_owned());
                    work.enter(CaseState::Closed);
                    self.save_with_retries(&mut work, &response).await?;
                    return Err(error);
                }
                work.record.candidates = self.candidates(&error, work.record.purpose);
                work.enter(CaseState::Unknown);
                let first = collector.timing.searches.first().copied().unwrap_or(FIRST_READ);
                let due = work.rest_until(first);
                // If this fails, the next worker finds the intent, which says the same.
                drop(self.save_with_retries(&mut work, &response).await);
                (opened.state, opened.unknown_because) = (CaseState::Unknown, Some(error));
                Ok((opened, due))
            }
        }
    }

    /// The URL of the webhook, and the options of the call.
    async fn prepare(&self, work: &Work<'_>) -> Result<(Option<Secret>, CallOptions), Error> {
        let webhook = match &self.setup.on_final {
            Some(webhook) => {
                let name = self.setup.provider.descriptor().name;
                let claim = work.held.claim();
                let token = self.collector.store.create_case_token(claim, name, &webhook.event).await?;
                // The vendor gives the id in its response.
                Some((webhook.url)(&token, None)?)
            }
            None => None,
        };
        Ok((webhook, work.call_options().await?))
    }

    /// Stores what the vendor has answered, also if the store fails for a while.
    async fn save_with_retries(&self, work: &mut Work<'_>, entries: &[Entry]) -> Result<(), Error> {
        let mut attempts = 1;
        loop {
            match work.save_entries(entries).await {
                Err(error) if error.kind() != Kind::Conflict && attempts < ATTEMPTS => {
                    (self.collector.report)(Incident::Store { error });
                    let clock = &self.collector.clock;
                    drop(clock.sleep_until(clock.now().plus(PAUSE)).await);
                    attempts += 1;
                }
                stored => return stored,
            }
        }
    }

    /// The cases that an unreadable response names.
    fn candidates(&self, error: &Error, purpose: Purpose) -> Vec<CaseRef> {
        // A URL is the person's: whoever has it can act as the person.
        let ids = error.salvaged_ids().into_iter().filter(|found| !found.value.expose().contains("://"));
        ids.filter_map(|found| self.setup.provider.adopt(found.value.expose(), purpose).ok()).collect()
    }
}

/// The whole response, for a person who searches for the case.
fn response_entry(response: &RawResponse) -> Entry {
    let mut text = format!("{}\r\n", response.status()).into_bytes();
    for (name, value) in response.headers() {
        text.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    text.extend_from_slice(&[b"\r\n", response.body().as_ref()].concat());
    Entry::History(text.into())
}

/// Whether the vendor has certainly not opened the case.
fn is_certain(error: &Error) -> bool {
    error.kind() != Kind::OutcomeUnknown
        && error.delivery() != Some(Delivery::MaybeSent)
        && error.salvaged_ids().is_empty()
}
