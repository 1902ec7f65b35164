//! The client: sends the operations and turns their answers into values.

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

/// Where the API is (`[I] Getting Started`).
pub const DEFAULT_BASE_URL: &str = "https://api.identify24.de";

/// A client of one partner account. Clones share the session and its token.
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

/// What the vendor's statuses mean, compared without regard to case (AI-12).
#[derive(Clone, Debug)]
struct Outcomes(BTreeMap<String, Outcome>);

impl Default for Outcomes {
    /// The only documented status.
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

    fn of(&self, status: &IdentStatus) -> Outcome {
        self.0.get(&status.as_str().trim().to_lowercase()).copied().unwrap_or(Outcome::Unknown)
    }
}

/// Makes an [`Identify24`].
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

    /// What a status of the vendor means; its case does not matter. The document names only `Unidentified`, which
    /// means [`Outcome::Pending`] unless said otherwise; any other is [`Outcome::Unknown`] until it is told here
    /// (AI-12).
    #[must_use]
    pub fn outcome(mut self, status: &str, outcome: Outcome) -> Self {
        self.outcomes.insert(status, outcome);
        self
    }

    /// What several statuses mean, see [`outcome`](Self::outcome).
    #[must_use]
    pub fn outcomes<'a>(mut self, table: impl IntoIterator<Item = (&'a str, Outcome)>) -> Self {
        for (status, outcome) in table {
            self.outcomes.insert(status, outcome);
        }
        self
    }

    /// In which zone the vendor's local times are, for [`Identify24::timestamp`] and [`Identify24::expires_at`]. None
    /// is assumed; Europe/Berlin is likely, see [`BERLIN`](crate::messages::BERLIN) (AI-11).
    #[must_use]
    pub fn zone(mut self, zone: TimeZone) -> Self {
        self.zone = Some(zone);
        self
    }

    /// Shares the login with other processes, or with other clients of this one, through a store (I-009).
    #[must_use]
    pub fn token_store(mut self, store: Arc<dyn TokenStore>) -> Self {
        self.token_store = Some(store);
        self
    }

    /// Makes the client. Nothing is sent.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] without a transport, and for a base URL or credentials that cannot be used.
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
    /// Begins a client of this partner.
    pub fn builder(credentials: Credentials) -> Builder {
        Builder {
            settings: ClientSettings::new(DEFAULT_BASE_URL, Dialect::new()),
            credentials,
            outcomes: Outcomes::default(),
            token_store: None,
            zone: None,
        }
    }

    /// Replaces the credentials of this client and all its clones while calls are under way. After a 401 to a login it
    /// is the way back: until then nothing more is sent.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when they cannot be used; nothing changes then.
    pub fn set_credentials(&self, credentials: &Credentials) -> Result<(), Error> {
        let login = PartnerLogin::new(&self.inner.login, credentials, &self.inner.base_url)?;
        self.inner.session.set_login(Arc::new(login));
        Ok(())
    }

    /// The switches that every call is made with.
    pub fn dialect(&self) -> &Dialect {
        self.inner.driver.dialect()
    }

    /// A local time of the vendor as a point of time, where a zone was set ([`Builder::zone`]).
    pub fn timestamp(&self, local: &LocalDateTime) -> Option<Timestamp> {
        local.in_zone(self.inner.zone.as_ref()?)
    }

    /// When the vendor probably forgets the ident, where a zone was set ([`Builder::zone`]): an estimate, see
    /// [`Ident::expires_estimate`] (I-020).
    pub fn expires_at(&self, ident: &Ident) -> Option<Timestamp> {
        ident.expires_at(self.inner.zone.as_ref()?)
    }

    /// What the status of an ident means, by the table of [`Builder::outcome`]; [`Outcome::Unknown`] for one that is not
    /// in it, and for an ident without a status (AI-12).
    pub fn outcome_of(&self, ident: &Ident) -> Outcome {
        ident.status.as_ref().map_or(Outcome::Unknown, |status| self.inner.outcomes.of(status))
    }

    /// Logs in anew, or joins the login under way (`[I] auth`). Not needed before other calls: they log in by
    /// themselves. A login is shared, so its attempts are the policy's and not the options'.
    ///
    /// # Errors
    /// [`Kind::Authentication`] when the vendor refuses partner and key, now or before; else what the call met.
    pub async fn login(&self, options: &CallOptions) -> Result<Response<AuthResponse>, Error> {
        let timeout = options.timeout.unwrap_or(self.inner.timeout);
        let login = self.within(timeout, self.inner.session.log_in()).await??;
        let missing = || Error::new(Kind::Authentication, "the session is another vendor's");
        login.response::<Response<AuthResponse>>().cloned().ok_or_else(missing)
    }

    /// Makes any call of this provider.
    ///
    /// # Errors
    /// As [`Driver::call`].
    pub async fn call<Op>(&self, operation: &Op, options: &CallOptions) -> Result<Response<Op::Output>, Error>
    where
        Op: Operation<Dialect = Dialect>,
    {
        self.inner.driver.call(operation, options).await
    }

    /// Creates an ident (`[I] ident/create`).
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] with every fault before anything is sent; [`Kind::OutcomeUnknown`] when the ident may
    /// have been created: there is no call to find out, so ask the vendor before creating another (I-042);
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
    /// [`Kind::NotFound`] when the vendor does not know it, or no longer (I-020); [`Kind::Protocol`] when its answer is
    /// about another ident.
    pub async fn get_ident(&self, ident_id: &IdentId, options: &CallOptions) -> Result<Response<Ident>, Error> {
        let operation = GetIdent { ident_id: ident_id.clone() };
        self.open(&operation, options, |answer| {
            answer.into_one(ident_id.expose(), |ident| Some(ident.id.as_ref()?.expose()))
        })
        .await
    }

    /// Reads all projects of the account (`[I] project/getAll`).
    ///
    /// # Errors
    /// What the call meets.
    pub async fn projects(&self, options: &CallOptions) -> Result<Response<Vec<Project>>, Error> {
        self.open(&GetAllProjects, options, |answer| answer.into_many()).await
    }

    /// Reads one project (`[I] project/get`). Where a GET with a body does not get through (400, 403, 411, 413, or a
    /// broken connection) the project is looked up in the list of all (AI-07).
    ///
    /// # Errors
    /// What the first call met, when the list does not help either: a 403 may be a real lack of permission;
    /// [`Kind::Protocol`] when the answer is about another project.
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

    /// Makes a call and takes the value from the vendor's envelope.
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
        let status = response.status.as_u16();
        response.try_map(open).map_err(|error| {
            let worse = error.status().unwrap_or(status).max(status);
            error.with_operation(Op::META.name).with_status(worse).with_delivery(Delivery::Answered)
        })
    }

    /// The same options with the time that is left of them.
    fn rest(&self, options: &CallOptions, began: identkit_core::Instant) -> CallOptions {
        let spent = self.inner.driver.clock().now().since(began);
        let whole = options.timeout.unwrap_or(self.inner.timeout);
        options.clone().timeout(whole.saturating_sub(spent))
    }

    async fn within<T>(&self, timeout: Duration, work: impl Future<Output = T>) -> Result<T, Error> {
        let clock = self.inner.driver.clock();
        match select(pin!(work), clock.sleep_until(clock.now().plus(timeout))).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right(_) => Err(Error::new(Kind::Timeout, "no answer came in the time given")
                .with_operation("auth")
                .with_delivery(Delivery::MaybeSent)),
        }
    }
}

fn find(projects: Response<Vec<Project>>, wanted: &ProjectId) -> Result<Response<Project>, Error> {
    projects.try_map(|projects| {
        let place = place_of(&projects, wanted.as_str(), project_id_of);
        place.and_then(|place| projects.into_iter().nth(place)).ok_or_else(|| {
            Error::new(Kind::NotFound, "the account has no such project").with_operation(GetAllProjects::META.name)
        })
    })
}

fn project_id_of(project: &Project) -> Option<&str> {
    project.id.as_ref().map(ProjectId::as_str)
}

/// Whether a proxy that does not pass the body of a GET could be the cause, as told by the status of the answer or by
/// the worse one in its body (AI-07, AI-30).
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
