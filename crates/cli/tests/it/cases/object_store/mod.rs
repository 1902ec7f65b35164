//! Artifacts in an S3-compatible object store: a real server, and a fake one that fails.

mod fake;
pub(super) mod server;

use super::*;

/// Names in the credentials that must never be shown.
pub(super) const SECRETS: [&str; 2] = ["secret-key-4711", "Signature="];

/// Where a service stores its artifacts.
#[derive(Clone, Debug)]
pub(super) struct S3 {
    pub(super) endpoint: String,
    pub(super) url: String,
    pub(super) key: &'static str,
    pub(super) secret: &'static str,
}

impl S3 {
    /// Adds the variables to a command.
    pub(super) fn set(&self, command: &mut Command) {
        command.env("AWS_ENDPOINT_URL", &self.endpoint).env("AWS_ACCESS_KEY_ID", self.key);
        command.env("AWS_SECRET_ACCESS_KEY", self.secret);
    }

    /// Bucket and prefix.
    fn place(&self) -> (&str, &str) {
        self.url.strip_prefix("s3://").unwrap().split_once('/').unwrap()
    }

    /// curl with the credentials.
    fn curl(&self) -> Command {
        let mut curl = crate::support::clean_command("curl");
        curl.args(["--silent", "--fail", "--max-time", "60", "--aws-sigv4", "aws:amz:us-east-1:s3"]);
        curl.args(["--user", &format!("{}:{}", self.key, self.secret)]);
        // curl signs this header, but does not add it.
        curl.args(["--header", &format!("x-amz-content-sha256: {}", crate::support::sha256(b""))]);
        curl
    }

    /// Reads artifacts.
    pub(super) fn read(&self, locations: &[&str]) -> Vec<Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        let (mut curl, (bucket, prefix)) = (self.curl(), self.place());
        let paths: Vec<PathBuf> = (0..locations.len()).map(|number| folder.path().join(number.to_string())).collect();
        for (location, path) in locations.iter().zip(&paths) {
            curl.arg(format!("{}/{bucket}/{prefix}/{location}", self.endpoint)).arg("--output").arg(path);
        }
        let output = curl.output().unwrap();
        assert!(output.status.success(), "{locations:?}: {output:?}");
        paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
    }

    /// The keys of all objects.
    pub(super) fn keys(&self) -> Vec<PathBuf> {
        let (bucket, prefix) = self.place();
        let mut keys: Vec<String> = Vec::new();
        loop {
            let last = keys.last().cloned().unwrap_or_default().replace('/', "%2F");
            let query = format!("list-type=2&prefix={prefix}%2F&start-after={last}");
            let output = self.curl().arg(format!("{}/{bucket}?{query}", self.endpoint)).output().unwrap();
            assert!(output.status.success(), "{query}: {output:?}");
            let text = String::from_utf8(output.stdout).unwrap();
            let found = text.split("<Key>").skip(1).map(|rest| rest.split_once('<').unwrap().0.to_owned());
            let before = keys.len();
            keys.extend(found);
            if keys.len() == before {
                return keys.into_iter().map(PathBuf::from).collect();
            }
        }
    }
}
