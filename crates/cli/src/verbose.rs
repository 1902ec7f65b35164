//! `-v`: one line per request on standard error, without values of the request or the response.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use identkit_core::Delivery;
use identkit_transport::{AttemptReport, CallInfo, CallObserver, CallReport, Observer, StreamReport};

use crate::output::say;

/// Several observers of the same calls.
#[derive(Debug)]
pub(crate) struct Observers(pub(crate) Vec<Arc<dyn Observer>>);

impl Observer for Observers {
    fn begin(&self, call: &CallInfo) -> Arc<dyn CallObserver> {
        Arc::new(CallObservers(self.0.iter().map(|observer| observer.begin(call)).collect()))
    }
}

struct CallObservers(Vec<Arc<dyn CallObserver>>);

impl CallObserver for CallObservers {
    fn attempted(&self, attempt: &AttemptReport) {
        self.0.iter().for_each(|observer| observer.attempted(attempt));
    }

    fn ended(&self, report: &CallReport) {
        self.0.iter().for_each(|observer| observer.ended(report));
    }

    fn streamed(&self, report: &StreamReport) {
        self.0.iter().for_each(|observer| observer.streamed(report));
    }
}

/// Reports each attempt on standard error.
#[derive(Debug)]
pub(crate) struct Verbose;

impl Observer for Verbose {
    fn begin(&self, call: &CallInfo) -> Arc<dyn CallObserver> {
        Arc::new(Call(call.operation))
    }
}

struct Call(&'static str);

impl CallObserver for Call {
    fn attempted(&self, attempt: &AttemptReport) {
        let mut line = format!("{}: attempt {}: ", self.0, attempt.number);
        let _ = match (attempt.status, attempt.delivery) {
            (Some(status), _) => write!(line, "HTTP {status}"),
            (None, Delivery::NotSent) => write!(line, "not sent"),
            (None, _) => write!(line, "no response"),
        };
        if let Some(kind) = attempt.failure {
            let _ = write!(line, " ({kind:?})");
        }
        let _ = write!(line, " after {}", milliseconds(attempt.elapsed));
        if let Some(wait) = attempt.wait {
            let _ = write!(line, "; next attempt in {}", milliseconds(wait));
        }
        say(&line);
    }

    fn ended(&self, report: &CallReport) {
        if report.attempts > 1 {
            say(&format!("{}: {} attempts in {}", self.0, report.attempts, milliseconds(report.elapsed)));
        }
    }

    fn streamed(&self, report: &StreamReport) {
        say(&format!("{}: body of {} bytes after {}", self.0, report.bytes, milliseconds(report.elapsed)));
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}
