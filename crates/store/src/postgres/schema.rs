//! The tables, and how a database gets them.

use deadpool_postgres::{Pool, Transaction};
use identkit_core::{Error, Kind};
use tokio_postgres::Row;

use super::rows::{Fault, column};
use crate::cipher;

/// Tables of a schema, one text for each version. A release adds at most one text and changes none. The statements of the
/// release before must work with it, because machines are upgraded one after another.
type Texts = &'static [&'static str];

const KEYS: (&str, Texts) = (
    "identkit_keys",
    &["
    CREATE TABLE keys (name bytea PRIMARY KEY, value bytea NOT NULL)
        WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1);
"],
);

const DATA: (&str, Texts) = (
    "identkit",
    &["
    CREATE TABLE cases (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        provider text NOT NULL,
        reference bytea UNIQUE,
        vendor bytea UNIQUE,
        status text NOT NULL DEFAULT '',
        state bytea NOT NULL DEFAULT '',
        version bigint NOT NULL DEFAULT 0,
        created bigint NOT NULL,
        changed bigint NOT NULL,
        pending boolean NOT NULL,
        due bigint NOT NULL,
        claimed boolean NOT NULL DEFAULT false,
        fence bigint NOT NULL DEFAULT 0,
        beat bigint NOT NULL DEFAULT 0,
        attempts bigint NOT NULL DEFAULT 0,
        dead text,
        purging boolean NOT NULL DEFAULT false
    );
    CREATE INDEX cases_due ON cases (due, id) WHERE pending AND NOT claimed;
    CREATE INDEX cases_claimed ON cases (id) WHERE claimed;
    CREATE INDEX cases_idle ON cases (changed) WHERE NOT pending AND NOT claimed;
    CREATE INDEX cases_purging ON cases (id) WHERE purging;
    CREATE INDEX cases_status ON cases (status, id);
    CREATE TABLE events (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        case_id bigint NOT NULL REFERENCES cases ON DELETE CASCADE,
        name text NOT NULL,
        received bigint NOT NULL,
        state smallint NOT NULL DEFAULT 0,
        attempts bigint NOT NULL DEFAULT 0,
        body bytea NOT NULL
    );
    CREATE INDEX events_case ON events (case_id, id);
    CREATE INDEX events_open ON events (case_id) WHERE state < 2;
    CREATE TABLE entries (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        case_id bigint NOT NULL REFERENCES cases ON DELETE CASCADE,
        at bigint NOT NULL,
        body bytea NOT NULL
    );
    CREATE INDEX entries_case ON entries (case_id, id);
    CREATE TABLE marks (name text PRIMARY KEY, value bytea NOT NULL);
    CREATE TABLE records (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        kind smallint NOT NULL,
        at bigint NOT NULL,
        name text NOT NULL,
        link bytea,
        body bytea NOT NULL
    );
    CREATE INDEX records_kind ON records (kind, id);
    CREATE TABLE tokens (
        hash bytea PRIMARY KEY,
        provider text NOT NULL,
        event text NOT NULL,
        case_id bigint REFERENCES cases ON DELETE CASCADE,
        expires bigint
    );
    CREATE INDEX tokens_case ON tokens (case_id) WHERE case_id IS NOT NULL;
    CREATE INDEX tokens_event ON tokens (provider, event) WHERE case_id IS NULL;
"],
);

/// Brings both schemas to the present version in one transaction, and checks that they belong together.
pub(super) async fn prepare(pool: &Pool) -> Result<(), Error> {
    let new: [u8; 16] = cipher::random()?;
    match prepare_as(pool, &new).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::new(
            Kind::Storage,
            "the keys (schema identkit_keys) are missing or belong to another store: restore those of these data",
        )),
        Err(fault) => Err(fault.into_error()),
    }
}

async fn prepare_as(pool: &Pool, new: &[u8]) -> Result<bool, Fault> {
    let mut client = pool.get().await?;
    let transaction = client.transaction().await?;
    // The number is arbitrary. It locks out other processes that open the store.
    transaction.batch_execute("SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(7310581146)").await?;
    let durable: bool = column(&transaction.query_one("SELECT current_setting('fsync')::boolean", &[]).await?, 0)?;
    if !durable {
        return Err(Fault::Unsynced);
    }
    let (keys, data) = (migrate(&transaction, KEYS).await?, migrate(&transaction, DATA).await?);
    if data.is_some() && data != keys {
        return Ok(false);
    }
    // The keys get their id with the first data, and keep it.
    for (schema, _) in [KEYS, DATA] {
        let sql = format!("UPDATE {schema}.store SET id = $1 WHERE id IS NULL");
        transaction.execute(&sql, &[&keys.as_deref().unwrap_or(new)]).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// Brings a schema to the present version. Returns the id of its store, if it has one.
async fn migrate(transaction: &Transaction<'_>, (schema, texts): (&str, Texts)) -> Result<Option<Vec<u8>>, Fault> {
    let sql = "SELECT to_regnamespace($1) IS NOT NULL, to_regclass($1 || '.store') IS NOT NULL, \
        EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = to_regnamespace($1))";
    let found = transaction.query_one(sql, &[&schema]).await?;
    if !column::<bool>(&found, 0)? {
        transaction.batch_execute(&format!("CREATE SCHEMA {schema}")).await?;
    }
    if !column::<bool>(&found, 1)? {
        if column(&found, 2)? {
            return Err(Fault::Foreign);
        }
        let sql = format!(
            "CREATE TABLE {schema}.store (one boolean PRIMARY KEY CHECK (one), version integer NOT NULL, id bytea); \
             INSERT INTO {schema}.store VALUES (true, 0)"
        );
        transaction.batch_execute(&sql).await?;
    }
    let store: Row = transaction.query_one(&format!("SELECT version, id FROM {schema}.store"), &[]).await?;
    let version = usize::try_from(column::<i32>(&store, 0)?).map_err(|_| Fault::Foreign)?;
    // Version `len + 1` is that of the next release, which has been started on another machine.
    let missing = if version == texts.len() + 1 { &[] } else { texts.get(version..).ok_or(Fault::Newer)? };
    if !missing.is_empty() {
        let sql = format!(
            "SET LOCAL search_path = {schema}; {} UPDATE store SET version = {}",
            missing.concat(),
            texts.len()
        );
        transaction.batch_execute(&sql).await?;
    }
    column(&store, 1)
}
