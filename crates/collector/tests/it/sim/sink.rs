//! A sink in memory whose operations can be interrupted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use identkit_collector::{ArtifactName, ArtifactSink, SavedArtifact};
use identkit_core::{Content, Error, Kind};
use sha2::{Digest as _, Sha256};

use super::Fuse;

pub(crate) type Files = Arc<Mutex<BTreeMap<String, Bytes>>>;

/// The access of one process to the common sink.
#[derive(Clone, Debug)]
pub(crate) struct SimSink {
    pub(crate) files: Files,
    pub(crate) fuse: Arc<Fuse>,
}

impl SimSink {
    fn put(&self, name: &ArtifactName, bytes: &Bytes) -> Result<String, Error> {
        let mut files = self.files.lock().unwrap();
        let (stem, extension) = name.file.rsplit_once('.').unwrap();
        let with_fence = format!("{stem}.{}.{extension}", name.fence);
        for file in [&name.file, &with_fence] {
            let location = format!("{}/{file}", name.folder);
            match files.get(&location) {
                Some(existing) if existing != bytes => {}
                _ => {
                    files.insert(location.clone(), bytes.clone());
                    return Ok(location);
                }
            }
        }
        Err(Error::new(Kind::Conflict, "both names have another content"))
    }
}

#[async_trait]
impl ArtifactSink for SimSink {
    async fn store(&self, name: &ArtifactName, content: Content) -> Result<SavedArtifact, Error> {
        let bytes = content.collect(u64::MAX).await?;
        let location = self.fuse.run(async { self.put(name, &bytes) }).await?;
        Ok(SavedArtifact::new(location, bytes.len() as u64, Sha256::digest(&bytes).into()))
    }

    async fn read(&self, location: &str) -> Result<Content, Error> {
        let read = async { self.files.lock().unwrap().get(location).cloned() };
        let found = self.fuse.run(read).await.ok_or_else(|| Error::new(Kind::NotFound, "no artifact"));
        found.map(Content::from_bytes)
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, Error> {
        let inside = format!("{folder}/");
        let list =
            async { self.files.lock().unwrap().keys().filter(|one| one.starts_with(&inside)).cloned().collect() };
        Ok(self.fuse.run(list).await)
    }

    async fn remove(&self, location: &str) -> Result<(), Error> {
        self.fuse.run(async { drop(self.files.lock().unwrap().remove(location)) }).await;
        Ok(())
    }

    async fn check(&self) -> Result<(), Error> {
        Ok(())
    }
}
