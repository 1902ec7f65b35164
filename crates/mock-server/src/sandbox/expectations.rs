//! The calls that a sandbox expects.

use super::Sandbox;
use crate::expect::{Expect, UnmetExpectations};
use crate::sync::lock;

impl Sandbox {
    /// Expects calls from now on. When the last handle of the sandbox is dropped (its clones count, those that clients
    /// hold too) and what was expected has not come, that panics, and the test fails with a message that tells what was
    /// expected, what came, and which calls come closest. It does not panic in a thread that is panicking already.
    ///
    /// A task that runs on after the test must not hold the last handle: its panic fails nothing. Where that may be,
    /// [`verify`](Self::verify) at the end of the test; a [`TestSandbox`](crate::TestSandbox) looks after it itself.
    pub fn expect(&self, expect: Expect) -> &Self {
        let last = self.with_world(|world| world.journal.last());
        lock(&self.runner().expectations).add(expect, last);
        self
    }

    /// Whether all has come that was expected until now. It is done with then, and nothing of it is looked at when the
    /// sandbox is dropped.
    ///
    /// # Errors
    /// What has not come, or too often.
    pub fn verify(&self) -> Result<(), UnmetExpectations> {
        self.runner().verify()
    }
}
