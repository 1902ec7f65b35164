//! Has a person sign a PDF with a TAN, at identity.TM.
//!
//! The service orders an identification with a PDF to sign. After the identification it starts the signature, the
//! person receives a TAN by SMS and types it in, and the service confirms it and saves the signed PDF. The account
//! needs the customer-side signature ([T] 5). The sandbox plays the person, and its SMS is read from the sandbox.
//!
//! ```sh
//! cargo run -p identkit --features save --example sign_pdf
//! ```
//!
//! Features: `identity-tm`, `save`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::sync::Arc;

use identkit::core::Outcome;
use identkit::identity_tm::messages::Address;
use identkit::identity_tm::order::ToSign;
use identkit::identity_tm::{IdentityTm, NewOrder, OrderId, SignedPdfs};
use identkit::transport::save::Save;
use identkit::wire::json::Blob;
use identkit::{CallOptions, Error, Kind, Secret};
use identkit_mock_server::Sandbox;

const CONTRACT: &[u8] = include_bytes!("contract.pdf");

/// Whether the order is signed. `false`: the TAN was wrong, so ask the person again or call `resend_tan`.
async fn confirm(vendor: &IdentityTm, order: &OrderId, tan: &Secret) -> Result<bool, Error> {
    match vendor.confirm_sign(order, tan, &CallOptions::new()).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == Kind::TanRejected => Ok(false),
        // `SigningCanceled` after too many wrong TANs: the order is canceled. `OutcomeUnknown`: read the status, and never
        // repeat the call, because each one uses up an attempt.
        Err(error) => Err(error),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start();
    let clock = Arc::new(sandbox.clock().clone());
    let vendor = IdentityTm::builder(sandbox.identity_tm()).transport(sandbox.transport()).clock(clock).build()?;
    let options = CallOptions::new();

    let person = Address::default().firstname("Erika").surname("Mustermann").country("DE");
    let order = NewOrder::signature("e.mustermann@example.com", person)
        .mobile("+4915111111111")
        .sign(ToSign::pdf("contract.pdf", Blob::from_bytes(CONTRACT)))
        .reference("contract-4711")
        .target_link()
        .build()?;
    let placed = vendor.put_order(&order, &options).await?.value;
    // Store both with the contract: the flavor of an order decides which codes end it (AT-14).
    let (id, flavor) = (placed.order_id, placed.flavor);

    sandbox.play(id.expose(), "identified")?;
    let outcome = vendor.status(&id, &options).await?.value.finality(flavor).outcome;
    assert_eq!(outcome, Outcome::Identified, "code 6 does not end an order with a signature");
    println!("identified, not signed");

    vendor.request_sign(&id, &options).await?;
    let tan = sandbox.tan(id.expose()).ok_or("the sandbox sent no TAN")?;
    let wrong = if tan.expose() == "000000" { "111111" } else { "000000" };
    assert!(!confirm(&vendor, &id, &Secret::new(wrong)).await?);
    println!("a wrong TAN was rejected");
    // A TAN is text: it can begin with zeros (AT-56).
    assert!(confirm(&vendor, &id, &tan).await?);

    let outcome = vendor.status(&id, &options).await?.value.finality(flavor).outcome;
    assert_eq!(outcome, Outcome::Signed);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("contract.signed.pdf");
    // One document comes as a stream; several come as a list, in the order of the request (AT-35).
    let SignedPdfs::One(content) = vendor.signed_pdfs(&id, &options).await?.value else {
        return Err("one document was sent and several came back".into());
    };
    let saved = Save::new(&path).run(content).await?;
    let signed = std::fs::read(&path)?;
    assert!(signed.len() > CONTRACT.len() && signed.starts_with(CONTRACT), "a signature is appended to the original");
    println!("signed: {} bytes, SHA-256 {}", saved.length, saved.hex());
    Ok(())
}
