//! Commands for curl: the same calls without the console.

use serde_json::Value;

/// Headers that curl sets itself, and those that belong to a connection.
const OWN: [&str; 7] =
    ["host", "content-length", "accept-encoding", "connection", "user-agent", "transfer-encoding", "te"];

/// Quotes a text for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A call of the admin API.
pub(super) fn admin(origin: &str, method: &str, path: &str, body: &Value) -> String {
    let url = quoted(&format!("{origin}/_sandbox/v1/{path}"));
    match (method, body) {
        ("GET", _) => format!("curl -sS {url}"),
        (_, Value::Null) => format!("curl -sS -X {method} {url}"),
        ("POST", body) => format!("curl -sS -d {} {url}", quoted(&body.to_string())),
        (_, body) => format!("curl -sS -X {method} -d {} {url}", quoted(&body.to_string())),
    }
}

/// A recorded request, to this base URL or shell variable.
pub(super) fn recorded(base: &str, request: &Value) -> String {
    let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default();
    let (method, path) = (text("method"), text("path"));
    let mut lines = vec![match base {
        "" => format!("curl -sS -X {method} {}", quoted(text("url"))),
        base => format!("curl -sS -X {method} \"${base}\"{}", quoted(path)),
    }];
    for (name, value) in request.get("headers").and_then(Value::as_object).into_iter().flatten() {
        if !OWN.contains(&name.as_str()) {
            lines.push(format!("-H {}", quoted(&format!("{name}: {}", value.as_str().unwrap_or_default()))));
        }
    }
    match request.get("body") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => lines.push(format!("--data-raw {}", quoted(text))),
        Some(json) => lines.push(format!("--data-raw {}", quoted(&json.to_string()))),
    }
    lines.join(" \\\n  ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_quote_in_a_body_cannot_end_the_argument() {
        let request = json!({ "method": "PUT", "path": "/a?b=c'd", "headers": { "host": "x", "a": "b" }, "body": { "n": "it's" } });
        let command = recorded("SANDBOX", &request);
        let lines =
            [r#"curl -sS -X PUT "$SANDBOX"'/a?b=c'\''d' \"#, r"  -H 'a: b' \", r#"  --data-raw '{"n":"it'\''s"}'"#];
        assert_eq!(command, lines.join("\n"));
        let post = admin("http://h", "POST", "clock/advance", &json!({ "seconds": 1 }));
        assert_eq!(post, r#"curl -sS -d '{"seconds":1}' 'http://h/_sandbox/v1/clock/advance'"#);
    }
}
