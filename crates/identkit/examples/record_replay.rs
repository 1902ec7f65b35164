//! Records the exchanges of a test with the sandbox, and replays them without it.
//!
//! A recording is JSON, for a test's fixtures. It contains no value except those of the fields that you name.
//!
//! ```sh
//! cargo run -p identkit --example record_replay
//! ```
//!
//! Features: `identity-tm`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::sync::Arc;

use identkit::core::{Address, CaseRef, NewCase, Outcome, Person};
use identkit::identity_tm::{Credentials, IdentityTm};
use identkit::transport::Transport;
use identkit::transport::record::{Recorder, Redaction, Replayer};
use identkit::{CallOptions, Error, IdentityProvider, Kind};
use identkit_mock_server::Sandbox;

/// `Kind` and `Time` are the code and the time of a status entry: not personal, and the outcome depends on them.
fn redaction() -> Redaction {
    Redaction::keeping(["Kind", "Time"])
}

fn client(transport: Arc<dyn Transport>) -> Result<Box<dyn IdentityProvider>, Error> {
    let account = Credentials::new("sandbox-customer", "sandbox-code");
    Ok(Box::new(IdentityTm::builder(account).transport(transport).build()?))
}

/// The code under test: opens a case, and reads its status after the person is done.
async fn verify(
    vendor: &dyn IdentityProvider,
    person_acts: impl FnOnce(&CaseRef) -> Result<(), Box<dyn std::error::Error>>,
) -> Result<Outcome, Box<dyn std::error::Error>> {
    let person = Person {
        given_names: "Erika".into(),
        family_name: "Mustermann".into(),
        email: Some("e.mustermann@example.com".into()),
        address: Address { country: Some("DE".into()), ..Address::default() },
        ..Person::default()
    };
    let case = NewCase { reference: Some("case-4711".into()), person, ..NewCase::default() };
    let opened = vendor.open(&case, &CallOptions::new()).await?;
    person_acts(&opened.case)?;
    Ok(vendor.status(&opened.case, &CallOptions::new()).await?.outcome)
}

/// Runs the code against the sandbox. To record the vendor itself, wrap a `HyperTransport`.
async fn record() -> Result<String, Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start();
    let recorder = Arc::new(Recorder::new(sandbox.transport(), redaction()));
    let vendor = client(Arc::clone(&recorder) as _)?;
    let outcome = verify(vendor.as_ref(), |case| Ok(sandbox.play(case.id.expose(), "positive")?)).await?;
    assert_eq!(outcome, Outcome::Positive);
    Ok(recorder.recording())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("positive.json");
    std::fs::write(&path, record().await?)?;

    let recording = std::fs::read_to_string(&path)?;
    for value in ["Erika", "Mustermann", "case-4711", "sandbox-c"] {
        assert!(!recording.contains(value), "{value} must not be in a recording");
    }
    println!("recorded {} bytes", recording.len());

    // In the test: no sandbox and no network. The replayer compares each request with the recorded one.
    let replayer = Arc::new(Replayer::new(&recording, redaction())?);
    let vendor = client(Arc::clone(&replayer) as _)?;
    // Ids are redacted as well: the replayed case has the id `[redacted]`.
    assert_eq!(verify(vendor.as_ref(), |_| Ok(())).await?, Outcome::Positive);
    replayer.verify()?;
    println!("replayed: the code under test sent the recorded requests, and no others");

    // If the code changes what it sends, the test fails: this one sends the order only.
    let replayer = Arc::new(Replayer::new(&recording, redaction())?);
    let vendor = client(Arc::clone(&replayer) as _)?;
    let case = CaseRef { provider: vendor.descriptor().name.into(), id: "[redacted]".into(), state: None };
    let failed = vendor.status(&case, &CallOptions::new()).await.map_err(|error| error.kind());
    assert_eq!(failed, Err(Kind::InvalidInput));
    let mismatch = replayer.verify().err().ok_or("the replayer missed a mismatch")?;
    println!("a mismatch: {mismatch}");
    Ok(())
}
