//! A rule: what goes wrong, with which calls, and how often.

use serde::{Deserialize, Serialize};

use super::{Fault, values};

/// What goes wrong, with which calls, and how often. With nothing else said, with the next call of all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Rule {
    /// What goes wrong.
    #[serde(flatten)]
    pub fault: Fault,
    /// The vendor's name of the call, in any case, e.g. `getStatus`, which means its variants too; every call when
    /// `None`.
    #[serde(deserialize_with = "values::text")]
    #[cfg_attr(feature = "server", schemars(example = &"putOrder"))]
    pub operation: Option<String>,
    /// Name of the vendor; all of them when `None`.
    #[serde(deserialize_with = "values::text")]
    pub vendor: Option<String>,
    /// How often it strikes; `None` for as often as it can.
    #[serde(deserialize_with = "values::times")]
    #[cfg_attr(feature = "server", schemars(range(min = 1)))]
    pub times: Option<u64>,
    /// Which of the calls that fit is the first to be struck, from 1.
    #[serde(deserialize_with = "values::positive")]
    #[cfg_attr(feature = "server", schemars(range(min = 1)))]
    pub nth: u64,
    /// How likely a call is to be struck: above 0, up to 1.
    #[serde(deserialize_with = "values::probability")]
    #[cfg_attr(feature = "server", schemars(with = "Option<f64>", range(max = 1), extend("exclusiveMinimum" = 0)))]
    pub probability: f64,
}

impl Rule {
    /// A rule that strikes the next call.
    pub fn new(fault: Fault) -> Self {
        Self { fault, operation: None, vendor: None, times: Some(1), nth: 1, probability: 1.0 }
    }

    /// Only these calls, by the vendor's name in any case; `getStatus` means its variants too.
    #[must_use]
    pub fn operation(mut self, name: impl Into<String>) -> Self {
        self.operation = Some(name.into());
        self
    }

    /// Only calls of this vendor.
    #[must_use]
    pub fn vendor(mut self, name: impl Into<String>) -> Self {
        self.vendor = Some(name.into());
        self
    }

    /// So often.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// As often as it can.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    /// Not before the nth call that fits, from 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = nth;
        self
    }

    /// Only so likely, drawn by the world's seed: above 0, up to 1. Without a limit, unless [`times`](Self::times) says
    /// one after this.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self.times = None;
        self
    }

    /// Whether it is about calls of this operation.
    pub(super) fn fits(&self, vendor: Option<&str>, operation: Option<&str>) -> bool {
        self.vendor.as_deref().is_none_or(|wanted| Some(wanted) == vendor)
            && self.operation.as_deref().is_none_or(|wanted| operation.is_some_and(|name| names(wanted, name)))
    }
}

impl From<Fault> for Rule {
    fn from(fault: Fault) -> Self {
        Self::new(fault)
    }
}

/// Whether a name means an operation: the same in any case, or what comes before a slash of it.
pub(crate) fn names(wanted: &str, operation: &str) -> bool {
    operation.get(..wanted.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(wanted))
        && matches!(operation.as_bytes().get(wanted.len()), None | Some(b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_the_call_in_any_case_and_its_variants() {
        for (wanted, operation, fits) in [
            ("getStatus", "getStatus", true),
            ("GETSTATUS", "getStatus/ExtendedList", true),
            ("getStatus/ExtendedList", "getStatus", false),
            ("getIdentData", "getIdentDataPDF", false),
            ("ident", "ident/get", true),
            ("", "ident/get", false),
            ("ä", "ident/get", false),
        ] {
            assert_eq!(names(wanted, operation), fits, "{wanted} {operation}");
        }
    }
}
