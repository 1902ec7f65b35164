//! How far a delivery is, and what can be done with it by hand.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How often a webhook can be sent, by its schedule and by hand, before no hand can send it again.
pub(super) const ENOUGH: usize = 1_000;

/// What made the vendor, or somebody else, send a webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    /// Its name, as the admin API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Release => "release",
            Self::Resend => "resend",
            Self::Duplicate => "duplicate",
        }
    }

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

impl State {
    /// Its name, as the admin API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Sending => "sending",
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
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

impl Verb {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Resend, Self::Hold, Self::Release, Self::Duplicate, Self::Drop];

    /// Its name, as the admin API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resend => "resend",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Duplicate => "duplicate",
            Self::Drop => "drop",
        }
    }
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
