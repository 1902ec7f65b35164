//! The operations of the engine as SQL.

use std::sync::Arc;

use async_trait::async_trait;
use identkit_core::Error;
use jiff::Timestamp;
use tokio_postgres::Row;

use super::Postgres;
use super::accept::Arriving;
use super::listener::Listener;
use super::rows::{
    self, CASE, EVENT, Fault, Value, column, event_state, integer, link, micros, number, record_kind, values,
};
use super::statement::{INSERT_RECORD, borrowed, query};
use crate::engine::{
    Arrival, CaseRow, Change, Engine, EntryRow, EventRow, Finish, Held, Lease, Link, NewCaseRow, RecordKind, RecordRow,
    Sealer, TokenRow,
};
use crate::{EventState, fault};

/// Gives the pending events of cases that were just claimed to the claims.
const CLAIM_EVENTS: &str = "UPDATE events SET state = 1, attempts = cases.attempts FROM cases \
    WHERE cases.id = case_id AND case_id = ANY ($1) AND events.state = 0";

/// Condition on the provider of a case: `$3` has the selected ones, or is NULL for all.
const IS_SELECTED: &str = "($3::text[] IS NULL OR provider = ANY ($3))";

fn list<T>(rows: &[Row], read: impl FnMut(&Row) -> Result<T, Fault>) -> Result<Vec<T>, Error> {
    rows.iter().map(read).collect::<Result<_, _>>().map_err(Fault::into_error)
}

fn optional<T>(rows: &[Row], read: impl FnMut(&Row) -> Result<T, Fault>) -> Result<Option<T>, Error> {
    rows.first().map(read).transpose().map_err(Fault::into_error)
}

fn claim(row: &Row) -> Result<(Lease, u64), Fault> {
    Ok((Lease { case: number(row, 0)?, fence: number(row, 1)? }, number(row, 2)?))
}

impl Postgres {
    /// Runs a statement as a transaction.
    async fn run(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        let run = async {
            let client = self.pool.get().await?;
            let statement = client.prepare_cached(sql).await?;
            Ok(client.query(&statement, &borrowed(&values)).await?)
        };
        run.await.map_err(Fault::into_error)
    }

    /// Runs a statement that changes cases and returns their ids first, and then one that changes their events: in one
    /// statement, the second change would miss events that were committed while the first one waited.
    async fn run_both(&self, cases: &str, values: Vec<Value>, events: &str) -> Result<Vec<Row>, Error> {
        let run = async {
            let mut client = self.pool.get().await?;
            let transaction = client.transaction().await?;
            let rows = query(&transaction, cases, &borrowed(&values)).await?;
            let ids = rows.iter().map(|row| column(row, 0)).collect::<Result<Vec<i64>, _>>()?;
            if !ids.is_empty() {
                query(&transaction, events, &[&ids]).await?;
            }
            transaction.commit().await.map_err(|error| Fault::Commit(error.into()))?;
            Ok(rows)
        };
        run.await.map_err(Fault::into_error)
    }

    /// Claims cases with pending work whose due time meets a condition on `$1`.
    async fn claim_due(
        &self,
        is_due: &str,
        limit: usize,
        time: Timestamp,
        providers: Option<&[String]>,
    ) -> Result<Vec<(Lease, u64)>, Error> {
        let cases = format!(
            "WITH due AS (SELECT id FROM cases WHERE pending AND NOT claimed AND {is_due} AND {IS_SELECTED} \
            ORDER BY due, id LIMIT $2 FOR UPDATE SKIP LOCKED), \
            claims AS (UPDATE cases SET pending = false, claimed = true, fence = fence + 1, beat = 0, \
            attempts = attempts + 1, dead = NULL FROM due WHERE cases.id = due.id \
            RETURNING cases.id, fence, attempts, due) \
            SELECT id, fence, attempts FROM claims ORDER BY due, id"
        );
        list(
            &self
                .run_both(
                    &cases,
                    values![micros(time), integer(limit), providers.map(<[String]>::to_vec)],
                    CLAIM_EVENTS,
                )
                .await?,
            claim,
        )
    }

    async fn write(&self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        self.writer.write(sql, values).await.map_err(Fault::into_error)
    }
}

#[async_trait]
impl Engine for Postgres {
    async fn key(&self, name: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let found = self.keys.find(name.to_vec()).await;
        found.and_then(|row| row.map(|row| column(&row, 1)).transpose()).map_err(Fault::into_error)
    }

    async fn add_key(&self, name: &[u8], value: Vec<u8>) -> Result<Vec<u8>, Error> {
        // The update changes nothing. It locks the row, so that it is returned even if it was added at the same time.
        let sql = "INSERT INTO identkit_keys.keys AS present VALUES ($1, $2) \
            ON CONFLICT (name) DO UPDATE SET value = present.value RETURNING value";
        let rows = self.run(sql, values![name.to_vec(), value]).await?;
        optional(&rows, |row| column(row, 0))?.ok_or_else(|| Fault::Damaged.into_error())
    }

    async fn remove_key(&self, name: &[u8], value: &[u8]) -> Result<(), Error> {
        // With the lock of the writer, so that no delivery is encrypted with the key meanwhile.
        let sql = "DELETE FROM identkit_keys.keys WHERE name = $1 AND value = $2";
        self.write(sql, values![name.to_vec(), value.to_vec()]).await.map(drop)
    }

    async fn keys(&self, after: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Error> {
        let sql = "SELECT name, value FROM identkit_keys.keys WHERE name > $1 ORDER BY name LIMIT $2";
        let rows = self.run(sql, values![after.to_vec(), integer(limit)]).await?;
        list(&rows, |row| Ok((column(row, 0)?, column(row, 1)?)))
    }

    async fn accept(
        &self,
        provider: &str,
        key: &[u8],
        at: Timestamp,
        sealer: Arc<dyn Sealer>,
    ) -> Result<Arrival, Error> {
        let arriving = Arriving { provider: provider.to_owned(), key: key.to_vec(), at: micros(at), sealer };
        loop {
            if let Some(arrival) = self.writer.accept(arriving.clone()).await.map_err(Fault::into_error)? {
                return Ok(arrival);
            }
        }
    }

    async fn events(&self, case: Option<u64>, after: u64, limit: usize) -> Result<Vec<EventRow>, Error> {
        let filter = if case.is_some() { "case_id = $3" } else { "$3::bigint IS NULL" };
        let sql = format!("{EVENT} WHERE events.id > $1 AND {filter} ORDER BY events.id LIMIT $2");
        let rows = self.run(&sql, values![integer(after), integer(limit), case.map(integer)]).await?;
        list(&rows, rows::event)
    }

    async fn create(&self, case: NewCaseRow) -> Result<Option<Lease>, Error> {
        let NewCaseRow { provider, reference, status, state, at } = case;
        let sql = "INSERT INTO cases (provider, reference, status, state, version, created, changed, pending, due, \
            claimed, fence, attempts) VALUES ($1, $2, $3, $4, 1, $5, $5, false, $5, true, 1, 1) \
            ON CONFLICT (reference) DO NOTHING RETURNING id";
        let rows = self.write(sql, values![provider, link(reference), status, state, micros(at)]).await?;
        optional(&rows, |row| Ok(Lease { case: number(row, 0)?, fence: 1 }))
    }

    async fn case(&self, id: u64) -> Result<Option<CaseRow>, Error> {
        let rows = self.run(&format!("{CASE} WHERE id = $1"), values![integer(id)]).await?;
        optional(&rows, rows::case)
    }

    async fn find(&self, name: Link) -> Result<Option<u64>, Error> {
        let rows = self.run("SELECT id FROM cases WHERE vendor = $1 OR reference = $1", values![link(name)]).await?;
        optional(&rows, |row| number(row, 0))
    }

    async fn cases(&self, status: Option<&str>, after: u64, limit: usize) -> Result<Vec<CaseRow>, Error> {
        let filter = if status.is_some() { "status = $3" } else { "$3::text IS NULL" };
        let sql = format!("{CASE} WHERE id > $1 AND {filter} ORDER BY id LIMIT $2");
        let rows = self.run(&sql, values![integer(after), integer(limit), status.map(str::to_owned)]).await?;
        list(&rows, rows::case)
    }

    async fn expired(&self, status: Option<&str>, before: Timestamp, limit: usize) -> Result<Vec<u64>, Error> {
        let sql = "SELECT id FROM cases WHERE purging UNION SELECT id FROM cases WHERE NOT pending AND NOT claimed \
            AND changed < $1 AND ($2::text IS NULL OR status = $2) LIMIT $3";
        let rows = self.run(sql, values![micros(before), status.map(str::to_owned), integer(limit)]).await?;
        list(&rows, |row| number(row, 0))
    }

    async fn save(&self, lease: Lease, change: Change) -> Result<(), Error> {
        self.writer.save(lease, change).await.map_err(Fault::into_error)
    }

    async fn entries(&self, case: u64, after: u64, limit: usize) -> Result<Vec<EntryRow>, Error> {
        let sql = "SELECT id, at, body FROM entries WHERE case_id = $1 AND id > $2 ORDER BY id LIMIT $3";
        list(&self.run(sql, values![integer(case), integer(after), integer(limit)]).await?, rows::entry)
    }

    async fn begin_purge(&self, case: u64, idle: bool) -> Result<Option<CaseRow>, Error> {
        let sql = "WITH cases AS (UPDATE cases SET purging = true, pending = false, claimed = false \
            WHERE id = $1 AND (NOT $2 OR purging OR NOT (pending OR claimed)) RETURNING *) ";
        optional(&self.run(&format!("{sql}{CASE}"), values![integer(case), idle]).await?, rows::case)
    }

    async fn begin_purge_of_unused(&self, name: Link) -> Result<Option<u64>, Error> {
        let sql = "INSERT INTO cases (provider, vendor, reference, created, changed, pending, due, purging) \
            SELECT '', $1, $1, 0, 0, false, 0, true \
            WHERE NOT EXISTS (SELECT 1 FROM cases WHERE vendor = $1 OR reference = $1) RETURNING id";
        optional(&self.write(sql, values![link(name)]).await?, |row| number(row, 0))
    }

    async fn remove(&self, case: u64) -> Result<(), Error> {
        self.run("DELETE FROM cases WHERE id = $1", values![integer(case)]).await.map(drop)
    }

    async fn claim(
        &self,
        limit: usize,
        now: Timestamp,
        latest: Option<Timestamp>,
        providers: Option<&[String]>,
    ) -> Result<Vec<(Lease, u64)>, Error> {
        let claims = self.claim_due("due <= $1", limit, now, providers).await?;
        match latest {
            Some(latest) if claims.len() < limit => {
                let more = self.claim_due("due > $1", limit - claims.len(), latest, providers).await?;
                Ok(claims.into_iter().chain(more).collect())
            }
            _ => Ok(claims),
        }
    }

    async fn claim_case(&self, case: u64) -> Result<Option<(Lease, u64)>, Error> {
        let cases = "UPDATE cases SET pending = false, claimed = true, fence = fence + 1, beat = 0, \
            attempts = attempts + 1, dead = NULL \
            WHERE id = $1 AND NOT claimed AND NOT purging RETURNING id, fence, attempts";
        optional(&self.run_both(cases, values![integer(case)], CLAIM_EVENTS).await?, claim)
    }

    async fn changed(&self) -> Result<(), Error> {
        let mut listener = self.listener.lock().await;
        if let Some(connected) = &mut *listener {
            let waited = connected.wait().await;
            if waited.is_err() {
                *listener = None;
            }
            waited.map_err(Fault::into_error)
        } else {
            *listener = Some(Listener::start(&self.target).await.map_err(Fault::into_error)?);
            Ok(())
        }
    }

    async fn claimed(&self, after: u64, limit: usize, providers: Option<&[String]>) -> Result<Vec<Held>, Error> {
        let sql = format!(
            "SELECT id, fence, beat FROM cases WHERE claimed AND id > $1 AND {IS_SELECTED} ORDER BY id LIMIT $2"
        );
        let names = providers.map(<[String]>::to_vec);
        let rows = self.run(&sql, values![integer(after), integer(limit), names]).await?;
        list(&rows, |row| Ok(Held { case: number(row, 0)?, fence: number(row, 1)?, beat: number(row, 2)? }))
    }

    async fn take_over(&self, held: Held) -> Result<Option<(Lease, u64)>, Error> {
        let cases = "UPDATE cases SET fence = fence + 1, beat = 0, attempts = attempts + 1, dead = NULL \
            WHERE id = $1 AND claimed AND fence = $2 AND beat = $3 RETURNING id, fence, attempts";
        let events = "UPDATE events SET attempts = cases.attempts FROM cases \
            WHERE cases.id = case_id AND case_id = ANY ($1) AND events.state = 1";
        let values = values![integer(held.case), integer(held.fence), integer(held.beat)];
        optional(&self.run_both(cases, values, events).await?, claim)
    }

    async fn renew(&self, lease: Lease) -> Result<(), Error> {
        let sql = "UPDATE cases SET beat = beat + 1 WHERE id = $1 AND claimed AND fence = $2 RETURNING id";
        let rows = self.run(sql, values![integer(lease.case), integer(lease.fence)]).await?;
        rows.first().map(drop).ok_or_else(fault::outdated)
    }

    async fn finish(&self, lease: Lease, end: Finish) -> Result<(), Error> {
        let (state, due, dead) = match end {
            Finish::Done => (EventState::Done, None, None),
            Finish::Wait { due } => (EventState::Done, Some(micros(due)), None),
            Finish::Retry { due } => (EventState::Pending, Some(micros(due)), None),
            Finish::Dead { reason } => (EventState::Dead, None, Some(reason)),
        };
        // One statement is enough: while the claim is valid, no event joins or leaves it.
        let sql = concat!(
            "WITH ended AS (UPDATE cases SET claimed = false, dead = $3, \
             attempts = CASE WHEN $4 = 0::smallint THEN attempts ELSE 0 END, ",
            open_unit!("$5"),
            " WHERE id = $1 AND claimed AND fence = $2 RETURNING id, pending), \
             moved AS (UPDATE events SET state = $4 FROM ended WHERE case_id = ended.id AND state = 1) \
             SELECT CASE WHEN pending THEN pg_notify('identkit', '') END FROM ended"
        );
        let values = values![integer(lease.case), integer(lease.fence), dead, event_state(state), due];
        self.run(sql, values).await?.first().map(drop).ok_or_else(fault::outdated)
    }

    async fn replay(&self, case: u64, now: Timestamp) -> Result<bool, Error> {
        let cases = concat!(
            "UPDATE cases SET ",
            open_unit!("$2"),
            " WHERE id = $1 AND NOT purging RETURNING id, pg_notify('identkit', '')"
        );
        let events = "UPDATE events SET state = 0 WHERE case_id = ANY ($1) AND state > 1";
        Ok(!self.run_both(cases, values![integer(case), micros(now)], events).await?.is_empty())
    }

    async fn value(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let rows = self.run("SELECT value FROM marks WHERE name = $1", values![name.to_owned()]).await?;
        optional(&rows, |row| column(row, 0))
    }

    async fn swap_value(&self, name: &str, expected: Option<Vec<u8>>, new: Vec<u8>) -> Result<bool, Error> {
        let name = name.to_owned();
        let rows = match expected {
            Some(expected) => {
                let sql = "UPDATE marks SET value = $3 WHERE name = $1 AND value = $2 RETURNING true";
                self.run(sql, values![name, expected, new]).await?
            }
            None => {
                let sql = "INSERT INTO marks VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING true";
                self.run(sql, values![name, new]).await?
            }
        };
        Ok(!rows.is_empty())
    }

    async fn add_token(&self, token: TokenRow, lease: Option<Lease>) -> Result<(), Error> {
        let TokenRow { hash, provider, event, expires, .. } = token;
        let values = values![hash.to_vec(), provider, event, expires.map(micros)];
        let Some(lease) = lease else {
            let sql = "INSERT INTO tokens VALUES ($1, $2, $3, NULL, $4) ON CONFLICT (hash) DO NOTHING";
            return self.run(sql, values).await.map(drop);
        };
        // The lock keeps the claim until the end of the statement.
        let sql = "WITH held AS (SELECT id FROM cases WHERE id = $5 AND claimed AND fence = $6 FOR UPDATE), \
            added AS (INSERT INTO tokens SELECT $1, $2, $3, id, $4 FROM held ON CONFLICT (hash) DO NOTHING) \
            SELECT id FROM held";
        let values = values.into_iter().chain(values![integer(lease.case), integer(lease.fence)]).collect();
        self.run(sql, values).await?.first().map(drop).ok_or_else(fault::outdated)
    }

    async fn token(&self, hash: [u8; 32]) -> Result<Option<TokenRow>, Error> {
        let found = self.tokens.find(hash.to_vec()).await;
        found.and_then(|row| row.map(|row| rows::token(&row, hash)).transpose()).map_err(Fault::into_error)
    }

    async fn replace_tokens(&self, tokens: Vec<TokenRow>, expires: Timestamp) -> Result<(), Error> {
        // A caller that does not know the outcome may repeat it: then the new tokens exist.
        let sql = "WITH new AS (SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[]) AS new (hash, provider, event)), \
            limited AS (UPDATE tokens SET expires = least(expires, $4) WHERE case_id IS NULL AND hash <> ALL ($1) \
            AND (provider, event) IN (SELECT provider, event FROM new)) \
            INSERT INTO tokens SELECT hash, provider, event, NULL, NULL FROM new ON CONFLICT (hash) DO NOTHING";
        let (mut hashes, mut providers, mut events) = (Vec::new(), Vec::new(), Vec::new());
        for token in tokens {
            hashes.push(token.hash.to_vec());
            providers.push(token.provider);
            events.push(token.event);
        }
        self.run(sql, values![hashes, providers, events, micros(expires)]).await.map(drop)
    }

    async fn remove_expired_tokens(&self, now: Timestamp) -> Result<u64, Error> {
        let sql = "DELETE FROM tokens WHERE expires <= $1 RETURNING true";
        Ok(self.run(sql, values![micros(now)]).await?.len() as u64)
    }

    async fn add_record(&self, kind: RecordKind, record: RecordRow) -> Result<u64, Error> {
        let RecordRow { at, name, link: key, body, .. } = record;
        let values = values![record_kind(kind), micros(at), name, key.map(link), body];
        let rows = self.write(INSERT_RECORD, values).await?;
        optional(&rows, |row| number(row, 0))?.ok_or_else(|| Fault::Damaged.into_error())
    }

    async fn records(&self, kind: RecordKind, after: u64, limit: usize) -> Result<Vec<RecordRow>, Error> {
        let sql = "SELECT id, at, name, link, body FROM records WHERE kind = $1 AND id > $2 ORDER BY id LIMIT $3";
        list(&self.run(sql, values![record_kind(kind), integer(after), integer(limit)]).await?, rows::record)
    }

    async fn remove_record(&self, kind: RecordKind, id: u64) -> Result<(), Error> {
        let sql = "DELETE FROM records WHERE kind = $1 AND id = $2";
        self.run(sql, values![record_kind(kind), integer(id)]).await.map(drop)
    }
}
