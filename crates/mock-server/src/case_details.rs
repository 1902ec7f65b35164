//! What a vendor says about a case, beyond its state: for lists with a search, and for a page about one case.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

/// The texts by which a list of cases is filtered.
#[non_exhaustive]
#[derive(Clone, Default)]
pub struct CaseKeys {
    /// The reference of the case.
    pub reference: Option<String>,
    /// The latest status, in the form of `latest_status`.
    pub status: Option<String>,
    /// Further texts that a search finds, e.g. names.
    pub texts: Vec<String>,
}

impl fmt::Debug for CaseKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The texts are personal data.
        f.debug_struct("CaseKeys").field("status", &self.status).finish_non_exhaustive()
    }
}

impl CaseKeys {
    /// Creates the keys of a case.
    pub fn new(reference: Option<String>, status: Option<String>) -> Self {
        Self { reference, status, texts: Vec::new() }
    }

    /// Adds texts that a search finds.
    #[must_use]
    pub fn texts(mut self, texts: impl IntoIterator<Item = String>) -> Self {
        self.texts.extend(texts);
        self
    }

    /// Whether the reference or another text contains these words, ignoring the case of letters. `wanted` must be in
    /// lower case.
    #[cfg(feature = "server")]
    pub(crate) fn contain(&self, id: &str, wanted: &str) -> bool {
        let texts = self.texts.iter().map(String::as_str).chain(self.reference.as_deref()).chain([id]);
        texts.into_iter().any(|text| contains(text, wanted))
    }
}

/// Whether a text contains these words in lower case. ASCII needs no copy: a search reads each case of the world.
#[cfg(feature = "server")]
fn contains(text: &str, wanted: &str) -> bool {
    let [text_bytes, wanted_bytes] = [text, wanted].map(str::as_bytes);
    match wanted.is_ascii() && !wanted.is_empty() {
        true => text_bytes.windows(wanted_bytes.len()).any(|part| part.eq_ignore_ascii_case(wanted_bytes)),
        false => text.to_lowercase().contains(wanted),
    }
}

/// A status that the vendor's document or settings name.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownStatus {
    /// The status in the form of `latest_status`.
    pub status: String,
    /// The document's text; `None` if the status is a text itself.
    pub name: Option<&'static str>,
}

impl KnownStatus {
    /// Creates a status.
    pub fn new(status: impl Into<String>, name: Option<&'static str>) -> Self {
        Self { status: status.into(), name }
    }
}

/// A status that a case had.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastStatus {
    /// When the status was set.
    pub at: Option<Timestamp>,
    /// The status.
    pub known: KnownStatus,
    /// The vendor's remark.
    pub remark: Option<String>,
}

impl PastStatus {
    /// Creates a status.
    pub fn new(at: Option<Timestamp>, known: KnownStatus, remark: Option<String>) -> Self {
        Self { at, known, remark }
    }
}

/// A story, and whether it can be played now.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryOption {
    /// Name of the story.
    pub name: String,
    /// Why it cannot be played now; `None` if it can.
    pub refused: Option<String>,
}

impl StoryOption {
    /// Creates a story.
    pub fn new(name: impl Into<String>, refused: Option<String>) -> Self {
        Self { name: name.into(), refused }
    }
}

/// A file of a case: a report, a signed document, a picture, a recording.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceFile {
    /// Name of the file, unique in the case.
    pub name: String,
    /// Media type of the file.
    pub media_type: &'static str,
    /// The vendor's call that returns it.
    pub operation: &'static str,
    /// Why it cannot be read now; `None` if it can.
    pub refused: Option<String>,
}

impl EvidenceFile {
    /// Creates a file.
    pub fn new(name: impl Into<String>, media_type: &'static str, operation: &'static str) -> Self {
        Self { name: name.into(), media_type, operation, refused: None }
    }

    /// Sets why it cannot be read now.
    #[must_use]
    pub fn refused(mut self, why: Option<String>) -> Self {
        self.refused = why;
        self
    }
}

/// What a vendor says about a case.
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub struct CaseDetails {
    /// The request that created the case, in the vendor's form.
    pub ordered: Value,
    /// The statuses, oldest first.
    pub timeline: Vec<PastStatus>,
    /// All stories.
    pub stories: Vec<StoryOption>,
    /// The files.
    pub evidence: Vec<EvidenceFile>,
}

impl CaseDetails {
    /// Creates the details of a case without files.
    pub fn new(ordered: Value, timeline: Vec<PastStatus>, stories: Vec<StoryOption>) -> Self {
        Self { ordered, timeline, stories, evidence: Vec::new() }
    }

    /// Sets the files.
    #[must_use]
    pub fn evidence(mut self, evidence: Vec<EvidenceFile>) -> Self {
        self.evidence = evidence;
        self
    }
}

/// The content of a file of a case. It is created without the lock of the world, because signing a document takes long.
pub struct Evidence {
    /// Media type of the file.
    pub media_type: &'static str,
    create: Box<dyn FnOnce() -> Result<Vec<u8>, String> + Send>,
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evidence").field("media_type", &self.media_type).finish_non_exhaustive()
    }
}

impl Evidence {
    /// Creates a file. `create` returns its bytes, or why they cannot be created.
    pub fn new(media_type: &'static str, create: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static) -> Self {
        Self { media_type, create: Box::new(create) }
    }

    /// Returns the bytes.
    ///
    /// # Errors
    /// Why they cannot be created.
    pub fn bytes(self) -> Result<Vec<u8>, String> {
        (self.create)()
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::*;

    #[test]
    fn a_search_ignores_the_case_of_letters() {
        let keys = CaseKeys::new(Some("Ref-1".into()), None).texts(["Müller".to_owned()]);
        for (wanted, found) in
            [("ref", true), ("müll", true), ("ller", true), ("99a", true), ("", true), ("ref-2", false)]
        {
            assert_eq!(keys.contain("99A", wanted), found, "{wanted}");
        }
        assert!(CaseKeys::new(None, None).texts(["MÜLLER".to_owned()]).contain("1", "müller"));
    }
}
