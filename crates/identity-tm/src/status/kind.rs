//! Named status codes.

use serde::{Deserialize, Serialize};

/// A status code. Unlisted codes are accepted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StatusKind(pub u32);

macro_rules! codes {
    ($($name:ident = $code:literal, $meaning:literal;)+) => {
        impl StatusKind {
            $(#[doc = concat!($code, ": ", $meaning)] pub const $name: Self = Self($code);)+
        }
    };
}

codes! {
    POSITIVE = 6, "identification positively conducted. Final without QES only.";
    NEGATIVE = 17, "identification negatively conducted. Final.";
    TERMINATED = 22, "terminated manually. Final.";
    DOCUMENT_VERIFIED = 23, "document verified.";
    INITIALIZED = 25, "order initialized.";
    CANCELLATION = 63, "cancellation.";
    SMS_SENT = 71, "SMS sent.";
    TO_VIDEO = 73, "change of procedure to video.";
    VIDEO_CONDUCTED = 75, "video identification conducted. Not final (AT-15).";
    VIDEO_WAITING = 77, "video identification in the waiting room.";
    VIDEO_CALL = 78, "video call has begun.";
    SIGNATURE_REQUEST = 83, "document signature request.";
    SIGNED = 84, "document(s) signed. Final with QES.";
    FRAUD = 89, "suspicion of fraud. Final; data is available.";
    ACCOUNT_CREATED = 94, "eSign account created.";
    ACCOUNT_VERIFIED = 95, "eSign account verified.";
    ACCOUNT_EXISTS = 96, "eSign account already exists.";
    TIMED_OUT = 99, "timeout. Final.";
    TIMED_OUT_AFTER_IDENT = 100, "timeout after identification. Final with QES.";
}

identkit_wire::debug_as!(StatusKind, |kind| "{}", kind.0);
