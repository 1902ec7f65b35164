//! An account's credentials, and its observer.

use identkit_transport::{AttemptReport, CallInfo, CallObserver, CallReport, Observer, StreamReport};

use crate::support::*;

fn status(code: u16) -> Step {
    reply(code, format!(r#"{{"OrderID":"{ORDER}","Status":[]}}"#))
}

#[test]
fn after_a_401_nothing_is_sent_until_credentials_change() {
    let client = client([status(401), status(200)]);
    let (order, options) = (OrderId::new(ORDER), CallOptions::new());
    assert_eq!(block_on(client.status(&order, &options)).unwrap_err().kind(), Kind::Authentication);
    let error = block_on(client.status(&order, &options)).unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::Authentication, Some(Delivery::NotSent)));
    assert_eq!(error.advice(), Advice::CheckCredentials);
    // Invalid credentials change nothing; valid ones are used by a clone too.
    let clone = client.clone();
    client.set_credentials(&identkit_identity_tm::Credentials::new("a:b", Secret::new("x"))).unwrap_err();
    block_on(clone.status(&order, &options)).unwrap_err();
    client.set_credentials(&identkit_identity_tm::Credentials::new("4712", Secret::new("new"))).unwrap();
    block_on(clone.status(&order, &options)).unwrap();
    let sent = client.sent();
    assert_ne!(sent[0].headers["authorization"], sent[1].headers["authorization"]);
}

/// Records the `Debug` text of every report, as a log would.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn write(&self, report: &dyn std::fmt::Debug) {
        self.0.lock().unwrap().push_str(&format!("{report:?}\n"));
    }
}

impl Observer for Log {
    fn begin(&self, call: &CallInfo) -> Arc<dyn CallObserver> {
        self.write(call);
        Arc::new(self.clone())
    }
}

impl CallObserver for Log {
    fn attempted(&self, attempt: &AttemptReport) {
        self.write(attempt);
    }
    fn ended(&self, report: &CallReport) {
        self.write(report);
    }
    fn streamed(&self, report: &StreamReport) {
        self.write(report);
    }
}

#[test]
fn an_observer_gets_every_call_without_personal_data() {
    let log = Log::default();
    let text = Arc::clone(&log.0);
    let steps = [Step::NotSent, Step::Reset];
    let client = client_by(|builder| builder.observer(Arc::new(log)), steps);
    let order = plain_order().reference("Erika-Mustermann-1");
    let options = CallOptions::new().tag("onboarding");
    assert_eq!(block_on(client.put_order(&order, &options)).unwrap_err().kind(), Kind::OutcomeUnknown);
    let text = text.lock().unwrap();
    for part in [
        r#"provider: "identity-tm", operation: "putOrder", tag: Some("onboarding")"#,
        "number: 1",
        "number: 2",
        "failure: Some(OutcomeUnknown), delivery: MaybeSent",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let small = text.to_lowercase();
    for personal in ["erika", "mustermann", "4711", "code", "example.com"] {
        assert!(!small.contains(personal), "{personal} is in\n{text}");
    }
}
