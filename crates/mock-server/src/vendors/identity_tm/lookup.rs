//! The order that a call is about.

use identkit_core::Violation;
use identkit_identity_tm::OrderId;

use super::orders::{Order, Orders};
use super::refusals::{deleted, unknown_order};
use crate::World;
use crate::vendor::Refused;

/// The order, if it is known. What cannot be an OrderID is a bad request; its length is all that is told of it.
pub(super) fn find<'a>(world: &'a mut World, id: &OrderId) -> Result<&'a mut Order, Refused> {
    if world.enforces("AT-22/length") && id.expose().chars().count() > 20 {
        return Err(Refused::new(400, Violation::new("OrderID", "has more than 20 characters", "AT-22", "[T] 3.1.4")));
    }
    let order = world.part::<Orders>().by_id.get_mut(id.expose()).filter(|order| !order.gone);
    order.map(|order| &mut **order).ok_or_else(unknown_order)
}

/// The order, if its data can be read: final, and not deleted ([T 3.3.1]; AT-62).
pub(super) fn finished<'a>(world: &'a mut World, id: &OrderId) -> Result<&'a mut Order, Refused> {
    let (early, rules) = (world.part::<Orders>().settings.early_data_status, world.rules.clone());
    let order = find(world, id)?;
    if order.deleted {
        return Err(deleted());
    }
    let finality = order.finality();
    if rules.enforce("AT-62") && !finality.is_final() {
        let fault = Violation::new("OrderID", "the order is not final yet: wait for OnFinal", "AT-62", "[T] 3.3.1");
        return Err(Refused::new(early, fault));
    }
    if rules.enforce("T-022") && finality.is_final() && !finality.data_expected() {
        let fault = Violation::new(
            "OrderID",
            "the order ended without data: neither positive nor suspicious of fraud",
            "T-022",
            "[T] 2.3",
        );
        return Err(Refused::new(404, fault));
    }
    Ok(order)
}
