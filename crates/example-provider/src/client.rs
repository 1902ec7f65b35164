//! The client: sends the operations and decodes their responses.

use std::fmt;
use std::sync::Arc;

use identkit_core::{CallOptions, Content, Error};
use identkit_transport::{ClientSettings, Driver, Response, client_setters};
use identkit_wire::Operation;

use crate::auth::{Credentials, driver};
use crate::dialect::Dialect;
use crate::messages::{CaseId, CreateCase, CreatedCase};
use crate::operations::{CaseResponse, DeleteCase, GetCase, GetReport};

/// Base URL of the API.
pub const DEFAULT_BASE_URL: &str = "https://api.acme-ident.example";

/// Client of one account. Clones share its connections and credentials.
///
/// # Panics
/// With the default clock, its calls panic outside a tokio runtime with timers.
#[derive(Clone)]
pub struct Acme {
    driver: Arc<Driver<Dialect>>,
}

impl fmt::Debug for Acme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acme").field("driver", &self.driver).finish_non_exhaustive()
    }
}

/// Builds an [`Acme`].
#[derive(Clone, Debug)]
pub struct Builder {
    settings: ClientSettings<Dialect>,
    credentials: Credentials,
}

impl Builder {
    client_setters!(Dialect);

    /// Builds the client. Sends nothing.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`](identkit_core::Kind::InvalidInput) if the transport is missing, or if the base URL or the
    /// credentials are unusable.
    pub fn build(self) -> Result<Acme, Error> {
        Ok(Acme { driver: Arc::new(driver(&self.settings, &self.credentials)?) })
    }
}

impl Acme {
    /// Returns a builder for a client of this account.
    pub fn builder(credentials: Credentials) -> Builder {
        Builder { settings: ClientSettings::new(DEFAULT_BASE_URL, Dialect::new()), credentials }
    }

    /// Switches that apply to every call.
    pub fn dialect(&self) -> &Dialect {
        self.driver.dialect()
    }

    /// Executes an operation.
    ///
    /// # Errors
    /// Those of [`Driver::call`].
    pub async fn call<Op>(&self, operation: &Op, options: &CallOptions) -> Result<Response<Op::Output>, Error>
    where
        Op: Operation<Dialect = Dialect>,
    {
        self.driver.call(operation, options).await
    }

    /// Creates a case.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`](identkit_core::Kind::InvalidInput) with all violations, before anything is sent;
    /// [`Kind::OutcomeUnknown`](identkit_core::Kind::OutcomeUnknown) if the case may exist: no call can find it, so ask
    /// the vendor before you create another one (ACME-04, ACME-T2).
    pub async fn create_case(&self, case: &CreateCase, options: &CallOptions) -> Result<Response<CreatedCase>, Error> {
        self.call(case, options).await
    }

    /// Reads a case.
    ///
    /// # Errors
    /// [`Kind::NotFound`](identkit_core::Kind::NotFound) if the vendor does not know the case, or has deleted it.
    pub async fn case(&self, id: &CaseId, options: &CallOptions) -> Result<Response<CaseResponse>, Error> {
        self.call(&GetCase::new(id.clone()), options).await
    }

    /// Reads the report of a finished case: a PDF. The stream ends with an error if it is incomplete.
    ///
    /// # Errors
    /// [`Kind::InvalidState`](identkit_core::Kind::InvalidState) if the case is not finished.
    pub async fn report(&self, id: &CaseId, options: &CallOptions) -> Result<Response<Content>, Error> {
        self.call(&GetReport::new(id.clone()), options).await
    }

    /// Deletes all data of a finished case.
    ///
    /// # Errors
    /// [`Kind::NotFound`](identkit_core::Kind::NotFound) if the vendor does not know the case, or has deleted it.
    pub async fn delete_case(&self, id: &CaseId, options: &CallOptions) -> Result<Response<()>, Error> {
        self.call(&DeleteCase::new(id.clone()), options).await
    }
}
