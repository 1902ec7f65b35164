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

    /// Reads artifacts.
    pub(super) fn read(&self, locations: &[&str]) -> Vec<Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--fail", "--max-time", "60", "--aws-sigv4", "aws:amz:us-east-1:s3"]);
        curl.args(["--user", &format!("{}:{}", self.key, self.secret)]);
        // curl signs this header, but does not add it.
        curl.args(["--header", &format!("x-amz-content-sha256: {}", crate::support::sha256(b""))]);
        let paths: Vec<PathBuf> = (0..locations.len()).map(|number| folder.path().join(number.to_string())).collect();
        for (location, path) in locations.iter().zip(&paths) {
            let object = format!("{}/{}/{location}", self.endpoint, self.url.strip_prefix("s3://").unwrap());
            curl.arg(object).arg("--output").arg(path);
        }
        let output = curl.output().unwrap();
        assert!(output.status.success(), "{locations:?}: {output:?}");
        paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
    }
}
