//! What becomes of webhooks that set out: a world's mode, and that of single orders.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What becomes of a webhook when it sets out.
///
/// It counts at that moment, for the first try and, where nothing else is said, for every other one of the schedule.
/// What is sent by hand (released, resent, duplicated) is sent in every mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Mode {
    /// It is sent.
    #[default]
    Deliver,
    /// It waits to be released. The order does not: a webhook that is held has not begun.
    Hold,
    /// Nobody gets it, and the vendor takes it for delivered: it is never tried again.
    Drop,
    /// It is sent twice at the same time.
    Duplicate,
    /// Its first try waits for the next webhook of the world to set out, and goes after that one is over; alone it goes
    /// after [`Mode::ALONE`].
    Reorder,
    /// Its first try sets out so much later.
    Late(Duration),
    /// The receiver's answer is read to its end, a piece at a time ([`Mode::PAUSE`]), and the try is over only then.
    SlowRead,
}

impl Mode {
    /// How long, in the world's time, a webhook waits to be overtaken.
    pub const ALONE: Duration = Duration::from_secs(60);

    /// How long, in real time, a slow reader pauses after each piece.
    pub const PAUSE: Duration = Duration::from_millis(100);

    /// The modes by name. That of [`Mode::Late`] needs its time.
    pub const NAMES: [&str; 7] = ["deliver", "hold", "drop", "duplicate", "reorder", "late", "slow-read"];

    /// Its name, as the admin API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deliver => "deliver",
            Self::Hold => "hold",
            Self::Drop => "drop",
            Self::Duplicate => "duplicate",
            Self::Reorder => "reorder",
            Self::Late(_) => "late",
            Self::SlowRead => "slow-read",
        }
    }

    /// The mode of this name, `None` when there is none. `late` says how much later, which the others have no use for.
    pub fn named(name: &str, late: Duration) -> Option<Self> {
        [Self::Deliver, Self::Hold, Self::Drop, Self::Duplicate, Self::Reorder, Self::Late(late), Self::SlowRead]
            .into_iter()
            .find(|mode| mode.name() == name)
    }
}

/// What becomes of the webhooks of a world.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// Of all of them.
    pub mode: Mode,
    /// Of those of single orders, in place of the world's mode.
    pub orders: BTreeMap<String, Mode>,
    /// The one that waits to be overtaken ([`Mode::Reorder`]).
    #[serde(default)]
    pub(crate) overtaken: Option<u64>,
}

impl Webhooks {
    /// What becomes of this case's.
    pub fn of(&self, case: &str) -> Mode {
        self.orders.get(case).copied().unwrap_or(self.mode)
    }
}

/// In which order webhooks that are held are released. Each sets out when the one before it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReleaseOrder {
    /// As the vendor meant to send them.
    AsMeant,
    /// The last one first.
    Reversed,
    /// By chance, which the world's seed decides.
    Shuffled,
    /// These, so, and no others.
    These(Vec<u64>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_modes_and_every_mode_has_one() {
        for name in Mode::NAMES {
            assert_eq!(Mode::named(name, Duration::ZERO).unwrap().name(), name);
        }
        assert_eq!(Mode::named("Hold", Duration::ZERO), None);
    }

    #[test]
    fn an_orders_own_mode_comes_before_the_worlds() {
        let webhooks = Webhooks { mode: Mode::Drop, orders: [("a".into(), Mode::Hold)].into(), overtaken: None };
        assert_eq!((webhooks.of("a"), webhooks.of("b")), (Mode::Hold, Mode::Drop));
    }
}
