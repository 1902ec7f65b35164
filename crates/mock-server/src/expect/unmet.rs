//! What a test that failed tells in a terminal.

use std::fmt::{self, Write as _};

use super::expectation::{Expect, often};
use crate::journal::{Call, Entry, Journal, What, is_of};

/// How many calls come closest, at most.
const NEAREST: usize = 2;

/// How many refused calls are listed, at most.
const REFUSED: usize = 5;

/// What was expected and has not come, or has come too often: several lines for a person to read.
#[derive(Clone, PartialEq, Eq)]
pub struct UnmetExpectations(String);

impl fmt::Display for UnmetExpectations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UnmetExpectations {
    /// As [`Display`](fmt::Display), for `unwrap`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UnmetExpectations {}

impl UnmetExpectations {
    pub(super) fn new(failed: &[(Expect, u64)], of: usize, operations: &[&str], journal: &Journal) -> Self {
        let mut text = format!("the sandbox was called otherwise than expected ({} of {of} unmet)\n", failed.len());
        for (expect, count) in failed {
            // Writing to a text cannot fail.
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
            Some(known) => writeln!(text, "  but       no vendor has a call of this name; there is {known}"),
            None => {
                writeln!(text, "  but       no vendor has a call of this name; there are {}", operations.join(", "))
            }
        };
    }
    writeln!(text, "  got       {}", often(count))?;
    if expect.times.most.is_some_and(|most| count > most) {
        // Those that were too many: what is near does not matter.
        for (entry, call) in journal.find(filter).take(REFUSED) {
            line(text, "call", entry, call)?;
        }
        return Ok(());
    }
    for near in journal.near_misses(filter, NEAREST) {
        if let What::Call(call) = &near.entry.what {
            line(text, "nearest", &near.entry, call)?;
        }
        for difference in &near.differences {
            writeln!(text, "            - {difference}")?;
        }
    }
    match journal.forgotten(filter.since) {
        0 => Ok(()),
        forgotten => writeln!(text, "            ({forgotten} older entries of the journal are gone)"),
    }
}

/// A call in a line.
fn line(text: &mut String, what: &str, entry: &Entry, call: &Call) -> fmt::Result {
    let operation = call.operation.unwrap_or("no operation");
    let status = call.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    writeln!(text, "  {what:<9} #{} {operation} ({} {}) -> {status}", entry.sequence, call.method, call.uri.path())
}

fn refused(text: &mut String, journal: &Journal) -> fmt::Result {
    let all: Vec<_> = journal.calls().filter(|(_, call)| !call.refused.is_empty()).collect();
    if all.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n  refused by a rule: {}", often(all.len() as u64))?;
    for (entry, call) in all.iter().take(REFUSED) {
        line(text, "", entry, call)?;
        for fault in &call.refused {
            writeln!(text, "            - {fault}")?;
        }
    }
    Ok(())
}
