//! How ambiguities in the vendor's document are resolved.

/// Switches for the points that the document leaves open. The defaults are the decisions of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    pub(crate) report_of_failed: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { report_of_failed: true }
    }
}

impl Dialect {
    /// The default decisions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether a failed case has a report. The document says only that a finished case has one (ACME-T1).
    #[must_use]
    pub fn report_of_failed(mut self, exists: bool) -> Self {
        self.report_of_failed = exists;
        self
    }
}
