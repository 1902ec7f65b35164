//! What a page shows: the link of the request, and the state of the case by the admin API.

use bytes::Bytes;
use http::{Method, Request};
use identkit_mock_server::server::AdminApi;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::form::Form;
use super::language::Language;
use crate::api;

/// The landing page that a request addresses.
pub(super) struct Link {
    /// Path of the landing page.
    path: String,
    /// The rest of the path: empty, or e.g. `/phone`.
    pub(super) below: String,
    pub(super) language: Language,
    /// Whether the link chooses the language.
    is_chosen: bool,
    /// Whether the person has just acted.
    pub(super) goes: bool,
    /// Name of the sentence to show.
    pub(super) notice: Option<String>,
}

impl Link {
    pub(super) fn new(request: &Request<Bytes>) -> Self {
        let whole = request.uri().path();
        // A landing page has two segments, e.g. `/status/LINK`.
        let end = whole.match_indices('/').nth(2).map_or(whole.len(), |(at, _)| at);
        let (path, below) = whole.split_at_checked(end).unwrap_or((whole, ""));
        let query = Form::parse(request.uri().query().unwrap_or_default());
        let chosen = query.get("lang").and_then(Language::of_code);
        let notice = query.get("notice").map(str::to_owned);
        Self {
            path: path.to_owned(),
            below: below.trim_end_matches('/').to_owned(),
            language: chosen.unwrap_or_else(|| Language::preferred(request.headers())),
            is_chosen: chosen.is_some(),
            // A wrong TAN can end the order.
            goes: query.get("go").is_some() || notice.as_deref() == Some("tan"),
            notice,
        }
    }

    fn url(&self, below: &str, parameter: Option<(&str, &str)>) -> String {
        let language = self.is_chosen.then(|| ("lang", self.language.code()));
        let query: Vec<String> =
            language.into_iter().chain(parameter).map(|(name, value)| format!("{name}={value}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{below}{mark}{}", self.path, query.join("&"))
    }

    /// The URL of the landing page.
    pub(super) fn page(&self) -> String {
        self.url("", None)
    }

    /// The URL of the landing page with a parameter.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        self.url("", Some((name, value)))
    }

    /// The URL of a page below the landing page.
    pub(super) fn below(&self, below: &str) -> String {
        self.url(below, None)
    }

    /// The URL of this page in another language.
    pub(super) fn in_language(&self, language: Language) -> String {
        format!("{}{}?lang={}", self.path, self.below, language.code())
    }
}

/// The path of an admin call about a case.
pub(super) fn path(world: &str, case: &str, call: &str) -> String {
    let [world, case] = [world, case].map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string());
    let call = if call.is_empty() { String::new() } else { format!("/{call}") };
    format!("orders/{case}{call}?world={world}&reveal=true")
}

/// The path of an admin call whose query names the case.
pub(super) fn query(world: &str, case: &str, call: &str) -> String {
    let [world, case] = [world, case].map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string());
    format!("{call}?world={world}&order={case}")
}

/// The state of a case.
pub(super) struct View {
    pub(super) vendor: String,
    pub(super) case: String,
    pub(super) reference: Option<String>,
    pub(super) step: String,
    actions: Vec<String>,
    pub(super) methods: Vec<String>,
    pub(super) method: Option<String>,
    pub(super) documents: Vec<String>,
    pub(super) appointment: Option<String>,
    pub(super) redirect: Option<String>,
}

impl View {
    /// Reads the state. `None` if the world no longer has the case.
    pub(super) async fn read(admin: &AdminApi, world: &str, case: &str) -> Option<Self> {
        let order = api::call(admin, Method::GET, &path(world, case, ""), &Value::Null).await.ok()?;
        let person = api::call(admin, Method::GET, &path(world, case, "person"), &Value::Null).await.ok()?;
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let list = |name: &str| {
            let items = person.get(name).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let redirect = text(&person, "redirect");
        Some(Self {
            vendor: text(&order, "vendor").unwrap_or_default(),
            case: case.to_owned(),
            reference: text(&order, "reference").filter(|reference| !reference.is_empty()),
            step: text(&person, "step").unwrap_or_default(),
            actions: list("actions"),
            methods: list("methods"),
            method: text(&person, "method"),
            documents: list("documents"),
            appointment: text(&person, "appointment"),
            redirect: redirect.filter(|url| is_web(url)),
        })
    }

    pub(super) fn can(&self, action: &str) -> bool {
        self.actions.iter().any(|known| known == action)
    }
}

/// Whether a URL is safe to follow: a browser would run `javascript:`.
fn is_web(url: &str) -> bool {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m_15_only_web_addresses_are_followed() {
        for (url, expected) in [
            ("https://shop.example/", true),
            ("HTTP://shop.example", true),
            ("javascript:alert(1)//://", false),
            ("data:text/html,x", false),
            ("//shop.example", false),
            ("", false),
        ] {
            assert_eq!(is_web(url), expected, "{url}");
        }
    }
}
