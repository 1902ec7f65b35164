//! An order as it is sent.

use identkit_core::Pii;
use identkit_wire::OneOrMany;

use crate::messages::PutOrder;

/// Trims what people leave around addresses and numbers: the document's own example has a blank after the e-mail
/// address (AT-47). Takes a single document out of its array, so that it comes back as the PDF itself (AT-33).
pub(crate) fn normalise(order: &mut PutOrder) {
    unwrap_single(&mut order.sign_pdf);
    unwrap_single(&mut order.sign_hash);
    let data = order.ident_data.iter_mut().flat_map(|data| [&mut data.email, &mut data.mobile]);
    for text in [&mut order.email, &mut order.mobile, &mut order.phone].into_iter().chain(data).flatten() {
        let trimmed = text.expose().trim();
        if trimmed.len() != text.expose().len() {
            *text = Pii::from(trimmed);
        }
    }
}

/// Whether [`normalise`] would leave the order as it is.
pub(crate) fn is_normal(order: &PutOrder) -> bool {
    let data = order.ident_data.iter().flat_map(|data| [&data.email, &data.mobile]);
    let mut texts = [&order.email, &order.mobile, &order.phone].into_iter().chain(data).flatten();
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
