//! Texts that must never be printed.

use identkit_core::{NewCase, Opened, Pii, Secret};

/// Minimum length of a text: a shorter one also occurs in other words.
const MIN: usize = 4;

/// Texts that must never be printed, in lower case: the person of a case, its reference, ids and credentials.
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    pub(crate) fn new(case: &NewCase, credentials: [&str; 2]) -> Self {
        let (person, text) =
            (&case.person, |value: &Option<Pii<String>>| value.as_ref().map(|text| text.expose().clone()));
        let mut secrets = Self(Vec::new());
        let texts = [
            Some(person.given_names.expose().clone()),
            Some(person.family_name.expose().clone()),
            person.birth_date.as_ref().map(|date| date.expose().year().to_string()),
            text(&person.email),
            // Vendors write the prefix in several ways.
            text(&person.mobile).map(|number| number.trim_start_matches(['+', '0']).to_owned()),
            text(&person.address.street),
            text(&case.reference),
        ];
        secrets.extend(texts.into_iter().flatten());
        secrets.extend(credentials.map(str::to_owned));
        secrets
    }

    /// Adds the id of a case and the URL for the person.
    pub(crate) fn add(&mut self, opened: &Opened) {
        let url = opened.person_url.as_ref().map(Secret::expose);
        self.extend([Some(opened.case.id.expose()), url].into_iter().flatten().map(str::to_owned));
    }

    fn extend(&mut self, texts: impl IntoIterator<Item = String>) {
        self.0.extend(texts.into_iter().map(|text| text.to_lowercase()).filter(|text| text.chars().count() >= MIN));
    }

    /// Returns the first of these texts in `text`.
    pub(crate) fn find(&self, text: &str) -> Option<&str> {
        let text = text.to_lowercase();
        self.0.iter().map(String::as_str).find(|secret| text.contains(secret))
    }
}
