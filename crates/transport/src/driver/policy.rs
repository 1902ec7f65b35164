//! The retry, timeout and concurrency policy.

use std::time::Duration;

/// Declares the policy: each field with its default and a setter of the same name.
macro_rules! policy {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $default:expr;)*) => {
        /// The retry, timeout and concurrency policy. Start with [`Default`] and change it with the setters.
        #[non_exhaustive]
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Policy {
            $($(#[$doc])* pub $name: $type,)*
        }

        impl Default for Policy {
            /// 4 attempts; backoff from 1 s to 30 s, `Retry-After` up to 120 s; timeout 60 s plus uploads at 32 KiB/s;
            /// stall 30 s, streams 1 h; 64 concurrent calls, 500 retry tokens; fresh connections for requests that must
            /// not be sent twice.
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
    /// Maximum number of attempts, at least 1.
    attempts: u32 = 4;
    /// Upper bound of the first wait, which is random. The bound doubles with each further attempt.
    backoff: Duration = Duration::from_secs(1);
    /// Maximum of the doubled bound.
    backoff_cap: Duration = Duration::from_secs(30);
    /// Maximum `Retry-After` to wait for. If the vendor asks for more, the call fails.
    retry_after_cap: Duration = Duration::from_secs(120);
    /// Timeout of the whole call, unless [`CallOptions`](identkit_core::CallOptions) sets another.
    timeout: Duration = Duration::from_secs(60);
    /// Minimum upload rate in bytes per second. A request with a body has [`timeout`](Self::timeout) plus the time that
    /// its body takes at this rate.
    slowest_upload: u64 = 32 * 1024;
    /// Maximum time without a byte of a request or response body. After it the body counts as stalled. Bodies up to
    /// 64 KiB are only limited by the timeout.
    stall: Duration = Duration::from_secs(30);
    /// Maximum duration of a body that is handed out as a stream, from then on.
    stream_timeout: Duration = Duration::from_secs(60 * 60);
    /// Maximum number of concurrent calls. Further calls wait, within their deadline. A stream counts until it is read
    /// or dropped.
    concurrency: u32 = 64;
    /// Retry budget of all calls, in tokens. A retry takes 5, or 10 after a timeout. A successful call returns what its
    /// retries took, plus 1. If too few are left, calls fail without a retry.
    retry_tokens: u32 = 500;
    /// Whether a request that must not be sent twice, e.g. a create, uses a new connection. An idle one is faster, but
    /// the vendor may close it while the request goes out: the call then fails with
    /// [`OutcomeUnknown`](identkit_core::Kind::OutcomeUnknown).
    fresh_connections: bool = true;
}

impl Policy {
    /// The timeout of a call whose request body has this length in bytes.
    pub(super) fn deadline_for(&self, body: u64) -> Duration {
        let upload = Duration::from_secs(body.checked_div(self.slowest_upload).unwrap_or(0));
        self.timeout.saturating_add(upload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeout_grows_with_the_request_body() {
        let policy = Policy::default();
        assert_eq!(policy.deadline_for(0), Duration::from_secs(60));
        assert_eq!(policy.deadline_for(200), Duration::from_secs(60), "below one second of upload");
        let order = 25 * 1024 * 1024 / 3 * 4;
        assert!(policy.deadline_for(order) > Duration::from_secs(15 * 60));
        assert_eq!(policy.slowest_upload(0).deadline_for(order), Duration::from_secs(60));
    }
}
