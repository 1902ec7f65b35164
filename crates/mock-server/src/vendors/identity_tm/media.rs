//! Recordings: `getVideoFileBinaryAsync` [T 3.7], `getVideoFileBinary` [T 3.8] and `getVoiceFiles` [T 3.9].

use http::{Method, Request, Response, Uri};
use identkit_core::{Content, Error, Event, Kind, Secret, Violation};
use identkit_identity_tm::messages::{VoiceFile, VoiceFiles};
use identkit_identity_tm::{
    GetVideo, GetVoiceFiles, OrderCallback, OrderId, PROVIDER, RequestVideo, StatusKind, Video, VideoCallback,
};
use identkit_wire::json::Blob;
use identkit_wire::{Callback as _, ServedOperation as _, encode_base64, json};
use serde::{Deserialize, Serialize};

use super::lookup::find;
use super::orders::{Order, Orders};
use super::refusals::deleted;
use crate::vendor::Refused;
use crate::webhooks::{Delivery, Schedule};
use crate::{Timer, World};

/// Timer: a recording is ready.
pub(super) const VIDEO: &str = "video";

/// The bit of `Add` that asks for a recording, [T 3.1.3].
const RECORD: u64 = 131_072;

/// What has become of the recording of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recording {
    /// Whom to tell when it is ready; `None` when nobody waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    callback: Option<Secret>,
    /// Whether it can be fetched; before that, a placeholder comes.
    ready: bool,
}

impl Recording {
    /// In one word, for the admin API.
    pub(super) fn told(&self) -> &'static str {
        match self {
            Self { ready: true, .. } => "ready",
            Self { callback: Some(_), .. } => "asked for",
            Self { .. } => "not asked for",
        }
    }
}

fn refuse<T>(
    field: &'static str,
    message: &'static str,
    rule: &'static str,
    section: &'static str,
) -> Result<T, Refused> {
    Err(Refused::new(400, Violation::new(field, message, rule, section)))
}

/// The order, if its identification was conducted by video and came to 6 or 89, [T 3.8.1]. In an order with something
/// to sign these are not the last statuses, and need not be.
fn conducted<'a>(world: &'a mut World, id: &OrderId, section: &'static str) -> Result<&'a mut Order, Refused> {
    let by_video = world.enforces("AT-62/video");
    let order = find(world, id)?;
    if order.deleted {
        return Err(deleted());
    }
    let decided = order.has(StatusKind::POSITIVE) || order.has(StatusKind::FRAUD);
    if by_video && !(order.has(StatusKind::VIDEO_CONDUCTED) && decided) {
        let message = "has no recording: it needs an identification by video (75) that came to 6 or 89";
        return refuse("OrderID", message, "AT-62", section);
    }
    Ok(order)
}

/// The order, if its video was recorded.
fn filmed<'a>(world: &'a mut World, id: &OrderId, section: &'static str) -> Result<&'a mut Order, Refused> {
    let configured = world.part::<Orders>().settings.record_video || !world.enforces("AT-52");
    let order = conducted(world, id, section)?;
    if !configured && order.request.add.unwrap_or_default() & RECORD == 0 {
        let message = "has no recording: neither did the order ask for one (Add 131072), nor is the account set up so";
        return refuse("OrderID", message, "AT-52", section);
    }
    Ok(order)
}

/// Has the recording made ready. A repeat while that goes on replaces the URL, and one call comes; afterwards the
/// recording is there, and the call comes at once.
pub(super) fn request(world: &mut World, op: RequestVideo) -> Result<(), Refused> {
    const SECTION: &str = "[T] 3.7.3";
    let (now, takes) = (world.now, world.part::<Orders>().settings.video_provisioning);
    let must_be_called = world.enforces("AT-39");
    let order = filmed(world, &op.order_id, "[T] 3.8.1")?;
    let Some(url) = op.request.callback_url.filter(|url| !url.expose().is_empty()) else {
        if !must_be_called {
            return Ok(());
        }
        return refuse("callbackUrl", "is required: the URL to call when the recording is ready", "AT-39", SECTION);
    };
    let called = |uri: Uri| uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https"));
    if must_be_called && !url.expose().parse().is_ok_and(called) {
        return refuse("callbackUrl", "must be a URL that begins with https:// or http://", "AT-39", SECTION);
    }
    let due = if order.recording.ready { now } else { now.checked_add(takes).unwrap_or(now) };
    if order.recording.callback.replace(url).is_none() {
        let timer = Timer { vendor: PROVIDER, what: VIDEO, subject: op.order_id.expose().to_owned() };
        world.after(due, timer);
    }
    Ok(())
}

/// The recording is ready: tells who waits for it, unless it was deleted in the meantime.
pub(super) fn provisioned(world: &mut World, id: &str) {
    if !world.enforces("T-038") {
        return;
    }
    let (once, plain) = (world.enforces("AT-39/once"), world.enforces("AT-39/plain"));
    let orders = world.part::<Orders>();
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
    let schedule = if retries { Schedule::IdentityTm } else { Schedule::Never };
    let called = made.and_then(|request| match request.uri().scheme_str() {
        Some("http" | "https") => Ok(request),
        _ => Err(Error::new(Kind::InvalidInput, "the callback URL needs to begin with https:// or http://")),
    });
    // The order goes on while its receiver thinks: that too is said of webhooks only (T-033).
    match called {
        Ok(request) => {
            world.deliver(Delivery::new(PROVIDER, id, event, request, schedule).without_blocking());
        }
        Err(error) => {
            let delivery = Delivery::new(PROVIDER, id, event, Request::default(), schedule).without_blocking();
            world.cannot_deliver(delivery, error.detail().to_owned());
        }
    }
}

fn not_made(error: identkit_synthetic::Error) -> Refused {
    Refused::new(500, Violation::new("OrderID", error.to_string(), "M-09", "sandbox"))
}

/// The recording, or the placeholder while it is not ready.
pub(super) fn video(world: &mut World, op: GetVideo) -> Result<Video, Refused> {
    let placeholder_first = world.enforces("AT-38");
    let order = filmed(world, &op.order_id, "[T] 3.8.1")?;
    let bytes = if order.recording.ready || !placeholder_first {
        identkit_synthetic::recording(order.id.expose())
    } else {
        identkit_synthetic::placeholder_video()
    };
    Ok(Video::new("video/mp4", Content::from_bytes(bytes.map_err(not_made)?)))
}

/// The sound instead of a video, where the account is set up so.
pub(super) fn voice(world: &mut World, op: GetVoiceFiles) -> Result<Response<Content>, Refused> {
    const SECTION: &str = "[T] 3.9";
    let open_to_all = !world.enforces("T-006/voice");
    let settings = &world.part::<Orders>().settings;
    let (enabled, escaped) = (settings.voice_files || open_to_all, settings.escape_slashes);
    let order = conducted(world, &op.order_id, SECTION)?;
    if !enabled {
        return refuse("OrderID", "has no sound: audio recordings are not enabled for this account", "T-006", SECTION);
    }
    let id = order.id.expose();
    let data = encode_base64(&identkit_synthetic::voice(id));
    let file = VoiceFile::default().filename(format!("sound_{id}.mp3")).base64_data(Blob::Text(data.into()));
    let files = VoiceFiles::default().voicefiles(vec![file]);
    let failed = |error: Error| Refused { status: 500, ..Refused::invalid(&error, SECTION) };
    if !escaped {
        return GetVoiceFiles::encode_response(files).map_err(failed);
    }
    let text = json::write(&files).map_err(failed)?;
    // In JSON a slash stands in strings only, and there it may be written so (AT-40).
    let text = String::from_utf8(text).unwrap_or_default().replace('/', r"\/");
    let mut response = Response::new(Content::from_bytes(text));
    *response.headers_mut() = json::headers();
    Ok(response)
}
