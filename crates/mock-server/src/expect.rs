//! The calls that a test expects its service to make.
//!
//! Each expectation counts calls from the moment it is added, including calls that the journal has dropped since.

use std::fmt::{self, Write as _};

use http::Method;

use crate::journal::{Call, Entry, EntryKind, Filter, Journal, is_of};

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

/// Which calls are expected, and how often. The default is at least once. Pass it to
/// [`Sandbox::expect`](crate::Sandbox::expect).
///
/// ```
/// use identkit_mock_server::Expect;
///
/// let order = Expect::call("putOrder").body("/Product", 12).times(1);
/// assert_eq!(order.to_string(), "putOrder with body /Product 12, once");
/// ```
#[derive(Clone, Debug)]
#[must_use = "has no effect until it is passed to Sandbox::expect"]
pub struct Expect {
    filter: Filter,
    times: Times,
}

impl Expect {
    /// Expects calls of an operation, by the vendor's name, e.g. `putOrder`. `getStatus` includes
    /// `getStatus/ExtendedList`.
    pub fn call(operation: impl Into<String>) -> Self {
        Self::matching(Filter::call(operation))
    }

    /// Expects calls that match a filter.
    pub fn matching(filter: Filter) -> Self {
        Self { filter, times: Times { least: 1, most: None } }
    }

    /// Restricts it to calls about this case, by the vendor's id.
    pub fn order(mut self, case: impl Into<String>) -> Self {
        self.filter = self.filter.order(case);
        self
    }

    /// Restricts it to calls with this response status.
    pub fn status(mut self, status: u16) -> Self {
        self.filter = self.filter.status(status);
        self
    }

    /// Restricts it to calls with this method.
    pub fn method(mut self, method: Method) -> Self {
        self.filter = self.filter.method(method);
        self
    }

    /// Restricts it to calls with this path. The query is compared only if `path` contains a `?`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.filter = self.filter.path(path);
        self
    }

    /// Restricts it to calls with this header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.filter = self.filter.header(name, value);
        self
    }

    /// Restricts it to calls whose JSON body has this value at this pointer (RFC 6901), e.g. `/Address/City`.
    pub fn body(mut self, pointer: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.filter = self.filter.body(pointer, value);
        self
    }

    /// Restricts it to calls that this rule rejects, e.g. `T-056`.
    pub fn refused_by(mut self, rule: impl Into<String>) -> Self {
        self.filter = self.filter.refused_by(rule);
        self
    }

    /// Expects exactly this number of calls.
    pub fn times(mut self, count: u64) -> Self {
        self.times = Times { least: count, most: Some(count) };
        self
    }

    /// Expects that no such call is made.
    pub fn never(self) -> Self {
        self.times(0)
    }

    /// Expects this number of calls or more.
    pub fn at_least(mut self, count: u64) -> Self {
        self.times = Times { least: count, most: None };
        self
    }

    /// Expects this number of calls or fewer.
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

#[derive(Debug, Default)]
pub(crate) struct Expectations(Vec<(Expect, u64)>);

impl Expectations {
    pub(crate) fn add(&mut self, mut expect: Expect, last: u64) {
        expect.filter.since = expect.filter.since.max(last);
        self.0.push((expect, 0));
    }

    /// Counts a completed call, which is the journal entry with this number.
    pub(crate) fn count(&mut self, sequence: u64, call: &Call) {
        for (expect, count) in &mut self.0 {
            *count += u64::from(sequence > expect.filter.since && expect.filter.fits(call));
        }
    }

    /// Reports the expectations that are not met.
    pub(crate) fn verify(
        self,
        operations: &[&'static str],
        journal: impl FnOnce() -> Journal,
    ) -> Result<(), UnmetExpectations> {
        // With an unknown operation name, `never` would always hold.
        let holds = |(expect, count): &(Expect, u64)| {
            let known =
                expect.filter.operation.as_deref().is_none_or(|named| operations.iter().any(|name| is_of(named, name)));
            known && expect.times.holds(*count)
        };
        let of = self.0.len();
        let failed: Vec<_> = self.0.into_iter().filter(|expected| !holds(expected)).collect();
        match failed.is_empty() {
            true => Ok(()),
            false => Err(UnmetExpectations::new(&failed, of, operations, &journal())),
        }
    }
}

const NEAREST: usize = 2;

const REFUSED: usize = 5;

/// The expectations that were not met. Its text has several lines and lists the nearest calls.
#[derive(Clone, PartialEq, Eq)]
pub struct UnmetExpectations(String);

impl fmt::Display for UnmetExpectations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UnmetExpectations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UnmetExpectations {}

impl UnmetExpectations {
    fn new(failed: &[(Expect, u64)], of: usize, operations: &[&str], journal: &Journal) -> Self {
        let mut text =
            format!("the calls to the sandbox do not match the expectations ({} of {of} unmet)\n", failed.len());
        for (expect, count) in failed {
            // Writing to a String cannot fail.
            let _ = one(&mut text, expect, *count, operations, journal);
        }
        let _ = refused(&mut text, journal);
        Self(text)
    }
}

fn one(text: &mut String, expect: &Expect, count: u64, operations: &[&str], journal: &Journal) -> fmt::Result {
    writeln!(text, "\n  expected  {expect}")?;
    let filter = &expect.filter;
    if let Some(name) = filter.operation.as_deref().filter(|named| !operations.iter().any(|name| is_of(named, name))) {
        let alike = |known: &&&str| known.eq_ignore_ascii_case(name);
        return match operations.iter().find(alike) {
            Some(known) => writeln!(text, "  but       no vendor has a call of this name; did you mean {known}?"),
            None => {
                writeln!(text, "  but       no vendor has a call of this name; valid names: {}", operations.join(", "))
            }
        };
    }
    writeln!(text, "  got       {}", often(count))?;
    if expect.times.most.is_some_and(|most| count > most) {
        // Too many calls: list them instead of near misses.
        for (entry, call) in journal.find(filter).take(REFUSED) {
            line(text, "call", entry, call)?;
        }
        return Ok(());
    }
    for near in journal.near_misses(filter, NEAREST) {
        if let EntryKind::Call(call) = &near.entry.kind {
            line(text, "nearest", &near.entry, call)?;
        }
        for difference in &near.differences {
            writeln!(text, "            - {difference}")?;
        }
    }
    match journal.evictions(filter.since) {
        0 => Ok(()),
        forgotten => writeln!(text, "            (the journal has dropped {forgotten} older entries)"),
    }
}

fn line(text: &mut String, what: &str, entry: &Entry, call: &Call) -> fmt::Result {
    let operation = call.operation.unwrap_or("no operation");
    let status = call.status.map_or_else(|| "no response".to_owned(), |status| status.to_string());
    writeln!(text, "  {what:<9} #{} {operation} ({} {}) -> {status}", entry.sequence, call.method, call.uri.path())
}

fn refused(text: &mut String, journal: &Journal) -> fmt::Result {
    let all: Vec<_> = journal.calls().filter(|(_, call)| !call.refused.is_empty()).collect();
    if all.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n  rejected by a rule: {}", often(all.len() as u64))?;
    for (entry, call) in all.iter().take(REFUSED) {
        line(text, "", entry, call)?;
        for fault in &call.refused {
            writeln!(text, "            - {fault}")?;
        }
    }
    Ok(())
}
