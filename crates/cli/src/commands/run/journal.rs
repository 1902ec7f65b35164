//! The lines about cases on standard error. None contains personal data.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use identkit_collector::{CaseHooks, CaseState, Incident, Notice, NoticeKind, NoticedCase};
use identkit_core::{Clock as _, Error, Instant, async_trait};
use identkit_transport::SystemClock;

use crate::output::reporter;
use crate::reception::Metrics;
use crate::text::plain;

/// Minimum time between two lines about a store that fails.
const QUIET: Duration = Duration::from_secs(60);

/// Writes a line for each incident, and for each notice that needs a person.
#[derive(Debug)]
pub(super) struct Journal {
    lines: SyncSender<String>,
    is_quiet: bool,
    metrics: Arc<Metrics>,
    clock: SystemClock,
    /// When a failure of the store was reported last.
    store: Mutex<Option<Instant>>,
}

impl Journal {
    /// Starts the thread that writes. With `is_quiet`, changes of state are not written.
    pub(super) fn start(is_quiet: bool, metrics: Arc<Metrics>) -> Self {
        Self { lines: reporter(), is_quiet, metrics, clock: SystemClock::new(), store: Mutex::default() }
    }

    /// Counts and writes an incident. Does not block: if standard error is slow, lines are left out.
    pub(super) fn report(&self, incident: &Incident) {
        match incident {
            Incident::Changed { to, .. } => self.metrics.count_change(*to),
            Incident::Failed { .. } => self.metrics.count_failure(),
            Incident::UnreadableEvent { .. } => self.metrics.count_unreadable("collect"),
            Incident::SweepGap { .. } => self.metrics.count_alarm("sweep"),
            _ => {}
        }
        let is_change = matches!(incident, Incident::Changed { to, .. } if *to != CaseState::Stuck);
        if (self.is_quiet && is_change) || (matches!(incident, Incident::Store { .. }) && self.is_too_soon()) {
            return;
        }
        if let Some(text) = text(incident) {
            self.write(&text);
        }
    }

    fn write(&self, text: &str) {
        let now = self.clock.wall().strftime("%FT%TZ");
        drop(self.lines.try_send(format!("{now} {text}")));
    }

    fn is_too_soon(&self) -> bool {
        let now = self.clock.now();
        let mut reported = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let is_too_soon = reported.is_some_and(|last| now.since(last) < QUIET);
        if !is_too_soon {
            *reported = Some(now);
        }
        is_too_soon
    }
}

#[async_trait]
impl CaseHooks for Journal {
    async fn on_stuck(&self, case: &NoticedCase, notice: &Notice) -> Result<(), Error> {
        self.metrics.count_alarm(if notice.kind == NoticeKind::Retention { "retention" } else { "stuck" });
        self.write(&format!("warning: case {}: {}", case.case.0, plain(&notice.text)));
        Ok(())
    }
}

fn text(incident: &Incident) -> Option<String> {
    Some(match incident {
        Incident::Changed { case, from, to } => format!("case {} {from} -> {to}", case.0),
        Incident::Failed { case, failures, error } => {
            format!("case {} failed ({failures} in a row): {}", case.0, sentence(error))
        }
        Incident::Unconfirmed { case, error } => format!("case {} notice not confirmed: {}", case.0, sentence(error)),
        Incident::UnmatchedWebhook { case } => {
            format!("case {} was opened elsewhere: its webhooks are in the store", case.0)
        }
        Incident::UnreadableEvent { case, event, error } => {
            let text = sentence(error);
            format!("warning: case {} webhook {} cannot be read and is skipped: {text}", case.0, event.0)
        }
        Incident::Lost { case } => format!("case {} was taken over by another process", case.0),
        Incident::Store { error } => format!("warning: the store failed: {}", sentence(error)),
        Incident::Sweep { provider, error } => format!("warning: the sweep of {provider} failed: {}", sentence(error)),
        Incident::SweepGap { provider, days } => {
            format!("warning: no sweep of {provider} was complete for {days} days; the vendor deletes old results")
        }
        _ => return None,
    })
}

/// What failed and why, without the vendor's text.
fn sentence(error: &Error) -> String {
    let status = error.status().map(|status| format!(" (HTTP {status})")).unwrap_or_default();
    match error.operation() {
        Some(operation) => format!("{operation}: {}{status}", plain(error.detail())),
        None => format!("{}{status}", plain(error.detail())),
    }
}

#[cfg(test)]
mod tests {
    use identkit_core::Kind;
    use identkit_store::CaseId;

    use super::*;

    #[test]
    fn a_change_is_one_line_with_both_states() {
        let changed = Incident::Changed { case: CaseId(7), from: CaseState::Open, to: CaseState::Final };
        assert_eq!(text(&changed).unwrap(), "case 7 open -> final");
    }

    #[test]
    fn a_failure_names_the_call_and_not_the_vendors_text() {
        let error = Error::new(Kind::Unavailable, "the vendor is down").with_operation("getStatus");
        let error = error.with_vendor_text("Erika Mustermann");
        let failed = Incident::Failed { case: CaseId(7), failures: 2, error };
        assert_eq!(text(&failed).unwrap(), "case 7 failed (2 in a row): getStatus: the vendor is down");
    }
}
