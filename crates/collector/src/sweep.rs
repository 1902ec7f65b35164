//! Sweeps: what changed at a vendor, also if no webhook arrived. Windows overlap, and the end of the last complete one is
//! durable.

use identkit_core::{Capability, Error, Kind, Window};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::collector::Collector;
use crate::fault;
use crate::incident::Incident;
use crate::state::CaseState;

/// Days without a complete sweep after which an alarm is raised: the vendor delivers webhooks for 6 days, and deletes results
/// after 7.
const ALARMS: [u32; 2] = [3, 5];

/// Time for which a sweep belongs to the worker that began it.
const TURN: SignedDuration = SignedDuration::from_mins(10);

/// The watermark of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// End of the last complete window.
    end: Timestamp,
    /// Time until which another worker is sweeping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    turn: Option<Timestamp>,
    /// Days of the last alarm since the last complete sweep.
    #[serde(default)]
    alarm: u32,
}

/// What a sweep found.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Number of changed cases that the collector has opened and that have not ended.
    pub cases: usize,
    /// Number of changed cases that were opened elsewhere.
    pub strangers: usize,
    /// Number of entries of the vendor's list that cannot be read.
    pub unreadable: usize,
}

impl Collector {
    /// Sweeps if the last complete sweep is old enough and no other worker is sweeping.
    pub(crate) async fn sweep_if_due(&self, provider: &str) -> Result<Option<SweepReport>, Error> {
        if !self.provider(provider)?.provider.descriptor().can(Capability::Changes) {
            return Ok(None);
        }
        let name = mark_name(provider);
        let now = self.now();
        let stored = self.store.watermark(&name).await?;
        let mark = match &stored {
            Some(bytes) => serde_json::from_slice(bytes).map_err(|_| fault::unreadable())?,
            // What was opened before the first sweep is found from its own time on.
            None => Mark { end: now.checked_sub(self.timing.sweep).unwrap_or(now), turn: None, alarm: 0 },
        };
        let age = now.duration_since(mark.end);
        let days = ALARMS.into_iter().rev().find(|days| age >= SignedDuration::from_hours(24 * i64::from(*days)));
        let is_due = age.unsigned_abs() >= self.timing.sweep && age.is_positive();
        if !is_due || mark.turn.is_some_and(|turn| now < turn && turn.duration_since(now) <= TURN) {
            return Ok(None);
        }
        let alarm = days.unwrap_or_default();
        let turn = Mark { turn: now.checked_add(TURN).ok(), alarm: alarm.max(mark.alarm), ..mark.clone() };
        let turn = serde_json::to_vec(&turn).map_err(|_| fault::unreadable())?;
        if !self.store.swap_watermark(&name, stored.as_deref(), &turn).await? {
            // Another worker has taken the turn.
            return Ok(None);
        }
        if alarm > mark.alarm {
            (self.report)(Incident::SweepGap { provider: provider.to_owned(), days: alarm });
        }
        let begin = mark.end.checked_sub(self.timing.overlap).unwrap_or(mark.end);
        let report = self.sweep(provider, Window { begin, end: now }).await?;
        let done = serde_json::to_vec(&Mark { end: now, turn: None, alarm: 0 }).map_err(|_| fault::unreadable())?;
        // If the turn was too short, another worker sweeps the same window again.
        self.store.swap_watermark(&name, Some(&turn), &done).await?;
        Ok(Some(report))
    }

    /// Opens a unit of work for each of the collector's cases that changed in a window.
    ///
    /// # Errors
    /// [`Kind::Unsupported`] if the vendor has no list of changes, and those of the call and of the store. The window is then
    /// incomplete: sweep it again.
    pub async fn sweep(&self, provider: &str, window: Window) -> Result<SweepReport, Error> {
        let setup = self.provider(provider)?;
        let name = setup.provider.descriptor().name;
        let mut report = SweepReport::default();
        let (mut after, options) = (None, identkit_core::CallOptions::new());
        loop {
            let page = setup.provider.changes(window, after.as_ref(), &options).await?;
            report.unreadable += page.unreadable;
            for (id, _) in page.cases {
                match self.store.case_by_vendor_id(name, &id).await? {
                    Some(case) if CaseState::parse(&case.status).is_some_and(CaseState::is_end) => {}
                    Some(case) if case.version > 0 => {
                        self.store.wake(name, &id, self.now()).await?;
                        report.cases += 1;
                    }
                    _ => report.strangers += 1,
                }
            }
            after = page.next;
            if after.is_none() {
                self.wake();
                return Ok(report);
            }
        }
    }

    /// End of the last complete sweep of a provider.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn last_sweep(&self, provider: &str) -> Result<Option<Timestamp>, Error> {
        let stored = self.store.watermark(&mark_name(provider)).await?;
        let mark = stored.map(|bytes| serde_json::from_slice::<Mark>(&bytes));
        Ok(mark
            .transpose()
            .map_err(|_| Error::new(Kind::Integrity, "the watermark cannot be read"))?
            .map(|mark| mark.end))
    }
}

fn mark_name(provider: &str) -> String {
    format!("sweep/{provider}")
}
