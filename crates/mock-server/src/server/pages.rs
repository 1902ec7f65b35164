//! Web pages that the listeners serve beside the APIs.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use identkit_core::{BoxFuture, Content};

use super::AdminApi;
use crate::{SandboxBuilder, Worlds};

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

/// The pages in the plan of a sandbox. The plan does not name their type, because the pages use the admin API, which uses
/// the worlds.
struct Mounted(Arc<dyn Pages>);

impl SandboxBuilder {
    /// Adds web pages to the listeners: the pages of the person to that of the vendors, and the console to that of the
    /// admin API.
    pub fn pages(self, pages: Arc<dyn Pages>) -> Self {
        self.mount(Arc::new(Mounted(pages)))
    }
}

/// Returns the pages of these worlds.
pub(super) fn of(worlds: &Worlds) -> Option<&dyn Pages> {
    worlds.mounted()?.downcast_ref::<Mounted>().map(|mounted| &*mounted.0)
}
