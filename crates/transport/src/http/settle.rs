//! What has arrived when the deadline of an attempt passes: it is read before the attempt ends.

use std::time::Duration;

use identkit_core::{BoxFuture, Clock as _};

use super::dial::Meter;
use crate::SystemClock;

/// How long a connection is observed at a time. The runtime delivers what has arrived in the meantime, e.g. while the process
/// was suspended.
const ROUND: Duration = Duration::from_millis(10);

/// Number of rounds without a byte after which nothing more is read.
const SILENT_ROUNDS: u32 = 2;

/// Maximum number of rounds, for a server that sends without a pause.
const ROUNDS: u32 = 10;

/// Waits until the connection delivers no more bytes, at most 100 ms. The waits are real time: the deadline can belong to
/// another clock, which may stand still.
pub(super) fn settle(meter: Meter) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let clock = SystemClock::new();
        let (mut before, mut silent) = (meter.received(), 0);
        for _ in 0..ROUNDS {
            drop(clock.sleep_until(clock.now().plus(ROUND)).await);
            let now = meter.received();
            silent = if now == before { silent + 1 } else { 0 };
            before = now;
            if silent == SILENT_ROUNDS {
                return;
            }
        }
    })
}
