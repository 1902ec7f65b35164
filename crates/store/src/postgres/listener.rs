//! Notifications of pending work, on a connection of their own.

use std::future::poll_fn;
use std::pin::pin;

use futures_util::future::{Either, select};
use tokio_postgres::{AsyncMessage, Client, Connection, Socket};

use super::connect::Target;
use super::rows::Fault;
use super::tls::Secured;

/// A connection that listens. It is read only during a wait.
pub(super) struct Listener {
    connection: Connection<Socket, Secured>,
    /// The server ends the session when it is dropped.
    _client: Client,
}

impl Listener {
    pub(super) async fn start(target: &Target) -> Result<Self, Fault> {
        let (client, mut connection) = target.connect().await?;
        {
            let mut closed = pin!(notification(&mut connection));
            match select(pin!(client.batch_execute("LISTEN identkit")), &mut closed).await {
                Either::Left((listening, _)) => listening?,
                Either::Right((ended, _)) => ended?,
            }
        }
        Ok(Self { connection, _client: client })
    }

    pub(super) async fn wait(&mut self) -> Result<(), Fault> {
        notification(&mut self.connection).await
    }
}

async fn notification(connection: &mut Connection<Socket, Secured>) -> Result<(), Fault> {
    loop {
        match poll_fn(|context| connection.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notification(_))) => return Ok(()),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.into()),
            None => return Err(Fault::Ended),
        }
    }
}
