//! identity.TM in `identkit listen`.

use crate::commands::listen::Webhooks;

pub(crate) const WEBHOOKS: Webhooks = Webhooks {
    callbacks: identkit_identity_tm::callbacks,
    member: "identity_tm_webhooks",
    is_single: false,
    id: "order_id",
    place: "in new orders (WebhookURL) or at identity.TM",
};
