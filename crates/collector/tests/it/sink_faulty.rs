//! An object store in memory whose operations yield, fail and are torn.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not executed, and fails.
    Before,
    /// It is executed, and fails: the answer is lost.
    After,
    /// It is executed in part, and fails.
    Torn,
    /// It is executed with other bytes, and succeeds.
    Spoiled,
    /// It is not allowed.
    Denied,
}

/// The store. Each of its operations yields before and after it is executed.
#[derive(Clone, Debug)]
pub(crate) struct Faulty {
    inner: Arc<InMemory>,
    plan: Arc<Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    /// Numbers of the first operation with a fault and of the first one after them without.
    fault: Option<(Range<usize>, Fault)>,
    count: AtomicUsize,
    /// Names of the operations.
    names: Mutex<Vec<&'static str>>,
    aborted: AtomicUsize,
}

fn broken() -> Error {
    Error::Generic { store: "test", source: "connection reset, with-a-secret".into() }
}

impl Plan {
    fn fault_of(&self, number: usize) -> Option<Fault> {
        self.fault.as_ref().filter(|(range, _)| range.contains(&number)).map(|(_, fault)| *fault)
    }

    /// Begins an operation. Returns its fault.
    async fn enter(&self, name: &'static str) -> Result<Option<Fault>> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        self.names.lock().unwrap().push(name);
        let fault = self.fault_of(number);
        tokio::task::yield_now().await;
        match fault {
            Some(Fault::Before) => Err(broken()),
            Some(Fault::Denied) => {
                Err(Error::PermissionDenied { path: "with-a-secret".to_owned(), source: "with-a-secret".into() })
            }
            fault => Ok(fault),
        }
    }
}

async fn leave<T>(fault: Option<Fault>, result: Result<T>) -> Result<T> {
    tokio::task::yield_now().await;
    if matches!(fault, Some(Fault::After | Fault::Torn)) { Err(broken()) } else { result }
}

/// The bytes that are stored in place of others.
fn spoil(fault: Option<Fault>, payload: PutPayload) -> PutPayload {
    let bytes: Bytes = payload.into();
    match fault {
        Some(Fault::Torn) => bytes.slice(..bytes.len() / 2).into(),
        Some(Fault::Spoiled) => {
            let mut other = bytes.to_vec();
            if let Some(byte) = other.last_mut() {
                *byte ^= 1;
            }
            other.into()
        }
        _ => bytes.into(),
    }
}

impl Faulty {
    /// A store without faults.
    pub(crate) fn new() -> Self {
        Self { inner: Arc::new(InMemory::new()), plan: Arc::default() }
    }

    /// The same objects, and a fault of the operations with these numbers.
    pub(crate) fn with_fault(&self, numbers: Range<usize>, fault: Fault) -> Self {
        let plan = Plan { fault: Some((numbers, fault)), ..Plan::default() };
        Self { inner: Arc::clone(&self.inner), plan: Arc::new(plan) }
    }

    /// Names of the operations so far.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.plan.names.lock().unwrap().clone()
    }

    /// Number of aborted uploads.
    pub(crate) fn aborted(&self) -> usize {
        self.plan.aborted.load(Ordering::Relaxed)
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let fault = self.plan.enter("put").await?;
        // A torn request to put an object stores nothing.
        if fault == Some(Fault::Torn) {
            return Err(broken());
        }
        let result = self.inner.put_opts(location, spoil(fault, payload), options).await;
        leave(fault, result).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let fault = self.plan.enter("begin").await?;
        let upload = self.inner.put_multipart_opts(location, options).await?;
        leave(fault, Ok(Box::new(Upload { upload: Some(upload).into(), plan: Arc::clone(&self.plan) }) as _)).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let fault = self.plan.enter("get").await?;
        let mut result = self.inner.get_opts(location, options).await?;
        if matches!(fault, Some(Fault::Torn | Fault::Spoiled)) {
            let (meta, range, attributes) = (result.meta.clone(), result.range.clone(), result.attributes.clone());
            let bytes = result.bytes().await?;
            let pieces = match fault {
                Some(Fault::Torn) => vec![Ok(bytes.slice(..bytes.len() / 2)), Err(broken())],
                // Ends too early, without an error.
                _ => vec![Ok(bytes.slice(..bytes.len() / 2))],
            };
            let payload = GetResultPayload::Stream(futures_util::stream::iter(pieces).boxed());
            return Ok(GetResult { payload, meta, range, attributes, extensions: Default::default() });
        }
        // Pieces like those of a connection.
        let (meta, range, attributes) = (result.meta.clone(), result.range.clone(), result.attributes.clone());
        let bytes = result.bytes().await?;
        let pieces: Vec<_> = bytes.chunks(100_000).map(|piece| Ok(bytes.slice_ref(piece))).collect();
        let payload = GetResultPayload::Stream(futures_util::stream::iter(pieces).boxed());
        result = GetResult { payload, meta, range, attributes, extensions: Default::default() };
        leave(fault, Ok(result)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let (inner, plan) = (Arc::clone(&self.inner), Arc::clone(&self.plan));
        let delete = move |location: Result<Path>| {
            let (inner, plan) = (Arc::clone(&inner), Arc::clone(&plan));
            async move {
                let location = location?;
                let fault = plan.enter("delete").await?;
                let one = futures_util::stream::iter([Ok(location.clone())]).boxed();
                let deleted = inner.delete_stream(one).next().await.unwrap();
                leave(fault, deleted).await
            }
        };
        locations.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let fault = self.plan.enter("list").await?;
        leave(fault, self.inner.list_with_delimiter(prefix).await).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// An upload of which an operation fails.
struct Upload {
    upload: Mutex<Option<Box<dyn MultipartUpload>>>,
    plan: Arc<Plan>,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").finish_non_exhaustive()
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, payload: PutPayload) -> UploadPart {
        let plan = Arc::clone(&self.plan);
        // The order of the parts is that of these calls, and whether this one is spoiled is known only later.
        let number = plan.count.load(Ordering::Relaxed);
        let fault = plan.fault_of(number);
        let part = self.upload.lock().unwrap().as_mut().unwrap().put_part(spoil(fault, payload));
        Box::pin(async move {
            let fault = plan.enter("part").await?;
            leave(fault, part.await).await
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let fault = self.plan.enter("complete").await?;
        // A torn request to complete an upload completes nothing.
        if fault == Some(Fault::Torn) {
            return Err(broken());
        }
        let mut upload = self.upload.lock().unwrap().take().unwrap();
        leave(fault, upload.complete().await).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.plan.enter("abort").await?;
        self.plan.aborted.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
