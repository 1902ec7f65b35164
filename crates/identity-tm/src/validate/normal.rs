//! An order as it is sent.

use identkit_core::Pii;
use identkit_wire::OneOrMany;

use crate::messages::PutOrder;

/// Trims what people leave around addresses and numbers: the document's own example has a blank after the e-mail
/// address (AT-47). Takes a single document out of its array, so that it comes back as the PDF itself (AT-33).
pub(crate) fn normalise(order: &mut PutOrder) {
    unwrap_single(&mut order.sign_pdf);
    unwrap_single(&mut order.sign_hash);
    let trim = |text: &mut Option<Pii<String>>| {
        if let Some(text) = text {
            let trimmed = text.expose().trim();
            if trimmed.len() != text.expose().len() {
                *text = Pii::from(trimmed);
            }
        }
    };
    trim(&mut order.email);
    trim(&mut order.mobile);
    trim(&mut order.phone);
    if let Some(data) = &mut order.ident_data {
        trim(&mut data.email);
        trim(&mut data.mobile);
    }
}

/// Whether [`normalise`] would leave the order as it is.
pub(crate) fn is_normal(order: &PutOrder) -> bool {
    let trimmed =
        |text: &Option<Pii<String>>| text.as_ref().is_none_or(|text| text.expose().trim().len() == text.expose().len());
    let data = order.ident_data.as_ref();
    !is_single(&order.sign_pdf)
        && !is_single(&order.sign_hash)
        && trimmed(&order.email)
        && trimmed(&order.mobile)
        && trimmed(&order.phone)
        && data.is_none_or(|data| trimmed(&data.email) && trimmed(&data.mobile))
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
