//! Forms of the console: each makes one call of the admin API, and then shows its page again.

use http::Method;
use maud::{Markup, html};
use serde_json::{Map, Value};

use super::visit::{Visit, pairs};

/// The call that a form makes.
pub(super) struct Action {
    pub(super) method: Method,
    /// Path below the root of the admin API.
    pub(super) path: String,
    pub(super) body: Value,
    /// The notice that the page shows afterwards.
    pub(super) done: Notice,
}

impl Action {
    pub(super) fn post(path: impl Into<String>, body: Value, done: Notice) -> Self {
        Self { method: Method::POST, path: path.into(), body, done }
    }

    pub(super) fn delete(path: impl Into<String>, done: Notice) -> Self {
        Self { method: Method::DELETE, path: path.into(), body: Value::Null, done }
    }
}

/// Declares the notices: the word in the query, and the text. A page never shows a text of its query.
macro_rules! notices {
    ($($notice:ident = $word:literal, $text:literal;)*) => {
        /// What an action did.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Notice { $($notice,)* }

        impl Notice {
            pub(super) fn word(self) -> &'static str {
                match self { $(Self::$notice => $word,)* }
            }

            pub(super) fn named(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$notice),)* _ => None }
            }

            pub(super) fn text(self) -> &'static str {
                match self { $(Self::$notice => $text,)* }
            }
        }
    };
}

notices! {
    Played = "played", "Played.";
    Advanced = "advanced", "The clock has moved.";
    Mode = "mode", "The mode of the clock has changed.";
    Resent = "resent", "The webhook was sent again.";
    Held = "held", "The webhook is held.";
    Released = "released", "Released.";
    Duplicated = "duplicated", "A copy of the webhook was sent.";
    Dropped = "dropped", "The webhook will not be sent again.";
    WebhookMode = "webhook-mode", "The mode of webhooks has changed.";
    Injected = "injected", "The fault is on.";
    Cleared = "cleared", "Removed.";
    Changed = "changed", "The setting has changed.";
    Created = "created", "The world exists.";
    Snapshot = "snapshot", "The snapshot was taken.";
    Restored = "restored", "The snapshot was restored.";
    Reset = "reset", "The world is empty.";
    Deleted = "deleted", "The world was deleted.";
}

/// The fields of a submitted form.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn read(body: &[u8]) -> Self {
        Self(pairs(&String::from_utf8_lossy(body)))
    }

    /// A field without surrounding space; `None` if it is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let value = &self.0.iter().find(|(known, _)| known == name)?.1;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    /// A field as a number; as the text if it is none, so that the admin API says what is valid.
    pub(super) fn number(&self, name: &str) -> Value {
        self.get(name).map_or(Value::Null, |text| match serde_json::from_str(text) {
            Ok(number @ Value::Number(_)) => number,
            _ => text.into(),
        })
    }

    /// A field as JSON; as a text if it is not JSON.
    pub(super) fn json(&self, name: &str) -> Value {
        self.get(name).map_or(Value::Null, |text| serde_json::from_str(text).unwrap_or_else(|_| text.into()))
    }

    /// The path to show afterwards. It must be one of this host.
    pub(super) fn back(&self) -> &str {
        let is_own =
            |path: &&str| path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n']);
        self.get("back").filter(is_own).unwrap_or("/")
    }
}

/// Creates an object of the members that are not null.
pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let given = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(given.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

/// A form that posts to a path of the console.
pub(super) fn form(visit: &Visit<'_>, path: &str, class: &str, content: &Markup) -> Markup {
    html! {
        form method="post" action=(visit.link(path)) class=(class) {
            input type="hidden" name="back" value=(visit.same());
            (content)
        }
    }
}

/// A form that is one button. `meaning` says what the button does, for those who do not see its surroundings.
pub(super) fn button(visit: &Visit<'_>, path: &str, fields: &[(&str, &str)], label: &str, meaning: &str) -> Markup {
    form(
        visit,
        path,
        "one",
        &html! {
            @for (name, value) in fields {
                input type="hidden" name=(name) value=(value);
            }
            button type="submit" title=(meaning) aria-label=(format!("{label}: {meaning}")) { (label) }
        },
    )
}
