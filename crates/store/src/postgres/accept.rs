//! Deliveries that wait for the writer: one statement for all of them, because a statement for each costs the server more
//! than their rows.

use std::collections::HashMap;
use std::sync::Arc;

use deadpool_postgres::Client;

use super::rows::{Fault, column, number};
use super::statement::query;
use crate::engine::{Arrival, SealedRow, Sealer};

/// What [`Engine::accept`](crate::Engine::accept) stores.
#[derive(Clone)]
pub(super) struct Arriving {
    pub(super) provider: String,
    /// Name of the key.
    pub(super) key: Vec<u8>,
    pub(super) at: i64,
    pub(super) sealer: Arc<dyn Sealer>,
}

/// Outcome of a delivery; `None` if it must be stored again, because the purge of its case was completed meanwhile.
pub(super) type Arrived = Result<Option<Arrival>, Fault>;

/// The values of keys by their names.
pub(super) type Keys = HashMap<Vec<u8>, Result<Vec<u8>, Fault>>;

const KEYS: &str = "SELECT name, value FROM identkit_keys.keys WHERE name = ANY ($1)";

// The update changes nothing. It locks the row, so that it is returned even if it was added at the same time.
const ADD_KEYS: &str = "INSERT INTO identkit_keys.keys AS present SELECT * FROM unnest($1::bytea[], $2::bytea[]) \
    ON CONFLICT (name) DO UPDATE SET value = present.value RETURNING name, value";

const PURGING: &str = "SELECT vendor, id FROM cases WHERE vendor = ANY ($1) AND purging";

// Deliveries of the same case update it once. The ids of the events grow in the order in which they arrived, so the first id belongs to the first event.
const ACCEPT: &str = concat!(
    "WITH arrived AS (SELECT * FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::text[], $5::bytea[]) \
     WITH ORDINALITY AS arrived (provider, vendor, at, name, body, place)), \
     units AS (INSERT INTO cases (provider, vendor, created, changed, pending, due) \
     SELECT min(provider), vendor, min(at), max(at), true, min(at) FROM arrived GROUP BY vendor ORDER BY min(place) \
     ON CONFLICT (vendor) DO UPDATE SET changed = greatest(cases.changed, excluded.changed), ",
    open_unit!("excluded.due"),
    " WHERE NOT cases.purging RETURNING id, vendor), \
     joined AS (SELECT place, units.id, at, name, body, count(name) OVER (ORDER BY place) AS number \
     FROM arrived JOIN units USING (vendor)), \
     stored AS (INSERT INTO events (case_id, received, name, body) \
     SELECT id, at, name, body FROM joined WHERE name IS NOT NULL ORDER BY place RETURNING id), \
     numbered AS (SELECT id AS event, row_number() OVER (ORDER BY id) AS number FROM stored) \
     SELECT place, joined.id, CASE WHEN name IS NOT NULL THEN event END, (SELECT pg_notify('identkit', '')) \
     FROM joined LEFT JOIN numbered USING (number)"
);

/// Stores deliveries in a transaction that has the lock of the writer.
///
/// What is stored can be read. No key is removed during the transaction, because [`remove_key`] takes the same lock. A purge
/// marks the case before it removes the key, and removes the case after it. So if its key is read here, a case that was marked
/// is still there, and the statement finds its mark: also one that is set after the key was read.
///
/// [`remove_key`]: crate::Engine::remove_key
pub(super) async fn accept(client: &Client, arriving: &[&Arriving], mut keys: Keys) -> Result<Vec<Arrived>, Fault> {
    add_keys(client, arriving, &mut keys).await?;
    let sealed: Vec<Result<SealedRow, Fault>> = arriving.iter().map(|one| seal(one, &keys)).collect();
    let rows: Vec<(&Arriving, &SealedRow)> =
        arriving.iter().zip(&sealed).filter_map(|(one, sealed)| Some((*one, sealed.as_ref().ok()?))).collect();
    let mut arrivals = insert(client, &rows).await?.into_iter();
    Ok(sealed.into_iter().map(|sealed| sealed.map(|_| arrivals.next().flatten())).collect())
}

/// Reads the keys of deliveries.
pub(super) async fn read_keys(client: &Client, arriving: &[&Arriving]) -> Result<Keys, Fault> {
    let mut names: Vec<&[u8]> = arriving.iter().map(|one| one.key.as_slice()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Ok(Keys::new());
    }
    let rows = query(client, KEYS, &[&names]).await?;
    rows.iter().map(|row| Ok((column(row, 0)?, Ok(column(row, 1)?)))).collect()
}

/// Adds the keys that are missing.
async fn add_keys(client: &Client, arriving: &[&Arriving], keys: &mut Keys) -> Result<(), Fault> {
    let (mut missing, mut values) = (Vec::new(), Vec::new());
    for one in arriving {
        if keys.contains_key(&one.key) || missing.contains(&&one.key) {
            continue;
        }
        match one.sealer.create_key() {
            Ok(value) => {
                missing.push(&one.key);
                values.push(value);
            }
            Err(error) => drop(keys.insert(one.key.clone(), Err(Fault::Unsealed(Arc::new(error))))),
        }
    }
    if !missing.is_empty() {
        for row in query(client, ADD_KEYS, &[&missing, &values]).await? {
            keys.insert(column(&row, 0)?, Ok(column(&row, 1)?));
        }
    }
    Ok(())
}

fn seal(arriving: &Arriving, keys: &Keys) -> Result<SealedRow, Fault> {
    let key = keys.get(&arriving.key).ok_or(Fault::Damaged)?.as_ref().map_err(Fault::clone)?;
    arriving.sealer.seal(key).map_err(|error| Fault::Unsealed(Arc::new(error)))
}

async fn insert(client: &Client, rows: &[(&Arriving, &SealedRow)]) -> Result<Vec<Option<Arrival>>, Fault> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let providers: Vec<_> = rows.iter().map(|(one, _)| one.provider.as_str()).collect();
    let vendors: Vec<_> = rows.iter().map(|(_, row)| row.vendor.0.as_slice()).collect();
    let times: Vec<_> = rows.iter().map(|(one, _)| one.at).collect();
    let names: Vec<_> = rows.iter().map(|(_, row)| row.event.as_ref().map(|(name, _)| name.as_str())).collect();
    let bodies: Vec<_> = rows.iter().map(|(_, row)| row.event.as_ref().map(|(_, body)| body.as_slice())).collect();
    let mut arrivals: Vec<Option<Arrival>> = vec![None; rows.len()];
    for row in query(client, ACCEPT, &[&providers, &vendors, &times, &names, &bodies]).await? {
        let place = usize::try_from(column::<i64>(&row, 0)?).map_err(|_| Fault::Damaged)?;
        let event = column::<Option<i64>>(&row, 2)?.map_or(0, i64::unsigned_abs);
        let arrival = Arrival::Stored { case: number(&row, 1)?, event };
        *arrivals.get_mut(place.wrapping_sub(1)).ok_or(Fault::Damaged)? = Some(arrival);
    }
    if arrivals.iter().any(Option::is_none) {
        let mut purging: HashMap<Vec<u8>, u64> = HashMap::new();
        for row in query(client, PURGING, &[&vendors]).await? {
            purging.insert(column(&row, 0)?, number(&row, 1)?);
        }
        for (arrival, vendor) in arrivals.iter_mut().zip(vendors) {
            *arrival = arrival.or_else(|| purging.get(vendor).map(|case| Arrival::Purging { case: *case }));
        }
    }
    Ok(arrivals)
}
