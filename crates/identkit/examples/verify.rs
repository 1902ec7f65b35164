//! Verifies a person with either vendor, through the port `IdentityProvider`.
//!
//! The service opens a case, reads its status and handles every outcome. If the vendor has evidence, the service saves
//! it, proves that it is on disk, and deletes the vendor's copy. The sandbox plays the person.
//!
//! ```sh
//! cargo run -p identkit --features save --example verify
//! PROVIDER=identify24 cargo run -p identkit --features save --example verify
//! ```
//!
//! Features: `identify24`, `identity-tm`, `save`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::path::Path;
use std::sync::Arc;

use identkit::core::{
    Address, Capability, CaseRef, CaseStatus, DeletePermit, EvidenceProof, Gender, NewCase, NothingToCollect, Outcome,
    Person,
};
use identkit::transport::save::Save;
use identkit::{CallOptions, Error, IdentityProvider, Kind, Pii, identify24, identity_tm};
use identkit_mock_server::Sandbox;

/// The client of the configured vendor. In production, `transport` is a `HyperTransport` and `clock` is left out.
fn provider(name: &str, sandbox: &Sandbox) -> Result<Arc<dyn IdentityProvider>, Error> {
    let (transport, clock) = (sandbox.transport(), Arc::new(sandbox.clock().clone()));
    match name {
        identity_tm::PROVIDER => {
            let builder = identity_tm::IdentityTm::builder(sandbox.identity_tm());
            Ok(Arc::new(builder.transport(transport).clock(clock).build()?))
        }
        identify24::PROVIDER => {
            // The vendor's document names no final status: ask the vendor for the names of your account (AI-12).
            let statuses = [("Identified", Outcome::Positive), ("Rejected", Outcome::Negative)];
            let builder = identify24::Identify24::builder(sandbox.identify24()).outcomes(statuses);
            Ok(Arc::new(builder.transport(transport).clock(clock).build()?))
        }
        _ => Err(Error::new(Kind::InvalidInput, "PROVIDER must be identity-tm or identify24")),
    }
}

/// Creates a case with every field that one of the two vendors requires.
fn new_case(reference: &str) -> Result<NewCase, Box<dyn std::error::Error>> {
    let [postal_code, city, country] = ["51147", "Köln", "DE"].map(|text| Some(text.into()));
    let person = Person {
        given_names: "Erika".into(),
        family_name: "Mustermann".into(),
        birth_date: Some(Pii::new("1964-08-12".parse()?)),
        birthplace: Some("Berlin".into()),
        nationality: Some("DE".into()),
        gender: Some(Gender::Female),
        email: Some("e.mustermann@example.com".into()),
        mobile: Some("+4915111111111".into()),
        address: Address { postal_code, city, country, ..Address::default() },
    };
    Ok(NewCase { reference: Some(reference.into()), project: Some("6".into()), person, ..NewCase::default() })
}

/// Returns what the service does next. It must handle every outcome.
fn next_step(status: &CaseStatus) -> &'static str {
    match status.outcome {
        Outcome::Positive | Outcome::Signed => "verified: continue with the customer",
        Outcome::Negative | Outcome::Terminated => "not verified: stop, or offer another way",
        Outcome::FraudSuspicion => "suspicion of fraud: stop, and have an employee look at the evidence",
        Outcome::TimedOut | Outcome::TimedOutAfterIdent | Outcome::Gone => "expired: open another case",
        Outcome::Pending | Outcome::Identified => "not finished: wait for the webhook",
        // `Unknown` as well: the vendor may use a status that its document does not list.
        _ => "unknown: log `vendor_codes`, and decide nothing",
    }
}

/// Saves all evidence of an ended case into a directory, then deletes the vendor's copy. Returns the number of files.
async fn collect(
    vendor: &dyn IdentityProvider,
    case: &CaseRef,
    outcome: Outcome,
    folder: &Path,
) -> Result<usize, Error> {
    let options = CallOptions::new();
    let mut plan = vendor.evidence_plan(case, &options).await?;
    let mut digests = Vec::new();
    for kind in plan.kinds() {
        match vendor.evidence(case, kind, &options).await {
            Ok(pieces) => {
                for piece in pieces {
                    let path = folder.join(piece.file_name());
                    // `Save` syncs the file and reads it back: the digest is that of the bytes on disk.
                    let saved = Save::new(path).run(piece.content).await?;
                    digests.push((piece.item, saved.sha256));
                }
            }
            // An error if the case must have this kind.
            Err(error) if error.kind() == Kind::NotFound => plan.mark_absent(kind)?,
            Err(error) => return Err(error),
        }
    }
    // Both fail if anything is missing: the vendor's copy is never deleted too early.
    let count = digests.len();
    let permit = if plan.is_empty() {
        DeletePermit::NothingToCollect(NothingToCollect::new(outcome, &plan)?) // e.g. after a negative identification
    } else {
        DeletePermit::Evidence(EvidenceProof::new(&plan, digests)?)
    };
    vendor.delete(case, &permit, &options).await?;
    Ok(count)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let configured = std::env::args().nth(1).or_else(|| std::env::var("PROVIDER").ok());
    let name = configured.unwrap_or_else(|| identity_tm::PROVIDER.into());
    let sandbox = Sandbox::start();
    let vendor = provider(&name, &sandbox)?;
    println!("{}: {}", vendor.descriptor().name, vendor.descriptor().document);

    for (scenario, expected) in [("positive", Outcome::Positive), ("negative", Outcome::Negative)] {
        let opened = vendor.open(&new_case(scenario)?, &CallOptions::new()).await?;
        // Store `opened.case`, and send the person to `opened.person_url`. The URL is a secret: never log it.
        assert_eq!(vendor.status(&opened.case, &CallOptions::new()).await?.outcome, Outcome::Pending);
        sandbox.play(opened.case.id.expose(), scenario)?;
        let status = vendor.status(&opened.case, &CallOptions::new()).await?;
        assert_eq!(status.outcome, expected);
        println!("{:?} by {:?}: {}", status.outcome, status.vendor_codes, next_step(&status));

        if vendor.descriptor().can(Capability::Evidence) {
            let folder = tempfile::tempdir()?;
            let count = collect(vendor.as_ref(), &opened.case, status.outcome, folder.path()).await?;
            assert_eq!(count, if expected == Outcome::Positive { 2 } else { 0 });
            println!("files of evidence: {count}");
        }
    }
    Ok(())
}
