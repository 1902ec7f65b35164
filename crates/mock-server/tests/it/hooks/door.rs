//! A sandbox with listeners, and plain HTTP clients.

use crate::support::net::any;
use crate::support::*;

/// Sends a request on a new connection; returns status and body.
pub(crate) async fn http(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let (status, _, body) = identkit_testkit::call(address, method, path, headers, body).await;
    (status, body)
}

/// Id of the default world.
pub(crate) const DEFAULT: &str = "default";

/// A sandbox with both listeners and many worlds.
pub(crate) struct Door {
    pub(crate) worlds: Worlds,
    pub(crate) api: Listener,
    pub(crate) admin: crate::support::Door,
}

impl Door {
    /// Starts it. The default world's clock is stopped at noon; webhooks use the network.
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder.webhook_transport(plain())).await
    }

    pub(crate) async fn with(more: impl FnOnce(SandboxBuilder) -> SandboxBuilder) -> Self {
        let builder = Sandbox::builder().clock(VirtualClock::new(start_time())).seed(7);
        // A long guard, so that the tests pass on a busy machine: receivers respond, or hang on purpose.
        let sandbox = more(builder.receiver_guard(SECOND / 4)).start();
        let worlds = Worlds::from(&sandbox);
        let api = server::vendors(&worlds, any(), None).await.unwrap();
        let admin = crate::support::Door::of(&worlds).await;
        Self { worlds, api, admin }
    }

    /// Calls the admin API.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, _, answer) = self.admin.text(method, path, &body).await;
        (status, serde_json::from_str(&answer).unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.admin.get(path).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask("POST", path, &body).await;
        assert!(matches!(status, 200 | 201), "{path}: {status} {answer}");
        answer
    }

    /// Expects a rejection; returns its detail.
    pub(crate) async fn refused(&self, method: &str, path: &str, body: Value, status: u16) -> String {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.admin.refusal(method, path, &body, status).await["detail"].as_str().unwrap().to_owned()
    }

    /// Creates a world with these parameters.
    pub(crate) async fn world(&self, wanted: Value) -> Value {
        self.post("/worlds", wanted).await
    }

    /// Calls identity.TM with the credentials of a world.
    pub(crate) async fn tm(&self, world: &Value, method: &str, path: &str, body: &str) -> (u16, String) {
        tm(self.api.address(), world, method, path, body).await
    }

    /// Returns the account of the default world.
    pub(crate) fn default_account() -> Value {
        json!({ "identity_tm": { "customer_id": "sandbox-customer", "customer_code": "sandbox-code" } })
    }

    /// Places an order in a world and returns its id.
    pub(crate) async fn place(&self, world: &Value, order: &PutOrder) -> String {
        let (status, answer) = self.tm(world, "PUT", "/putOrder", &serde_json::to_string(order).unwrap()).await;
        assert_eq!(status, 202, "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["OrderID"].as_str().unwrap().to_owned()
    }

    /// Advances a world's time.
    pub(crate) async fn advance(&self, world: &str, seconds: f64) -> Value {
        self.post(&format!("/clock/advance?world={world}"), json!({ "seconds": seconds })).await
    }

    pub(crate) async fn play(&self, world: &str, order: &str, story: &str) -> Value {
        self.post(&format!("/orders/{order}/transition?world={world}"), json!({ "story": story })).await
    }

    /// Plays a story, and waits until everything that is due now is over.
    pub(crate) async fn play_out(&self, world: &str, order: &str, story: &str) {
        self.play(world, order, story).await;
        self.advance(world, 0.0).await;
    }

    /// Starts a sandbox with an order whose webhook the receiver has received once.
    pub(crate) async fn tried(hook: &Hook) -> (Self, String) {
        let door = Self::new().await;
        let order = door.order(hook).await;
        door.play_out(DEFAULT, &order, "positive").await;
        (door, order)
    }

    /// Places an order in the default world with this receiver for OnFinal.
    pub(crate) async fn order(&self, hook: &Hook) -> String {
        self.place(&Self::default_account(), &hook.order(&["OnFinal"])).await
    }

    /// Returns the only delivery about an order of the default world.
    pub(crate) async fn delivery(&self, order: &str) -> Value {
        self.deliveries(DEFAULT, order).await.remove(0)
    }

    /// Applies a verb to a delivery of the default world.
    pub(crate) async fn verb(&self, id: u64, verb: &str) -> Value {
        self.post(&format!("/deliveries/{id}/{verb}"), Value::Null).await
    }

    /// Returns the deliveries about an order.
    pub(crate) async fn deliveries(&self, world: &str, order: &str) -> Vec<Value> {
        let list = self.get(&format!("/deliveries?world={world}&order={order}")).await;
        list["deliveries"].as_array().unwrap().clone()
    }
}

/// Calls identity.TM with the credentials of a world.
pub(crate) async fn tm(address: SocketAddr, world: &Value, method: &str, path: &str, body: &str) -> (u16, String) {
    let account = &world["identity_tm"];
    let (id, code) = (account["customer_id"].as_str().unwrap(), account["customer_code"].as_str().unwrap());
    let code = encode_base64(format!("{id}:{code}").as_bytes());
    let headers = format!("Authorization: Basic {code}\r\nContent-Type: application/json\r\n");
    http(address, method, &format!("{TM}{path}"), &headers, body).await
}
