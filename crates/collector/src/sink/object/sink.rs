//! The sink on an object store.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join;
use identkit_core::{Content, Error, Kind};
use object_store::path::{Path, PathPart};
use object_store::{
    Error as StoreError, MultipartUpload, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload,
};

use crate::sink::location::{candidates, check_folder, conflict, differs, insert, not_found, split};
use crate::sink::object::fault::{storage, unconditional, vanished};
use crate::sink::object::parts::Parts;
use crate::sink::object::reader;
use crate::sink::port::{ArtifactName, ArtifactSink, SavedArtifact};
use crate::sink::probe::{self, random_hex};
use crate::sink::tally::{Sum, Tally};

const STORE: &str = "store";

/// Stores artifacts in an object store, e.g. one that is compatible with S3.
///
/// An artifact of at most 8 MiB is created under its plain name, if no object has it: the store must support conditional
/// creation. A larger one is uploaded in parts under a name that no other attempt uses, with the fence and a random suffix,
/// e.g. `video-0.7-0a1b2c3d.mp4`, because an object cannot be renamed. At most two parts are in memory. Each object is
/// read back.
///
/// An interrupted attempt can leave a complete object that the caller does not know; [`list`](ArtifactSink::list) finds
/// it. A killed process, or a dropped future, can leave parts of an upload: let the bucket's lifecycle rules remove
/// incomplete multipart uploads. If the bucket has versions or locks, [`remove`](ArtifactSink::remove) does not destroy
/// what they retain.
///
/// If a small object differs when it is read back, the attempt fails, and the object remains: another attempt may have read
/// it without a fault and rely on it. It never counts as saved. The next attempt uses the name with the fence.
///
/// Timeouts and retries of single requests are those of the object store.
pub struct ObjectSink {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

impl ObjectSink {
    /// Creates a sink whose objects have names with this prefix. An empty prefix is allowed.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: impl Into<Path>) -> Self {
        Self { store, prefix: prefix.into() }
    }

    fn path(&self, location: &str) -> Path {
        self.prefix.parts().chain(location.split('/').map(PathPart::from)).collect()
    }

    async fn get(&self, location: &str) -> Result<Content, Error> {
        match self.store.get(&self.path(location)).await {
            Ok(result) => Ok(reader::content(result, location)),
            Err(StoreError::NotFound { .. }) => Err(not_found(location)),
            Err(error) => Err(storage("read", location, &error)),
        }
    }

    async fn read_back(&self, location: &str) -> Result<Sum, Error> {
        let (mut content, mut tally) = (self.get(location).await?, Tally::default());
        while let Some(bytes) = content.next().await.transpose()? {
            tally.add(&bytes);
        }
        Ok(tally.sum())
    }

    /// Whether an object has this content. A failure or a difference is examined once more: the fault can be one of the
    /// network.
    async fn has(&self, location: &str, sum: Sum) -> Result<bool, Error> {
        if self.read_back(location).await.is_ok_and(|read| read == sum) {
            return Ok(true);
        }
        match self.read_back(location).await {
            Ok(read) => Ok(read == sum),
            // It ended too early.
            Err(error) if error.kind() == Kind::Integrity => Ok(false),
            Err(error) if error.kind() == Kind::NotFound => Err(vanished(STORE, location)),
            Err(error) => Err(error),
        }
    }

    /// Creates an object under the first name that no other content has.
    async fn create(&self, locations: &[String; 2], bytes: Bytes) -> Result<SavedArtifact, Error> {
        let sum = Sum::from_bytes(&bytes);
        let [plain, _] = locations;
        for location in locations {
            let options = PutOptions::from(PutMode::Create);
            let created = self.store.put_opts(&self.path(location), bytes.clone().into(), options).await;
            match created {
                Ok(_) if self.has(location, sum).await? => return Ok(sum.at(location)),
                Ok(_) => return Err(differs(location)),
                Err(StoreError::AlreadyExists { .. }) if self.has(location, sum).await? => {
                    return Ok(sum.at(location));
                }
                Err(StoreError::AlreadyExists { .. }) => {}
                Err(error) => return Err(storage(STORE, location, &error)),
            }
        }
        Err(conflict(plain))
    }

    /// Uploads an object in parts.
    async fn upload(&self, location: &str, first: Bytes, second: Bytes, parts: Parts) -> Result<SavedArtifact, Error> {
        let path = self.path(location);
        let failed = |error: StoreError| storage(STORE, location, &error);
        let mut upload = self.store.put_multipart(&path).await.map_err(failed)?;
        let sum = match fill(&mut *upload, [first, second], parts, location).await {
            Ok(sum) => sum,
            Err(error) => {
                // If it fails, the lifecycle rules of the bucket remove the parts.
                let _ = upload.abort().await;
                return Err(error);
            }
        };
        let stored = match upload.complete().await.map_err(failed) {
            Ok(_) => self.has(location, sum).await,
            Err(error) => {
                let _ = upload.abort().await;
                Err(error)
            }
        };
        match stored {
            Ok(true) => Ok(sum.at(location)),
            // No other attempt has this name.
            Ok(false) => self.delete(STORE, location).await.and(Err(differs(location))),
            Err(error) => {
                // It is unknown whether the object exists.
                let _ = self.delete(STORE, location).await;
                Err(error)
            }
        }
    }

    /// Fails if an object can be created under a name that another object has.
    async fn create_twice(&self, location: &str) -> Result<(), Error> {
        let path = self.path(location);
        let create = |text: &'static str| self.store.put_opts(&path, text.into(), PutMode::Create.into());
        create("first\n").await.map_err(|error| storage(STORE, location, &error))?;
        match create("second\n").await {
            Err(StoreError::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(storage(STORE, location, &error)),
            Ok(_) => Err(unconditional()),
        }
    }

    async fn delete(&self, operation: &str, location: &str) -> Result<(), Error> {
        match self.store.delete(&self.path(location)).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(storage(operation, location, &error)),
        }
    }
}

/// Uploads the parts, each while the next one is read.
async fn fill(
    upload: &mut dyn MultipartUpload,
    begin: [Bytes; 2],
    mut parts: Parts,
    location: &str,
) -> Result<Sum, Error> {
    let failed = |error: StoreError| storage(STORE, location, &error);
    let mut tally = Tally::default();
    let [first, second] = begin;
    tally.add(&first);
    upload.put_part(PutPayload::from(first)).await.map_err(failed)?;
    let mut part = second;
    loop {
        tally.add(&part);
        let (uploaded, next) = join(upload.put_part(PutPayload::from(part)), parts.next()).await;
        let next = next?;
        uploaded.map_err(failed)?;
        match next {
            Some(next) => part = next,
            None => return Ok(tally.sum()),
        }
    }
}

impl fmt::Debug for ObjectSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectSink").field("prefix", &self.prefix.as_ref()).finish_non_exhaustive()
    }
}

#[async_trait]
impl ArtifactSink for ObjectSink {
    async fn store(&self, name: &ArtifactName, content: Content) -> Result<SavedArtifact, Error> {
        let locations = candidates(name)?;
        let mut parts = Parts::new(content);
        let first = parts.next().await?.unwrap_or_default();
        match parts.next().await? {
            None => self.create(&locations, first).await,
            Some(second) => {
                let unique = insert(&name.file, &format!("{}-{}", name.fence, random_hex::<4>()?));
                self.upload(&format!("{}/{unique}", name.folder), first, second, parts).await
            }
        }
    }

    async fn read(&self, location: &str) -> Result<Content, Error> {
        split(location)?;
        self.get(location).await
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, Error> {
        check_folder(folder)?;
        let path = self.path(folder);
        let found = self.store.list_with_delimiter(Some(&path)).await;
        let found = found.map_err(|error| storage("list", folder, &error))?;
        let names = found.objects.iter().filter_map(|object| object.location.filename());
        let locations = names.map(|name| format!("{folder}/{name}")).filter(|location| split(location).is_ok());
        let mut locations: Vec<String> = locations.collect();
        locations.sort();
        Ok(locations)
    }

    async fn remove(&self, location: &str) -> Result<(), Error> {
        split(location)?;
        self.delete("remove", location).await
    }

    /// Also checks that the store creates an object only if none has its name, and that an upload in parts can begin.
    async fn check(&self) -> Result<(), Error> {
        probe::check(self).await?;
        let location = format!("{}/{}.txt", probe::FOLDER, random_hex::<16>()?);
        let created = self.create_twice(&location).await;
        let removed = self.delete("remove", &location).await;
        created.and(removed)?;
        let failed = |error: StoreError| storage("begin and abort an upload in parts of", &location, &error);
        self.store.put_multipart(&self.path(&location)).await.map_err(failed)?.abort().await.map_err(failed)
    }
}
