//! Recordings: the callback when one is ready, detecting placeholders (AT-38), and saving.

use std::fmt;

use identkit_core::{Error, Event, Kind};
use identkit_wire::Callback;

use crate::{OrderId, PROVIDER, VideoCallback};

/// Permission to download a recording. Before the vendor's callback, a download may be a placeholder with status 200
/// (AT-38).
#[derive(Clone, PartialEq, Eq)]
pub struct VideoReady {
    order_id: OrderId,
    called_back: bool,
}

impl fmt::Debug for VideoReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VideoReady").field("called_back", &self.called_back).finish_non_exhaustive()
    }
}

impl VideoReady {
    /// Creates the permission from the event of the callback.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if the event is not the callback of a video.
    pub fn from_event(event: &Event) -> Result<Self, Error> {
        match &event.case_id {
            Some(id) if event.provider == PROVIDER && event.name == VideoCallback.name() => {
                Ok(Self { order_id: OrderId::new(id.expose()), called_back: true })
            }
            _ => Err(Error::new(Kind::InvalidInput, "the event is not the callback of a video")),
        }
    }

    /// Creates the permission without a callback. The download may be a placeholder: it does not count as evidence
    /// unless its digest was compared.
    pub fn force(order_id: OrderId) -> Self {
        Self { order_id, called_back: false }
    }

    /// Id of the order.
    pub fn order_id(&self) -> &OrderId {
        &self.order_id
    }

    /// Whether the vendor has called back.
    pub fn has_called_back(&self) -> bool {
        self.called_back
    }
}

/// Detects the placeholder that the vendor returns with status 200 until a recording is ready (AT-38). The document
/// states neither its digest nor its length: download one with [`VideoReady::force`](crate::VideoReady::force) to get
/// them. The default accepts everything.
///
/// ```
/// use identkit_core::Kind;
/// use identkit_identity_tm::PlaceholderRule;
///
/// let rule = PlaceholderRule::default().digest([7; 32]).shorter_than(1024);
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
    /// Adds the SHA-256 of a placeholder.
    #[must_use]
    pub fn digest(mut self, sha256: [u8; 32]) -> Self {
        self.hashes.push(sha256);
        self
    }

    /// Treats any recording with fewer bytes as a placeholder.
    #[must_use]
    pub fn shorter_than(mut self, bytes: u64) -> Self {
        self.min_length = bytes;
        self
    }

    /// Whether the rule has the digest of a placeholder.
    pub fn has_digests(&self) -> bool {
        !self.hashes.is_empty()
    }

    /// Checks a download by its length in bytes and its SHA-256.
    ///
    /// # Errors
    /// [`Kind::Integrity`] if it is a placeholder.
    pub fn check(&self, length: u64, sha256: &[u8; 32]) -> Result<(), Error> {
        if self.hashes.contains(sha256) {
            return Err(Error::new(
                Kind::Integrity,
                "the recording is a placeholder: its SHA-256 is that of a known placeholder",
            ));
        }
        if length < self.min_length {
            let detail = format!("the recording has {length} bytes; fewer than {} is a placeholder", self.min_length);
            return Err(Error::new(Kind::Integrity, detail));
        }
        Ok(())
    }
}

#[cfg(feature = "save")]
pub use saved::VideoDownload;

#[cfg(feature = "save")]
mod saved {
    use identkit_core::{Artifact, CallOptions, Error};
    use identkit_transport::Response;
    use identkit_transport::save::{FileDigest, Save};

    use super::PlaceholderRule;
    use crate::{IdentityTm, VideoReady};

    /// A saved recording.
    #[non_exhaustive]
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct VideoDownload {
        /// Media type of the response: `video/mp4` or `video/webm`.
        pub media_type: String,
        /// Length and SHA-256, read back from the disk.
        pub saved: FileDigest,
        /// Whether the vendor had called back before the download.
        pub provisioned: bool,
        /// Whether the digest was compared with those of known placeholders.
        pub compared: bool,
    }

    impl VideoDownload {
        /// Whether the recording may count as evidence: the vendor had called back, or its digest was compared.
        pub fn counts_as_evidence(&self) -> bool {
            self.provisioned || self.compared
        }
    }

    impl IdentityTm {
        /// Streams the recording into a file, [T 3.8], hashes it and reads it back. If it is a placeholder, no file is
        /// left. If it is not a whole video, it is kept as damaged (AT-96).
        ///
        /// # Errors
        /// As [`video`](Self::video) and [`Save::run`];
        /// [`Kind::Integrity`](identkit_core::Kind::Integrity) if the rule detects a placeholder.
        pub async fn save_video(
            &self,
            ready: &VideoReady,
            save: Save<'_>,
            rule: &PlaceholderRule,
            options: &CallOptions,
        ) -> Result<Response<VideoDownload>, Error> {
            let (video, response) = self.video(ready, options).await?.split();
            let check = rule.clone();
            let save = save.accept(move |file| check.check(file.length, &file.sha256)).artifact(Artifact::Video);
            let saved = save
                .run(video.content)
                .await
                .map_err(|error| error.with_operation("getVideoFileBinary").with_status(response.status.as_u16()))?;
            let (provisioned, compared) = (ready.has_called_back(), rule.has_digests());
            let value = VideoDownload { media_type: video.media_type, saved, provisioned, compared };
            Ok(response.map(|()| value))
        }
    }
}
