//! Recordings of an identification: video and voice.

use std::path::Path;
use std::process::ExitCode;

use identkit_core::{Advice, Error, Kind, Secret};
use identkit_identity_tm::{GetVideo, OrderId, PlaceholderRule, VideoReady};
use identkit_transport::save::{Digested, Existing};
use identkit_wire::Operation;
use serde_json::{Value, json};

use super::results::{files, tell};
use super::signing::done;
use super::{existing, names};
use crate::args::{Format, Tm, VideoCommand};
use crate::commands::{about, warn};
use crate::exit::Failure;
use crate::progress::Progress;
use crate::save::{self, Folder, Patience};
use crate::{connect, output};

pub(super) async fn video(tm: &Tm, command: &VideoCommand, format: Format) -> Result<ExitCode, Failure> {
    match command {
        VideoCommand::Request { order_id, callback_url } => {
            let id = OrderId::typed(order_id)?;
            let client = connect::identity_tm(tm, &Progress::new(format))?;
            let url = Secret::new(callback_url.as_str());
            let answered = client.request_video(&id, &url, &connect::options(&tm.calls)).await?;
            let told = "requested; the vendor calls the callback URL when the recording is ready: until then video \
                        get may bring a placeholder";
            done(&answered, "requested", told, format)
        }
        VideoCommand::Get { order_id, out, force, callback_received, placeholder_sha256, at_least } => {
            let rule = PlaceholderRule::default().shorter_than(*at_least);
            let rule = placeholder_sha256.iter().fold(rule, |rule, known| rule.known(*known));
            let place = (out.as_path(), existing(*force));
            get(tm, &OrderId::typed(order_id)?, place, *callback_received, rule, format).await
        }
    }
}

async fn get(
    tm: &Tm,
    order_id: &OrderId,
    (out, existing): (&Path, Existing),
    callback_received: bool,
    rule: PlaceholderRule,
    format: Format,
) -> Result<ExitCode, Failure> {
    save::place(out, existing)?;
    let patience = Patience::begin(&tm.calls);
    let client = connect::identity_tm(tm, &Progress::new(format))?;
    // No event of the vendor's is at hand here, only somebody's word for it.
    let ready = VideoReady::force(order_id.clone());
    let answered = client.video(&ready, &connect::options(&tm.calls)).await?;
    warn(&answered);
    let mut about = about(&answered);
    let media_type = answered.value.media_type;
    let compared = rule.knows_any();
    let refused = |error: Error| error.with_operation(GetVideo::META.name).with_advice(Advice::RetryLater);
    let accept = move |came: &Digested| rule.check(came.length, &came.sha256).map_err(refused);
    let saved = save::whole(out, existing, patience.with(answered.value.content), accept).await.map_err(|failure| {
        if failure.kind() == Some(Kind::Integrity) { failure.note("nothing was written") } else { failure }
    })?;
    if let Some(note) = misnamed(out, &media_type) {
        output::say(&format!("note: {note}"));
    }
    if !callback_received && !compared {
        output::say(
            "note: this may be a placeholder (AT-38): until it has called the callback URL, the vendor answers with \
             one under the same status; it is no evidence yet. --callback-received says that it has called, \
             --placeholder-sha256 refuses a placeholder that you know",
        );
    } else if !callback_received {
        output::say("note: that the recording was ready is not known; it is none of the placeholders that you named");
    }
    if let Some(about) = about.as_object_mut() {
        let provisioned = if callback_received { "callback_received" } else { "unknown" };
        about.insert("provisioned".into(), provisioned.into());
        about.insert("compared".into(), compared.into());
        about.insert("media_type".into(), media_type.into());
    }
    tell(&[saved], about, format)
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

pub(super) async fn voice(tm: &Tm, order_id: &OrderId, out: &Path, format: Format) -> Result<ExitCode, Failure> {
    let _folder = Folder::make(out)?;
    let client = connect::identity_tm(tm, &Progress::new(format))?;
    let answered = client.voice_files(order_id, &connect::options(&tm.calls)).await;
    let answered = answered.map_err(|error| Failure::from(error).note_on(400, NO_VOICE))?;
    warn(&answered);
    let mut about = about(&answered);
    let recordings = answered.value.voicefiles.unwrap_or_default();
    let (mut saved, mut unreadable) = (Vec::new(), Vec::new());
    for (index, recording) in recordings.iter().enumerate() {
        let number = index + 1;
        let Ok(audio) = recording.audio() else {
            unreadable.push(number);
            continue;
        };
        let told = recording.filename.as_ref().map_or("", |name| name.expose().as_str());
        let name = names::safe(told, number);
        let file = save::apart(out, names::numbered(&name), audio, &saved).await?;
        saved.push(file);
    }
    // What can be read is kept, whatever the rest is like.
    if let Some(about) = about.as_object_mut() {
        about.insert("unreadable".into(), unreadable.clone().into());
    }
    match format {
        Format::Json => {
            output::print_json(&json!({ "files": files(&saved), "identkit": about }))?;
        }
        Format::Table if recordings.is_empty() => output::print("the vendor has no recordings of this order")?,
        Format::Table => {
            tell(&saved, Value::Null, format)?;
        }
    }
    if unreadable.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    // By number: a name may be a person's.
    let numbers: Vec<String> = unreadable.iter().map(ToString::to_string).collect();
    let told = format!(
        "not valid Base64, or empty, and therefore not written: recording {} of {}, in the order of the answer",
        numbers.join(", "),
        recordings.len()
    );
    Err(Error::new(Kind::Protocol, told).with_operation("getVoiceFiles").with_advice(Advice::DoNotRetry).into())
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
