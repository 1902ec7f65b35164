//! Recordings of an identification: video and voice.

use std::path::{Path, PathBuf};

use identkit_core::{Advice, Artifact, Content, Error, Kind};
use identkit_identity_tm::{GetVideo, OrderId, PlaceholderRule, VideoReady};
use identkit_transport::save::{Existing, FileDigest};
use identkit_wire::Operation;
use serde_json::{Value, json};

use super::arguments::VideoCommand;
use super::client::Tm;
use super::names;
use super::results::Files;
use super::signing::done;
use crate::context::{summary, warn};
use crate::exit::Failure;
use crate::given::{Ways, value};
use crate::output::{InterruptionNote, say};
use crate::save::{
    ACCEPT, Expected, Folder, Names, SavedFile, check_place, commit_all, digest, existing, keep_undecoded,
    place_beside, prepare, received,
};

const CALLBACK_URL: Ways = Ways { option: "--callback-url", file: "--callback-url-file", prompt: "Callback URL" };

pub(super) async fn video(tm: &Tm<'_>, command: &VideoCommand) -> Result<(), Failure> {
    match command {
        VideoCommand::Request { order, callback_url, callback_url_file } => {
            let id = tm.order_id(order)?;
            let url = value(callback_url.as_deref(), callback_url_file.as_deref(), CALLBACK_URL).await?;
            let client = tm.client()?;
            let note = "the vendor may have received the request. If so, it calls the callback URL. You can send the request again";
            let call = client.request_video(&id, &url, &tm.options);
            let response = warn(InterruptionNote::unless_done(note.to_owned(), call).await)?;
            let sentence = "requested; the vendor calls the callback URL when the recording is ready. Before that, \
                            `video get` may return a placeholder";
            done(tm, &response, "requested", sentence)
        }
        VideoCommand::Get { order, out, force, callback_received, placeholder_sha256, at_least, accept_damaged } => {
            let rule = PlaceholderRule::default().shorter_than(*at_least);
            let rule = placeholder_sha256.iter().fold(rule, |rule, digest| rule.digest(*digest));
            let place = (&**out, existing(*force), &**accept_damaged);
            get(tm, &tm.order_id(order)?, place, *callback_received, rule).await
        }
    }
}

async fn get(
    tm: &Tm<'_>,
    order_id: &OrderId,
    (out, existing, accepted): (&Path, Existing, &[String]),
    callback_received: bool,
    rule: PlaceholderRule,
) -> Result<(), Failure> {
    check_place("--out", out, existing)?;
    let expected = Expected { artifact: Artifact::Video, accepted };
    expected.check_names(out)?;
    let deadline = tm.stream_deadline();
    let client = tm.client()?;
    // The command line has no event of the vendor, only the user's --callback-received.
    let response = match warn(client.video(&VideoReady::force(order_id.clone()), &tm.options).await) {
        Ok(response) => response,
        Err(error) => {
            let kept = keep_undecoded(out, &error).await;
            return Err(Failure::from(error).notes(kept));
        }
    };
    let compared = rule.has_digests();
    let provisioned = if callback_received { "callback_received" } else { "unknown" };
    let media_type = &response.value.media_type;
    let misnamed = misnamed(out, media_type);
    let more = json!({ "provisioned": provisioned, "compared": compared, "media_type": media_type });
    let summary = summary(&response, more);
    let rejected = |error: Error| error.with_operation(GetVideo::META.name).with_advice(Advice::RetryLater);
    let accept = move |digest: &FileDigest| rule.check(digest.length, &digest.sha256).map_err(rejected);
    let content = deadline.limit(response.value.content);
    let file = prepare(out, existing, content, (expected, None), accept).await.map_err(|failure| {
        if failure.kind() == Some(Kind::Integrity) { failure.note("nothing was written") } else { failure }
    })?;
    let files = commit_all(vec![file]).await?;
    if let Some(note) = misnamed {
        say(&format!("note: {note}"));
    }
    if !callback_received && !compared {
        say("note: this may be a placeholder (AT-38) and is not evidence yet: before the vendor calls the callback \
             URL, it returns a placeholder with the same HTTP status. After the call, pass --callback-received. To \
             reject a known placeholder, pass --placeholder-sha256");
    } else if !callback_received {
        say("note: not one of the given placeholders, but perhaps not ready: --callback-received is missing");
    }
    Files { files, summary }.show(tm)
}

/// A note if the extension of a recording does not match the vendor's media type.
fn misnamed(out: &Path, media_type: &str) -> Option<&'static str> {
    let extension = out.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    match (media_type, extension.as_deref()) {
        ("video/mp4", Some("mp4" | "m4v")) | ("video/webm", Some("webm")) => None,
        ("video/mp4", _) => Some("the vendor sent an MP4: the file name should end with .mp4"),
        ("video/webm", _) => Some("the vendor sent a WebM: the file name should end with .webm"),
        // The header is not quoted: it could contain anything.
        _ => Some("the vendor does not declare the file as MP4 or WebM"),
    }
}

/// What a rejected read of recordings means ([T 3.9]).
const NO_VOICE: &str =
    "a possible reason is that the order has no audio recording, or that the account is not set up for them";

pub(super) async fn voice(tm: &Tm<'_>, order_id: &OrderId, out: &Path, accepted: &[String]) -> Result<(), Failure> {
    let _folder = Folder::create(out)?;
    let response = tm.client()?.voice_files(order_id, &tm.options).await;
    let response = match warn(response) {
        Ok(response) => response,
        Err(error) => {
            // The list of recordings is JSON.
            let name = format!("{}-voice.json", names::safe(order_id.expose(), 1));
            let kept = keep_undecoded(&out.join(name), &error).await;
            return Err(Failure::from(error).note_on(400, NO_VOICE).notes(kept));
        }
    };
    let recordings = response.value.voicefiles.as_deref().unwrap_or_default();
    let expected = Expected { artifact: Artifact::Audio, accepted };
    let (mut saved, mut files, mut damaged, mut names) = (Vec::new(), Vec::new(), Vec::new(), Names::default());
    let mut chosen: Vec<PathBuf> = Vec::new();
    for (number, recording) in (1..).zip(recordings) {
        let (audio, damage) = recording.base64_data.as_ref().map(received).unwrap_or_default();
        let damage = damage.or_else(|| Artifact::Audio.check(&audio).err());
        let name = names::safe(recording.filename.as_ref().map_or("", |name| name.expose().as_str()), number);
        let (path, existing) = place_beside(out, names::numbered(&name), &audio, &mut names).await?;
        chosen.push(path.clone());
        let is_whole = damage.is_none() || expected.is_accepted(&path, &digest(&audio)).await;
        if let Some(digest) = existing.filter(|_| is_whole) {
            // An earlier run saved this file.
            saved.push((number, SavedFile { path, digest }));
            continue;
        }
        if let Some(damage) = damage.filter(|_| !is_whole) {
            damaged.push((number, path.clone(), damage));
        }
        let existing = if existing.is_some() { Existing::Replace } else { Existing::Keep };
        let content = Content::from_bytes(audio);
        files.push((number, prepare(&path, existing, content, (expected, damage), |_| Ok(())).await?));
    }
    expected.report_unknown_names(chosen.iter().map(PathBuf::as_path));
    // All are whole before one gets its name (AT-96).
    let (numbers, files): (Vec<usize>, Vec<_>) = files.into_iter().unzip();
    match commit_all(files).await {
        Ok(files) => saved.extend(numbers.into_iter().zip(files)),
        Err(failure) if damaged.is_empty() || failure.kind() != Some(Kind::Integrity) => return Err(failure),
        Err(_) => saved.clear(),
    }
    saved.sort_by_key(|(number, _)| *number);
    let files = saved.into_iter().map(|(_, file)| file).collect();
    let unreadable: Vec<usize> = damaged.iter().map(|(number, ..)| *number).collect();
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let reasons: Vec<Value> = damaged
        .iter()
        .map(|(number, path, damage)| json!({ "number": number, "name": name(path), "reason": damage.reason() }))
        .collect();
    let more = json!({ "unreadable": unreadable, "damaged": reasons });
    let files = Files { files, summary: summary(&response, more) };
    tm.show(files.json(), |page| match recordings {
        [] => page.line("the vendor has no recordings of this order"),
        _ => {
            for (number, path, damage) in &damaged {
                page.line(format!("recording {number} is damaged: {damage}\n  {}", name(path)));
            }
            files.table(page);
        }
    })?;
    if damaged.is_empty() {
        return Ok(());
    }
    // By number, because a file name may contain a person's name. Standard output has the names.
    let (numbers, all) = (format!("{unreadable:?}"), recordings.len());
    let numbers = numbers.trim_matches(['[', ']']);
    let why = format!(
        "recording {numbers} of {all}, in the order of the response, is empty, not valid Base64 or not an audio file; no \
         recording was saved under its final name"
    );
    let kept = format!("each damaged one is kept in {}, with .damaged at the end of its name; {ACCEPT}", out.display());
    let error = Error::new(Kind::Protocol, why).with_operation("getVoiceFiles").with_advice(Advice::DoNotRetry);
    Err(Failure::from(error).note(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_file_extension_gives_a_note() {
        let note = |name: &str, media_type: &str| misnamed(Path::new(name), media_type);
        assert_eq!(note("a.mp4", "video/mp4"), None);
        assert_eq!(note("a.MP4", "video/mp4"), None);
        assert_eq!(note("a.webm", "video/webm"), None);
        for (name, media_type, word) in [
            ("a.webm", "video/mp4", "MP4"),
            ("a", "video/mp4", ".mp4"),
            ("a.mp4", "video/webm", ".webm"),
            ("a.mp4", "application/octet-stream", "does not declare"),
            ("a.mp4", "", "does not declare"),
        ] {
            assert!(note(name, media_type).unwrap().contains(word), "{name} {media_type}");
        }
    }
}
