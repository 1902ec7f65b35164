//! Saving recordings.

use identkit_transport::save::{Existing, FileDigest, Save};
use sha2::{Digest, Sha256};

use crate::support::*;

fn called_back() -> VideoReady {
    let mut event = Event::new(PROVIDER, "Video", "9992/Video");
    event.case_id = Some(Secret::new(ORDER));
    VideoReady::from_event(&event).unwrap()
}

/// The shortest text that starts like a WebM.
const VIDEO: &[u8] = b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm\x1f\x43\xb6\x75recording";

fn video() -> Step {
    Step::Answer(answer(200, "video/mp4; codecs=avc1", VIDEO))
}

fn digest() -> [u8; 32] {
    Sha256::digest(VIDEO).into()
}

#[tokio::test]
async fn at_38_a_saved_video_has_its_length_and_digest() {
    let folder = tempfile::tempdir().unwrap();
    for (ready, known, provisioned, compared) in [
        (called_back(), false, true, false),
        (called_back(), true, true, true),
        (VideoReady::force(id()), false, false, false),
        (VideoReady::force(id()), true, false, true),
    ] {
        let client = client([video()]);
        let path = folder.path().join("video.mp4");
        let rule = if known { PlaceholderRule::default().digest([7; 32]) } else { PlaceholderRule::default() };
        let save = Save::new(&path).existing(Existing::Replace);
        let response = client.save_video(&ready, save, &rule, &CallOptions::new()).await.unwrap();
        let download = response.value;
        assert_eq!(
            (download.media_type.as_str(), download.provisioned, download.compared),
            ("video/mp4", provisioned, compared)
        );
        assert_eq!(download.saved, FileDigest::new(25, digest()));
        assert_eq!(download.counts_as_evidence(), provisioned || compared);
        assert_eq!(std::fs::read(&path).unwrap(), VIDEO);
        assert_eq!((response.status.as_u16(), client.calls()), (200, vec![format!("GET /getVideoFileBinary/{ORDER}")]));
    }
}

#[tokio::test]
async fn at_38_placeholder_video_never_counts_as_evidence() {
    let folder = tempfile::tempdir().unwrap();
    for rule in [PlaceholderRule::default().digest(digest()), PlaceholderRule::default().shorter_than(26)] {
        for ready in [called_back(), VideoReady::force(id())] {
            let client = client([video()]);
            let save = Save::new(folder.path().join("video.mp4"));
            let error = client.save_video(&ready, save, &rule, &CallOptions::new()).await.unwrap_err();
            assert_eq!((error.kind(), error.operation()), (Kind::Integrity, Some("getVideoFileBinary")));
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a placeholder was saved");
        }
    }
    assert!(PlaceholderRule::default().shorter_than(25).check(25, &digest()).is_ok());
}
