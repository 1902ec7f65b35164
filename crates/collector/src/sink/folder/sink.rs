//! The sink on a local folder.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use identkit_core::{Content, Error};
use identkit_files::Disk;
use tokio::task::spawn_blocking;

use crate::sink::folder::block::next_block;
use crate::sink::folder::fault::task_failed;
use crate::sink::folder::place::Placement;
use crate::sink::folder::reader;
use crate::sink::folder::root::Root;
use crate::sink::location::{candidates, check_folder, split};
use crate::sink::port::{ArtifactName, ArtifactSink, SavedArtifact};
use crate::sink::probe;

/// Stores artifacts in a local folder, readable by its owner only.
///
/// An artifact is written to a temporary file, synced, read back, and renamed; then its folder is synced. An existing file
/// is never replaced. If the last sync fails, or if the future is dropped in the last step, the complete file can have its
/// final name; another attempt with the same content syncs it and succeeds. Temporary files of killed processes are
/// removed when an artifact is next stored in the same folder. Folders are not removed.
///
/// Symbolic links below the folder are never followed. This protects from mistakes, not from an attacker who can write to
/// the folder while the sink is in use: only the user of this process may have this permission.
///
/// The disk is accessed on blocking threads of tokio.
#[derive(Clone, Debug)]
pub struct FolderSink {
    root: Arc<Root>,
}

impl FolderSink {
    /// Opens a folder, and creates it if it is missing. Blocks while it does so. If the folder is replaced or unmounted
    /// later, each operation fails.
    ///
    /// # Errors
    /// [`Kind::Storage`](identkit_core::Kind::Storage) if it cannot be created or read.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::on(Disk::default(), path.into())
    }

    pub(crate) fn on(disk: Disk, path: PathBuf) -> Result<Self, Error> {
        Ok(Self { root: Arc::new(Root::open(disk, &path)?) })
    }

    /// Runs a function on a blocking thread.
    async fn run<T: Send + 'static>(
        &self,
        run: impl FnOnce(&Root) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let root = Arc::clone(&self.root);
        spawn_blocking(move || run(&root)).await.unwrap_or_else(|_| Err(task_failed()))
    }
}

/// # Panics
/// Outside a tokio runtime.
#[async_trait]
impl ArtifactSink for FolderSink {
    async fn store(&self, name: &ArtifactName, mut content: Content) -> Result<SavedArtifact, Error> {
        let locations = candidates(name)?;
        // Before the folder is created, so that a content that fails at once leaves nothing.
        let mut block = next_block(&mut content).await?.unwrap_or_default();
        let mut placement = self.run(move |root| Placement::begin(root, locations)).await?;
        loop {
            let next = match next_block(&mut content).await {
                Ok(next) => next,
                Err(error) => {
                    // The temporary file is gone when this returns. The error of the content says more than one of this.
                    let _ = self.run(move |_| placement.discard()).await;
                    return Err(error);
                }
            };
            let Some(next) = next else { break };
            let block = std::mem::replace(&mut block, next);
            placement = self.run(move |_| placement.write(&block).map(|()| placement)).await?;
        }
        self.run(move |root| {
            placement.write(&block)?;
            placement.finish(root)
        })
        .await
    }

    async fn read(&self, location: &str) -> Result<Content, Error> {
        split(location)?;
        let owned = location.to_owned();
        let (file, length) = self.run(move |root| root.read_file(&owned)).await?;
        Ok(reader::content(file, length, location))
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, Error> {
        check_folder(folder)?;
        let folder = folder.to_owned();
        self.run(move |root| root.list(&folder)).await
    }

    async fn remove(&self, location: &str) -> Result<(), Error> {
        split(location)?;
        let location = location.to_owned();
        self.run(move |root| root.remove(&location)).await
    }

    async fn check(&self) -> Result<(), Error> {
        probe::check(self).await
    }
}
