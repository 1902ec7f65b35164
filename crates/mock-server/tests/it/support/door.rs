//! Raw HTTP to the sandbox, like a client in any language.

use super::*;

/// The admin API of a sandbox.
pub(crate) struct Door(Listener);

impl Door {
    pub(crate) async fn of(worlds: impl Into<Worlds>) -> Self {
        Self(server::admin(worlds, "127.0.0.1:0".parse().unwrap()).await.unwrap())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address()
    }

    pub(crate) async fn text(&self, method: &str, path: &str, body: &str) -> (u16, String, String) {
        exchange(self.0.address(), method, &format!("/_sandbox/v1/{}", path.trim_start_matches('/')), body).await
    }

    /// Makes a call that must succeed.
    pub(crate) async fn good(&self, method: &str, path: &str, body: &str) -> Value {
        let (status, media, text) = self.text(method, path, body).await;
        assert_eq!((status, media.as_str()), (200, "application/json"), "{method} {path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.good("GET", path, "").await
    }

    /// Makes a call that must be rejected with a problem of this rule.
    pub(crate) async fn problem(&self, method: &str, path: &str, body: &str, expected: u16, rule: &str) -> Value {
        let value = self.refusal(method, path, body, expected).await;
        assert_eq!(value["rule"], rule, "{value}");
        value
    }

    /// Makes a call that must be rejected with a problem.
    pub(crate) async fn refusal(&self, method: &str, path: &str, body: &str, expected: u16) -> Value {
        let (status, media, text) = self.text(method, path, body).await;
        assert_eq!((status, media.as_str()), (expected, "application/problem+json"), "{method} {path} {body}: {text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["status"], expected);
        for part in ["type", "title", "detail", "rule"] {
            assert!(!value[part].as_str().unwrap().is_empty(), "{part}: {value}");
        }
        value
    }
}

/// Sends a request on a new connection; returns status, media type and body.
pub(crate) async fn exchange(address: SocketAddr, method: &str, path: &str, body: &str) -> (u16, String, String) {
    let (status, head, body) = identkit_testkit::call(address, method, path, "", body).await;
    let media = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
    (status, media.to_owned(), body)
}
