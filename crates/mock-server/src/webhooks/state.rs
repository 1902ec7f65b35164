//! How far a delivery is, what can be done with it, and what becomes of webhooks that set out.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How often a webhook can be sent, by its schedule and by hand, before no hand can send it again.
pub(super) const ENOUGH: usize = 1_000;

/// What made the vendor, or somebody else, send a webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Cause {
    /// The vendor's schedule.
    #[default]
    Schedule,
    /// It is the schedule's, but was held until it was released.
    Release,
    /// Somebody wanted it sent again.
    Resend,
    /// It is a copy of a try.
    Duplicate,
}

impl Cause {
    /// Whether it is beside the schedule: what comes of it changes nothing for the vendor.
    pub fn is_extra(self) -> bool {
        matches!(self, Self::Resend | Self::Duplicate)
    }
}

/// Why a webhook waits to be released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "enum Held")]
pub enum HoldReason {
    /// A try was due, and is sent when it is released.
    Due,
    /// Its next try is not due yet.
    Later,
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits to be released.
    Held,
    /// A try is under way.
    Sending,
    /// It waits for its next try.
    Waiting,
    /// It has arrived, and no try comes any more.
    Delivered,
    /// It has not arrived, and no try comes any more.
    Failed,
}

/// What can be done with a delivery by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Send it once more now, beside its schedule.
    Resend,
    /// Keep its next try back until it is released.
    Hold,
    /// Send what was held.
    Release,
    /// Send a copy now; with the next try, if it is held.
    Duplicate,
    /// Never send it again; the vendor takes it for delivered.
    Drop,
}

/// Declares the names of words, as the admin API writes them.
macro_rules! names {
    ($($type:ident: $($word:ident = $name:literal),+;)+) => {
        $(impl $type {
            /// All of them.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$word),+];

            /// Its name, as the admin API writes it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$word => $name,)+ }
            }
        })+
    };
}

names! {
    Cause: Schedule = "schedule", Release = "release", Resend = "resend", Duplicate = "duplicate";
    State: Held = "held", Sending = "sending", Waiting = "waiting", Delivered = "delivered", Failed = "failed";
    Verb: Resend = "resend", Hold = "hold", Release = "release", Duplicate = "duplicate", Drop = "drop";
}

/// Why something cannot be done with a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Impossible {
    /// The world has no delivery of this id.
    Unknown(u64),
    /// Not as far as it is.
    Now {
        /// The delivery.
        id: u64,
        /// How far it is.
        state: State,
        /// What can be done with it.
        possible: Vec<Verb>,
    },
    /// It was sent a thousand times.
    Enough(u64),
}

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(id) => write!(f, "this world has no delivery {id}"),
            Self::Enough(id) => write!(f, "delivery {id} was sent {ENOUGH} times, which is enough"),
            Self::Now { id, state, possible } => {
                let possible = possible.iter().map(|verb| verb.name()).collect::<Vec<_>>().join(", ");
                write!(f, "delivery {id} is {}; possible: {possible}", state.name())
            }
        }
    }
}

impl std::error::Error for Impossible {}

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
