//! Receives webhooks in any server: the receiver is a function from a request with its body to a response.
//!
//! ```sh
//! cargo run -p identkit --example webhooks_function
//! ```
//!
//! Features: `identity-tm`, `webhook`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::sync::Arc;

use identkit::Secret;
use identkit::bytes::Bytes;
use identkit::core::{Event, Inbox, MemoryInbox};
use identkit::http::{Method, Request, Response, StatusCode, Uri};
use identkit::identity_tm::{self, OrderCallback};
use identkit::transport::SystemClock;
use identkit::webhook::{BODY_LIMIT, Receiver};
use identkit::wire::Callback;

/// What a server must do: read the body only if the token is valid, and no more than the receiver accepts.
async fn handle(receiver: &Receiver, head: Request<()>, read: impl FnOnce(usize) -> Bytes) -> Response<Bytes> {
    // If the tokens cannot be read, the receiver answers 503 without a body.
    let is_known = receiver.admits(head.uri().path()).await.unwrap_or(false);
    let body = if is_known { read(BODY_LIMIT + 1) } else { Bytes::new() };
    receiver.handle(head.map(|()| body)).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The token authenticates the vendor: at least 128 random bits, from your secret store.
    let token = Secret::new("9f2c7d4e1ab84c05b6e3d8f7a0c15e62");
    let inbox = Arc::new(MemoryInbox::new());
    let clock = Arc::new(SystemClock::new());
    let receiver = Receiver::new(identity_tm::callbacks(), Arc::<MemoryInbox>::clone(&inbox) as Arc<dyn Inbox>, clock);
    receiver.accept_token(identity_tm::PROVIDER, token.clone());

    // The vendor's request, without a vendor.
    let url = OrderCallback::OnFinal.url_template(&Uri::from_static("https://hooks.example.com/kyc"), &token)?;
    let mut event = Event::new(identity_tm::PROVIDER, "OnFinal", "4711/OnFinal");
    event.case_id = Some(Secret::new("4711"));
    let request = OrderCallback::OnFinal.emit(url.expose(), &Method::GET, &event)?;

    let (head, body) = request.into_parts();
    let response = handle(&receiver, Request::from_parts(head, ()), |_| body).await;
    println!("{}", response.status());
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    assert_eq!(inbox.events().len(), 1);

    let unknown = Request::builder().uri("/kyc/identity-tm/another-token/OnFinal?orderId=4711").body(())?;
    let response = handle(&receiver, unknown, |_| unreachable!("the body is not read")).await;
    println!("{}", response.status());
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    Ok(())
}
