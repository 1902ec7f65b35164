//! Saved and restored worlds: nothing is lost, they continue identically, and a damaged file is an error with a position.

mod damage;
mod days;
mod format_2;
mod properties;
mod whole;

use crate::support::*;
use identkit_mock_server::rules::Rules;

/// Saves and restores a world.
fn through_text(world: &World) -> World {
    let vendors = vendors::all();
    let document = world.to_json(&vendors).unwrap();
    let text = serde_json::to_string_pretty(&document).unwrap();
    let read: Value = serde_json::from_str(&text).unwrap();
    assert!(read == document, "JSON keeps everything");
    let restored = World::from_json(&vendors, &read).unwrap();
    assert!(restored.to_json(&vendors).unwrap() == document, "and so does the world");
    restored
}

/// Creates a world with the vendors' examples, without a sandbox.
fn founded() -> World {
    let mut world = World::new(start_time(), 7, Profile::Literal);
    vendors::all().iter().for_each(|vendor| vendor.seed(&mut world));
    world
}

fn call(world: &mut World, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let request = tm_request(method, path).body(Bytes::from(body.to_string())).unwrap();
    let vendor = identity_tm::IdentityTm::new();
    let target = vendor.route(world, &request);
    let CallOutcome::Ready(response) = vendor.handle(world, &request, target.as_ref()) else { panic!("blocked") };
    let (head, content) = response.into_parts();
    let body = futures_util::FutureExt::now_or_never(content.collect(u64::MAX)).unwrap().unwrap();
    (head.status.as_u16(), serde_json::from_slice(&body).unwrap_or_default())
}

fn put(world: &mut World, order: &Value) -> Value {
    let (status, answer) = call(world, "PUT", "/putOrder", order);
    assert_eq!(status, 202, "{answer}");
    answer
}

fn id_of(answer: &Value) -> String {
    answer["OrderID"].as_str().unwrap().to_owned()
}

fn minimal() -> Value {
    serde_json::to_value(order_with(&["AfterIdent", "OnFinal"])).unwrap()
}

/// Returns a small world with one of everything, so that each value can be damaged in turn.
fn small() -> Value {
    let mut world = World::new(start_time(), 7, Profile::Literal);
    let mut order = minimal();
    order["MultiSignOptions"] = Value::Null;
    order["IdentData"] = json!({ "IDCard": { "CardNo": "L01X00T47" }, "Additional": { "height": { "Type": 1, "Label": "Height", "Value": "" } } });
    order["eSignHash"] =
        json!([{ "Hash": encode_base64(&[7; 32]), "Filename": "a", "SignaturePosX": 1.5, "SignaturePosY": 2 }]);
    order["Product"] = 15.into();
    let id = id_of(&put(&mut world, &order));
    let tm = identity_tm::IdentityTm::new();
    tm.transition(&mut world, &id, &Transition::Scenario("signed".into())).unwrap().unwrap();
    identify24::set_webhook(&mut world, Some(Secret::new("https://hooks.example/")));
    let i24 = identify24::Identify24::new();
    let login = Bytes::from(r#"{"PARTNER":"911-internet","APIKEY":"sandbox-api-key"}"#);
    let login = Request::builder().method("POST").uri("/auth").body(login).unwrap();
    identify24::configure(&mut world, |settings| {
        settings.rate = Some(identify24::Rate::new(9, jiff::SignedDuration::from_secs(60)));
    });
    let target = i24.route(&world, &login);
    assert!(matches!(i24.handle(&mut world, &login, target.as_ref()), CallOutcome::Ready(_)));
    i24.seed(&mut world);
    let story = Transition::Scenario("positive".into());
    i24.transition(&mut world, EXAMPLE_IDENT, &story).unwrap().unwrap();
    for delivery in &mut world.deliveries {
        delivery.record_attempt(start_time(), Some(503), &Rules::default());
        delivery.record_attempt(start_time(), None, &Rules::default());
    }
    world.take_outbox();
    let (at, id) = (world.deliveries[0].next.unwrap(), world.deliveries[0].id);
    world.set_timer(at, Timer { vendor: "sandbox", what: "retry", subject: id.to_string() });
    world.to_json(&vendors::all()).unwrap()
}

/// Collects every pointer of a document, the root first.
pub(crate) fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| pointers(item, &format!("{at}/{index}"), all));
        }
        Value::Object(entries) => entries.iter().for_each(|(key, item)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            pointers(item, &format!("{at}/{key}"), all);
        }),
        _ => {}
    }
}
