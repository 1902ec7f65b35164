//! Recordings: `getVideoFileBinaryAsync` [T 3.7], `getVideoFileBinary` [T 3.8] and `getVoiceFiles` [T 3.9].

use http::{Method, Response};
use identkit_core::{Content, Error, Event, Kind, Location};
use identkit_identity_tm::messages::{VoiceFile, VoiceFiles};
use identkit_identity_tm::{
    GetVideo, GetVoiceFiles, OrderCallback, OrderId, PROVIDER, RequestVideo, StatusKind, Video, VideoCallback,
};
use identkit_wire::json::Blob;
use identkit_wire::url::WebUrl;
use identkit_wire::{Callback as _, ServedOperation as _, encode_base64, json};

use super::{FACTS, Order, Orders, VIDEO, VideoFormat, deleted_order, find, of_order, rules};
use crate::rules::Rule;
use crate::webhooks::Delivery;
use crate::{Rejection, Timer, World};

/// The bit of `Add` that requests a recording, [T 3.1.3].
const RECORD: u64 = 131_072;

fn refuse<T>(field: &'static str, message: &'static str, rule: &Rule, section: &'static str) -> Result<T, Rejection> {
    Err(rule.reject(400, field, message, section))
}

/// Finds an order that was identified by video with status 6 or 89, [T 3.8.1]. In an order with something to sign, later
/// statuses may follow.
fn find_conducted<'a>(world: &'a mut World, id: &OrderId, section: &'static str) -> Result<&'a mut Order, Rejection> {
    let by_video = world.enforces(&rules::AT_62_VIDEO);
    let order = find(world, id)?;
    if order.deleted {
        return Err(deleted_order());
    }
    let decided = order.has(StatusKind::POSITIVE) || order.has(StatusKind::FRAUD);
    if by_video && !(order.has(StatusKind::VIDEO_CONDUCTED) && decided) {
        let message = "has no recording: it needs an identification by video (75) with the result 6 or 89";
        return Err(rules::AT_62.reject(400, "OrderID", message, section).at(Location::Path));
    }
    Ok(order)
}

pub(super) fn find_recorded<'a>(world: &'a mut World, id: &OrderId) -> Result<&'a mut Order, Rejection> {
    let configured = world.state::<Orders>().settings.record_video || !world.enforces(&rules::AT_52);
    let order = find_conducted(world, id, rules::AT_52.section)?;
    if !configured && order.request.add.unwrap_or_default() & RECORD == 0 {
        let message =
            "has no recording: the order did not request one (Add 131072), and the account does not record every video";
        return Err(of_order(400, message, &rules::AT_52));
    }
    Ok(order)
}

/// Requests a recording. If one was requested before and is not ready, only the URL is replaced, so there is one
/// callback. If the recording is ready, the callback follows at once.
pub(super) fn request(world: &mut World, op: RequestVideo) -> Result<(), Rejection> {
    const SECTION: &str = "[T] 3.7.3";
    let (now, takes) = (world.now, world.state::<Orders>().settings.video_provisioning);
    let checks_url = world.enforces(&rules::AT_39);
    let order = find_recorded(world, &op.order_id)?;
    let Some(url) = op.request.callback_url.filter(|url| !url.expose().is_empty()) else {
        if !checks_url {
            return Ok(());
        }
        return refuse(
            "callbackUrl",
            "is required: the URL to call when the recording is ready",
            &rules::AT_39,
            SECTION,
        );
    };
    if let Err(fault) = WebUrl::parse(url.expose())
        && checks_url
    {
        return refuse("callbackUrl", fault.text(), &rules::AT_39, SECTION);
    }
    let due = if order.recording.ready { now } else { now.checked_add(takes).unwrap_or(now) };
    if order.recording.callback.replace(url).is_none() {
        let timer = Timer { vendor: PROVIDER, what: VIDEO, subject: op.order_id.expose().to_owned() };
        world.set_timer(due, timer);
    }
    Ok(())
}

/// Marks the recording as ready and calls the URL, unless the data was deleted in the meantime.
pub(super) fn finish_recording(world: &mut World, id: &str) {
    if !world.enforces(&rules::T_038) {
        return;
    }
    let (once, plain) = (world.enforces(&rules::AT_39_ONCE), world.enforces(&rules::AT_39_PLAIN));
    let orders = world.state::<Orders>();
    let retries = orders.settings.video_callback_retries || !once;
    let expand = orders.settings.video_callback_placeholders || !plain;
    let Some(order) = orders.by_id.get_mut(id) else { return };
    let Some(url) = order.recording.callback.take() else { return };
    order.recording.ready = true;
    let mut event = Event::new(PROVIDER, VideoCallback.name(), format!("{id}/{}", VideoCallback.name()));
    event.case_id = Some(id.into());
    event.reference.clone_from(&order.request.reference);
    // [T 2.5] has placeholders in the URLs of webhooks only, and this callback is not a webhook (AT-39).
    let request = match expand {
        true => OrderCallback::OnFinal.emit(url.expose(), &Method::GET, &event),
        false => VideoCallback.emit(url.expose(), &Method::GET, &event),
    };
    let request = request.and_then(|request| match request.uri().scheme_str() {
        Some("http" | "https") => Ok(request),
        _ => Err(Error::new(Kind::InvalidInput, "the callback URL must start with https:// or http://")),
    });
    // Calls about the order do not wait for this callback: only webhooks block them (T-033).
    match request {
        Ok(request) => {
            let delivery = Delivery::new(&FACTS, id, event, request).without_blocking();
            world.deliver(if retries { delivery } else { delivery.once() });
        }
        Err(error) => {
            let delivery = Delivery::with_invalid_url(&FACTS, id, event, &Method::GET, &url);
            world.cannot_deliver(delivery, error.detail().to_owned());
        }
    }
}

fn artifact_failure(error: identkit_synthetic::Error) -> Rejection {
    of_order(500, error.to_string(), &crate::rules::M_09)
}

pub(super) fn video(world: &mut World, op: GetVideo) -> Result<Video, Rejection> {
    let placeholder_first = world.enforces(&rules::AT_38);
    let format = world.state::<Orders>().settings.video_format;
    let order = find_recorded(world, &op.order_id)?;
    let recorded = (order.recording.ready || !placeholder_first).then(|| order.id.expose());
    let (media_type, bytes) = match (format, recorded) {
        (VideoFormat::Mp4, Some(id)) => ("video/mp4", identkit_synthetic::recording(id)),
        (VideoFormat::Mp4, None) => ("video/mp4", identkit_synthetic::placeholder_video()),
        (VideoFormat::WebM, Some(id)) => ("video/webm", Ok(identkit_synthetic::webm_recording(id))),
        (VideoFormat::WebM, None) => ("video/webm", Ok(identkit_synthetic::webm_placeholder())),
    };
    Ok(Video::new(media_type, Content::from_bytes(bytes.map_err(artifact_failure)?)))
}

const VOICE: &str = "[T] 3.9";

/// Finds an order with an audio recording, if the account has them.
pub(super) fn find_voiced<'a>(world: &'a mut World, id: &OrderId) -> Result<&'a mut Order, Rejection> {
    let enabled = world.state::<Orders>().settings.voice_files || !world.enforces(&rules::T_006_VOICE);
    let order = find_conducted(world, id, VOICE)?;
    if !enabled {
        let message = "has no audio recording: they are not enabled for this account";
        return Err(of_order(400, message, &rules::T_006_VOICE));
    }
    Ok(order)
}

/// Returns the audio recording.
pub(super) fn voice(world: &mut World, op: GetVoiceFiles) -> Result<Response<Content>, Rejection> {
    let escaped = world.state::<Orders>().settings.escape_slashes;
    let order = find_voiced(world, &op.order_id)?;
    let id = order.id.expose();
    let data = encode_base64(&identkit_synthetic::voice(id));
    let file = VoiceFile::default().filename(format!("sound_{id}.mp3")).base64_data(Blob::Text(data.into()));
    let files = VoiceFiles::default().voicefiles(vec![file]);
    if !escaped {
        return FACTS.or_reject(GetVoiceFiles::encode_response(files), VOICE);
    }
    let text = FACTS.or_reject(json::write(&files), VOICE)?;
    // In JSON a slash occurs in strings only, where it can be escaped (AT-40).
    let text = String::from_utf8(text).unwrap_or_default().replace('/', r"\/");
    let mut response = Response::new(Content::from_bytes(text));
    *response.headers_mut() = json::headers();
    Ok(response)
}
