//! The language of a page.

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    German,
    English,
}

impl Language {
    pub(super) const ALL: [Self; 2] = [Self::German, Self::English];

    pub(super) fn code(self) -> &'static str {
        self.say("de", "en")
    }

    pub(super) fn name(self) -> &'static str {
        self.say("Deutsch", "English")
    }

    /// Returns the text in this language.
    pub(super) fn say(self, german: &'static str, english: &'static str) -> &'static str {
        match self {
            Self::German => german,
            Self::English => english,
        }
    }

    pub(super) fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// Returns the language that the browser prefers, by default English (RFC 9110, section 12.5.4).
    pub(super) fn preferred(headers: &HeaderMap) -> Self {
        let given = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut best = (0.0, Self::English);
        for range in given.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            let language = Self::of_code(tag.split('-').next().unwrap_or_default());
            // The first of equal weights wins.
            if let Some(language) = language.filter(|_| weight > best.0) {
                best = (weight, language);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn m_15_the_browser_chooses_the_language() {
        for (given, expected) in [
            ("de-DE,de;q=0.9,en;q=0.8", "de"),
            ("en-US,en;q=0.9,de;q=0.8", "en"),
            ("fr;q=1, de;q=0.2, en;q=0.1", "de"),
            ("DE", "de"),
            ("en;q=0, de;q=0.5", "de"),
            ("fr", "en"),
            ("", "en"),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_LANGUAGE, HeaderValue::from_str(given).unwrap())]);
            assert_eq!(Language::preferred(&headers).code(), expected, "{given}");
        }
    }
}
