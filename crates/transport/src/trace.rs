//! Calls as spans of `tracing`: one per call, an event per attempt, all of it from the observer's allow-list.
//!
//! Names: target `identkit`, span `call`; fields `provider`, `operation`, `tag`, `attempts`, `status`, `failure`,
//! `delivery`, `elapsed_ms`, `dropped`. Events within it: `attempt` at DEBUG, `retry` at WARN, `dropped` at WARN,
//! `stream` at DEBUG.

use std::sync::Arc;
use std::time::Duration;

use identkit_core::{Delivery, Kind};
use tracing::field::Empty;
use tracing::{Span, debug, info_span, warn};

use crate::observer::{AttemptReport, CallInfo, CallObserver, CallReport, Observer, StreamReport};

/// Tells calls to `tracing`. It makes no span current: what the caller logs meanwhile stays the caller's.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingObserver;

impl Observer for TracingObserver {
    fn begin(&self, call: &CallInfo) -> Arc<dyn CallObserver> {
        Arc::new(Call(info_span!(
            target: "identkit",
            "call",
            provider = call.provider,
            operation = call.operation,
            tag = call.tag,
            attempts = Empty,
            status = Empty,
            failure = Empty,
            delivery = Empty,
            elapsed_ms = Empty,
            dropped = Empty,
        )))
    }
}

struct Call(Span);

impl CallObserver for Call {
    fn attempted(&self, attempt: &AttemptReport) {
        let _inside = self.0.enter();
        let AttemptReport { number, request_bytes, status, failure, delivery, elapsed, wait } = *attempt;
        let (failure, delivery, elapsed_ms) = (failure.map(kind), word(delivery), millis(elapsed));
        match wait.map(millis) {
            Some(wait_ms) => {
                warn!(target: "identkit", number, request_bytes, status, failure, delivery, elapsed_ms, wait_ms, "retry");
            }
            None => {
                debug!(target: "identkit", number, request_bytes, status, failure, delivery, elapsed_ms, "attempt");
            }
        }
    }

    fn ended(&self, report: &CallReport) {
        let CallReport { attempts, status, failure, delivery, elapsed, dropped } = *report;
        self.0.record("attempts", attempts);
        self.0.record("status", status);
        self.0.record("failure", failure.map(kind));
        self.0.record("delivery", word(delivery));
        self.0.record("elapsed_ms", millis(elapsed));
        self.0.record("dropped", dropped);
        if dropped {
            let _inside = self.0.enter();
            warn!(target: "identkit", delivery = word(delivery), "dropped");
        }
    }

    fn streamed(&self, report: &StreamReport) {
        let _inside = self.0.enter();
        let StreamReport { bytes, failure, elapsed, dropped } = *report;
        let (failure, elapsed_ms) = (failure.map(kind), millis(elapsed));
        debug!(target: "identkit", bytes, failure, elapsed_ms, dropped, "stream");
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn word(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::NotSent => "not_sent",
        Delivery::MaybeSent => "maybe_sent",
        Delivery::Answered => "answered",
    }
}

/// Words that do not change, whatever the names of the variants become.
fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::InvalidInput => "invalid_input",
        Kind::Authentication => "authentication",
        Kind::Forbidden => "forbidden",
        Kind::NotFound => "not_found",
        Kind::InvalidState => "invalid_state",
        Kind::Rejected => "rejected",
        Kind::Conflict => "conflict",
        Kind::RateLimited => "rate_limited",
        Kind::TanRejected => "tan_rejected",
        Kind::SigningCanceled => "signing_cancelled",
        Kind::OutcomeUnknown => "outcome_unknown",
        Kind::Unreachable => "unreachable",
        Kind::Timeout => "timeout",
        Kind::Unavailable => "unavailable",
        Kind::Protocol => "protocol",
        Kind::Integrity => "integrity",
        Kind::Unsupported => "unsupported",
        Kind::Storage => "storage",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::sync::Mutex;

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// Writes everything down that a subscriber can see.
    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<String>>);

    impl Visit for Paper {
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            write!(self.0.lock().unwrap(), " {}={value:?}", field.name()).unwrap();
        }
    }

    impl Subscriber for Paper {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, span: &Attributes<'_>) -> Id {
            write!(self.0.lock().unwrap(), "\n{}:", span.metadata().name()).unwrap();
            span.record(&mut self.clone());
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, values: &Record<'_>) {
            values.record(&mut self.clone());
        }
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, event: &Event<'_>) {
            write!(self.0.lock().unwrap(), "\n{}", event.metadata().level()).unwrap();
            event.record(&mut self.clone());
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn a_call_is_a_span_with_what_may_be_told() {
        let paper = Paper::default();
        let text = Arc::clone(&paper.0);
        tracing::subscriber::with_default(paper, || {
            let call =
                TracingObserver.begin(&CallInfo { provider: "test", operation: "putOrder", tag: Some("nightly") });
            let second = Duration::from_secs(1);
            call.attempted(&AttemptReport {
                number: 1,
                request_bytes: 300,
                status: Some(503),
                failure: Some(Kind::Unavailable),
                delivery: Delivery::Answered,
                elapsed: second,
                wait: Some(second),
            });
            call.ended(&CallReport {
                attempts: 2,
                status: None,
                failure: None,
                delivery: Delivery::MaybeSent,
                elapsed: second,
                dropped: true,
            });
            call.streamed(&StreamReport { bytes: 7, failure: None, elapsed: second, dropped: false });
        });
        let told = text.lock().unwrap();
        for part in [
            "call: provider=\"test\" operation=\"putOrder\" tag=\"nightly\"",
            "WARN message=retry number=1 request_bytes=300 status=503 failure=\"unavailable\" delivery=\"answered\" elapsed_ms=1000 wait_ms=1000",
            " attempts=2 delivery=\"maybe_sent\" elapsed_ms=1000 dropped=true",
            "WARN message=dropped delivery=\"maybe_sent\"",
            "DEBUG message=stream bytes=7 elapsed_ms=1000 dropped=false",
        ] {
            assert!(told.contains(part), "{part}\nis not in\n{told}");
        }
    }

    /// What the libraries under the transport tell is beyond the observer's allow-list: they know of connections, and
    /// must not know of more.
    #[cfg(feature = "http")]
    #[tokio::test]
    async fn libraries_tell_of_connections_and_never_of_what_goes_over_them() {
        use ::http::Request;
        use identkit_core::Instant;
        use identkit_wire::Body;
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

        use crate::http::{HyperTransport, TlsConfig};
        use crate::{AttemptContext, Transport as _};

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/Mustermann", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = Vec::new();
            while !heard.ends_with(b"Mustermann\"") {
                stream.read_buf(&mut heard).await.unwrap();
            }
            let answer = b"HTTP/1.1 200 Mustermann\r\nx-name: Mustermann\r\ncontent-length: 10\r\n\r\nMustermann";
            stream.write_all(answer).await.unwrap();
        });
        let paper = Paper::default();
        let text = Arc::clone(&paper.0);
        let listening = tracing::subscriber::set_default(paper);
        let request = Request::put(url).header("authorization", "Mustermann");
        let request = request.body(Body::from(b"\"Mustermann\"".to_vec())).unwrap();
        let transport = HyperTransport::new(&TlsConfig::bundled().unwrap());
        let answer = transport.send(request, &AttemptContext::new(true, Instant::NEVER)).await.unwrap();
        assert_eq!(answer.into_body().collect(100).await.unwrap(), "Mustermann");
        drop(listening);
        let told = text.lock().unwrap();
        assert!(told.contains("connecting to 127.0.0.1"), "nobody listened:\n{told}");
        assert!(!told.contains("Mustermann"), "{told}");
    }
}
