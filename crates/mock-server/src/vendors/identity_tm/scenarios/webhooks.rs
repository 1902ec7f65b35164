//! The webhooks of an order.

use bytes::Bytes;
use http::Request;
use identkit_core::{Error, Event};
use identkit_identity_tm::{OrderCallback, PROVIDER, VideoCallback};
use identkit_wire::Callback as _;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::World;
use crate::vendors::identity_tm::facts::FACTS;
use crate::vendors::identity_tm::orders::Orders;
use crate::vendors::identity_tm::rules;
use crate::webhooks::Delivery;

/// What no request line can hold.
const IMPOSSIBLE: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`').add(b'{').add(b'|').add(b'}');

/// Calls the webhook of this name, if the order has one; the order is blocked until the first try is over.
pub(super) fn call(world: &mut World, id: &str, callback: OrderCallback) {
    if !world.enforces(&rules::T_037) {
        return;
    }
    let Some((made, event)) = request(world, id, callback) else { return };
    let request = match made {
        Ok(request) => request,
        // Nobody's receiver: the story goes on, and the delivery says why nothing came.
        Err(error) => {
            let delivery = Delivery::new(&FACTS, id, event, Request::default());
            world.cannot_deliver(delivery.without_blocking(), error.detail().to_owned());
            return;
        }
    };
    if world.enforces(&rules::T_033) {
        world.block(id);
    }
    world.deliver(Delivery::new(&FACTS, id, event, request));
}

type Made = (Result<Request<Bytes>, Error>, Event);

/// The webhook of this name, `None` when the order has none.
fn request(world: &mut World, id: &str, callback: OrderCallback) -> Option<Made> {
    let (filled_in, encoded) = (world.enforces(&rules::T_031), world.enforces(&rules::AT_20));
    let orders = world.state::<Orders>();
    let (method, raw) = (orders.settings.webhook_method.clone(), orders.settings.raw_placeholders || !encoded);
    let order = orders.by_id.get(id)?;
    let urls = order.request.webhook_url.as_ref()?;
    let template = match callback {
        OrderCallback::AfterVideo => urls.after_video.as_ref(),
        OrderCallback::AfterIdent => urls.after_ident.as_ref(),
        OrderCallback::OnFinal => urls.on_final.as_ref(),
    }?;
    let mut event = Event::new(PROVIDER, callback.name(), format!("{id}/{}", callback.name()));
    event.case_id = Some(id.into());
    event.reference.clone_from(&order.request.reference);
    let mut url = template.expose().to_owned();
    if raw {
        // What is left of the placeholders would be encoded below (AT-20).
        let reference = event.reference.as_ref().map_or("", |reference| reference.expose());
        let possible = utf8_percent_encode(reference, IMPOSSIBLE).to_string();
        url = url.replace("[OrderID]", id).replace("[Ref]", &possible);
    }
    if !filled_in {
        return Some((VideoCallback.emit(&url, &method, &event), event));
    }
    Some((callback.emit(&url, &method, &event), event))
}
