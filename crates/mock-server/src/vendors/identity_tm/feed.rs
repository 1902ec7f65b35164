//! `getAllStatus`, [T 4.2]: by a period, or what was not reported before.

use std::collections::BTreeMap;

use identkit_core::Fault;
use identkit_identity_tm::messages::{AllStatusRequest, ListedOrder, OrderList, Period};
use identkit_wire::Dts;
use jiff::Timestamp;

use super::orders::{GENERAL, Orders};
use crate::vendor::Refused;
use crate::{Profile, World};

/// The most status elements that one answer holds (T-101).
const MOST: usize = 1000;

/// A status of the world: its order, its place there, and its time.
type Place = (String, usize);

fn refuse<T>(field: &'static str, message: &'static str, rule: &'static str) -> Result<T, Refused> {
    Err(Refused::new(400, Fault::new(field, message, rule, "[T] 4.2.2")))
}

/// Answers either form; an empty list becomes 304 (T-102).
pub(super) fn all_status(world: &mut World, request: AllStatusRequest, extended: bool) -> Result<OrderList, Refused> {
    // The document's example asks for it in the body (AT-04).
    let extended = extended || request.extended_list == Some(true);
    let strict = world.profile == Profile::Strict;
    let orders = world.part::<Orders>();
    let mut places: Vec<(Place, Option<Timestamp>)> = Vec::new();
    for (id, order) in &orders.by_id {
        for (index, entry) in order.status.iter().enumerate() {
            if extended || entry.kind.is_some_and(|kind| GENERAL.contains(&kind.0)) {
                places.push(((id.clone(), index), entry.time.as_ref().and_then(Dts::timestamp)));
            }
        }
    }
    let chosen: Vec<Place> = match &request.period {
        Some(period) => page_of(period, places, strict)?,
        None => {
            let fresh = places.into_iter().map(|(place, _)| place).filter(|place| !orders.reported.contains(place));
            let fresh: Vec<Place> = fresh.take(MOST).collect();
            // Marked now, whether or not the answer arrives (AT-06).
            orders.reported.extend(fresh.iter().cloned());
            fresh
        }
    };
    let mut by_order: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (id, index) in chosen {
        by_order.entry(id).or_default().push(index);
    }
    let listed = by_order.into_iter().filter_map(|(id, indices)| {
        let order = orders.by_id.get(&id)?;
        let entries: Vec<_> = indices.into_iter().filter_map(|index| order.status.get(index).cloned()).collect();
        let mut listed = ListedOrder::default().order_id(order.id.clone()).status(entries);
        listed.reference.clone_from(&order.request.reference);
        listed.executed.clone_from(&order.executed);
        Some(listed)
    });
    Ok(OrderList(listed.collect()))
}

/// The statuses of a period, or of one page of it. Both bounds are included, and the first page is 1: assumed (AT-05).
fn page_of(period: &Period, places: Vec<(Place, Option<Timestamp>)>, strict: bool) -> Result<Vec<Place>, Refused> {
    let read = |bound: &Option<Dts>, field: &'static str| match bound.as_ref().map(Dts::timestamp) {
        Some(None) => refuse(field, "must be a date-time with offset", "T-005"),
        told => Ok(told.flatten()),
    };
    let (begin, end) = (read(&period.begin, "Period.Begin")?, read(&period.end, "Period.End")?);
    if strict && (begin.is_none() || end.is_none()) {
        return refuse("Period", "needs Begin and End", "AT-05");
    }
    let within = |at: &Option<Timestamp>| {
        at.is_some_and(|at| begin.is_none_or(|begin| at >= begin) && end.is_none_or(|end| at <= end))
    };
    let all = places.into_iter().filter(|(_, at)| within(at)).map(|(place, _)| place);
    let Some(paging) = &period.paging else { return Ok(all.take(MOST).collect()) };
    let elements = paging.elements.map_or(MOST, |elements| usize::try_from(elements).unwrap_or(usize::MAX));
    if elements == 0 || elements > MOST {
        return refuse("Period.Paging.Elements", "must be 1 to 1000", "T-101");
    }
    let page = match paging.page {
        Some(0) if strict => return refuse("Period.Paging.Page", "begins at 1", "AT-05"),
        page => usize::try_from(page.unwrap_or(1).max(1)).unwrap_or(usize::MAX),
    };
    Ok(all.skip((page - 1).saturating_mul(elements)).take(elements).collect())
}
