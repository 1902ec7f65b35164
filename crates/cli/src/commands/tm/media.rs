//! Recordings of an identification: video and voice.

use std::path::Path;

use identkit_core::{Advice, Error, Kind, Secret};
use identkit_identity_tm::{GetVideo, OrderId, PlaceholderRule, VideoReady};
use identkit_transport::save::{Existing, FileDigest};
use identkit_wire::Operation;
use serde_json::json;

use super::arguments::VideoCommand;
use super::client::Tm;
use super::names;
use super::results::Files;
use super::signing::done;
use crate::context::{summary, warn};
use crate::exit::Failure;
use crate::output::say;
use crate::save::{Folder, check_place, existing, save, save_beside};

pub(super) async fn video(tm: &Tm<'_>, command: &VideoCommand) -> Result<(), Failure> {
    match command {
        VideoCommand::Request { order_id, callback_url } => {
            let id = OrderId::parse(order_id)?;
            let url = Secret::new(callback_url.as_str());
            let response = warn(tm.client()?.request_video(&id, &url, &tm.options).await)?;
            let sentence = "requested; the vendor calls the callback URL when the recording is ready: until then video \
                            get may bring a placeholder";
            done(tm, &response, "requested", sentence)
        }
        VideoCommand::Get { order_id, out, force, callback_received, placeholder_sha256, at_least } => {
            let rule = PlaceholderRule::default().shorter_than(*at_least);
            let rule = placeholder_sha256.iter().fold(rule, |rule, digest| rule.digest(*digest));
            get(tm, &OrderId::parse(order_id)?, (out, existing(*force)), *callback_received, rule).await
        }
    }
}

async fn get(
    tm: &Tm<'_>,
    order_id: &OrderId,
    (out, existing): (&Path, Existing),
    callback_received: bool,
    rule: PlaceholderRule,
) -> Result<(), Failure> {
    check_place(out, existing)?;
    let patience = tm.patience();
    let client = tm.client()?;
    // No event of the vendor's is at hand here, only somebody's word for it.
    let response = warn(client.video(&VideoReady::force(order_id.clone()), &tm.options).await)?;
    let compared = rule.has_digests();
    let provisioned = if callback_received { "callback_received" } else { "unknown" };
    let media_type = &response.value.media_type;
    let misnamed = misnamed(out, media_type);
    let more = json!({ "provisioned": provisioned, "compared": compared, "media_type": media_type });
    let summary = summary(&response, more);
    let refused = |error: Error| error.with_operation(GetVideo::META.name).with_advice(Advice::RetryLater);
    let accept = move |digest: &FileDigest| rule.check(digest.length, &digest.sha256).map_err(refused);
    let file = save(out, existing, patience.limit(response.value.content), accept).await.map_err(|failure| {
        if failure.kind() == Some(Kind::Integrity) { failure.note("nothing was written") } else { failure }
    })?;
    if let Some(note) = misnamed {
        say(&format!("note: {note}"));
    }
    if !callback_received && !compared {
        say("note: this may be a placeholder (AT-38): until it has called the callback URL, the vendor answers with \
             one under the same status; it is no evidence yet. --callback-received says that it has called, \
             --placeholder-sha256 refuses a placeholder that you know");
    } else if !callback_received {
        say("note: that the recording was ready is not known; it is none of the placeholders that you named");
    }
    Files { files: vec![file], summary }.show(tm)
}

/// What is wrong about the name of a recording, by the type that the vendor told.
fn misnamed(out: &Path, media_type: &str) -> Option<&'static str> {
    let extension = out.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    match (media_type, extension.as_deref()) {
        ("video/mp4", Some("mp4" | "m4v")) | ("video/webm", Some("webm")) => None,
        ("video/mp4", _) => Some("the vendor says that it is an MP4: its name should end with .mp4"),
        ("video/webm", _) => Some("the vendor says that it is a WebM: its name should end with .webm"),
        // What else a header says is not repeated: it could be anything.
        _ => Some("the vendor does not say that it is an MP4 or a WebM"),
    }
}

/// What a refusal of recordings means ([T 3.9]).
const NO_VOICE: &str = "there is no audio recording, or the account is not set up for it";

pub(super) async fn voice(tm: &Tm<'_>, order_id: &OrderId, out: &Path) -> Result<(), Failure> {
    let _folder = Folder::create(out)?;
    let response = tm.client()?.voice_files(order_id, &tm.options).await;
    let response = warn(response).map_err(|error| Failure::from(error).note_on(400, NO_VOICE))?;
    let recordings = response.value.voicefiles.as_deref().unwrap_or_default();
    let (mut files, mut unreadable) = (Vec::new(), Vec::new());
    for (number, recording) in (1..).zip(recordings) {
        let Ok(audio) = recording.audio() else {
            unreadable.push(number);
            continue;
        };
        let name = names::safe(recording.filename.as_ref().map_or("", |name| name.expose().as_str()), number);
        files.push(save_beside(out, names::numbered(&name), audio, &files).await?);
    }
    // What can be read is kept, whatever the rest is like.
    let files = Files { files, summary: summary(&response, json!({ "unreadable": unreadable })) };
    tm.show(files.json(), |page| match recordings {
        [] => page.line("the vendor has no recordings of this order"),
        _ => files.table(page),
    })?;
    if unreadable.is_empty() {
        return Ok(());
    }
    // By number: a name may be a person's.
    let (numbers, all) = (format!("{unreadable:?}"), recordings.len());
    let numbers = numbers.trim_matches(['[', ']']);
    let why = format!(
        "not valid Base64, or empty, and therefore not written: recording {numbers} of {all}, in the order of the answer"
    );
    Err(Error::new(Kind::Protocol, why).with_operation("getVoiceFiles").with_advice(Advice::DoNotRetry).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_with_the_wrong_extension_is_noticed() {
        let told = |name: &str, media_type: &str| misnamed(Path::new(name), media_type);
        assert_eq!(told("a.mp4", "video/mp4"), None);
        assert_eq!(told("a.MP4", "video/mp4"), None);
        assert_eq!(told("a.webm", "video/webm"), None);
        for (name, media_type, word) in [
            ("a.webm", "video/mp4", "MP4"),
            ("a", "video/mp4", ".mp4"),
            ("a.mp4", "video/webm", ".webm"),
            ("a.mp4", "application/octet-stream", "does not say"),
            ("a.mp4", "", "does not say"),
        ] {
            assert!(told(name, media_type).unwrap().contains(word), "{name} {media_type}");
        }
    }
}
