//! A statement and its values.

use deadpool_postgres::GenericClient;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::rows::{Fault, Value};

pub(super) const INSERT_RECORD: &str =
    "INSERT INTO records (kind, at, name, link, body) VALUES ($1, $2, $3, $4, $5) RETURNING id";

type Parameter<'a> = &'a (dyn ToSql + Sync);

pub(super) async fn query(client: &impl GenericClient, sql: &str, values: &[Parameter<'_>]) -> Result<Vec<Row>, Fault> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query(&statement, values).await?)
}

pub(super) fn borrowed(values: &[Value]) -> Vec<Parameter<'_>> {
    values.iter().map(|value| value.as_ref() as Parameter<'_>).collect()
}
