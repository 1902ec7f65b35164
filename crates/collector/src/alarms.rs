//! Alarms about the vendor's retention: what is not collected or not deleted when a part of it has passed.

use jiff::{SignedDuration, Timestamp};

use crate::hooks::NoticeKind;
use crate::setup::DeletePolicy;
use crate::state::CaseState;
use crate::work::Work;

/// Parts of the retention after which an alarm is raised, in percent.
const PARTS: [u32; 2] = [50, 80];

impl Work<'_> {
    /// Raises the alarms that are due, once each.
    pub(crate) fn raise_alarms(&mut self) {
        while let Some((at, part)) = self.alarm()
            && at <= self.now()
        {
            self.record.alarms += 1;
            let missing = if self.record.stage == CaseState::Collected { "deleted" } else { "collected" };
            let text = format!("{part} % of the vendor's retention have passed, and the data are not {missing}");
            self.notice(NoticeKind::Retention, text);
        }
    }

    /// Time of the next alarm.
    pub(crate) fn next_alarm(&self) -> Option<Timestamp> {
        self.alarm().map(|(at, _)| at)
    }

    fn alarm(&self) -> Option<(Timestamp, u32)> {
        let waits = match self.record.stage {
            CaseState::Final | CaseState::Collecting => true,
            CaseState::Collected => self.collector.delete != DeletePolicy::Never,
            _ => false,
        };
        let part = *PARTS.get(usize::try_from(self.record.alarms).ok()?)?;
        let retention = SignedDuration::try_from(self.setup.provider.descriptor().retention).ok()?;
        let after = retention / 100 * i32::try_from(part).ok()?;
        let at = self.record.ended.filter(|_| waits)?.checked_add(after).ok()?;
        Some((at, part))
    }
}
