//! Reports calls to `tracing`: one span per call, one event per attempt, with the fields of the observer's reports.
//!
//! Names: target `identkit`, span `call`; fields `provider`, `operation`, `tag`, `attempts`, `status`, `failure`,
//! `delivery`, `elapsed_ms`, `dropped`. Events in the span: `attempt` at DEBUG, `retry` at WARN, `dropped` at WARN,
//! `stream` at DEBUG.

use std::sync::Arc;
use std::time::Duration;

use identkit_core::{Delivery, Kind};
use tracing::field::Empty;
use tracing::{Span, debug, info_span, warn};

use crate::observer::{AttemptReport, CallInfo, CallObserver, CallReport, Observer, StreamReport};

/// Reports calls to `tracing`. The span is not entered during a call: events of the caller do not belong to it.
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
        let _entered = self.0.enter();
        let AttemptReport { number, request_bytes, status, failure, delivery, elapsed, wait } = *attempt;
        let (failure, delivery, elapsed_ms) = (failure.map(kind_name), delivery_name(delivery), millis(elapsed));
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
        self.0.record("failure", failure.map(kind_name));
        self.0.record("delivery", delivery_name(delivery));
        self.0.record("elapsed_ms", millis(elapsed));
        self.0.record("dropped", dropped);
        if dropped {
            let _entered = self.0.enter();
            warn!(target: "identkit", delivery = delivery_name(delivery), "dropped");
        }
    }

    fn streamed(&self, report: &StreamReport) {
        let _entered = self.0.enter();
        let StreamReport { bytes, failure, elapsed, dropped } = *report;
        let (failure, elapsed_ms) = (failure.map(kind_name), millis(elapsed));
        debug!(target: "identkit", bytes, failure, elapsed_ms, dropped, "stream");
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn delivery_name(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::NotSent => "not_sent",
        Delivery::MaybeSent => "maybe_sent",
        Delivery::Answered => "answered",
    }
}

/// Stable names, independent of the names of the variants.
fn kind_name(kind: Kind) -> &'static str {
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

    /// Collects everything that a subscriber receives as text.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<String>>);

    impl Visit for Log {
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            write!(self.0.lock().unwrap(), " {}={value:?}", field.name()).unwrap();
        }
    }

    impl Subscriber for Log {
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
    fn a_call_is_a_span_with_the_reported_fields() {
        let log = Log::default();
        let text = Arc::clone(&log.0);
        tracing::subscriber::with_default(log, || {
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
        let logged = text.lock().unwrap();
        for part in [
            "call: provider=\"test\" operation=\"putOrder\" tag=\"nightly\"",
            "WARN message=retry number=1 request_bytes=300 status=503 failure=\"unavailable\" delivery=\"answered\" elapsed_ms=1000 wait_ms=1000",
            " attempts=2 delivery=\"maybe_sent\" elapsed_ms=1000 dropped=true",
            "WARN message=dropped delivery=\"maybe_sent\"",
            "DEBUG message=stream bytes=7 elapsed_ms=1000 dropped=false",
        ] {
            assert!(logged.contains(part), "{part}\nis not in\n{logged}");
        }
    }

    /// Events of libraries bypass the observer's allow-list. They may contain hosts and addresses only.
    #[cfg(feature = "http")]
    #[tokio::test]
    async fn events_of_libraries_contain_no_message_content() {
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
            let mut received = Vec::new();
            while !received.ends_with(b"Mustermann\"") {
                stream.read_buf(&mut received).await.unwrap();
            }
            let answer = b"HTTP/1.1 200 Mustermann\r\nx-name: Mustermann\r\ncontent-length: 10\r\n\r\nMustermann";
            stream.write_all(answer).await.unwrap();
        });
        let log = Log::default();
        let text = Arc::clone(&log.0);
        let guard = tracing::subscriber::set_default(log);
        let request = Request::put(url).header("authorization", "Mustermann");
        let request = request.body(Body::from(b"\"Mustermann\"".to_vec())).unwrap();
        let transport = HyperTransport::new(&TlsConfig::bundled().unwrap());
        let answer = transport.send(request, &AttemptContext::new(true, Instant::NEVER)).await.unwrap();
        assert_eq!(answer.into_body().collect(100).await.unwrap(), "Mustermann");
        drop(guard);
        let logged = text.lock().unwrap();
        assert!(logged.contains("connecting to 127.0.0.1"), "no event of a connection:\n{logged}");
        assert!(!logged.contains("Mustermann"), "{logged}");
    }
}
