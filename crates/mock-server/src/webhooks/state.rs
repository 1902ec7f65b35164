//! The state of a delivery, the actions on it, and the modes of webhooks.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Maximum number of attempts per webhook, beyond which it cannot be resent or duplicated on request.
pub(super) const MAX_ATTEMPTS: usize = 1_000;

/// Why a webhook was sent.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Cause {
    /// The vendor's schedule.
    #[default]
    Schedule,
    /// The vendor's schedule, after the webhook was held and released.
    Release,
    /// A request to resend it.
    Resend,
    /// A copy of another attempt.
    Duplicate,
}

impl Cause {
    /// Whether the attempt is outside the schedule, so that its result has no effect on the vendor.
    pub fn is_extra(self) -> bool {
        matches!(self, Self::Resend | Self::Duplicate)
    }
}

/// Why a webhook is held.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "enum Held")]
pub enum HoldReason {
    /// An attempt was due; it is sent on release.
    Due,
    /// The next attempt is not due yet.
    Later,
}

/// The state of a delivery.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits to be released by a call.
    Held,
    /// An attempt is running or about to run.
    Sending,
    /// Waits for the next attempt.
    Waiting,
    /// Delivered; no further attempt.
    Delivered,
    /// Not delivered; no further attempt.
    Failed,
}

/// An action on a delivery.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Send it again now, outside the schedule.
    Resend,
    /// Hold the next attempt until it is released.
    Hold,
    /// Send a held webhook, or one that a mode delays.
    Release,
    /// Send a copy now. If it is held, send the copy with the next attempt.
    Duplicate,
    /// Do not send it any more; the vendor regards it as delivered.
    Drop,
}

/// Declares the names of variants in the admin API.
macro_rules! names {
    ($($type:ident: $($word:ident = $name:literal),+;)+) => {
        $(impl $type {
            /// All variants.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$word),+];

            /// Returns the name that the admin API uses.
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

/// Why an action on a delivery is impossible.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Impossible {
    /// The world has no delivery of this id.
    Unknown(u64),
    /// The state of the delivery does not allow it.
    Now {
        /// Id of the delivery.
        id: u64,
        /// Its state.
        state: State,
        /// The possible actions.
        possible: Vec<Verb>,
    },
    /// It has reached the maximum number of attempts.
    Enough(u64),
}

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(id) => write!(f, "this world has no delivery {id}"),
            Self::Enough(id) => write!(f, "delivery {id} was sent {MAX_ATTEMPTS} times, which is the maximum"),
            Self::Now { id, state, possible } => {
                let possible = possible.iter().map(|verb| verb.name()).collect::<Vec<_>>().join(", ");
                write!(f, "delivery {id} is {}; possible actions: {possible}", state.name())
            }
        }
    }
}

impl std::error::Error for Impossible {}

/// What happens to a webhook when an attempt is due.
///
/// The mode is read when the first attempt is due and, unless the variant says otherwise, for each later attempt of the
/// schedule. Webhooks that are released, resent or duplicated on request are sent in every mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Mode {
    /// The webhook is sent.
    #[default]
    Deliver,
    /// The webhook waits to be released. The order does not wait: a held webhook has not started.
    Hold,
    /// The webhook is not sent, and the vendor regards it as delivered and does not retry.
    Drop,
    /// The webhook is sent twice at the same time.
    Duplicate,
    /// The first attempt waits until an attempt of the world's next webhook is over, at most for [`Mode::ALONE`].
    Reorder,
    /// The first attempt is delayed by this time.
    Late(Duration),
    /// The receiver's response is read slowly, one piece per [`Mode::PAUSE`]. The attempt is over at the end of the body.
    SlowRead,
}

impl Mode {
    /// Time in the world that a webhook waits for another one in [`Mode::Reorder`].
    pub const ALONE: Duration = Duration::from_secs(60);

    /// Real time between two pieces in [`Mode::SlowRead`].
    pub const PAUSE: Duration = Duration::from_millis(100);

    /// Names of the modes. `late` also needs a time.
    pub const NAMES: [&str; 7] = ["deliver", "hold", "drop", "duplicate", "reorder", "late", "slow-read"];

    /// Returns the name that the admin API uses.
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

    /// Returns the mode of this name. `late` is the delay of [`Mode::Late`]; the other modes ignore it.
    pub fn named(name: &str, late: Duration) -> Option<Self> {
        [Self::Deliver, Self::Hold, Self::Drop, Self::Duplicate, Self::Reorder, Self::Late(late), Self::SlowRead]
            .into_iter()
            .find(|mode| mode.name() == name)
    }
}

/// The webhook modes of a world.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// Mode of all webhooks.
    pub mode: Mode,
    /// Modes of single cases by id, which override `mode`.
    pub orders: BTreeMap<String, Mode>,
    /// Id of the delivery that waits for the next one ([`Mode::Reorder`]).
    #[serde(default)]
    pub(crate) overtaken: Option<u64>,
}

impl Webhooks {
    /// Returns the mode of this case's webhooks.
    pub fn of(&self, case: &str) -> Mode {
        self.orders.get(case).copied().unwrap_or(self.mode)
    }
}

/// The order in which held webhooks are released. Each is sent when the one before it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReleaseOrder {
    /// In the order in which the vendor created them.
    AsMeant,
    /// The newest first.
    Reversed,
    /// Random, drawn from the world's seed.
    Shuffled,
    /// Only these ids, in this order.
    These(Vec<u64>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_modes_match() {
        for name in Mode::NAMES {
            assert_eq!(Mode::named(name, Duration::ZERO).unwrap().name(), name);
        }
        assert_eq!(Mode::named("Hold", Duration::ZERO), None);
    }

    #[test]
    fn the_mode_of_an_order_overrides_that_of_the_world() {
        let webhooks = Webhooks { mode: Mode::Drop, orders: [("a".into(), Mode::Hold)].into(), overtaken: None };
        assert_eq!((webhooks.of("a"), webhooks.of("b")), (Mode::Hold, Mode::Drop));
    }
}
