//! `getAllStatus`, [T 4.2]: the statuses of a period, or those that were not reported before.

use std::collections::{BTreeMap, BTreeSet};

use http::Response;
use identkit_core::{Content, Error};
use identkit_identity_tm::GetAllStatus;
use identkit_identity_tm::messages::{AllStatusRequest, ListedOrder, OrderList, Paging, Period};
use identkit_wire::{Dts, ServedOperation as _, json};
use jiff::Timestamp;
use jiff::fmt::temporal::Pieces;
use serde_json::Value;

use super::put_order::unlisted;
use super::{FACTS, ListShape, Orders, Settings, Unit, examples, rules};
use crate::rules::{Rule, Rules};
use crate::vendors::unlisted::misspelled;
use crate::{Profile, Rejection, World};

/// Maximum number of statuses in a response (T-101).
const MAX_ELEMENTS: usize = 1000;

/// The status with which the list includes the appointment.
const APPOINTMENT: u32 = 19;

/// A status of the world: the id of its order, and its index there.
type Place = (String, usize);

fn refuse<T>(field: &'static str, message: &'static str, rule: &Rule) -> Result<T, Rejection> {
    Err(rule.reject(400, field, message, "[T] 4.2.2"))
}

/// Handles both variants. An empty list is returned as 304 (T-102).
pub(super) fn all_status(
    world: &mut World,
    request: &AllStatusRequest,
    extended: bool,
) -> Result<Response<Content>, Rejection> {
    let (strict, rules) = (world.profile == Profile::Strict, world.rules.clone());
    // A misspelled Period makes the read a destructive one.
    let period = request.period.as_ref();
    let mut parts = vec![("", &request.extra, AllStatusRequest::KEYS)];
    parts.extend(period.map(|period| ("Period", &period.extra, Period::KEYS)));
    let paging = period.and_then(|period| period.paging.as_ref());
    parts.extend(paging.map(|paging| ("Period.Paging", &paging.extra, Paging::KEYS)));
    if strict && rules.enforce(&rules::M_08_ELEMENTS) {
        unlisted(&parts, "body")?;
    }
    if rules.enforce(&rules::M_08_MISSPELLED) {
        misspelled(parts, &rules::M_08_MISSPELLED).into_iter().for_each(|warning| world.warn(warning));
    }
    let orders = world.state::<Orders>();
    let settings = &orders.settings;
    // The document's example requests it in the body (AT-04).
    let extended = extended
        || (rules.enforce(&rules::AT_04) && settings.extended_list_in_body && request.extended_list == Some(true));
    let mut places: Vec<(Place, Option<Timestamp>)> = Vec::new();
    let is_listed = |id: &str| settings.examples_in_lists || !examples::IDS.contains(&id);
    for (id, order) in orders.by_id.iter().filter(|(id, order)| is_listed(id) && order.has_readable_status(settings)) {
        for (index, entry) in order.status.iter().enumerate() {
            if extended
                || !rules.enforce(&rules::AT_13)
                || entry.kind.is_some_and(|kind| settings.general.contains(&kind.0))
            {
                places.push(((id.clone(), index), entry.time.as_ref().and_then(Dts::timestamp)));
            }
        }
    }
    let chosen: Vec<Place> = match &request.period {
        Some(period) => {
            let page = page_of(period, places, settings, strict, &rules)?;
            if !rules.enforce(&rules::T_100) {
                orders.reported.extend(page.iter().cloned());
            }
            page
        }
        None => {
            let fresh = unreported(&orders.reported, places, settings.reported_unit, most(&rules));
            // Marked even if the response does not arrive.
            if rules.enforce(&rules::AT_06) {
                orders.reported.extend(fresh.iter().cloned());
            }
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
        let mut listed = ListedOrder::default().order_id(order.id.clone());
        listed.reference = orders.settings.required(order.request.reference.clone());
        listed.executed.clone_from(&order.executed);
        if entries.iter().any(|entry| entry.kind.is_some_and(|kind| kind.0 == APPOINTMENT)) {
            listed.tv_slot.clone_from(&order.appointment);
        }
        if let Some(executed) = order.executed.as_ref().filter(|_| settings.delivered_besides) {
            listed.extra.insert("Delivered".to_owned(), Value::String(executed.as_str().to_owned()));
        }
        if settings.list_shape != ListShape::Example {
            listed.status = Some(entries);
        }
        Some(listed)
    });
    let listed: Vec<_> = listed.collect();
    if listed.is_empty() && !rules.enforce(&rules::T_102) {
        return FACTS.or_reject(json::response(200, &listed), "[T] 4.2");
    }
    FACTS.or_reject(respond(listed, settings.list_shape), "[T] 4.2")
}

fn respond(listed: Vec<ListedOrder>, shape: ListShape) -> Result<Response<Content>, Error> {
    let one = (listed.len() == 1).then(|| listed.first()).flatten();
    match (shape, one) {
        _ if listed.is_empty() => {}
        (ListShape::UnderOrder, Some(one)) => return json::response(200, &BTreeMap::from([("Order", one)])),
        (ListShape::UnderOrder, None) => return json::response(200, &BTreeMap::from([("Order", &listed)])),
        (ListShape::EachUnderOrder, _) => {
            let each: Vec<_> = listed.iter().map(|order| BTreeMap::from([("Order", order)])).collect();
            return json::response(200, &each);
        }
        (ListShape::BareWhenOne, Some(one)) => return json::response(200, one),
        _ => {}
    }
    GetAllStatus::encode_response(OrderList(listed))
}

fn most(rules: &Rules) -> usize {
    if rules.enforce(&rules::T_101_MOST) { MAX_ELEMENTS } else { usize::MAX }
}

/// Returns statuses that were not reported before, at most `most` (AT-06). If orders are counted, an order is not split:
/// the rest of a reported order would never be returned.
fn unreported(
    reported: &BTreeSet<Place>,
    places: Vec<(Place, Option<Timestamp>)>,
    unit: Unit,
    most: usize,
) -> Vec<Place> {
    let known = |place: &Place| match unit {
        Unit::Statuses => reported.contains(place),
        Unit::Orders => reported.range((place.0.clone(), 0)..).next().is_some_and(|(id, _)| *id == place.0),
    };
    let fresh: Vec<Place> = places.into_iter().map(|(place, _)| place).filter(|place| !known(place)).collect();
    match unit {
        Unit::Statuses => fresh.into_iter().take(most).collect(),
        Unit::Orders => {
            let mut whole: Vec<Place> = Vec::new();
            for order in fresh.chunk_by(|one, next| one.0 == next.0) {
                if !whole.is_empty() && whole.len() + order.len() > most {
                    break;
                }
                whole.extend_from_slice(order);
            }
            whole
        }
    }
}

/// The point in time of a bound: ISO 8601 with offset (T-005). Instead of one that cannot be represented, e.g. the last
/// second of the year 9999 for an open end, it is the last or the first that can.
fn moment(bound: &Dts) -> Option<Timestamp> {
    let pieces = Pieces::parse(bound.as_str()).ok().filter(|pieces| pieces.time_zone_annotation().is_none())?;
    let offset = pieces.time().and(pieces.to_numeric_offset())?;
    let outermost = if pieces.date().year() > 0 { Timestamp::MAX } else { Timestamp::MIN };
    (offset.seconds().unsigned_abs() < 24 * 3600).then(|| bound.timestamp().unwrap_or(outermost))
}

/// Returns the statuses of a period, or of one page of it. That both bounds are inclusive is assumed (AT-05).
fn page_of(
    period: &Period,
    places: Vec<(Place, Option<Timestamp>)>,
    settings: &Settings,
    strict: bool,
    rules: &Rules,
) -> Result<Vec<Place>, Rejection> {
    let read = |bound: &Option<Dts>, field: &'static str| match bound.as_ref().map(moment) {
        Some(None) if rules.enforce(&rules::T_005_PERIOD) => {
            refuse(field, "must be a date-time with offset", &rules::T_005)
        }
        read => Ok(read.flatten()),
    };
    let (begin, end) = (read(&period.begin, "Period.Begin")?, read(&period.end, "Period.End")?);
    if strict && rules.enforce(&rules::AT_05_BOUNDS) && (begin.is_none() || end.is_none()) {
        return refuse("Period", "must have Begin and End", &rules::AT_05_BOUNDS);
    }
    let within = |at: &Option<Timestamp>| {
        at.is_some_and(|at| begin.is_none_or(|begin| at >= begin) && end.is_none_or(|end| at <= end))
    };
    let all: Vec<Place> = places.into_iter().filter(|(_, at)| within(at)).map(|(place, _)| place).collect();
    let Some(paging) = &period.paging else { return Ok(all.into_iter().take(most(rules)).collect()) };
    let elements = paging.elements.map_or(MAX_ELEMENTS, |elements| usize::try_from(elements).unwrap_or(usize::MAX));
    if rules.enforce(&rules::T_101) && (elements == 0 || elements > MAX_ELEMENTS) {
        return refuse("Period.Paging.Elements", "must be from 1 to 1000", &rules::T_101);
    }
    let first = settings.first_page;
    let page = match paging.page {
        Some(page) if strict && rules.enforce(&rules::AT_05_PAGE) && page < first => {
            return refuse("Period.Paging.Page", "must not be before the first page, which is 1", &rules::AT_05_PAGE);
        }
        page => page.unwrap_or(first).saturating_sub(first),
    };
    let skipped = usize::try_from(page).unwrap_or(usize::MAX).saturating_mul(elements);
    Ok(match settings.page_unit {
        Unit::Statuses => all.into_iter().skip(skipped).take(elements).collect(),
        Unit::Orders => {
            let pages = pages_of_orders(&all, elements, most(rules));
            pages.get(usize::try_from(page).unwrap_or(usize::MAX)).map(|page| page.to_vec()).unwrap_or_default()
        }
    })
}

/// The pages of whole orders: each has at most `elements` of them, and at most `most` statuses (T-101).
fn pages_of_orders(all: &[Place], elements: usize, most: usize) -> Vec<&[Place]> {
    let (mut pages, mut begin, mut end, mut orders) = (Vec::new(), 0, 0, 0);
    for order in all.chunk_by(|one, next| one.0 == next.0) {
        if orders == elements || (orders > 0 && end - begin + order.len() > most) {
            pages.push(all.get(begin..end).unwrap_or_default());
            (begin, orders) = (end, 0);
        }
        end += order.len();
        orders += 1;
    }
    pages.push(all.get(begin..end).unwrap_or_default());
    pages
}
