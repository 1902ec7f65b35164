//! What concerns PostgreSQL only: connections, several machines, a crash of the server.

mod server;

use std::sync::Arc;

use identkit_store::Postgres;

use self::server::shared;
use crate::support::Opened;

async fn open() -> Option<Opened> {
    let url = shared()?.database().await;
    let engine = Postgres::builder(url).open().await.unwrap();
    Some(Opened::on(Arc::new(engine), None).await)
}

crate::suite::suite!(open);
