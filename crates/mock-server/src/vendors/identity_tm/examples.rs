//! The orders of the document's examples, so that its requests work as printed.

use identkit_identity_tm::messages::{Address, IdentDataAnswer, OrderStatus};
use identkit_identity_tm::{OrderId, PutOrder, StatusKind, samples};
use identkit_wire::{OneOrMany, json};

use super::documents::with_nulls;
use super::orders::{Order, Orders};
use crate::World;

/// The ids of the example orders.
pub(super) const IDS: [&str; 2] = ["99921269855041", "99920006C38842"];

/// Adds 99921269855041 (identified, as in [T 3.2.7] and [T 3.3.7]) and 99920006C38842 (which the document deletes,
/// cancels and signs) to a world.
pub(super) fn place(world: &mut World) {
    let now = world.now;
    let request: PutOrder = json::read(samples::PUT_ORDER_REQUEST.as_bytes()).unwrap_or_default();
    let status: OrderStatus = json::read(samples::GET_STATUS_RESPONSE.as_bytes()).unwrap_or_default();
    let mut data: IdentDataAnswer = json::read(samples::GET_IDENT_DATA_RESPONSE.as_bytes()).unwrap_or_default();
    let initial = data.ident_data.iter_mut().flat_map(OneOrMany::as_mut_slice).filter(|data| data.kind == Some(2));
    for card in initial.filter_map(|data| data.id_card.as_mut()) {
        *card = with_nulls(std::mem::take(card));
    }

    let mut identified = Order::new(OrderId::new(IDS[0]), request.normalized(), now);
    identified.status = status.status.unwrap_or_default();
    identified.executed.clone_from(&status.executed);
    if let Some(at) = status.executed.and_then(|executed| executed.timestamp()) {
        identified.decided = at;
    }
    identified.literal_data = Some(Box::new(data));

    let person = Address::default().firstname("Erika").surname("Mustermann").country("DE");
    let request = PutOrder::default().product(12_u32).add(0_u64).email("e.mustermann@example.com").address(person);
    let mut finished = Order::new(OrderId::new(IDS[1]), request, now);
    let entry = |kind| identkit_identity_tm::messages::StatusEntry::default().kind(kind).time(super::orders::dts(now));
    finished.status =
        vec![entry(StatusKind::INITIALIZED), entry(StatusKind::VIDEO_CONDUCTED), entry(StatusKind::POSITIVE)];
    finished.executed = Some(super::orders::dts(now));

    for order in [identified, finished] {
        world.state::<Orders>().by_id.insert(order.id.expose().to_owned(), Box::new(order));
    }
}
