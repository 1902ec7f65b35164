//! Deliveries that wait for the writer: one statement for all of them, because a statement for each costs the server more
//! than their rows.

use deadpool_postgres::Transaction;
use tokio_postgres::Row;

use super::rows::{Fault, column};
use super::statement::query;

/// What [`Engine::accept`](crate::Engine::accept) stores.
#[derive(Clone)]
pub(super) struct Arriving {
    pub(super) provider: String,
    pub(super) vendor: Vec<u8>,
    pub(super) at: i64,
    pub(super) event: Option<(String, Vec<u8>)>,
}

// Deliveries of the same case update it once. A row that an `INSERT` has updated is locked by it (`xmax`), a new one is
// not. The ids of the events grow in the order in which they arrived, so the first id belongs to the first event.
const ACCEPT: &str = concat!(
    "WITH arrived AS (SELECT * FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::text[], $5::bytea[]) \
     WITH ORDINALITY AS arrived (provider, vendor, at, name, body, place)), \
     units AS (INSERT INTO cases (provider, vendor, created, changed, pending, due) \
     SELECT min(provider), vendor, min(at), max(at), true, min(at) FROM arrived GROUP BY vendor ORDER BY min(place) \
     ON CONFLICT (vendor) DO UPDATE SET changed = greatest(cases.changed, excluded.changed), ",
    open_unit!("excluded.due"),
    " WHERE NOT cases.purging RETURNING id, vendor, xmax = 0 AS new), \
     joined AS (SELECT place, units.id, new, at, name, body, count(name) OVER (ORDER BY place) AS number \
     FROM arrived JOIN units USING (vendor)), \
     stored AS (INSERT INTO events (case_id, received, name, body) \
     SELECT id, at, name, body FROM joined WHERE name IS NOT NULL ORDER BY place RETURNING id), \
     numbered AS (SELECT id AS event, row_number() OVER (ORDER BY id) AS number FROM stored) \
     SELECT joined.id, new, CASE WHEN name IS NOT NULL THEN event END, place, (SELECT pg_notify('identkit', '')) \
     FROM joined LEFT JOIN numbered USING (number)"
);

/// Stores deliveries. Returns for each of them its row with the id of the case, whether the case is new, and the id of the
/// event; no row if the case is being purged.
pub(super) async fn accept(transaction: &Transaction<'_>, arriving: &[&Arriving]) -> Result<Vec<Vec<Row>>, Fault> {
    let providers: Vec<_> = arriving.iter().map(|one| one.provider.as_str()).collect();
    let vendors: Vec<_> = arriving.iter().map(|one| one.vendor.as_slice()).collect();
    let times: Vec<_> = arriving.iter().map(|one| one.at).collect();
    let names: Vec<_> = arriving.iter().map(|one| one.event.as_ref().map(|(name, _)| name.as_str())).collect();
    let bodies: Vec<_> = arriving.iter().map(|one| one.event.as_ref().map(|(_, body)| body.as_slice())).collect();
    let mut stored: Vec<Vec<Row>> = arriving.iter().map(|_| Vec::new()).collect();
    for row in query(transaction, ACCEPT, &[&providers, &vendors, &times, &names, &bodies]).await? {
        let place = usize::try_from(column::<i64>(&row, 3)?).map_err(|_| Fault::Damaged)?;
        stored.get_mut(place.wrapping_sub(1)).ok_or(Fault::Damaged)?.push(row);
    }
    Ok(stored)
}
