//! Normalizes an order before it is sent.

use identkit_core::Pii;
use identkit_wire::OneOrMany;

use crate::messages::PutOrder;

/// Trims e-mail addresses and phone numbers: the document's example has a blank after the address (AT-47). Replaces an
/// array of one document by the document, so that the vendor returns a PDF and not a list (AT-33).
pub(crate) fn normalize(order: &mut PutOrder) {
    unwrap_single(&mut order.sign_pdf);
    unwrap_single(&mut order.sign_hash);
    let data = order.ident_data.iter_mut().flat_map(|data| [&mut data.email, &mut data.mobile]);
    let mails = order.email_notifications.iter_mut().flat_map(|mails| {
        [&mut mails.on_positive_ident, &mut mails.on_negative_ident, &mut mails.on_time_out, &mut mails.on_leave]
    });
    let texts = [&mut order.email, &mut order.mobile, &mut order.phone].into_iter().chain(data).chain(mails);
    for text in texts.flatten() {
        let trimmed = text.expose().trim();
        if trimmed.len() != text.expose().len() {
            *text = Pii::from(trimmed);
        }
    }
}

/// Whether [`normalize`] would not change the order.
pub(crate) fn is_normal(order: &PutOrder) -> bool {
    let data = order.ident_data.iter().flat_map(|data| [&data.email, &data.mobile]);
    let mails = order.email_notifications.iter();
    let mails = mails
        .flat_map(|mails| [&mails.on_positive_ident, &mails.on_negative_ident, &mails.on_time_out, &mails.on_leave]);
    let mut texts = [&order.email, &order.mobile, &order.phone].into_iter().chain(data).chain(mails).flatten();
    !is_single(&order.sign_pdf)
        && !is_single(&order.sign_hash)
        && texts.all(|text| text.expose().trim().len() == text.expose().len())
}

fn is_single<T>(documents: &Option<OneOrMany<T>>) -> bool {
    matches!(documents, Some(OneOrMany::Many(many)) if many.len() == 1)
}

fn unwrap_single<T>(documents: &mut Option<OneOrMany<T>>) {
    if let Some(OneOrMany::Many(many)) = documents
        && many.len() == 1
        && let Some(only) = many.pop()
    {
        *documents = Some(OneOrMany::One(only));
    }
}
