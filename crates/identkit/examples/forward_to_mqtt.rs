//! Forwards the events of a store to a message broker: an `EventSink` for MQTT.
//!
//! It starts the broker `mosquitto`, if it is installed, and subscribes to the topic itself.
//!
//! ```sh
//! cargo run -p identkit --features sqlite --example forward_to_mqtt
//! ```
//!
//! Features: `sqlite`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use identkit::core::{Clock, Event, Inbox, WebhookDelivery, async_trait};
use identkit::store::{EventSink, Forwarder, KeyEncryptionKey, Memory, Store, StoredEvent};
use identkit::transport::SystemClock;
use identkit::{Error, Kind};
use rumqttc::{AsyncClient, Event as Notice, MqttOptions, Packet, QoS};

const TOPIC: &str = "identity/events";

/// Publishes each event and waits until the broker has acknowledged it.
struct Mqtt {
    port: u16,
    clock: Arc<SystemClock>,
}

fn not_accepted(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Unavailable, "the broker did not accept the event").with_source(error)
}

#[async_trait]
impl EventSink for Mqtt {
    async fn deliver(&self, event: &StoredEvent) -> Result<(), Error> {
        // The subscriber recognizes a repeated event by its key. It reads the status from the vendor, so it needs no payload.
        let message = serde_json::json!({
            "id": event.idempotency_key,
            "provider": event.delivery.event.provider,
            "event": event.delivery.event.name,
            "case_id": event.delivery.event.case_id.as_ref().map(|id| id.expose()),
        });
        // One connection for each event: the only acknowledgment on it is that of the event. Two clients with one name
        // would disconnect each other.
        let options = MqttOptions::new(&event.idempotency_key, "127.0.0.1", self.port);
        let (client, mut connection) = AsyncClient::new(options, 1);
        let publish = async {
            client.publish(TOPIC, QoS::AtLeastOnce, false, message.to_string()).await.map_err(not_accepted)?;
            while !matches!(connection.poll().await.map_err(not_accepted)?, Notice::Incoming(Packet::PubAck(_))) {}
            Ok(())
        };
        let end = self.clock.now().plus(Duration::from_secs(10));
        tokio::select! {
            published = publish => published,
            _ = self.clock.sleep_until(end) => Err(Error::new(Kind::Timeout, "the broker did not accept the event in time")),
        }
    }
}

/// Starts the broker on this machine. It ends with the example.
struct Broker {
    process: Child,
    port: u16,
}

impl Broker {
    fn start() -> std::io::Result<Option<Self>> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new("mosquitto");
        command.args(["-p", &port.to_string()]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(identkit_testkit::spawn(&mut command).map(|process| Self { process, port }))
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Errors mean that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(broker) = Broker::start()? else { return Ok(()) };
    let store = Store::open(Arc::new(Memory::default()), KeyEncryptionKey::from_bytes(&[7; 32])).await?;
    let clock = Arc::new(SystemClock::new());
    let sink = Arc::new(Mqtt { port: broker.port, clock: clock.clone() });
    let forwarder = Arc::new(Forwarder::new(store, clock.clone(), sink));

    // The forwarder is the inbox of the receiver of webhooks.
    for name in ["AfterIdent", "OnFinal"] {
        let mut event = Event::new("identity-tm", name, format!("99921269855041/{name}"));
        event.case_id = Some("99921269855041".into());
        forwarder.accept(WebhookDelivery::new(event, clock.wall())).await?;
    }

    // A subscriber.
    let (subscriber, mut connection) = AsyncClient::new(MqttOptions::new("subscriber", "127.0.0.1", broker.port), 10);
    subscriber.subscribe(TOPIC, QoS::AtLeastOnce).await?;
    loop {
        match connection.poll().await {
            Ok(Notice::Incoming(Packet::SubAck(_))) => break,
            Ok(_) => {}
            // The broker is starting.
            Err(_) => drop(clock.sleep_until(clock.now().plus(Duration::from_millis(50))).await),
        }
    }

    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let runs = Arc::clone(&forwarder);
    let task = tokio::spawn(async move { runs.run(async { drop(stopped.await) }).await });

    let mut names = Vec::new();
    while names.len() < 2 {
        if let Notice::Incoming(Packet::Publish(message)) = connection.poll().await? {
            let event: serde_json::Value = serde_json::from_slice(&message.payload)?;
            let name = event.get("event").cloned().unwrap_or_default();
            println!("{name}");
            names.push(name);
        }
    }
    assert_eq!(names, ["AfterIdent", "OnFinal"]);
    drop(stop);
    task.await?;
    Ok(())
}
