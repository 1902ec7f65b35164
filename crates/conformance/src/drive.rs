//! Runs a call in the sandbox's frozen time, with a limit in real time.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use identkit_mock_server::Sandbox;
use identkit_transport::{Clock as _, SystemClock};

/// Number of times that other tasks run before a pending call counts as waiting for time.
const TURNS: usize = 32;

/// Runs a call to its end. If it waits, time in the sandbox advances to the next timer. `None` if it does not end
/// within this real time.
pub(crate) async fn within<T>(limit: Duration, sandbox: &Sandbox, call: impl Future<Output = T>) -> Option<T> {
    let real = SystemClock::new();
    let mut end = pin!(real.sleep_until(real.now().plus(limit)));
    let mut driven = pin!(drive(sandbox, call));
    poll_fn(|context| match driven.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => end.as_mut().poll(context).map(|_| None),
    })
    .await
}

/// Runs a call to its end, and advances time whenever it waits.
async fn drive<T>(sandbox: &Sandbox, call: impl Future<Output = T>) -> T {
    let mut call = pin!(call);
    loop {
        for _ in 0..TURNS {
            let mut polled = None;
            poll_fn(|context| match (call.as_mut().poll(context), polled.is_some()) {
                (Poll::Ready(value), _) => {
                    polled = Some(Some(value));
                    Poll::Ready(())
                }
                (Poll::Pending, true) => Poll::Ready(()),
                (Poll::Pending, false) => {
                    polled = Some(None);
                    // Lets the other tasks of the runtime run once.
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
            })
            .await;
            if let Some(Some(value)) = polled {
                return value;
            }
        }
        let mut advance = pin!(sandbox.run_to_next());
        // A call that holds the clock must continue while time advances.
        let ended = poll_fn(|context| match call.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => advance.as_mut().poll(context).map(|_| None),
        })
        .await;
        if let Some(value) = ended {
            return value;
        }
    }
}
