//! A damaged file is either harmless or an error that names the position and quotes no content.

use super::{call, founded, id_of, pointers, put, small};
use crate::support::*;

/// Reads a damaged document. An error must quote no content; a world that is read nevertheless must work.
fn survive(document: &Value) -> Result<(), SavedError> {
    let vendors = vendors::all();
    let mut world = World::from_json(&vendors, document).inspect_err(|error| {
        let output = format!("{error} {error:?}");
        let secrets = ["Erika", "Mustermann", "911-internet", "hooks.example", "sandbox-", "height", "L01X", "geheim"];
        assert!(secrets.iter().all(|secret| !output.contains(secret)), "{output}");
        if let SavedError::Damaged { pointer, message } = error {
            let above = pointer.split("/*").next().unwrap();
            assert!(document.pointer(above).is_some(), "{pointer} is nowhere: {message}");
        }
    })?;
    let again = world.to_json(&vendors).unwrap();
    assert!(World::from_json(&vendors, &again).unwrap().to_json(&vendors).unwrap() == again);
    // A time-out is repeated while a story is running.
    for _ in 0..6 {
        let Some(at) = world.next_due() else { break };
        world.now = at.max(world.now);
        let timer = world.take_due().unwrap();
        if let Some(vendor) = vendors.iter().find(|vendor| vendor.name() == timer.vendor) {
            vendor.on_timer(&mut world, &timer);
        }
        let cases: Vec<String> = world.deliveries.iter().map(|delivery| delivery.case.clone()).collect();
        for case in cases {
            for vendor in &vendors {
                vendor.on_first_attempt(&mut world, &case);
                let _ = vendor.inspect(&mut world, &case);
            }
        }
    }
    Ok(())
}

/// Returns replacements for a value.
fn damages() -> Vec<Value> {
    let odd = [json!(null), json!(true), json!(-1), json!(1.5), json!(u64::MAX), json!(u32::MAX)];
    let texts = [json!(""), json!("geheim"), json!("9999-12-30T22:00:00.999Z"), json!("-009999-01-02T01:59:59Z")];
    let nested = [json!([]), json!({}), json!([["geheim"]]), json!({ "geheim": "geheim" })];
    odd.into_iter().chain(texts).chain(nested).collect()
}

#[test]
fn damaged_values_cause_no_panic_and_no_leak() {
    let document = small();
    let mut all = Vec::new();
    pointers(&document, "", &mut all);
    assert!(all.len() > 250, "{}", all.len());
    let (mut refused, mut taken) = (0, 0);
    for pointer in &all {
        for damage in damages() {
            let mut damaged = document.clone();
            *damaged.pointer_mut(pointer).unwrap() = damage;
            match survive(&damaged) {
                Ok(()) => taken += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > taken, "{refused} {taken}");
}

/// Returns the small world with everything else that a world can hold: every fault, modes, and queued webhooks.
fn furnished() -> Value {
    let vendors = vendors::all();
    let mut world = World::from_json(&vendors, &small()).unwrap();
    let (id, case) = (world.deliveries[0].id, world.deliveries[0].case.clone());
    let headers = world.deliveries[0].request.0.headers_mut();
    headers.insert("x-text", "plain".parse().unwrap());
    headers.insert("x-binary", http::HeaderValue::from_bytes(b"\xe4").unwrap());
    world.webhooks.mode = webhooks::Mode::Late(MINUTE);
    world.webhooks.orders.insert(case.clone(), webhooks::Mode::Late(SECOND));
    world.webhooks.orders.insert("another".to_owned(), webhooks::Mode::Hold);
    let mut document = world.to_json(&vendors).unwrap();
    let rules = Fault::all().into_iter().zip(1..).map(|(fault, id)| {
        let rule = Rule::new(fault).operation("getStatus").times(3);
        json!({ "id": id, "rule": rule.to_json(), "seen": 2, "hits": 1 })
    });
    document["faults"]["rules"] = rules.collect();
    document["faults"]["last"] = 100.into();
    document["outbox"] = json!([{ "delivery": id, "by": "schedule" }, { "delivery": id, "by": "resend" }]);
    document["blocked"] = json!([{ "case": case, "webhooks": 1 }]);
    World::from_json(&vendors, &document).unwrap();
    document
}

#[test]
fn an_array_in_place_of_any_object_is_rejected() {
    let document = furnished();
    let mut all = Vec::new();
    pointers(&document, "", &mut all);
    let mut objects = 0;
    // The root is told from its format key, which an array does not have.
    for pointer in all.iter().skip(1) {
        let Value::Object(members) = document.pointer(pointer).unwrap() else { continue };
        let mut damaged = document.clone();
        *damaged.pointer_mut(pointer).unwrap() = members.values().cloned().collect();
        let error = survive(&damaged).expect_err(pointer);
        let SavedError::Damaged { pointer: named, .. } = &error else { panic!("{pointer}: {error}") };
        // The name of an entry of a map can be personal data.
        let mut steps = named.split('/').zip(pointer.split('/'));
        assert!(steps.all(|(named, step)| named == step || named == "*"), "{pointer}: {error}");
        objects += 1;
    }
    for expected in [
        "/timers/0",
        "/deliveries/0",
        "/deliveries/0/request",
        "/deliveries/0/request/headers/0",
        "/deliveries/0/request/headers/1/value",
        "/deliveries/0/attempts/0",
        "/deliveries/0/event",
        "/faults",
        "/faults/rules/0",
        "/faults/rules/0/rule",
        "/webhooks",
        "/webhooks/mode/late",
        "/outbox/0",
        "/blocked/0",
        "/vendors/identity-tm/orders/0",
        "/vendors/identify24/sessions/0",
        "/vendors/identify24/counted",
        "/vendors/identify24/settings/rate",
        "/vendors/identify24/settings/stories/positive",
    ] {
        assert!(document.pointer(expected).is_some_and(Value::is_object), "{expected} is not in the world");
    }
    assert!(objects > 60, "{objects}");
}

#[test]
fn an_unknown_member_is_rejected_with_the_allowed_ones() {
    let document = furnished();
    for (pointer, named) in [
        ("", "/*"),
        ("/timers/0", "/timers/0/*"),
        ("/deliveries/0", "/deliveries/0/*"),
        ("/deliveries/0/event", "/deliveries/0/event"),
        ("/deliveries/0/attempts/0", "/deliveries/0/attempts/0/*"),
        ("/faults/rules/0", "/faults/rules/0/*"),
        ("/webhooks", "/webhooks/*"),
        ("/outbox/0", "/outbox/0/*"),
        ("/blocked/0", "/blocked/0/*"),
        ("/vendors", "/vendors/*"),
        ("/vendors/identity-tm", "/vendors/identity-tm/*"),
        ("/vendors/identity-tm/orders/0", "/vendors/identity-tm/orders/0/*"),
        ("/vendors/identity-tm/settings", "/vendors/identity-tm/settings/*"),
        ("/vendors/identify24/settings/rate", "/vendors/identify24/settings/rate/*"),
    ] {
        let mut damaged = document.clone();
        let members = damaged.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        let known = members.keys().next().unwrap().clone();
        members.insert("geheim".to_owned(), json!("geheim"));
        let Err(SavedError::Damaged { pointer: at, message }) = survive(&damaged) else { panic!("{pointer}") };
        assert_eq!(at, named);
        let allowed =
            message.strip_prefix("unknown field; allowed: ").unwrap_or_else(|| panic!("{pointer}: {message}"));
        assert!(allowed.split(", ").any(|name| name == known), "{pointer}: {message}");
    }
}

#[test]
fn missing_and_added_values_are_detected() {
    let document = small();
    let mut all = Vec::new();
    pointers(&document, "", &mut all);
    for pointer in all.iter().filter(|pointer| document.pointer(pointer).unwrap().is_object()) {
        // The vendors' messages keep unknown members and have no required ones.
        let theirs = ["request", "ident", "projects", "hashes", "pdfs", "settings"];
        let theirs = pointer.contains("/status/") || pointer.split('/').any(|step| theirs.contains(&step));
        let kept = theirs && !pointer.starts_with("/deliveries");
        let mut more = document.clone();
        more.pointer_mut(pointer).unwrap()["geheim"] = json!({ "geheim": "geheim" });
        let read = survive(&more);
        let settings = pointer.contains("/settings");
        assert_eq!(read.is_err(), !kept || settings, "{pointer} with an added member: {read:?}");
        for key in document.pointer(pointer).unwrap().as_object().unwrap().keys() {
            // Optional members are written only if present.
            let optional = "next status case_id reference payload tan executed company_name error held overtaken";
            if kept || optional.split(' ').any(|name| name == key) {
                continue;
            }
            let mut less = document.clone();
            less.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(key);
            let read = survive(&less);
            assert!(read.is_err(), "{pointer} without {key}");
        }
    }
}

#[test]
fn a_damaged_value_is_reported_with_its_pointer() {
    let document = small();
    let fault = |pointer: &str, value: Value| {
        let mut damaged = document.clone();
        *damaged.pointer_mut(pointer).unwrap() = value;
        survive(&damaged).unwrap_err().to_string()
    };
    for (pointer, value, output) in table::<Vec<(String, Value, String)>>("world-damages") {
        assert_eq!(fault(&pointer, value), output);
    }
    for other in [json!(null), json!([]), json!("x"), json!({ "orders": [] })] {
        assert_eq!(survive(&other), Err(SavedError::NotAWorld));
    }
}

#[test]
fn at_54_a_damaged_count_of_wrong_tans_does_not_overflow() {
    let mut world = founded();
    let mut order = serde_json::to_value(order()).unwrap();
    order["Product"] = 15.into();
    order["eSignHash"] = json!({ "Hash": encode_base64(&[7; 32]), "Filename": "a" });
    let id = id_of(&put(&mut world, &order));
    let story = Transition::Scenario("identified".into());
    identity_tm::IdentityTm::new().transition(&mut world, &id, &story).unwrap().unwrap();
    assert_eq!(call(&mut world, "POST", &format!("/requestSign/{id}"), &json!(null)).0, 202);
    let mut document = world.to_json(&vendors::all()).unwrap();
    let orders = document.pointer_mut("/vendors/identity-tm/orders").unwrap().as_array_mut().unwrap();
    orders.iter_mut().find(|order| order["id"] == *id).unwrap()["tan"]["wrong"] = u32::MAX.into();
    let mut world = World::from_json(&vendors::all(), &document).unwrap();
    assert_eq!(call(&mut world, "POST", &format!("/confirmSign/{id}"), &json!({ "tan": "x" })).0, 429);
}

#[test]
fn unsorted_deliveries_are_read_and_copies_are_limited() {
    let vendors = vendors::all();
    let mut document = small();
    let all = document["deliveries"].as_array_mut().unwrap();
    assert!(all.len() > 1);
    let ids: Vec<u64> = all.iter().map(|delivery| delivery["id"].as_u64().unwrap()).collect();
    all.reverse();
    let mut world = World::from_json(&vendors, &document).unwrap();
    assert!(ids.iter().all(|id| world.delivery(*id).is_some()));
    for (copies, taken) in [(100, true), (101, false), (u32::MAX, false)] {
        document["deliveries"][0]["copies"] = copies.into();
        assert_eq!(World::from_json(&vendors, &document).is_ok(), taken, "{copies}");
    }
}

#[test]
fn a_delivery_without_its_retry_is_rejected() {
    let mut document = small();
    let deliveries = document["deliveries"].as_array().unwrap();
    let waiting = deliveries.iter().position(|delivery| delivery["next"].is_string() && delivery["held"].is_null());
    let pointer = format!("/deliveries/{}/next", waiting.unwrap());
    document["timers"].as_array_mut().unwrap().retain(|timer| timer["what"] != "retry");
    let Err(SavedError::Damaged { pointer: at, .. }) = survive(&document) else { panic!("it would wait forever") };
    assert_eq!(at, pointer);
}

#[test]
fn a_name_that_occurs_twice_in_a_file_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.json");
    let text = small().to_string();
    let load = |text: &str| {
        std::fs::write(&path, text).unwrap();
        World::load_file(&vendors::all(), &path, 1 << 20).map(drop)
    };
    assert_eq!(load(&text), Ok(()));
    for (whole, part) in
        [("{\"blocked\":", "{\"timers\":[],\"blocked\":"), ("\"mode\":", "\"mode\":\"drop\",\"mode\":")]
    {
        let error = load(&text.replacen(whole, part, 1)).unwrap_err().to_string();
        assert_eq!(error, "the saved world: expected each name only once in an object");
    }
}

#[test]
fn missing_settings_have_their_defaults() {
    let mut document = small();
    let settings = document.pointer_mut("/vendors/identity-tm/settings").unwrap();
    *settings = json!({ "customer_code": "another", "tan_tries": 5 });
    let mut world = World::from_json(&vendors::all(), &document).unwrap();
    identity_tm::configure(&mut world, |settings| {
        assert_eq!((&*settings.customer_code, settings.tan_tries, settings.first_page), ("another", 5, 1));
    });
}
