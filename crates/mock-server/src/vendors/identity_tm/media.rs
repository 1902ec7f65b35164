//! Recordings: `getVideoFileBinaryAsync` [T 3.7], `getVideoFileBinary` [T 3.8] and `getVoiceFiles` [T 3.9].

use http::{Method, Request, Response};
use identkit_core::{Content, Error, Event, Kind, Location};
use identkit_identity_tm::messages::{VoiceFile, VoiceFiles};
use identkit_identity_tm::{
    GetVideo, GetVoiceFiles, OrderCallback, OrderId, PROVIDER, RequestVideo, StatusKind, Video, VideoCallback,
};
use identkit_wire::json::Blob;
use identkit_wire::{Callback as _, ServedOperation as _, encode_base64, json};

use super::{FACTS, Order, Orders, VIDEO, deleted_order, find, of_order, rules};
use crate::rules::Rule;
use crate::vendors::settings::is_web_address;
use crate::webhooks::Delivery;
use crate::{Rejection, Timer, World};

/// The bit of `Add` that asks for a recording, [T 3.1.3].
const RECORD: u64 = 131_072;

fn refuse<T>(field: &'static str, message: &'static str, rule: &Rule, section: &'static str) -> Result<T, Rejection> {
    Err(rule.reject(400, field, message, section))
}

/// The order, if its identification was conducted by video and came to 6 or 89, [T 3.8.1]. In an order with something
/// to sign these are not the last statuses, and need not be.
fn find_conducted<'a>(world: &'a mut World, id: &OrderId, section: &'static str) -> Result<&'a mut Order, Rejection> {
    let by_video = world.enforces(&rules::AT_62_VIDEO);
    let order = find(world, id)?;
    if order.deleted {
        return Err(deleted_order());
    }
    let decided = order.has(StatusKind::POSITIVE) || order.has(StatusKind::FRAUD);
    if by_video && !(order.has(StatusKind::VIDEO_CONDUCTED) && decided) {
        let message = "has no recording: it needs an identification by video (75) that came to 6 or 89";
        return Err(rules::AT_62.reject(400, "OrderID", message, section).at(Location::Path));
    }
    Ok(order)
}

fn find_filmed<'a>(world: &'a mut World, id: &OrderId) -> Result<&'a mut Order, Rejection> {
    let configured = world.state::<Orders>().settings.record_video || !world.enforces(&rules::AT_52);
    let order = find_conducted(world, id, rules::AT_52.section)?;
    if !configured && order.request.add.unwrap_or_default() & RECORD == 0 {
        let message = "has no recording: neither did the order ask for one (Add 131072), nor is the account set up so";
        return Err(of_order(400, message, &rules::AT_52));
    }
    Ok(order)
}

/// Has the recording made ready. A repeat while that goes on replaces the URL, and one call comes; afterwards the
/// recording is there, and the call comes at once.
pub(super) fn request(world: &mut World, op: RequestVideo) -> Result<(), Rejection> {
    const SECTION: &str = "[T] 3.7.3";
    let (now, takes) = (world.now, world.state::<Orders>().settings.video_provisioning);
    let must_be_called = world.enforces(&rules::AT_39);
    let order = find_filmed(world, &op.order_id)?;
    let Some(url) = op.request.callback_url.filter(|url| !url.expose().is_empty()) else {
        if !must_be_called {
            return Ok(());
        }
        return refuse(
            "callbackUrl",
            "is required: the URL to call when the recording is ready",
            &rules::AT_39,
            SECTION,
        );
    };
    if must_be_called && !is_web_address(url.expose()) {
        return refuse("callbackUrl", "must be a URL that begins with https:// or http://", &rules::AT_39, SECTION);
    }
    let due = if order.recording.ready { now } else { now.checked_add(takes).unwrap_or(now) };
    if order.recording.callback.replace(url).is_none() {
        let timer = Timer { vendor: PROVIDER, what: VIDEO, subject: op.order_id.expose().to_owned() };
        world.set_timer(due, timer);
    }
    Ok(())
}

/// The recording is ready: tells who waits for it, unless it was deleted in the meantime.
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
    // [T 2.5] speaks of placeholders in the URLs of webhooks only, and this is none (AT-39).
    let made = match expand {
        true => OrderCallback::OnFinal.emit(url.expose(), &Method::GET, &event),
        false => VideoCallback.emit(url.expose(), &Method::GET, &event),
    };
    let called = made.and_then(|request| match request.uri().scheme_str() {
        Some("http" | "https") => Ok(request),
        _ => Err(Error::new(Kind::InvalidInput, "the callback URL needs to begin with https:// or http://")),
    });
    // The order goes on while its receiver thinks: that too is said of webhooks only (T-033).
    let delivery = |request| {
        let delivery = Delivery::new(&FACTS, id, event, request).without_blocking();
        if retries { delivery } else { delivery.once() }
    };
    match called {
        Ok(request) => drop(world.deliver(delivery(request))),
        Err(error) => world.cannot_deliver(delivery(Request::default()), error.detail().to_owned()),
    }
}

fn artifact_failure(error: identkit_synthetic::Error) -> Rejection {
    of_order(500, error.to_string(), &crate::rules::M_09)
}

pub(super) fn video(world: &mut World, op: GetVideo) -> Result<Video, Rejection> {
    let placeholder_first = world.enforces(&rules::AT_38);
    let order = find_filmed(world, &op.order_id)?;
    let bytes = if order.recording.ready || !placeholder_first {
        identkit_synthetic::recording(order.id.expose())
    } else {
        identkit_synthetic::placeholder_video()
    };
    Ok(Video::new("video/mp4", Content::from_bytes(bytes.map_err(artifact_failure)?)))
}

/// The sound instead of a video, where the account is set up so.
pub(super) fn voice(world: &mut World, op: GetVoiceFiles) -> Result<Response<Content>, Rejection> {
    const SECTION: &str = "[T] 3.9";
    let open_to_all = !world.enforces(&rules::T_006_VOICE);
    let settings = &world.state::<Orders>().settings;
    let (enabled, escaped) = (settings.voice_files || open_to_all, settings.escape_slashes);
    let order = find_conducted(world, &op.order_id, SECTION)?;
    if !enabled {
        let message = "has no sound: audio recordings are not enabled for this account";
        return Err(of_order(400, message, &rules::T_006_VOICE));
    }
    let id = order.id.expose();
    let data = encode_base64(&identkit_synthetic::voice(id));
    let file = VoiceFile::default().filename(format!("sound_{id}.mp3")).base64_data(Blob::Text(data.into()));
    let files = VoiceFiles::default().voicefiles(vec![file]);
    if !escaped {
        return FACTS.or_reject(GetVoiceFiles::encode_response(files), SECTION);
    }
    let text = FACTS.or_reject(json::write(&files), SECTION)?;
    // In JSON a slash stands in strings only, and there it may be written so (AT-40).
    let text = String::from_utf8(text).unwrap_or_default().replace('/', r"\/");
    let mut response = Response::new(Content::from_bytes(text));
    *response.headers_mut() = json::headers();
    Ok(response)
}
