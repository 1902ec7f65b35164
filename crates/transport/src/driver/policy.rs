//! How calls are repeated, how long they may take, and how many run at once.

use std::time::Duration;

/// Declares the policy: each field with its default, and a setter of its name.
macro_rules! policy {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $default:expr;)*) => {
        /// How calls are repeated and how long they may take. Made by [`Default`] and changed by its setters.
        #[non_exhaustive]
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Policy {
            $($(#[$doc])* pub $name: $type,)*
        }

        impl Default for Policy {
            /// 4 attempts, 1 s doubling to 30 s, `Retry-After` up to 120 s; 60 s over all, an upload 32 KiB a second at
            /// least; 30 s without a byte are a stall, an hour is the most for a stream; 64 calls at once, 500 tokens;
            /// connections of their own for what must not be sent twice.
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Policy {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(mut self, $name: $type) -> Self {
                    self.$name = $name;
                    self
                }
            )*
        }
    };
}

policy! {
    /// Attempts at the most.
    attempts: u32 = 4;
    /// The first wait is drawn from zero to this; each further one from zero to twice the one before.
    backoff: Duration = Duration::from_secs(1);
    /// No wait is drawn from more than this.
    backoff_cap: Duration = Duration::from_secs(30);
    /// A longer `Retry-After` is an error instead of a wait.
    retry_after_cap: Duration = Duration::from_secs(120);
    /// One deadline over the whole call, unless the call brings its own.
    timeout: Duration = Duration::from_secs(60);
    /// The slowest upload that is waited for, in bytes per second: a request with a body may take
    /// [`timeout`](Self::timeout) and the time that its bytes need at this rate.
    slowest_upload: u64 = 32 * 1024;
    /// After so long without a byte of it a body that comes or goes counts as stalled.
    stall: Duration = Duration::from_secs(30);
    /// How long a body that was handed out as a stream may take from then on.
    stream_timeout: Duration = Duration::from_secs(60 * 60);
    /// Calls of this account that are under way at once; more wait, inside their own deadline. A stream counts until
    /// it is read or dropped.
    concurrency: u32 = 64;
    /// What repeats may cost in all, in tokens: each takes 5, after a time-out 10, and a call that succeeds gives one
    /// back and what its own repeats took. Empty, the bucket ends calls at their first failure instead of letting
    /// all callers repeat against a vendor that is down.
    retry_tokens: u32 = 500;
    /// Whether what must not be sent twice, a create for one, gets a connection of its own. On one that was kept it is
    /// faster; but should the vendor close that while the request goes out, nobody knows whether it was carried out, and
    /// the call ends as [`OutcomeUnknown`](identkit_core::Kind::OutcomeUnknown).
    fresh_connections: bool = true;
}

impl Policy {
    /// The deadline of a call whose request has a body of this length.
    pub(super) fn deadline_for(&self, body: u64) -> Duration {
        let upload = Duration::from_secs(body.checked_div(self.slowest_upload).unwrap_or(0));
        self.timeout.saturating_add(upload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_of_two_minutes_is_not_a_stalled_read() {
        let policy = Policy::default();
        assert_eq!(policy.deadline_for(0), Duration::from_secs(60));
        assert_eq!(policy.deadline_for(200), Duration::from_secs(60), "a small order is no upload");
        let order = 25 * 1024 * 1024 / 3 * 4;
        assert!(policy.deadline_for(order) > Duration::from_secs(15 * 60));
        assert_eq!(policy.slowest_upload(0).deadline_for(order), Duration::from_secs(60));
    }
}
