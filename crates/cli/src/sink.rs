//! The sink that a command opens: `--sink`.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use identkit_collector::{ArtifactSink, FolderSink};

use crate::exit::Failure;
use crate::signals::run_on_thread;

/// Where artifacts are stored: a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SinkLocation(PathBuf);

impl FromStr for SinkLocation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("must be a folder".to_owned()),
            text if text.starts_with("s3://") => {
                Err("this build has no object store yet: name a folder, e.g. on a volume that is backed up".to_owned())
            }
            text if text.contains("://") => Err("must be a folder".to_owned()),
            text => Ok(Self(text.into())),
        }
    }
}

impl SinkLocation {
    /// The folder as an absolute path.
    pub(crate) fn shown(&self) -> String {
        std::path::absolute(&self.0).unwrap_or_else(|_| self.0.clone()).display().to_string()
    }

    /// Opens the sink. Creates the folder if it does not exist.
    ///
    /// # Errors
    /// If it cannot be created or read.
    pub(crate) async fn open(&self) -> Result<Arc<dyn ArtifactSink>, Failure> {
        let path = self.0.clone();
        // A network file system can block.
        let opened = run_on_thread(move || FolderSink::open(path)).await?;
        let sink = opened.map_err(|error| self.unusable(&error))?;
        Ok(Arc::new(sink))
    }

    /// Checks that artifacts can be stored.
    ///
    /// # Errors
    /// If not, e.g. because the disk is full.
    pub(crate) async fn check(&self, sink: &dyn ArtifactSink) -> Result<(), Failure> {
        sink.check().await.map_err(|error| self.unusable(&error))
    }

    fn unusable(&self, error: &identkit_core::Error) -> Failure {
        Failure::local(format!("--sink {} cannot be used: {}", self.0.display(), error.detail()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_is_a_folder() {
        assert_eq!("evidence".parse(), Ok(SinkLocation("evidence".into())));
        assert!("s3://bucket/prefix".parse::<SinkLocation>().unwrap_err().contains("no object store"));
        for wrong in ["", "https://example.com/x"] {
            assert!(wrong.parse::<SinkLocation>().is_err(), "{wrong}");
        }
    }
}
