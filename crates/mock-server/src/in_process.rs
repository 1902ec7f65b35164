//! A transport into a sandbox of the same process, without sockets.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use identkit_core::{Content, Delivery, Kind};
use identkit_transport::{AttemptContext, Failure, Transport};
use identkit_wire::Body;

use crate::faults::as_received;
use crate::{NoAnswer, Sandbox};

/// Sends requests to a sandbox in this process. The host of the base URL is ignored; the path selects the vendor.
#[derive(Clone, Debug)]
pub struct InProcess(pub Sandbox);

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let (head, body) = request.into_parts();
        let mut bytes = Vec::new();
        for chunk in body.read() {
            let chunk = chunk.map_err(|source| {
                Failure::new(Delivery::NotSent, Kind::Storage, "a document of the request cannot be read")
                    .with_source(source)
            })?;
            bytes.extend_from_slice(&chunk);
        }
        context.mark_sent();
        let response = self.0.handle(Request::from_parts(head, Bytes::from(bytes))).await;
        if NoAnswer::marks(&response) {
            let detail = "the connection was closed before the response began";
            return Err(Failure::new(Delivery::MaybeSent, Kind::Unreachable, detail));
        }
        as_received(response).await
    }
}

impl Sandbox {
    /// Returns a transport that sends a client's requests to this sandbox without a socket.
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(InProcess(self.clone()))
    }
}
