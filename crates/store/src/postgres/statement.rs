//! A statement in a transaction, and its values.

use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::rows::{Fault, Value};

pub(super) const INSERT_RECORD: &str =
    "INSERT INTO records (kind, at, name, link, body) VALUES ($1, $2, $3, $4, $5) RETURNING id";

type Parameter<'a> = &'a (dyn ToSql + Sync);

pub(super) async fn query(
    transaction: &Transaction<'_>,
    sql: &str,
    values: &[Parameter<'_>],
) -> Result<Vec<Row>, Fault> {
    let statement = transaction.prepare_cached(sql).await?;
    Ok(transaction.query(&statement, values).await?)
}

pub(super) fn borrowed(values: &[Value]) -> Vec<Parameter<'_>> {
    values.iter().map(|value| value.as_ref() as Parameter<'_>).collect()
}
