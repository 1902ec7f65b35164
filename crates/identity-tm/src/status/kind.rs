//! The codes by name.

use serde::{Deserialize, Serialize};

/// A status code. Open: codes that the document does not list are kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StatusKind(pub u32);

impl StatusKind {
    /// 6: identification positively conducted. Final without QES only.
    pub const POSITIVE: Self = Self(6);
    /// 17: identification negatively conducted. Final.
    pub const NEGATIVE: Self = Self(17);
    /// 22: terminated (by hand). Final.
    pub const TERMINATED: Self = Self(22);
    /// 23: document verified.
    pub const DOCUMENT_VERIFIED: Self = Self(23);
    /// 25: order initialised.
    pub const INITIALISED: Self = Self(25);
    /// 63: cancellation.
    pub const CANCELLATION: Self = Self(63);
    /// 71: SMS sent.
    pub const SMS_SENT: Self = Self(71);
    /// 73: change of procedure to video.
    pub const TO_VIDEO: Self = Self(73);
    /// 75: video identification conducted. Not final (AT-15).
    pub const VIDEO_CONDUCTED: Self = Self(75);
    /// 77: video identification in the waiting room.
    pub const VIDEO_WAITING: Self = Self(77);
    /// 78: video call has begun.
    pub const VIDEO_CALL: Self = Self(78);
    /// 83: document signature request.
    pub const SIGNATURE_REQUEST: Self = Self(83);
    /// 84: document(s) signed. Final with QES.
    pub const SIGNED: Self = Self(84);
    /// 89: suspicion of fraud. Final; data is available.
    pub const FRAUD: Self = Self(89);
    /// 94: eSign account created.
    pub const ACCOUNT_CREATED: Self = Self(94);
    /// 95: eSign account verified.
    pub const ACCOUNT_VERIFIED: Self = Self(95);
    /// 96: eSign account already exists.
    pub const ACCOUNT_EXISTS: Self = Self(96);
    /// 99: time-out. Final.
    pub const TIMED_OUT: Self = Self(99);
    /// 100: time-out after identification. Final with QES.
    pub const TIMED_OUT_AFTER_IDENT: Self = Self(100);
}

identkit_wire::debug_as!(StatusKind, |kind| "{}", kind.0);
