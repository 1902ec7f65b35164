//! What a test expects of the calls that its service makes.
//!
//! Each expectation counts by itself, from when it was stated: what the journal has forgotten meanwhile is counted too.

mod unmet;

use std::fmt;
use std::sync::{Mutex, MutexGuard};

use http::Method;

use crate::journal::{Call, Filter, Wanted, is_of};
use crate::sandbox::{Sandbox, lock};

pub use self::unmet::Unmet;

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    least: u64,
    most: Option<u64>,
}

impl Times {
    fn holds(self, count: u64) -> bool {
        count >= self.least && self.most.is_none_or(|most| count <= most)
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.most) {
            (0, Some(0)) => f.write_str("never"),
            (1, Some(1)) => f.write_str("once"),
            (least, Some(most)) if least == most => write!(f, "{least} times"),
            (0, Some(most)) => write!(f, "at most {}", often(most)),
            (least, Some(most)) => write!(f, "{least} to {most} times"),
            (least, None) => write!(f, "at least {}", often(least)),
        }
    }
}

fn often(count: u64) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

/// That calls are made so often: at least once, unless said otherwise. Given to [`Sandbox::expect`].
#[derive(Clone, Debug)]
#[must_use = "it expects nothing until it is given to Sandbox::expect"]
pub struct Expect {
    filter: Filter,
    times: Times,
}

impl Expect {
    /// Calls of this operation, by the name that the vendor gives it, e.g. `putOrder`; `getStatus` means
    /// `getStatus/ExtendedList` too.
    pub fn call(operation: impl Into<String>) -> Self {
        Self::matching(Filter::call(operation))
    }

    /// Calls that fit.
    pub fn matching(filter: Filter) -> Self {
        Self { filter, times: Times { least: 1, most: None } }
    }

    /// Only those about this case: an OrderID or an ident.
    pub fn order(mut self, case: impl Into<String>) -> Self {
        self.filter.order = Some(case.into());
        self
    }

    /// Only those that are answered with this status.
    pub fn status(mut self, status: u16) -> Self {
        self.filter.status = Some(status);
        self
    }

    /// Only those with this method.
    pub fn method(mut self, method: Method) -> Self {
        self.filter.method = Some(method);
        self
    }

    /// Only those with this path, with the query if it has a `?`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.filter.path = Some(path.into());
        self
    }

    /// Only those with this header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.filter.headers.push((name.into(), value.into()));
        self
    }

    /// Only those whose JSON body has this value at this pointer (RFC 6901), e.g. `/Address/City`.
    pub fn body(mut self, pointer: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.filter.body.push((pointer.into(), Wanted::Equal(value.into())));
        self
    }

    /// Only those that are refused by this rule, e.g. `T-056`.
    pub fn refused_by(mut self, rule: impl Into<String>) -> Self {
        self.filter.rule = Some(rule.into());
        self
    }

    /// Exactly so often.
    pub fn times(mut self, count: u64) -> Self {
        self.times = Times { least: count, most: Some(count) };
        self
    }

    /// Not once.
    pub fn never(self) -> Self {
        self.times(0)
    }

    /// So often or more.
    pub fn at_least(mut self, count: u64) -> Self {
        self.times = Times { least: count, most: None };
        self
    }

    /// So often or less, perhaps never.
    pub fn at_most(mut self, count: u64) -> Self {
        self.times = Times { least: 0, most: Some(count) };
        self
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.filter, self.times)
    }
}

/// What is expected of a sandbox, and how often it has come.
#[derive(Debug, Default)]
pub(crate) struct Expected(Vec<(Expect, u64)>);

impl Expected {
    /// Counts a call that was answered, the entry of this number.
    pub(crate) fn saw(&mut self, sequence: u64, call: &Call) {
        for (expect, count) in &mut self.0 {
            *count += u64::from(sequence > expect.filter.since && expect.filter.fits(call));
        }
    }
}

impl Sandbox {
    /// Expects calls from now on. When the last handle of the sandbox is dropped (its clones count, those that clients
    /// hold too) and what was expected has not come, that panics, and the test fails with a message that tells what was
    /// expected, what came, and which calls come closest. It does not panic in a thread that is panicking already.
    ///
    /// A task that runs on after the test must not hold the last handle: its panic fails nothing. Where that may be,
    /// [`verify`](Self::verify) at the end of the test; a [`TestSandbox`](crate::TestSandbox) looks after it itself.
    pub fn expect(&self, mut expect: Expect) -> &Self {
        let last = self.with_world(|world| world.journal.last());
        expect.filter.since = expect.filter.since.max(last);
        self.expected().0.push((expect, 0));
        self
    }

    /// Whether all has come that was expected until now. It is done with then, and nothing of it is looked at when the
    /// sandbox is dropped.
    ///
    /// # Errors
    /// What has not come, or too often.
    pub fn verify(&self) -> Result<(), Unmet> {
        self.running().verify()
    }

    fn expected(&self) -> MutexGuard<'_, Expected> {
        lock(&self.running().expected)
    }
}

/// Takes what is expected, and says what of it has not come.
pub(crate) fn verify(
    expected: &Mutex<Expected>,
    operations: &[&'static str],
    journal: impl FnOnce() -> crate::journal::Journal,
) -> Result<(), Unmet> {
    let all = std::mem::take(&mut lock(expected).0);
    // A name that no vendor has would be expected never to be called, and that would always hold.
    let holds = |(expect, count): &(Expect, u64)| {
        let known =
            expect.filter.operation.as_deref().is_none_or(|named| operations.iter().any(|name| is_of(named, name)));
        known && expect.times.holds(*count)
    };
    let of = all.len();
    let failed: Vec<_> = all.into_iter().filter(|expected| !holds(expected)).collect();
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Unmet::new(&failed, of, operations, &journal())),
    }
}
