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

/// The right to sweep a provider.
struct SweepTurn<'a> {
    collector: &'a Collector,
    /// Name of the watermark.
    name: String,
    mark: Mark,
    /// The watermark as it is in the store.
    stored: Option<Vec<u8>>,
}

impl SweepTurn<'_> {
    /// Takes the turn. Returns `None` if another worker was faster.
    async fn take(mut self) -> Result<Option<Self>, Error> {
        let until = self.collector.now().checked_add(TURN).ok();
        let is_taken = self.write(Mark { turn: until, ..self.mark.clone() }).await?;
        Ok(is_taken.then_some(self))
    }

    /// Makes the turn longer when half of it is over.
    async fn renew(&mut self) -> Result<(), Error> {
        let now = self.collector.now();
        if self.mark.turn.is_some_and(|until| until.duration_since(now) > TURN / 2) {
            return Ok(());
        }
        let mark = Mark { turn: now.checked_add(TURN).ok(), ..self.mark.clone() };
        if self.write(mark).await? { Ok(()) } else { Err(fault::lost_turn()) }
    }

    async fn record_alarm(&mut self, days: u32) -> Result<(), Error> {
        let mark = Mark { alarm: days, ..self.mark.clone() };
        if self.write(mark).await? { Ok(()) } else { Err(fault::lost_turn()) }
    }

    /// Records a complete window. If the turn was lost, another worker sweeps the same window again.
    async fn end(mut self, end: Timestamp) -> Result<(), Error> {
        self.write(Mark { end, turn: None, alarm: 0 }).await.map(drop)
    }

    /// Replaces the watermark. Returns whether this worker still had the turn.
    async fn write(&mut self, mark: Mark) -> Result<bool, Error> {
        let bytes = serde_json::to_vec(&mark).map_err(|_| fault::unreadable())?;
        let written = self.collector.store.swap_watermark(&self.name, self.stored.as_deref(), &bytes).await?;
        if written {
            (self.mark, self.stored) = (mark, Some(bytes));
        }
        Ok(written)
    }
}

/// What a sweep found.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Number of changed cases that the collector has opened and that have not ended.
    pub cases: usize,
    /// Number of changed cases that were opened elsewhere.
    pub unmatched: usize,
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
        let begin = mark.end.checked_sub(self.timing.overlap).unwrap_or(mark.end);
        let (alarm, reported) = (days.unwrap_or_default(), mark.alarm);
        let turn = SweepTurn { collector: self, name, mark, stored };
        let Some(mut turn) = turn.take().await? else { return Ok(None) };
        if alarm > reported {
            (self.report)(Incident::SweepGap { provider: provider.to_owned(), days: alarm });
            // Only now: a process that stops in between must not lose the alarm.
            turn.record_alarm(alarm).await?;
        }
        let report = self.sweep_window(provider, Window { begin, end: now }, Some(&mut turn)).await?;
        turn.end(now).await?;
        Ok(Some(report))
    }

    /// Opens a unit of work for each of the collector's cases that changed in a window.
    ///
    /// # Errors
    /// [`Kind::Unsupported`] if the vendor has no list of changes, and those of the call and of the store. The window is then
    /// incomplete: sweep it again.
    pub async fn sweep(&self, provider: &str, window: Window) -> Result<SweepReport, Error> {
        self.sweep_window(provider, window, None).await
    }

    async fn sweep_window(
        &self,
        provider: &str,
        window: Window,
        mut turn: Option<&mut SweepTurn<'_>>,
    ) -> Result<SweepReport, Error> {
        let setup = self.provider(provider)?;
        let name = setup.provider.descriptor().name;
        let mut report = SweepReport::default();
        let (mut after, options) = (None, identkit_core::CallOptions::new());
        loop {
            if let Some(turn) = &mut turn {
                turn.renew().await?;
            }
            let page = setup.provider.changes(window, after.as_ref(), &options).await?;
            report.unreadable += page.unreadable;
            for (id, _) in page.cases {
                if let Some(turn) = &mut turn {
                    turn.renew().await?;
                }
                match self.store.case_by_vendor_id(name, &id).await? {
                    Some(case) if CaseState::parse(&case.status).is_some_and(CaseState::is_end) => {}
                    Some(case) if case.version > 0 => {
                        self.store.wake(name, &id, self.now()).await?;
                        report.cases += 1;
                    }
                    _ => report.unmatched += 1,
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
