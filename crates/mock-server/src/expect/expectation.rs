//! One expectation: which calls, and how often.

use std::fmt;

use http::Method;

use crate::journal::{Filter, Wanted};

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) least: u64,
    pub(super) most: Option<u64>,
}

impl Times {
    pub(super) fn holds(self, count: u64) -> bool {
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

pub(super) fn often(count: u64) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

/// That calls are made so often: at least once, unless said otherwise. Given to [`Sandbox::expect`](crate::Sandbox::expect).
#[derive(Clone, Debug)]
#[must_use = "it expects nothing until it is given to Sandbox::expect"]
pub struct Expect {
    pub(super) filter: Filter,
    pub(super) times: Times,
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

    /// Only those about this case, by its id at the vendor.
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
