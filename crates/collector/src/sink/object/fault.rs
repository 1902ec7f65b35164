//! Errors of an object store: the operation, the location relative to the sink, and what to do.

use std::error::Error as StdError;
use std::io;

use identkit_core::{Advice, Error, Kind};
use object_store::Error as StoreError;

/// The error of a failed operation. It has no source: errors of object stores quote URLs and responses, which can contain
/// parts of credentials.
pub(crate) fn storage(operation: &str, location: &str, error: &StoreError) -> Error {
    let (what, advice) = explain(error);
    Error::new(Kind::Storage, format!("cannot {operation} {location}: {what}")).with_advice(advice)
}

/// The error of an object that another process has removed.
pub(crate) fn vanished(operation: &str, location: &str) -> Error {
    let detail = format!("cannot {operation} {location}: it was removed by another process");
    Error::new(Kind::Storage, detail).with_advice(Advice::RetryLater)
}

/// The error of an object store that replaces an object where it should refuse to.
pub(crate) fn unconditional() -> Error {
    let detail = "the object store overwrites objects: it ignores If-None-Match, so two attempts could replace each other's \
                  artifacts; use a store that supports conditional creation";
    Error::new(Kind::Storage, detail)
}

/// What failed and what to do, and whether another attempt can succeed.
fn explain(error: &StoreError) -> (String, Advice) {
    let response = Response::find(error);
    let shown = response.shown();
    let lasting = |what: &str, hint: &str| (format!("the object store {what}{shown}; {hint}"), Advice::DoNotRetry);
    let unsupported = || {
        lasting(
            "does not support the operation",
            "it must support conditional creation (If-None-Match) and multipart uploads",
        )
    };
    match error {
        StoreError::NotFound { .. } => lasting("says not found", "check the name of the bucket"),
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => lasting(
            "denied the access",
            "check the credentials, this machine's clock, and that they allow to put, get, list and delete objects and to \
             abort multipart uploads",
        ),
        StoreError::NotSupported { .. } | StoreError::NotImplemented { .. } => unsupported(),
        StoreError::InvalidPath { .. } | StoreError::UnknownConfigurationKey { .. } => {
            lasting("rejects the name", "check the prefix and the configuration")
        }
        _ => match response.status {
            Some(501) => unsupported(),
            Some(300..=499) if !matches!(response.status, Some(408 | 429)) => {
                lasting("rejected the request", "check the endpoint, the region and the name of the bucket")
            }
            _ => {
                let cause = cause(error).map(|cause| format!(" ({cause})")).unwrap_or(shown);
                let what = format!(
                    "the object store failed or could not be reached{cause}; check the store and the network, and the case \
                     continues by itself"
                );
                (what, Advice::RetryLater)
            }
        },
    }
}

/// What a response of the store says. Its text is not repeated: it can contain parts of credentials.
#[derive(Debug, Default)]
struct Response {
    status: Option<u16>,
    /// S3's name of the error, e.g. `NoSuchBucket`.
    code: Option<String>,
}

impl Response {
    /// Finds the response in the text of the errors: `object_store` has no type for it.
    fn find(error: &StoreError) -> Self {
        let mut found = Self::default();
        let mut next: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            let after = |mark: &str| text.split_once(mark).map(|(_, rest)| rest);
            let status = after("status code: ").and_then(|rest| rest.get(..3)?.parse().ok());
            // Of a redirect to another region, it does not state the status.
            let status = status.or_else(|| text.contains("Received redirect").then_some(301));
            let code = after("<Code>").and_then(|rest| rest.split_once("</Code>")).map(|(code, _)| code);
            let code = code.filter(|code| code.len() <= 40 && code.bytes().all(|byte| byte.is_ascii_alphabetic()));
            found.status = found.status.or(status);
            found.code = found.code.or_else(|| code.map(str::to_owned));
            next = error.source();
        }
        found
    }

    fn shown(&self) -> String {
        match (self.status, &self.code) {
            (Some(status), Some(code)) => format!(" (HTTP {status}, {code})"),
            (Some(status), None) => format!(" (HTTP {status})"),
            (None, Some(code)) => format!(" ({code})"),
            (None, None) => String::new(),
        }
    }
}

/// The first cause in a chain of errors that identkit or the system has named.
fn cause(error: &StoreError) -> Option<String> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<Error>() {
            return Some(error.detail().to_owned());
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind().to_string());
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> StoreError {
        StoreError::Generic { store: "S3", source: text.to_owned().into() }
    }

    #[test]
    fn an_error_names_status_and_code_but_no_text() {
        let text = "Error performing PUT https://s3.example/b/k?X-Amz-Signature=secret in 1s - Server returned non-2xx \
                    status code: 503 Service Unavailable: <Error><Code>SlowDown</Code><Message>secret</Message></Error>";
        let error = storage("store", "1/a.pdf", &generic(text));
        assert!(error.detail().contains("(HTTP 503, SlowDown)") && !error.detail().contains("secret"), "{error}");
        assert_eq!(error.advice(), Advice::RetryLater);
        for (status, code, advice, words) in [
            (501, "NotImplemented", Advice::DoNotRetry, "conditional creation"),
            (400, "AuthorizationHeaderMalformed", Advice::DoNotRetry, "the region"),
            (301, "PermanentRedirect", Advice::DoNotRetry, "the endpoint"),
            (429, "TooManyRequests", Advice::RetryLater, "continues by itself"),
        ] {
            let text = format!("Server returned non-2xx status code: {status} X: <Code>{code}</Code>");
            let error = storage("store", "1/a.pdf", &generic(&text));
            assert_eq!(error.advice(), advice, "{error}");
            assert!(error.detail().contains(words) && error.detail().contains(code), "{error}");
        }
        let odd = storage("store", "1/a.pdf", &generic("status code: 500 <Code>AKIA0secret</Code>"));
        assert!(odd.detail().contains("(HTTP 500)"), "{odd}");
    }
}
