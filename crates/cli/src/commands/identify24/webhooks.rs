//! identify24 in `identkit listen`.

use std::sync::Arc;

use identkit_identify24::IdentStatusCallback;

use crate::commands::listen::Webhooks;

pub(crate) const WEBHOOKS: Webhooks = Webhooks {
    callbacks: || vec![Arc::new(IdentStatusCallback)],
    member: "identify24_webhook",
    is_single: true,
    id: "ident_id",
    place: "in the partner portal of identify24",
};
