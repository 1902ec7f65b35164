//! Web pages that the listeners serve beside the APIs.

use std::fmt;

use bytes::Bytes;
use http::{Request, Response};
use identkit_core::{BoxFuture, Content};

use super::AdminApi;

/// Web pages of a sandbox: the pages of the person and the console. The crate identkit-console has both.
///
/// They read and change the worlds through the calls of the [`AdminApi`], so that everything they show and do can be
/// done with curl as well.
pub trait Pages: Send + Sync + fmt::Debug {
    /// Answers a request to the vendors' listener. Returns `None` if its path is not that of a page.
    fn person<'a>(
        &'a self,
        admin: &'a AdminApi,
        request: &'a Request<Bytes>,
    ) -> Option<BoxFuture<'a, Response<Content>>>;

    /// Answers a request to the admin listener. Returns `None` if its path is not that of a page.
    fn console<'a>(
        &'a self,
        admin: &'a AdminApi,
        request: &'a Request<Bytes>,
    ) -> Option<BoxFuture<'a, Response<Content>>>;
}
