//! The sink that a command opens: `--sink`.

mod http;
mod s3;

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use identkit_collector::{ArtifactSink, FolderSink};

pub(crate) use self::s3::S3Arguments;

use self::s3::Bucket;
use crate::connection::Route;
use crate::exit::Failure;
use crate::signals::run_on_thread;

/// Where artifacts are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SinkLocation {
    /// A folder.
    Folder(PathBuf),
    /// A bucket of an S3-compatible object store.
    Bucket(Bucket),
}

impl FromStr for SinkLocation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("s3://") {
            Some(rest) => Bucket::parse(rest).map(Self::Bucket),
            // The text is not repeated: a URL may contain a password.
            None if text.is_empty() || text.contains("://") => Err("must be a folder or s3://BUCKET/PREFIX".to_owned()),
            None => Ok(Self::Folder(text.into())),
        }
    }
}

impl SinkLocation {
    /// The folder as an absolute path, or the URL.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Folder(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string(),
            Self::Bucket(bucket) => bucket.to_string(),
        }
    }

    /// The endpoint of the object store, if it is given.
    pub(crate) fn endpoint<'a>(&self, s3: &'a S3Arguments) -> Option<&'a str> {
        matches!(self, Self::Bucket(_)).then(|| s3.endpoint()).flatten()
    }

    /// Opens the sink. Creates the folder if it does not exist.
    ///
    /// # Errors
    /// If the folder cannot be created or read, or if an option of the object store cannot be used.
    pub(crate) async fn open(&self, s3: &S3Arguments, route: &Route) -> Result<Arc<dyn ArtifactSink>, Failure> {
        match self {
            Self::Folder(path) => {
                let path = path.clone();
                // A network file system can block.
                let opened = run_on_thread(move || FolderSink::open(path)).await?;
                let sink = opened.map_err(|error| self.unusable(&error))?;
                Ok(Arc::new(sink))
            }
            Self::Bucket(bucket) => Ok(Arc::new(s3.open(bucket, route)?)),
        }
    }

    /// Checks that artifacts can be stored.
    ///
    /// # Errors
    /// If not, e.g. because the disk is full.
    pub(crate) async fn check(&self, sink: &dyn ArtifactSink) -> Result<(), Failure> {
        sink.check().await.map_err(|error| self.unusable(&error))
    }

    fn unusable(&self, error: &identkit_core::Error) -> Failure {
        let sink = match self {
            Self::Folder(path) => path.display().to_string(),
            Self::Bucket(bucket) => bucket.to_string(),
        };
        Failure::local(format!("--sink {sink} cannot be used: {}", error.detail()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_is_a_folder_or_a_bucket() {
        assert_eq!("evidence".parse(), Ok(SinkLocation::Folder("evidence".into())));
        let bucket: SinkLocation = "s3://bucket-1/a/b/".parse().unwrap();
        assert!(matches!(bucket, SinkLocation::Bucket(_)));
        assert_eq!(bucket.shown(), "s3://bucket-1/a/b");
        for wrong in ["", "https://user:geheim@example.com/x", "s3://", "s3://user:geheim@bucket/x"] {
            let error = wrong.parse::<SinkLocation>().unwrap_err();
            assert!(error.contains("s3://BUCKET/PREFIX") && !error.contains("geheim"), "{error}");
        }
    }
}
