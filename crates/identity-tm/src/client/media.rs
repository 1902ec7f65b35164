//! Recordings: the callback that says that one is there, what a placeholder for one is (AT-38), and saving it.

use std::fmt;

use identkit_core::{Error, Event, Kind};
use identkit_wire::Callback;

use crate::{OrderId, PROVIDER, VideoCallback};

/// That the vendor has called back: without it a download may be a placeholder under 200 (AT-38).
#[derive(Clone, PartialEq, Eq)]
pub struct VideoReady {
    order_id: OrderId,
    heard: bool,
}

impl fmt::Debug for VideoReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VideoReady").field("heard", &self.heard).finish_non_exhaustive()
    }
}

impl VideoReady {
    /// From the callback's event.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when the event is another one.
    pub fn heard(event: &Event) -> Result<Self, Error> {
        match &event.case_id {
            Some(id) if event.provider == PROVIDER && event.name == VideoCallback.name() => {
                Ok(Self { order_id: OrderId::received(id.expose()), heard: true })
            }
            _ => Err(Error::new(Kind::InvalidInput, "the event is not the callback of a video")),
        }
    }

    /// Without a callback, on one's own responsibility: what comes may be a placeholder, and never counts as evidence
    /// before its digest was compared.
    pub fn force(order_id: OrderId) -> Self {
        Self { order_id, heard: false }
    }

    /// The order.
    pub fn order_id(&self) -> &OrderId {
        &self.order_id
    }

    /// Whether the vendor has called back.
    pub fn was_heard(&self) -> bool {
        self.heard
    }
}

/// What is known of the placeholder that the vendor hands out, under 200, until a recording is there (AT-38). The
/// document tells neither its digest nor its length: take them from one that came by
/// [`VideoReady::force`](crate::VideoReady::force). The default knows nothing and refuses nothing.
///
/// ```
/// use identkit_core::Kind;
/// use identkit_identity_tm::PlaceholderRule;
///
/// let rule = PlaceholderRule::default().known([7; 32]).shorter_than(1024);
/// assert_eq!(rule.check(5_000_000, &[7; 32]).unwrap_err().kind(), Kind::Integrity);
/// assert_eq!(rule.check(1023, &[8; 32]).unwrap_err().kind(), Kind::Integrity);
/// assert!(rule.check(1024, &[8; 32]).is_ok());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlaceholderRule {
    hashes: Vec<[u8; 32]>,
    min_length: u64,
}

impl PlaceholderRule {
    /// What has this SHA-256 is a placeholder.
    #[must_use]
    pub fn known(mut self, sha256: [u8; 32]) -> Self {
        self.hashes.push(sha256);
        self
    }

    /// What has fewer bytes is a placeholder.
    #[must_use]
    pub fn shorter_than(mut self, bytes: u64) -> Self {
        self.min_length = bytes;
        self
    }

    /// Whether a digest can tell a placeholder.
    pub fn knows_any(&self) -> bool {
        !self.hashes.is_empty()
    }

    /// Judges what came: its length in bytes and its SHA-256.
    ///
    /// # Errors
    /// [`Kind::Integrity`] when it is a placeholder.
    pub fn check(&self, length: u64, sha256: &[u8; 32]) -> Result<(), Error> {
        if self.hashes.contains(sha256) {
            return Err(Error::new(Kind::Integrity, "the recording is a placeholder: its SHA-256 is known"));
        }
        if length < self.min_length {
            let detail =
                format!("the recording has {length} bytes, where less than {} is a placeholder", self.min_length);
            return Err(Error::new(Kind::Integrity, detail));
        }
        Ok(())
    }
}

#[cfg(feature = "save")]
pub use saved::VideoDownload;

#[cfg(feature = "save")]
mod saved {
    use identkit_core::{CallOptions, Error};
    use identkit_transport::Response;
    use identkit_transport::save::{FileDigest, Save};

    use super::PlaceholderRule;
    use crate::{IdentityTm, VideoReady};

    /// A recording that was saved.
    #[non_exhaustive]
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct VideoDownload {
        /// `video/mp4` or `video/webm`, as the vendor says.
        pub media_type: String,
        /// Its length and its SHA-256, read back from the disk.
        pub saved: FileDigest,
        /// Whether the vendor had called back; otherwise it was fetched by force.
        pub provisioned: bool,
        /// Whether its digest was compared with those of known placeholders.
        pub compared: bool,
    }

    impl VideoDownload {
        /// Whether it may count as evidence: the vendor had called back, or its digest was compared.
        pub fn counts_as_evidence(&self) -> bool {
            self.provisioned || self.compared
        }
    }

    impl IdentityTm {
        /// Saves the recording, [T 3.8]: streamed, digested and read back. A placeholder gets no file.
        ///
        /// # Errors
        /// As [`video`](Self::video) and [`Save::run`];
        /// [`Kind::Integrity`](identkit_core::Kind::Integrity) for what the rule says is a placeholder.
        pub async fn save_video(
            &self,
            ready: &VideoReady,
            save: Save<'_>,
            rule: &PlaceholderRule,
            options: &CallOptions,
        ) -> Result<Response<VideoDownload>, Error> {
            let (video, response) = self.video(ready, options).await?.split();
            let judge = rule.clone();
            let saved =
                save.accept(move |came| judge.check(came.length, &came.sha256)).run(video.content).await.map_err(
                    |error| error.with_operation("getVideoFileBinary").with_status(response.status.as_u16()),
                )?;
            let (provisioned, compared) = (ready.was_heard(), rule.knows_any());
            let value = VideoDownload { media_type: video.media_type, saved, provisioned, compared };
            Ok(response.map(|()| value))
        }
    }
}
