//! Elements with which a body says that a call failed, in the usual forms that no document describes (AT-94).

use serde_json::{Map, Value};

use crate::Warning;

/// What an element says.
#[derive(Clone, Copy, PartialEq)]
enum Sign {
    /// An error, unless it is empty.
    Error,
    /// A text, which is the reason of a failure if the response has no result.
    Text,
    /// Whether the call succeeded.
    Success,
    /// A status of 400 or more, or a word for a failure.
    Status,
}

/// Names of the elements, without case and without separators, in the sequence in which a reason is looked for.
const NAMES: [(&str, Sign); 24] = [
    ("error", Sign::Error),
    ("errors", Sign::Error),
    ("errormessage", Sign::Error),
    ("errortext", Sign::Error),
    ("errordescription", Sign::Error),
    ("errorcode", Sign::Error),
    ("exception", Sign::Error),
    ("fault", Sign::Error),
    ("fehler", Sign::Error),
    ("fehlercode", Sign::Error),
    ("fehlermeldung", Sign::Error),
    ("fehlertext", Sign::Error),
    ("message", Sign::Text),
    ("messages", Sign::Text),
    ("detail", Sign::Text),
    ("details", Sign::Text),
    ("reason", Sign::Text),
    ("text", Sign::Text),
    ("title", Sign::Text),
    ("success", Sign::Success),
    ("ok", Sign::Success),
    ("result", Sign::Success),
    ("status", Sign::Status),
    ("statuscode", Sign::Status),
];

/// Words of a status for a failure.
const FAILURES: [&str; 5] = ["error", "err", "fail", "failed", "failure"];

/// Whether a name is a listed one, without case and separators.
pub(crate) fn is_named(name: &str, listed: &str) -> bool {
    let letters = name.bytes().filter(|byte| !matches!(byte, b'_' | b'-')).map(|byte| byte.to_ascii_lowercase());
    letters.eq(listed.bytes())
}

fn sign(name: &str) -> Option<Sign> {
    NAMES.iter().find(|(listed, _)| is_named(name, listed)).map(|(_, sign)| *sign)
}

/// Whether an element with this name can say whether the call failed.
pub(crate) fn is_sign(name: &str) -> bool {
    sign(name).is_some()
}

/// Whether an element with this name says that the call failed, unless it is empty.
pub(crate) fn is_error(name: &str) -> bool {
    sign(name) == Some(Sign::Error)
}

/// Whether an element of a JSON object says that the call failed.
pub fn is_failure(name: &str, value: &Value) -> bool {
    match (sign(name), value) {
        (Some(Sign::Error), value) => !is_none(value),
        (Some(Sign::Success), Value::Bool(success)) => !success,
        (Some(Sign::Success), Value::Number(number)) => number.as_u64() == Some(0),
        (Some(Sign::Success), Value::String(word)) => word.trim().eq_ignore_ascii_case("false"),
        (Some(Sign::Status), Value::Number(number)) => number.as_u64().is_some_and(|status| status >= 400),
        (Some(Sign::Status), Value::String(word)) => {
            let word = word.trim();
            FAILURES.iter().any(|failure| word.eq_ignore_ascii_case(failure))
                || word.parse().is_ok_and(|status: u64| status >= 400)
        }
        _ => false,
    }
}

/// Returns a warning if one of these elements, which the document does not list, says that the call failed.
pub fn failure_beside_result<'a>(elements: impl IntoIterator<Item = (&'a String, &'a Value)>) -> Option<Warning> {
    let failed = elements.into_iter().any(|(name, value)| is_failure(name, value));
    Warning::when(failed, "the vendor also reported an error", "AT-94")
}

/// Whether an element of a JSON object without a result says why it has none: a failure, or a text.
pub fn is_reason(name: &str, value: &Value) -> bool {
    is_failure(name, value) || (sign(name) == Some(Sign::Text) && !is_none(value))
}

/// Whether an element beside an empty list shows that the list may be another one: it says why a result is missing,
/// or is a list or an object that is not empty.
pub fn is_result_or_reason(name: &str, value: &Value) -> bool {
    is_reason(name, value) || (matches!(value, Value::Array(_) | Value::Object(_)) && !is_none(value))
}

/// The values of an object that can be the text of an error, the most likely one first.
pub(crate) fn reasons(object: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let texts = NAMES.iter().filter(|(_, sign)| matches!(sign, Sign::Error | Sign::Text));
    texts.flat_map(|(listed, _)| object.iter().filter(|(name, _)| is_named(name, listed)).map(|(_, value)| value))
}

/// Whether a value of an error or a text is none. Programs write such a value for "no error".
fn is_none(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Number(number) => number.as_u64() == Some(0),
        Value::String(text) => matches!(text.trim(), "" | "0"),
        Value::Array(many) => many.iter().all(is_none),
        Value::Object(members) => members.values().all(is_none),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::states_failure;
    use serde_json::json;

    #[test]
    fn at_94_each_name_of_an_error_is_known() {
        // The names are listed again: a name that is removed from the table must fail here.
        for name in [
            "error",
            "Error",
            "errors",
            "ErrorMessage",
            "error_message",
            "ErrorText",
            "error-description",
            "ErrorCode",
            "exception",
            "fault",
            "Fehler",
            "FehlerCode",
            "Fehlermeldung",
            "fehler_text",
        ] {
            let body = |value: Value| json!({ name: value }).to_string();
            assert!(states_failure(body(json!("no")).as_bytes()) && is_reason(name, &json!("no")), "{name}");
            assert_eq!(reasons(json!({ name: "no" }).as_object().unwrap()).count(), 1, "{name}");
            for value in [json!(7), json!([{ "code": 7 }]), json!({ "code": 7 }), json!(true)] {
                assert!(states_failure(body(value.clone()).as_bytes()), "{name} {value}");
            }
            for value in [json!(null), json!(false), json!(0), json!("0"), json!(" "), json!([]), json!({ "code": 0 })]
            {
                assert!(!states_failure(body(value.clone()).as_bytes()) && !is_reason(name, &value), "{name} {value}");
            }
        }
    }

    #[test]
    fn at_94_each_name_of_a_text_is_known() {
        for name in ["message", "Message", "messages", "detail", "details", "reason", "text", "title"] {
            assert!(is_reason(name, &json!("no")) && !is_reason(name, &json!([])), "{name}");
            assert_eq!(reasons(json!({ name: "no" }).as_object().unwrap()).count(), 1, "{name}");
            assert!(!states_failure(json!({ name: "canceled" }).to_string().as_bytes()), "{name}");
        }
        assert!(!is_reason("Ref", &json!("no")) && !is_reason("errorless", &json!("no")));
    }

    #[test]
    fn at_94_each_name_of_a_success_or_a_status_is_known() {
        for name in ["success", "Success", "ok", "result"] {
            for (value, failed) in [
                (json!(false), true),
                (json!("False"), true),
                (json!(0), true),
                (json!(true), false),
                (json!(null), false),
            ] {
                let body = json!({ name: value }).to_string();
                assert_eq!((states_failure(body.as_bytes()), is_reason(name, &value)), (failed, failed), "{body}");
            }
        }
        for name in ["status", "statusCode", "status_code"] {
            for value in [json!(400), json!(502), json!("500")] {
                assert!(is_failure(name, &value) && is_reason(name, &value), "{name} {value}");
            }
            for word in ["error", "ERR", "fail", "failed", "Failure"] {
                assert!(is_failure(name, &json!(word)), "{name} {word}");
            }
            for value in [json!(202), json!("202"), json!("ok"), json!(null), json!([])] {
                assert!(!is_reason(name, &value), "{name} {value}");
            }
        }
        for (body, failed) in [("false", true), ("true", false), ("", false), ("{}", false), ("x", false)] {
            assert_eq!(states_failure(body.as_bytes()), failed, "{body}");
        }
    }
}
