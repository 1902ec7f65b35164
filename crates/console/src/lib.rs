#![doc = include_str!("../README.md")]
//!
//! # Structure
//! [`Console`] is mounted by [`SandboxBuilder::pages`](identkit_mock_server::SandboxBuilder::pages). `person` has the
//! pages of the person, on the listener of the vendors, and `console` those of the developer, on the listener of the
//! admin API. Both read and change the worlds through the admin API only (`api`).

mod api;
mod console;
mod page;
mod person;

use bytes::Bytes;
use http::{Request, Response};
use identkit_core::{BoxFuture, Content};
use identkit_mock_server::server::{AdminApi, Pages};

/// The web pages of a sandbox.
#[derive(Clone, Copy, Debug, Default)]
pub struct Console;

impl Console {
    /// Creates the pages.
    pub fn new() -> Self {
        Self
    }
}

impl Pages for Console {
    fn person<'a>(
        &'a self,
        admin: &'a AdminApi,
        request: &'a Request<Bytes>,
    ) -> Option<BoxFuture<'a, Response<Content>>> {
        person::answer(admin, request)
    }

    fn console<'a>(
        &'a self,
        admin: &'a AdminApi,
        request: &'a Request<Bytes>,
    ) -> Option<BoxFuture<'a, Response<Content>>> {
        console::answer(admin, request)
    }
}
