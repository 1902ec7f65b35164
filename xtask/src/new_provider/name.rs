//! The name of a provider in all its forms.

/// Number of characters of a name: test names begin with it and have at most 60 characters.
const LENGTH: std::ops::RangeInclusive<usize> = 3..=20;

/// Words that cannot be the name of a crate's module or type, or that name something else in the workspace.
const RESERVED: [&str; 12] = [
    "acme",
    "crate",
    "default",
    "example-provider",
    "identkit",
    "mock",
    "provider",
    "sandbox",
    "self",
    "static",
    "super",
    "test",
];

/// The name of a provider, e.g. `acme-ident`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let is_part = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        let valid = text.split('-').all(is_part) && text.starts_with(|c: char| c.is_ascii_lowercase());
        if !valid || !LENGTH.contains(&text.len()) {
            return Err(format!(
                "`{text}` is not the name of a provider: use {} to {} lower-case letters and digits, beginning with a letter, with single hyphens in between",
                LENGTH.start(),
                LENGTH.end()
            ));
        }
        if RESERVED.contains(&text) {
            return Err(format!("`{text}` names something else: choose another name"));
        }
        Ok(Self(text.to_owned()))
    }

    /// As folder and provider name: `acme-ident`.
    pub(crate) fn kebab(&self) -> &str {
        &self.0
    }

    /// As identifier: `acme_ident`.
    pub(crate) fn snake(&self) -> String {
        self.0.replace('-', "_")
    }

    /// As type: `AcmeIdent`.
    pub(crate) fn camel(&self) -> String {
        self.0.split('-').map(capitalized).collect()
    }

    /// As prefix of the contract's ids: `ACMEIDENT`.
    pub(crate) fn prefix(&self) -> String {
        self.0.replace('-', "").to_uppercase()
    }

    /// As package: `identkit-acme-ident`.
    pub(crate) fn package(&self) -> String {
        format!("identkit-{}", self.0)
    }
}

fn capitalized(part: &str) -> String {
    let mut letters = part.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
