//! The mails and text messages that the vendor would send.

use identkit_core::Secret;
use identkit_identity_tm::messages::StatusEntry;
use identkit_identity_tm::{PROVIDER, StatusKind};

use super::facts::{LANDING_HOST, LANDING_PATH};
use super::{Order, Orders, Word};
use crate::{Channel, Message, World};

/// The person left the video call.
const LEFT_VIDEO: StatusKind = StatusKind(79);

/// The person left the identification.
const ABORTED: StatusKind = StatusKind(21);

/// Records the mail with the link to the landing page (status 7).
pub(super) fn landing_page(world: &mut World, id: &str) {
    let url = landing_url(world, id);
    send(world, id, |order| {
        let to = order.request.email.as_ref()?.expose().trim().to_owned();
        let mut text = "the link to the landing page of the order".to_owned();
        if let Some(url) = url {
            text = format!("{text}: {url}");
        }
        Some((Channel::Email, to, text, None))
    });
}

/// Returns the URL of an order's landing page. `None` if the sandbox has no landing pages.
fn landing_url(world: &mut World, id: &str) -> Option<String> {
    let orders = world.state::<Orders>();
    let (pages, link) = (orders.settings.landing_pages, orders.by_id.get(id)?.link.as_ref()?);
    let path = format!("{LANDING_PATH}{}", link.expose());
    Some(pages.url(world, &path, LANDING_HOST))
}

/// Records what the vendor sends when an order gets this status: a text message to the person (71), or a mail to an
/// address of `EmailNotifications`. Must be called before the status is set.
pub(super) fn status_changes(world: &mut World, id: &str, kind: StatusKind, word: Option<Word>) {
    if kind == StatusKind::SMS_SENT {
        send(world, id, |order| {
            let to = order.mobile()?.expose().trim().to_owned();
            let (text, tan) = match word {
                Some(Word::Tan) => ("the TAN", order.latest_tan().cloned()),
                Some(Word::SignmePassword) => ("the password of the sign-me account", None),
                None => ("a text that the document does not describe", None),
            };
            Some((Channel::Sms, to, text.to_owned(), tan))
        });
    }
    send(world, id, |order| {
        let addresses = order.request.email_notifications.as_ref()?;
        let ends = kind.is_final(order.flavor) && !order.finality().is_final();
        let last = order.status.last().and_then(|entry: &StatusEntry| entry.kind);
        let (to, what) = match kind {
            StatusKind::TIMED_OUT | StatusKind::TIMED_OUT_AFTER_IDENT if ends => (&addresses.on_time_out, "timed out"),
            StatusKind::POSITIVE | StatusKind::SIGNED if ends => (&addresses.on_positive_ident, "ended positively"),
            // Which statuses count as negative is not documented; all other ends are assumed.
            _ if ends => (&addresses.on_negative_ident, "ended negatively"),
            LEFT_VIDEO => (&addresses.on_leave, "was left by the person"),
            ABORTED if last != Some(LEFT_VIDEO) => (&addresses.on_leave, "was left by the person"),
            _ => return None,
        };
        let text = format!("order {} {what}, with status {}", order.id.expose(), kind.0);
        Some((Channel::Email, to.as_ref()?.expose().trim().to_owned(), text, None))
    });
}

type Content = (Channel, String, String, Option<Secret>);

fn send(world: &mut World, id: &str, content: impl FnOnce(&Order) -> Option<Content>) {
    let content = world.state::<Orders>().by_id.get(id).and_then(|order| content(order));
    if let Some((channel, to, text, tan)) = content.filter(|(_, to, ..)| !to.is_empty()) {
        world.send(Message::new(PROVIDER, id, channel, to, text).tan(tan));
    }
}
