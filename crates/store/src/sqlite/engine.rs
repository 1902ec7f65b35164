//! The operations of the engine as SQL.

use std::sync::Arc;

use async_trait::async_trait;
use identkit_core::Error;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};

use super::Sqlite;
use super::database::Database;
use super::rows::{self, CASE, EVENT, Fault, Micros};
use crate::engine::{
    Arrival, CaseRow, Change, Engine, EntryRow, EventRow, EventState, Finish, Held, Lease, Link, NewCaseRow,
    RecordKind, RecordRow, Sealer, TokenRow,
};
use crate::fault;

/// Number of pages that are freed in one transaction: 4 MiB.
const VACUUM_PAGES: usize = 1024;

fn execute(connection: &Connection, sql: &str, values: impl Params) -> Result<usize, Fault> {
    Ok(connection.prepare_cached(sql)?.execute(values)?)
}

fn optional<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, Fault> {
    Ok(connection.prepare_cached(sql)?.query_row(values, read).optional()?)
}

fn list<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Fault> {
    Ok(connection.prepare_cached(sql)?.query_map(values, read)?.collect::<Result<_, _>>()?)
}

/// Condition on the provider of a case: `?3` is a JSON array of the selected ones, or NULL for all.
const IS_SELECTED: &str = "(?3 IS NULL OR provider IN (SELECT value FROM json_each(?3)))";

fn names(providers: Option<&[String]>) -> Result<Option<String>, Error> {
    let encode = |names| serde_json::to_string(names).map_err(|_| fault::damaged());
    providers.map(encode).transpose()
}

/// An id or a limit that may be larger than SQLite's integers.
fn integer(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// The id of the row that was inserted last.
fn last_id(connection: &Connection) -> u64 {
    connection.last_insert_rowid().unsigned_abs()
}

/// Fails unless the lease is that of the present claim.
fn check(connection: &Connection, lease: Lease) -> Result<CaseRow, Fault> {
    let sql = format!("{CASE} WHERE id = ?1 AND claimed = 1 AND fence = ?2");
    let row = optional(connection, &sql, params![lease.case, lease.fence], rows::case)?;
    row.ok_or(Fault::Rejected(fault::outdated))
}

/// Opens a unit, or joins the pending one. It is due at the earlier of both times.
fn open_unit(connection: &Connection, case: u64, due: Timestamp) -> Result<usize, Fault> {
    let sql = "UPDATE cases SET due = iif(pending = 1, min(due, ?2), ?2), pending = 1 WHERE id = ?1 AND purging = 0";
    execute(connection, sql, params![case, Micros(due)])
}

fn move_events(connection: &Connection, case: u64, from: EventState, to: EventState) -> Result<(), Fault> {
    // The first condition lets SQLite use the index of open events.
    let sql = if matches!(from, EventState::Pending | EventState::Claimed) {
        "UPDATE events SET state = ?3 WHERE state < 2 AND case_id = ?1 AND state = ?2"
    } else {
        "UPDATE events SET state = ?3 WHERE case_id = ?1 AND state = ?2"
    };
    execute(connection, sql, params![case, from, to]).map(drop)
}

fn claim(connection: &Connection, case: u64) -> Result<(Lease, u64), Fault> {
    execute(connection, "UPDATE cases SET pending = 0 WHERE id = ?1", [case])?;
    move_events(connection, case, EventState::Pending, EventState::Claimed)?;
    begin_attempt(connection, case)
}

fn begin_attempt(connection: &Connection, case: u64) -> Result<(Lease, u64), Fault> {
    let sql = "UPDATE cases SET claimed = 1, fence = fence + 1, beat = 0, attempts = attempts + 1, dead = NULL \
        WHERE id = ?1 RETURNING fence, attempts";
    let mut update = connection.prepare_cached(sql)?;
    let (fence, attempts) = update.query_row([case], |row| Ok((row.get(0)?, row.get::<_, u64>(1)?)))?;
    let sql = "UPDATE events SET attempts = ?2 WHERE state < 2 AND case_id = ?1 AND state = 1";
    execute(connection, sql, params![case, attempts])?;
    Ok((Lease { case, fence }, attempts))
}

fn insert_record(connection: &Connection, kind: RecordKind, record: RecordRow) -> Result<u64, Fault> {
    let RecordRow { at, name, link, body, .. } = record;
    let sql = "INSERT INTO records (kind, at, name, link, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    execute(connection, sql, params![kind, Micros(at), name, link, body])?;
    Ok(last_id(connection))
}

fn insert_token(connection: &Connection, token: TokenRow) -> Result<(), Fault> {
    let TokenRow { hash, provider, event, case, expires } = token;
    let sql = "INSERT OR IGNORE INTO tokens VALUES (?1, ?2, ?3, ?4, ?5)";
    execute(connection, sql, params![hash, provider, event, case, expires.map(Micros)]).map(drop)
}

/// Returns the free pages of a file to the system.
async fn compact(database: &Database) -> Result<(), Fault> {
    let mut free = u64::MAX;
    loop {
        let step = |db: &Connection| {
            list(db, &format!("PRAGMA incremental_vacuum({VACUUM_PAGES})"), [], |_| Ok(()))?;
            Ok(db.query_row("PRAGMA freelist_count", [], |row| row.get::<_, u64>(0))?)
        };
        let left = database.erase(step).await?;
        // Others may remove rows meanwhile.
        if left == 0 || left >= free {
            // The thread cuts the file after its reply, and before its next operation.
            return database.write(|_| Ok(())).await;
        }
        free = left;
    }
}

impl Sqlite {
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        self.data.write(work).await.map_err(|fault| fault.into_error("the data file"))
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        self.data.read(work).await.map_err(|fault| fault.into_error("the data file"))
    }
}

#[async_trait]
impl Engine for Sqlite {
    async fn key(&self, name: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let name = name.to_vec();
        let sql = "SELECT value FROM keys WHERE name = ?1";
        let found = self.keys.read(move |db| optional(db, sql, [name], |row| row.get(0))).await;
        found.map_err(|fault| fault.into_error("the keys file"))
    }

    async fn add_key(&self, name: &[u8], value: Vec<u8>) -> Result<Vec<u8>, Error> {
        let name = name.to_vec();
        let work = move |db: &Connection| {
            execute(db, "INSERT OR IGNORE INTO keys VALUES (?1, ?2)", params![name, value])?;
            Ok(db.prepare_cached("SELECT value FROM keys WHERE name = ?1")?.query_row([name], |row| row.get(0))?)
        };
        self.keys.write(work).await.map_err(|fault| fault.into_error("the keys file"))
    }

    async fn remove_key(&self, name: &[u8], value: &[u8]) -> Result<(), Error> {
        let (name, value) = (name.to_vec(), value.to_vec());
        let sql = "DELETE FROM keys WHERE name = ?1 AND value = ?2";
        let removed = self.keys.erase(move |db| execute(db, sql, [name, value])).await;
        removed.map(drop).map_err(|fault| fault.into_error("the keys file"))
    }

    async fn keys(&self, after: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Error> {
        let after = after.to_vec();
        let sql = "SELECT name, value FROM keys WHERE name > ?1 ORDER BY name LIMIT ?2";
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let listed = self.keys.read(move |db| list(db, sql, params![after, integer(limit)], read)).await;
        listed.map_err(|fault| fault.into_error("the keys file"))
    }

    async fn accept(
        &self,
        provider: &str,
        key: &[u8],
        at: Timestamp,
        sealer: Arc<dyn Sealer>,
    ) -> Result<Arrival, Error> {
        self.data.accept(provider, key, at, sealer).await.map_err(|fault| fault.into_error("the data file"))?
    }

    async fn events(&self, case: Option<u64>, after: u64, limit: usize) -> Result<Vec<EventRow>, Error> {
        self.read(move |db| {
            let (after, limit) = (integer(after), integer(limit));
            match case {
                Some(case) => {
                    let sql = format!("{EVENT} WHERE case_id = ?1 AND events.id > ?2 ORDER BY events.id LIMIT ?3");
                    list(db, &sql, params![case, after, limit], rows::event)
                }
                None => {
                    let sql = format!("{EVENT} WHERE events.id > ?1 ORDER BY events.id LIMIT ?2");
                    list(db, &sql, params![after, limit], rows::event)
                }
            }
        })
        .await
    }

    async fn create(&self, case: NewCaseRow) -> Result<Option<Lease>, Error> {
        self.write(move |db| {
            let NewCaseRow { provider, reference, status, state, at } = case;
            let sql = "INSERT INTO cases (provider, reference, status, state, version, created, changed, pending, due, \
                claimed, fence, attempts) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5, 0, ?5, 1, 1, 1) \
                ON CONFLICT (reference) DO NOTHING RETURNING id";
            let values = params![provider, reference, status, state, Micros(at)];
            optional(db, sql, values, |row| Ok(Lease { case: row.get(0)?, fence: 1 }))
        })
        .await
    }

    async fn case(&self, id: u64) -> Result<Option<CaseRow>, Error> {
        self.read(move |db| optional(db, &format!("{CASE} WHERE id = ?1"), [integer(id)], rows::case)).await
    }

    async fn find(&self, link: Link) -> Result<Option<u64>, Error> {
        let sql = "SELECT id FROM cases WHERE vendor = ?1 UNION SELECT id FROM cases WHERE reference = ?1";
        self.read(move |db| optional(db, sql, [link], |row| row.get(0))).await
    }

    async fn cases(&self, status: Option<&str>, after: u64, limit: usize) -> Result<Vec<CaseRow>, Error> {
        let status = status.map(str::to_owned);
        self.read(move |db| {
            let (after, limit) = (integer(after), integer(limit));
            match status {
                Some(status) => {
                    let sql = format!("{CASE} WHERE status = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
                    list(db, &sql, params![status, after, limit], rows::case)
                }
                None => {
                    let sql = format!("{CASE} WHERE id > ?1 ORDER BY id LIMIT ?2");
                    list(db, &sql, params![after, limit], rows::case)
                }
            }
        })
        .await
    }

    async fn expired(&self, status: Option<&str>, before: Timestamp, limit: usize) -> Result<Vec<u64>, Error> {
        let status = status.map(str::to_owned);
        let sql = "SELECT id FROM cases WHERE purging = 1 UNION SELECT id FROM cases WHERE pending = 0 AND claimed = 0 \
            AND changed < ?2 AND (?1 IS NULL OR status = ?1) LIMIT ?3";
        self.read(move |db| list(db, sql, params![status, Micros(before), integer(limit)], |row| row.get(0))).await
    }

    async fn save(&self, lease: Lease, change: Change) -> Result<(), Error> {
        self.write(move |db| {
            let Change { version, status, state, vendor, entries, deletion, at } = change;
            if check(db, lease)?.version != version {
                return Err(Fault::Rejected(fault::changed));
            }
            let other = match vendor {
                Some(vendor) => {
                    let sql = format!("{CASE} WHERE vendor = ?1 AND id <> ?2");
                    optional(db, &sql, params![vendor, lease.case], rows::case)?
                }
                None => None,
            };
            if let Some(other) = &other {
                if other.version > 0 || other.purging {
                    return Err(Fault::Rejected(fault::taken));
                }
                move_events(db, other.id, EventState::Claimed, EventState::Pending)?;
                execute(db, "UPDATE events SET case_id = ?2 WHERE case_id = ?1", params![other.id, lease.case])?;
                execute(db, "DELETE FROM cases WHERE id = ?1", [other.id])?;
                if other.pending || other.claimed {
                    open_unit(db, lease.case, other.due)?;
                }
            }
            let sql = "UPDATE cases SET status = ?2, state = ?3, version = version + 1, changed = max(changed, ?4), \
                vendor = coalesce(?5, vendor) WHERE id = ?1";
            execute(db, sql, params![lease.case, status, state, Micros(at), vendor])?;
            for body in entries {
                let sql = "INSERT INTO entries (case_id, at, body) VALUES (?1, ?2, ?3)";
                execute(db, sql, params![lease.case, Micros(at), body])?;
            }
            if let Some(record) = deletion {
                insert_record(db, RecordKind::Deletion, record)?;
            }
            Ok(())
        })
        .await
    }

    async fn entries(&self, case: u64, after: u64, limit: usize) -> Result<Vec<EntryRow>, Error> {
        let sql = "SELECT id, at, body FROM entries WHERE case_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
        self.read(move |db| list(db, sql, [integer(case), integer(after), integer(limit)], rows::entry)).await
    }

    async fn begin_purge(&self, case: u64, idle: bool) -> Result<Option<CaseRow>, Error> {
        self.write(move |db| {
            let sql = "UPDATE cases SET purging = 1, pending = 0, claimed = 0 \
                WHERE id = ?1 AND (?2 = 0 OR purging = 1 OR (pending = 0 AND claimed = 0))";
            match execute(db, sql, params![integer(case), idle])? {
                0 => Ok(None),
                _ => optional(db, &format!("{CASE} WHERE id = ?1"), [integer(case)], rows::case),
            }
        })
        .await
    }

    async fn begin_purge_of_unused(&self, link: Link) -> Result<Option<u64>, Error> {
        let sql = "INSERT INTO cases (provider, vendor, reference, created, changed, pending, due, purging) \
            SELECT '', ?1, ?1, 0, 0, 0, 0, 1 \
            WHERE NOT EXISTS (SELECT 1 FROM cases WHERE vendor = ?1) \
            AND NOT EXISTS (SELECT 1 FROM cases WHERE reference = ?1) RETURNING id";
        self.write(move |db| optional(db, sql, [link], |row| row.get(0))).await
    }

    async fn remove(&self, case: u64) -> Result<(), Error> {
        self.write(move |db| {
            execute(db, "DELETE FROM events WHERE case_id = ?1", [integer(case)])?;
            execute(db, "DELETE FROM entries WHERE case_id = ?1", [integer(case)])?;
            execute(db, "DELETE FROM tokens WHERE case_id = ?1", [integer(case)])?;
            execute(db, "DELETE FROM cases WHERE id = ?1", [integer(case)])?;
            Ok(())
        })
        .await
    }

    async fn compact(&self) -> Result<(), Error> {
        for (database, name) in [(&self.data, "the data file"), (&self.keys, "the keys file")] {
            compact(database).await.map_err(|fault| fault.into_error(name))?;
        }
        Ok(())
    }

    async fn claim(
        &self,
        limit: usize,
        now: Timestamp,
        latest: Option<Timestamp>,
        providers: Option<&[String]>,
    ) -> Result<Vec<(Lease, u64)>, Error> {
        let names = names(providers)?;
        self.write(move |db| {
            let find = |is_due: &str, time: Timestamp, limit: usize| {
                let sql = format!(
                    "SELECT id FROM cases WHERE pending = 1 AND claimed = 0 AND {is_due} AND {IS_SELECTED} \
                     ORDER BY due, id LIMIT ?2"
                );
                list(db, &sql, params![Micros(time), integer(limit), names], |row| row.get::<_, u64>(0))
            };
            let mut cases = find("due <= ?1", now, limit)?;
            let left = limit.saturating_sub(cases.len());
            if let Some(latest) = latest.filter(|_| left > 0) {
                // A statement of its own, because each reads one range of the index.
                cases.extend(find("due > ?1", latest, left)?);
            }
            cases.into_iter().map(|case| claim(db, case)).collect()
        })
        .await
    }

    async fn claim_case(&self, case: u64) -> Result<Option<(Lease, u64)>, Error> {
        self.write(move |db| {
            let sql = "SELECT id FROM cases WHERE id = ?1 AND claimed = 0 AND purging = 0";
            let free = optional(db, sql, [integer(case)], |row| row.get(0))?;
            free.map(|case| claim(db, case)).transpose()
        })
        .await
    }

    async fn claimed(&self, after: u64, limit: usize, providers: Option<&[String]>) -> Result<Vec<Held>, Error> {
        let names = names(providers)?;
        let held = |row: &Row<'_>| Ok(Held { case: row.get(0)?, fence: row.get(1)?, beat: row.get(2)? });
        self.read(move |db| {
            let sql = format!(
                "SELECT id, fence, beat FROM cases WHERE claimed = 1 AND id > ?1 AND {IS_SELECTED} ORDER BY id LIMIT ?2"
            );
            list(db, &sql, params![integer(after), integer(limit), names], held)
        })
        .await
    }

    async fn take_over(&self, held: Held) -> Result<Option<(Lease, u64)>, Error> {
        self.write(move |db| match check(db, Lease { case: held.case, fence: held.fence }) {
            Ok(row) if row.beat == held.beat => begin_attempt(db, held.case).map(Some),
            Ok(_) | Err(Fault::Rejected(_)) => Ok(None),
            Err(fault) => Err(fault),
        })
        .await
    }

    async fn renew(&self, lease: Lease) -> Result<(), Error> {
        self.write(move |db| {
            check(db, lease)?;
            execute(db, "UPDATE cases SET beat = beat + 1 WHERE id = ?1", [lease.case]).map(drop)
        })
        .await
    }

    async fn finish(&self, lease: Lease, end: Finish) -> Result<(), Error> {
        self.write(move |db| {
            check(db, lease)?;
            let (state, due, dead) = match end {
                Finish::Done => (EventState::Done, None, None),
                Finish::Wait { due } => (EventState::Done, Some(due), None),
                Finish::Retry { due } => (EventState::Pending, Some(due), None),
                Finish::Dead { reason } => (EventState::Dead, None, Some(reason)),
            };
            let sql = "UPDATE cases SET claimed = 0, dead = ?2, attempts = iif(?3 = 0, attempts, 0) WHERE id = ?1";
            execute(db, sql, params![lease.case, dead, state])?;
            if let Some(due) = due {
                open_unit(db, lease.case, due)?;
            }
            move_events(db, lease.case, EventState::Claimed, state)
        })
        .await
    }

    async fn replay(&self, case: u64, now: Timestamp) -> Result<bool, Error> {
        self.write(move |db| {
            let exists = open_unit(db, case.min(i64::MAX.unsigned_abs()), now)? > 0;
            if exists {
                move_events(db, case, EventState::Done, EventState::Pending)?;
                move_events(db, case, EventState::Dead, EventState::Pending)?;
            }
            Ok(exists)
        })
        .await
    }

    async fn value(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let name = name.to_owned();
        let sql = "SELECT value FROM marks WHERE name = ?1";
        self.read(move |db| optional(db, sql, [name], |row| row.get(0))).await
    }

    async fn swap_value(&self, name: &str, expected: Option<Vec<u8>>, new: Vec<u8>) -> Result<bool, Error> {
        let name = name.to_owned();
        self.write(move |db| {
            let changed = match expected {
                Some(expected) => {
                    let sql = "UPDATE marks SET value = ?3 WHERE name = ?1 AND value = ?2";
                    execute(db, sql, params![name, expected, new])?
                }
                None => execute(db, "INSERT OR IGNORE INTO marks VALUES (?1, ?2)", params![name, new])?,
            };
            Ok(changed > 0)
        })
        .await
    }

    async fn add_token(&self, token: TokenRow, lease: Option<Lease>) -> Result<(), Error> {
        self.write(move |db| {
            let case = lease.map(|lease| check(db, lease)).transpose()?.map(|case| case.id);
            insert_token(db, TokenRow { case, ..token })
        })
        .await
    }

    async fn token(&self, hash: [u8; 32]) -> Result<Option<TokenRow>, Error> {
        let sql = "SELECT hash, provider, event, case_id, expires FROM tokens WHERE hash = ?1";
        self.read(move |db| optional(db, sql, [hash], rows::token)).await
    }

    async fn replace_tokens(&self, tokens: Vec<TokenRow>, expires: Timestamp) -> Result<(), Error> {
        self.write(move |db| {
            let sql = "UPDATE tokens SET expires = min(coalesce(expires, ?4), ?4) \
                WHERE provider = ?1 AND event = ?2 AND case_id IS NULL AND hash <> ?3";
            for token in tokens {
                execute(db, sql, params![token.provider, token.event, token.hash, Micros(expires)])?;
                insert_token(db, token)?;
            }
            Ok(())
        })
        .await
    }

    async fn remove_expired_tokens(&self, now: Timestamp) -> Result<u64, Error> {
        let sql = "DELETE FROM tokens WHERE expires <= ?1";
        self.write(move |db| Ok(execute(db, sql, [Micros(now)])? as u64)).await
    }

    async fn add_record(&self, kind: RecordKind, record: RecordRow) -> Result<u64, Error> {
        self.write(move |db| insert_record(db, kind, record)).await
    }

    async fn records(&self, kind: RecordKind, after: u64, limit: usize) -> Result<Vec<RecordRow>, Error> {
        let sql = "SELECT id, at, name, link, body FROM records WHERE kind = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
        self.read(move |db| list(db, sql, params![kind, integer(after), integer(limit)], rows::record)).await
    }

    async fn remove_record(&self, kind: RecordKind, id: u64) -> Result<(), Error> {
        let sql = "DELETE FROM records WHERE kind = ?1 AND id = ?2";
        self.write(move |db| execute(db, sql, params![kind, integer(id)]).map(drop)).await
    }
}
