//! `--sink s3://BUCKET/PREFIX`: the options of the object store.

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use identkit_collector::ObjectSink;
use identkit_core::Secret;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path as Prefix;
use object_store::{BackoffConfig, RetryConfig};

use super::http::Connector;
use crate::connection::{Route, path};
use crate::exit::Failure;
use crate::help::OBJECT_STORE;
use crate::input::secret_of;
use crate::network;

/// Variables that contain secrets. They have no option with a value: other users can read a command line.
const SECRET_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";

/// Region that is used if none is given, as stores that have no regions expect it.
const REGION: &str = "us-east-1";

/// Maximum length of a prefix in bytes. A key in S3 has at most 1,024, of which a location takes 700.
const PREFIX: usize = 300;

/// A bucket, and the beginning of the names of its objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    name: String,
    prefix: String,
}

impl Bucket {
    /// Parses what follows `s3://`. The error does not repeat it: it may contain credentials.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (name, prefix) = text.split_once('/').unwrap_or((text, ""));
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let is_edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let is_name = (3..=63).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
            && is_edge(name.as_bytes().first())
            && is_edge(name.as_bytes().last());
        if !is_name {
            return Err(
                "must be s3://BUCKET/PREFIX: the name of the bucket has 3 to 63 letters, digits, `-` and `.`".into()
            );
        }
        let is_part = |part: &str| {
            !matches!(part, "" | "." | "..")
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._=".contains(&byte))
        };
        if prefix.len() > PREFIX || !(prefix.is_empty() || prefix.split('/').all(is_part)) {
            return Err(format!(
                "must be s3://BUCKET/PREFIX: the prefix has parts of letters, digits, `-`, `.`, `_` and `=` with `/` between \
                 them, and at most {PREFIX} bytes"
            ));
        }
        Ok(Self { name: name.to_owned(), prefix: prefix.to_owned() })
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        write!(f, "s3://{}{slash}{}", self.name, self.prefix)
    }
}

/// Options of an object store that is compatible with S3.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct S3Arguments {
    /// URL of an S3-compatible store for --sink s3://…; the bucket follows in the path. [default: Amazon's]
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL", hide_env_values = true, help_heading = OBJECT_STORE)]
    s3_endpoint: Option<String>,

    /// Region of the bucket. [default: us-east-1]
    #[arg(long, value_name = "REGION", env = "AWS_REGION", hide_env_values = true, help_heading = OBJECT_STORE)]
    s3_region: Option<String>,

    /// Id of the access key.
    #[arg(long, value_name = "ID", env = "AWS_ACCESS_KEY_ID", hide_env_values = true, help_heading = OBJECT_STORE)]
    s3_access_key: Option<String>,

    /// File with the secret access key. Without it, AWS_SECRET_ACCESS_KEY has the key, and AWS_SESSION_TOKEN the token of a
    /// temporary one.
    #[arg(long, value_name = "FILE", env = "IDENTKIT_S3_SECRET_KEY_FILE", hide_env_values = true, help_heading = OBJECT_STORE)]
    s3_secret_key_file: Option<OsString>,

    /// File of additional certificate authorities to trust for the object store (PEM).
    #[arg(long, value_name = "FILE", env = "AWS_CA_BUNDLE", hide_env_values = true, help_heading = OBJECT_STORE)]
    s3_ca_file: Option<OsString>,
}

/// The value, if it is not empty: an empty environment variable counts as unset.
fn given(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.is_empty())
}

fn variable(name: &str) -> Option<Secret> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).map(Secret::new)
}

impl S3Arguments {
    /// The endpoint, if one is given.
    pub(crate) fn endpoint(&self) -> Option<&str> {
        given(self.s3_endpoint.as_ref())
    }

    /// The region, if one is given.
    pub(crate) fn region(&self) -> Option<&str> {
        given(self.s3_region.as_ref())
    }

    /// These options, with the place of a store that was used before, if none is given.
    pub(crate) fn or_place(&self, endpoint: Option<String>, region: Option<String>) -> Self {
        match self.endpoint() {
            Some(_) => self.clone(),
            None => {
                Self { s3_endpoint: endpoint, s3_region: self.region().map(str::to_owned).or(region), ..self.clone() }
            }
        }
    }

    /// Opens the sink. It sends nothing.
    pub(super) fn open(&self, bucket: &Bucket, route: &Route) -> Result<ObjectSink, Failure> {
        let region = self.region().unwrap_or(REGION);
        let endpoint = match self.endpoint() {
            Some(endpoint) => endpoint.trim().to_owned(),
            None => format!("https://s3.{region}.amazonaws.com"),
        };
        let base = network::base_url(&endpoint, "--s3-endpoint", "AWS_ENDPOINT_URL")?;
        let transport = network::object_store(route, path(self.s3_ca_file.as_ref()), &base)?;
        let id = given(self.s3_access_key.as_ref()).ok_or_else(|| {
            Failure::usage("--sink s3://… needs credentials: --s3-access-key (or AWS_ACCESS_KEY_ID) is missing")
        })?;
        let (key, token) = match path(self.s3_secret_key_file.as_ref()) {
            Some(file) => (Some(secret_of("--s3-secret-key-file", file)?), None),
            None => (variable(SECRET_KEY), variable(SESSION_TOKEN)),
        };
        let key = key.ok_or_else(|| {
            let missing = format!("--s3-secret-key-file (or the variable {SECRET_KEY}) is missing");
            Failure::usage(format!("--sink s3://… needs credentials: {missing}"))
        })?;
        let mut builder = AmazonS3Builder::new()
            .with_endpoint(endpoint)
            .with_region(region)
            .with_bucket_name(&bucket.name)
            .with_access_key_id(id)
            .with_secret_access_key(key.expose())
            // Each store has the call for one object, some do not have the one for several.
            .with_disable_bulk_delete(true)
            .with_retry(retries())
            .with_http_connector(Connector::new(transport));
        if let Some(token) = token {
            builder = builder.with_token(token.expose());
        }
        // The error is not shown: it can quote an option.
        let store = builder.build().map_err(|_| Failure::usage("the options of the object store cannot be used"))?;
        Ok(ObjectSink::new(Arc::new(store), Prefix::from(bucket.prefix.as_str())))
    }
}

/// Few retries, and none after a request that timed out: the collector repeats a step that failed, and says so.
fn retries() -> RetryConfig {
    let backoff =
        BackoffConfig { init_backoff: Duration::from_millis(200), max_backoff: Duration::from_secs(2), base: 2.0 };
    RetryConfig { backoff, max_retries: 2, retry_timeout: Duration::from_secs(5) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_has_a_name_and_a_prefix() {
        for (text, shown) in [
            ("evidence", "s3://evidence"),
            ("evidence/", "s3://evidence"),
            ("evidence/2026/eu=1/", "s3://evidence/2026/eu=1"),
            ("my.bucket_1/a", "s3://my.bucket_1/a"),
        ] {
            assert_eq!(Bucket::parse(text).unwrap().to_string(), shown);
        }
        let long = format!("bucket/{}", "a".repeat(PREFIX + 1));
        for text in
            ["", "ab", "-bucket", "bucket-", "buck et", "bucket//a", "bucket/a//", "bucket/../a", "bucket/a?b", &long]
        {
            assert!(Bucket::parse(text).is_err(), "{text}");
        }
    }

    fn failure(arguments: &S3Arguments) -> String {
        let bucket = Bucket::parse("evidence").unwrap();
        arguments.open(&bucket, &Route::default()).unwrap_err().sentence
    }

    #[test]
    fn a_missing_or_invalid_option_is_named() {
        let arguments = S3Arguments { s3_endpoint: Some("http://store.example.com".into()), ..S3Arguments::default() };
        assert!(failure(&arguments).contains("--s3-endpoint or AWS_ENDPOINT_URL cannot be used"));
        let arguments = S3Arguments { s3_endpoint: Some("https://127.0.0.1:9".into()), ..arguments };
        assert!(failure(&arguments).contains("--s3-access-key"));
        let arguments = S3Arguments { s3_access_key: Some("id".into()), ..arguments };
        let missing = S3Arguments { s3_secret_key_file: Some("/does/not/exist".into()), ..arguments.clone() };
        assert!(failure(&missing).contains("--s3-secret-key-file"));
        let unknown = S3Arguments { s3_ca_file: Some("/does/not/exist".into()), ..arguments };
        assert!(failure(&unknown).contains("--s3-ca-file"));
    }

    #[test]
    fn a_given_endpoint_wins_over_the_one_used_before() {
        let before = || (Some("https://before.example.com".to_owned()), Some("eu-central-1".to_owned()));
        let (endpoint, region) = before();
        let none = S3Arguments::default().or_place(endpoint, region);
        assert_eq!((none.endpoint(), none.region()), (Some("https://before.example.com"), Some("eu-central-1")));
        let (endpoint, region) = before();
        let given = S3Arguments { s3_endpoint: Some("https://x.example.com".into()), ..S3Arguments::default() };
        let given = given.or_place(endpoint, region);
        assert_eq!((given.endpoint(), given.region()), (Some("https://x.example.com"), None));
    }
}
