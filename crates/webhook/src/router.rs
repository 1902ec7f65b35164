//! The receiver as a router of axum.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request};

use crate::allow::Peer;
use crate::receiver::Receiver;
use crate::service::ReceiverService;

/// Returns a router that passes every request to the receiver. Nest it under the path of the webhook URLs:
///
/// ```
/// # use std::sync::Arc;
/// # use axum::Router;
/// # use identkit_webhook::{Receiver, router};
/// fn app(receiver: Arc<Receiver>) -> Router {
///     Router::new().nest("/kyc", router(receiver))
/// }
/// ```
///
/// If addresses are checked, serve it with `into_make_service_with_connect_info::<SocketAddr>()`, or insert [`Peer`] into
/// the requests.
pub fn router(receiver: Arc<Receiver>) -> Router {
    let service = ReceiverService::new(receiver);
    Router::new().fallback(move |mut request: Request| {
        let service = service.clone();
        async move {
            if let Some(ConnectInfo(address)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
                let peer = Peer(address.ip());
                request.extensions_mut().insert(peer);
            }
            service.respond(request).await
        }
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use identkit_core::{MemoryInbox, Secret};
    use identkit_testkit::TestClock;
    use tower_service::Service as _;

    use super::*;
    use crate::AllowList;
    use crate::receiver::tests::OnFinal;

    #[tokio::test]
    async fn a_nested_router_receives_webhooks_with_their_peer() {
        let inbox = Arc::new(MemoryInbox::new());
        let clock = Arc::new(TestClock::default());
        let receiver = Receiver::new(vec![Arc::new(OnFinal)], Arc::<MemoryInbox>::clone(&inbox), clock);
        receiver.accept_token("identity-tm", Secret::new("good"));
        let receiver = receiver.allow_only("identity-tm", AllowList::parse(["192.0.2.1"]).unwrap());
        let mut app = Router::new().nest("/kyc", router(Arc::new(receiver)));
        for (path, peer, status) in [
            ("/kyc/identity-tm/good/OnFinal?orderId=1", Some([192, 0, 2, 1]), 202),
            ("/kyc/identity-tm/bad/OnFinal?orderId=1", Some([192, 0, 2, 1]), 404),
            ("/kyc/identity-tm/good/OnFinal?orderId=2", Some([192, 0, 2, 2]), 404),
            ("/kyc/identity-tm/good/OnFinal?orderId=3", None, 404),
        ] {
            let mut request = Request::builder().uri(path).header("host", "x").body(Body::empty()).unwrap();
            if let Some(peer) = peer {
                request.extensions_mut().insert(ConnectInfo(SocketAddr::from((peer, 1))));
            }
            assert_eq!(app.call(request).await.unwrap().status(), status, "{path} {peer:?}");
        }
        assert_eq!(inbox.events().len(), 1);
    }
}
