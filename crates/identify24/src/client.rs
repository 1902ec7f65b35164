//! The client: sends the operations and decodes their responses.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use identkit_core::{CallOptions, Delivery, Error, Kind, Outcome};
use identkit_transport::{
    Authenticator, ClientSettings, Driver, NoAuth, Response, TokenSession, TokenStore, client_setters,
};
use identkit_wire::{Operation, Warning};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::auth::{IDLE, PartnerLogin};
use crate::messages::{
    AuthResponse, CreateIdent, CreateIdentResponse, Envelope, Ident, IdentId, IdentStatus, LocalDateTime, Project,
    ProjectId, ProjectRequest, place_of,
};
use crate::operations::{GetAllProjects, GetIdent, GetProject};
use crate::{Credentials, Dialect};

/// Base URL of the API (`[I] Getting Started`).
pub const DEFAULT_BASE_URL: &str = "https://api.identify24.de";

/// Client of one partner account. Clones share the session and its token.
///
/// # Panics
/// With the default clock, its calls panic outside a tokio runtime with timers.
#[derive(Clone)]
pub struct Identify24 {
    inner: Arc<Inner>,
}

struct Inner {
    driver: Driver<Dialect>,
    login: Arc<Driver<Dialect>>,
    session: TokenSession,
    base_url: String,
    timeout: Duration,
    outcomes: Outcomes,
    zone: Option<TimeZone>,
}

/// The vendor's statuses and their meanings. Keys are in lower case (AI-12).
#[derive(Clone, Debug)]
struct Outcomes(BTreeMap<String, Outcome>);

impl Default for Outcomes {
    /// Maps the only documented status.
    fn default() -> Self {
        let mut outcomes = Self(BTreeMap::new());
        outcomes.insert("Unidentified", Outcome::Pending);
        outcomes
    }
}

impl Outcomes {
    fn insert(&mut self, status: &str, outcome: Outcome) {
        self.0.insert(status.trim().to_lowercase(), outcome);
    }

    fn meaning(&self, status: &IdentStatus) -> Outcome {
        self.0.get(&status.as_str().trim().to_lowercase()).copied().unwrap_or(Outcome::Unknown)
    }
}

/// Builds an [`Identify24`].
#[derive(Clone, Debug)]
pub struct Builder {
    settings: ClientSettings<Dialect>,
    credentials: Credentials,
    outcomes: Outcomes,
    token_store: Option<Arc<dyn TokenStore>>,
    zone: Option<TimeZone>,
}

impl Builder {
    client_setters!(Dialect);

    /// Sets the meaning of a vendor status; the case of letters does not matter. The document names only
    /// `Unidentified`, which is [`Outcome::Pending`] by default. Every other status is [`Outcome::Unknown`] until it is
    /// set here (AI-12).
    ///
    /// ```
    /// # use identkit_core::Outcome;
    /// # use identkit_identify24::{Builder, Credentials, Identify24};
    /// fn client(account: Credentials) -> Builder {
    ///     Identify24::builder(account).outcome("Identified", Outcome::Positive)
    /// }
    /// ```
    #[must_use]
    pub fn outcome(mut self, status: &str, outcome: Outcome) -> Self {
        self.outcomes.insert(status, outcome);
        self
    }

    /// Sets the meaning of several statuses, see [`outcome`](Self::outcome).
    #[must_use]
    pub fn outcomes<'a>(mut self, table: impl IntoIterator<Item = (&'a str, Outcome)>) -> Self {
        for (status, outcome) in table {
            self.outcomes.insert(status, outcome);
        }
        self
    }

    /// Sets the time zone of the vendor's local times, for [`Identify24::timestamp`] and [`Identify24::expires_at`].
    /// It has no default; Europe/Berlin is likely, see [`BERLIN`](crate::messages::BERLIN) (AI-11).
    #[must_use]
    pub fn zone(mut self, zone: TimeZone) -> Self {
        self.zone = Some(zone);
        self
    }

    /// Shares the token with other processes, or with other clients in this process, through a store (I-009).
    #[must_use]
    pub fn token_store(mut self, store: Arc<dyn TokenStore>) -> Self {
        self.token_store = Some(store);
        self
    }

    /// Builds the client. Sends nothing.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if the transport is missing, or if the base URL or the credentials are unusable.
    pub fn build(self) -> Result<Identify24, Error> {
        let Self { settings, credentials, outcomes, token_store, zone } = self;
        let login = Arc::new(settings.driver(Arc::new(NoAuth))?);
        let base_url = settings.base_url.clone();
        let first = PartnerLogin::new(&login, &credentials, &base_url)?;
        let session = TokenSession::new(Arc::new(first), Arc::clone(login.clock()), IDLE, token_store);
        let auth: Arc<dyn Authenticator> = Arc::new(session.clone());
        let driver = settings.driver(auth)?.sharing_connections(&login);
        let timeout = settings.policy.timeout;
        Ok(Identify24 { inner: Arc::new(Inner { driver, login, session, base_url, timeout, outcomes, zone }) })
    }
}

impl Identify24 {
    /// Returns a builder for a client of this partner.
    pub fn builder(credentials: Credentials) -> Builder {
        Builder {
            settings: ClientSettings::new(DEFAULT_BASE_URL, Dialect::new()),
            credentials,
            outcomes: Outcomes::default(),
            token_store: None,
            zone: None,
        }
    }

    /// Replaces the credentials of this client and all its clones, also while calls are running. After the vendor
    /// rejected a login with 401, the client sends nothing until this method is called.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if the credentials are unusable. The client then keeps the previous ones.
    pub fn set_credentials(&self, credentials: &Credentials) -> Result<(), Error> {
        let login = PartnerLogin::new(&self.inner.login, credentials, &self.inner.base_url)?;
        self.inner.session.set_login(Arc::new(login));
        Ok(())
    }

    /// Switches that apply to every call.
    pub fn dialect(&self) -> &Dialect {
        self.inner.driver.dialect()
    }

    /// Converts a local time of the vendor. Returns `None` if no zone is set ([`Builder::zone`]) or the text is not a
    /// date-time.
    pub fn timestamp(&self, local: &LocalDateTime) -> Option<Timestamp> {
        local.in_zone(self.inner.zone.as_ref()?)
    }

    /// Estimates when the vendor deletes the ident, see [`Ident::expires_estimate`] (I-020). Returns `None` if no zone
    /// is set ([`Builder::zone`]).
    pub fn expires_at(&self, ident: &Ident) -> Option<Timestamp> {
        ident.expires_at(self.inner.zone.as_ref()?)
    }

    /// Returns the meaning of an ident's status as set by [`Builder::outcome`]. An ident without a status, or with a
    /// status that is not mapped, is [`Outcome::Unknown`] (AI-12).
    pub fn outcome_of(&self, ident: &Ident) -> Outcome {
        ident.status.as_ref().map_or(Outcome::Unknown, |status| self.inner.outcomes.meaning(status))
    }

    /// Whether any status is mapped to a positive end.
    pub(crate) fn knows_positive_end(&self) -> bool {
        self.inner.outcomes.0.values().any(|outcome| matches!(outcome, Outcome::Positive | Outcome::Signed))
    }

    /// Logs in again, or waits for the login that is already running (`[I] auth`). Other calls log in when they need
    /// to. Callers share a login, so [`CallOptions::attempts`] does not apply; the policy does.
    ///
    /// # Errors
    /// [`Kind::Authentication`] if the vendor rejects partner and key, or rejected them before; [`Kind::Timeout`] if
    /// the deadline expires; any other error of a call.
    pub async fn login(&self, options: &CallOptions) -> Result<Response<AuthResponse>, Error> {
        let timeout = options.timeout.unwrap_or(self.inner.timeout);
        let login = self.within(timeout, self.inner.session.log_in()).await??;
        let missing = || Error::new(Kind::Authentication, "the session belongs to another vendor");
        login.response::<Response<AuthResponse>>().cloned().ok_or_else(missing)
    }

    /// Executes an operation.
    ///
    /// # Errors
    /// Those of [`Driver::call`].
    pub async fn call<Op>(&self, operation: &Op, options: &CallOptions) -> Result<Response<Op::Output>, Error>
    where
        Op: Operation<Dialect = Dialect>,
    {
        self.inner.driver.call(operation, options).await
    }

    /// Creates an ident (`[I] ident/create`).
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] with all violations, before anything is sent; [`Kind::OutcomeUnknown`] if the ident may
    /// have been created: no call can find it, so ask the vendor before you create another one (I-042). It is also the
    /// error of a response with several different ident_ids, which [`Error::salvaged_ids`] returns (AT-97);
    /// [`Kind::Rejected`] for `result: false`.
    pub async fn create_ident(
        &self,
        ident: &CreateIdent,
        options: &CallOptions,
    ) -> Result<Response<CreateIdentResponse>, Error> {
        self.open(ident, options, |answer| answer.accepted().map(|()| answer)).await
    }

    /// Reads an ident (`[I] ident/get`).
    ///
    /// # Errors
    /// [`Kind::NotFound`] if the vendor does not know the ident, or no longer (I-020); [`Kind::Protocol`] if the
    /// response contains another ident, or the ident without its status (AT-93).
    pub async fn get_ident(&self, ident_id: &IdentId, options: &CallOptions) -> Result<Response<Ident>, Error> {
        let operation = GetIdent { ident_id: ident_id.clone() };
        self.open(&operation, options, |answer| {
            let ident = answer.into_one(ident_id.expose(), |ident| Some(ident.id.as_ref()?.expose()))?;
            match ident.status.as_ref().is_none_or(IdentStatus::is_empty) {
                true => Err(Error::new(Kind::Protocol, "the response has no status")),
                false => Ok(ident),
            }
        })
        .await
    }

    /// Reads all projects of the account (`[I] project/getAll`).
    ///
    /// # Errors
    /// Any error of a call.
    pub async fn projects(&self, options: &CallOptions) -> Result<Response<Vec<Project>>, Error> {
        self.open(&GetAllProjects, options, |answer| answer.into_many()).await
    }

    /// Reads one project (`[I] project/get`). If the network may have rejected the GET because of its body (400, 403,
    /// 411, 413, or a broken connection), the client reads the list of all projects instead (AI-07).
    ///
    /// # Errors
    /// The error of the first call, if the list does not contain the project either: a 403 can be a missing permission.
    /// [`Kind::Protocol`] if the response contains another project.
    pub async fn project(&self, project_id: &ProjectId, options: &CallOptions) -> Result<Response<Project>, Error> {
        let began = self.inner.driver.clock().now();
        if self.dialect().projects_by_list {
            return find(self.projects(options).await?, project_id);
        }
        let operation = GetProject(ProjectRequest::new(project_id.clone()));
        let one = |answer: Envelope<Project>| answer.into_one(project_id.as_str(), project_id_of);
        let first = match self.open(&operation, options, one).await {
            Err(error) if body_was_in_the_way(&error) => error,
            other => return other,
        };
        let Ok(answered) = self.projects(&self.rest(options, began)).await else { return Err(first) };
        let Ok(mut answered) = find(answered, project_id) else { return Err(first) };
        let message = "project/get did not get through; the project was found in project/getAll";
        answered.warnings.push(Warning::new(message, "AI-07"));
        answered.elapsed = self.inner.driver.clock().now().since(began);
        Ok(answered)
    }

    /// Executes a call and takes the value out of the vendor's envelope.
    async fn open<Op, T>(
        &self,
        operation: &Op,
        options: &CallOptions,
        open: impl FnOnce(Op::Output) -> Result<T, Error>,
    ) -> Result<Response<T>, Error>
    where
        Op: Operation<Dialect = Dialect>,
    {
        let response = self.call(operation, options).await?;
        let (status, raw) = (response.status.as_u16(), response.raw().cloned());
        response.try_map(open).map_err(|error| {
            let worse = error.status().unwrap_or(status).max(status);
            error.with_operation(Op::META.name).with_status(worse).with_delivery(Delivery::Answered).with_answer(raw)
        })
    }

    /// Returns the options with the remaining time as timeout.
    fn rest(&self, options: &CallOptions, began: identkit_core::Instant) -> CallOptions {
        let spent = self.inner.driver.clock().now().since(began);
        let whole = options.timeout.unwrap_or(self.inner.timeout);
        options.clone().timeout(whole.saturating_sub(spent))
    }

    async fn within<T>(&self, timeout: Duration, work: impl Future<Output = T>) -> Result<T, Error> {
        let clock = self.inner.driver.clock();
        match select(pin!(work), clock.sleep_until(clock.now().plus(timeout))).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right(_) => Err(Error::new(Kind::Timeout, "the login did not end within the timeout")
                .with_operation("auth")
                .with_delivery(Delivery::MaybeSent)),
        }
    }
}

fn find(projects: Response<Vec<Project>>, wanted: &ProjectId) -> Result<Response<Project>, Error> {
    projects.try_map(|projects| {
        let place = place_of(&projects, wanted.as_str(), project_id_of)?;
        if place.is_none() && projects.iter().any(|project| project_id_of(project).is_none()) {
            // It may be the wanted one.
            let detail = "the list has a project without its id";
            return Err(Error::new(Kind::Protocol, detail).with_operation(GetAllProjects::META.name));
        }
        place.and_then(|place| projects.into_iter().nth(place)).ok_or_else(|| {
            Error::new(Kind::NotFound, "the account has no such project").with_operation(GetAllProjects::META.name)
        })
    })
}

fn project_id_of(project: &Project) -> Option<&str> {
    project.id.as_ref().map(ProjectId::as_str)
}

/// Whether a proxy that rejects GET requests with a body could be the cause. Decides by the HTTP status, or by a worse
/// status in the response body (AI-07, AI-30).
fn body_was_in_the_way(error: &Error) -> bool {
    match error.status() {
        Some(status) => matches!(status, 400 | 403 | 411 | 413) && error.delivery() == Some(Delivery::Answered),
        None => error.kind() == Kind::Unreachable && error.delivery() == Some(Delivery::MaybeSent),
    }
}

impl fmt::Debug for Identify24 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identify24")
            .field("driver", &self.inner.driver)
            .field("session", &self.inner.session)
            .finish_non_exhaustive()
    }
}
