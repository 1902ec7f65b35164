//! Accounts set up from outside, by the names of the settings.

use crate::support::*;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("no object: {other}"),
    }
}

/// Every setting with a value that is not its default.
fn others() -> Value {
    json!({
        "identity_tm": {
            "customer_id": "other",
            "customer_code": "other-code",
            "products_not_enabled": [16],
            "not_enabled": ["Report", "CustomerSigning", "AsyncVideo", "SignMe", "Giro"],
            "address_optional": true,
            "mail_beside_link": true,
            "giro_key": "GiroUrl",
            "webhook_method": "PUT",
            "raw_placeholders": true,
            "time_out": 3600,
            "purge_on_time_out": true,
            "webhook_on_time_out": null,
            "webhook_on_cancel": "AfterIdent",
            "webhook_on_tan_limit": "AfterVideo",
            "cancelled_by": [22],
            "tan_tries": 5,
            "wrong_tan_status": 409,
            "early_data_status": 404,
            "status_after_deletion": false,
            "exact_paths": true,
            "any_version": false,
            "general": [6],
            "identified_key": "Indentified",
            "user_ip": true,
            "images": true,
            "encrypted_results": true,
            "hash_shape": "Object",
            "delivered_besides": true,
            "list_shape": "UnderOrder",
            "extended_list_in_body": false,
            "first_page": 0,
            "page_unit": "Orders",
            "reported_unit": "Orders",
            "service": "Down",
            "record_video": true,
            "video_provisioning": 0,
            "video_callback_retries": true,
            "video_callback_placeholders": true,
            "voice_files": true,
            "escape_slashes": true,
            "reuse": false,
            "signed_as_json_string": true,
        },
        "identify24": {
            "partner": "other",
            "api_key": "other-key",
            "webhook_url": "http://127.0.0.1:9/status",
            "idle": 60,
            "life": 120,
            "stories": {
                "positive": { "status": "Ok", "status_id": "9", "reject_reason": "", "agent_notes": "" },
                "later": {
                    "status": "Ok", "status_id": "8", "reject_reason": "", "agent_notes": "", "appointment": 86_400,
                },
            },
            "refusals": "ByResult",
            "get_bodies": { "Refused": 411 },
            "rate": { "requests": 3, "period": 60, "retry_after": true },
            "may_create": false,
            "creates_left": 1,
            "unique_custom_ids": true,
            "out_of_service": 503,
        },
    })
}

#[tokio::test]
async fn every_setting_of_both_vendors_can_be_set_by_its_name() {
    let sandbox = crate::support::sandbox().start();
    let defaults = sandbox.settings();
    let others = others();
    for vendor in ["identity_tm", "identify24"] {
        let (named, known) = (others[vendor].as_object().unwrap(), defaults[vendor].as_object().unwrap());
        assert_eq!(named.keys().collect::<Vec<_>>(), known.keys().collect::<Vec<_>>(), "{vendor}");
        for (name, value) in named {
            assert_ne!(value, &known[name], "{name}: another value than the default");
            sandbox.set_up(&object(json!({ vendor: { name: value } }))).unwrap();
            assert_eq!(&sandbox.settings()[vendor][name], value, "{name}");
        }
    }
    assert_eq!(sandbox.settings(), others, "and each leaves the others alone");
    sandbox.with_world(|world| {
        identity_tm::configure(world, |settings| {
            assert_eq!((settings.webhook_method.as_str(), settings.time_out.as_secs()), ("PUT", 3600));
        });
        identify24::configure(world, |settings| assert_eq!(settings.rate.as_ref().unwrap().period.as_secs(), 60));
    });
    // What is told can be given back.
    sandbox.set_up(&object(defaults.clone())).unwrap();
    assert_eq!(sandbox.settings(), defaults);
}

#[tokio::test]
async fn what_cannot_be_set_is_told_all_at_once_with_what_would_be_right_and_changes_nothing() {
    let sandbox = crate::support::sandbox().start();
    let defaults = sandbox.settings();
    let refused = sandbox
        .set_up(&object(json!({
            "identity_tm": { "images": true, "voice_file": true, "webhook_method": "canary" },
            "identify24": { "may_create": "canary" },
            "identity-tm": {},
        })))
        .unwrap_err();
    let told: Vec<&str> = refused.violations.iter().map(|fault| fault.field.as_ref()).collect();
    assert_eq!(
        told,
        ["identify24.may_create", "identity-tm", "identity_tm.voice_file", "identity_tm.webhook_method"],
        "{}",
        refused.text()
    );
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("is no setting of this vendor, which has address_optional, "), "{refused:?}");
    assert!(refused.text().contains("identify24, identity_tm"), "{refused:?}");
    assert!(!refused.text().contains("canary"), "values are not repeated: {refused:?}");
    assert_eq!(sandbox.settings(), defaults, "also what could be set is not");
}

#[tokio::test]
async fn values_that_would_make_no_sense_are_refused_with_what_would() {
    let sandbox = crate::support::sandbox().start();
    for (vendor, name, value, right) in [
        ("identity_tm", "voice_files", json!("yes"), "must be a boolean"),
        ("identity_tm", "webhook_method", json!("DELETE"), "must be GET, POST or PUT"),
        ("identity_tm", "webhook_on_cancel", json!("Final"), "must be AfterVideo, AfterIdent, OnFinal, or null"),
        ("identity_tm", "time_out", json!(-1), "must be a number of whole seconds"),
        ("identity_tm", "time_out", json!("30 days"), "must be a number of whole seconds"),
        ("identity_tm", "wrong_tan_status", json!(200), "must be a status from 400 to 599"),
        ("identity_tm", "early_data_status", json!(70_000), "must be a status from 400 to 599"),
        ("identity_tm", "tan_tries", json!(0), "must be a whole number, 1 or more"),
        ("identity_tm", "first_page", json!(2), "must be 0 or 1"),
        ("identity_tm", "general", json!(6), "must be a list"),
        ("identity_tm", "general", json!([-6]), "must be a whole number, and not negative"),
        ("identity_tm", "customer_id", json!(null), "must be a text that is not empty and has no colon"),
        ("identity_tm", "customer_id", json!(""), "must be a text that is not empty and has no colon"),
        ("identity_tm", "customer_id", json!("a:b"), "must be a text that is not empty and has no colon"),
        ("identity_tm", "customer_code", json!(""), "must be a text that is not empty"),
        ("identity_tm", "identified_key", json!(""), "must be a text that is not empty"),
        ("identify24", "partner", json!(""), "must be a text of printable ASCII that is not empty"),
        ("identify24", "partner", json!("ä"), "must be a text of printable ASCII that is not empty"),
        ("identify24", "partner", json!("a "), "must be a text of printable ASCII that is not empty"),
        ("identify24", "api_key", json!(""), "must be a text that is not empty"),
        ("identify24", "rate", json!({ "requests": 0, "period": 0 }), "must be a number of whole seconds, 1 or more"),
        ("identity_tm", "list_shape", json!("Table"), "must be one of `Array`, `Example`, `UnderOrder`"),
        ("identify24", "out_of_service", json!(404), "must be a status from 500 to 599, or null"),
        ("identify24", "webhook_url", json!("ftp://127.0.0.1/"), "must be a URL that begins with https:// or http://"),
        ("identify24", "stories", json!([]), "must be an object"),
        (
            "identify24",
            "stories",
            json!({ "later": { "status": "a", "status_id": "1", "appointment": -1 } }),
            "must be a number of whole seconds, or null",
        ),
        ("identify24", "stories", json!({ "positive": {} }), "is incomplete: missing field `status`"),
        (
            "identify24",
            "rate",
            json!({ "requests": 1, "period": 1, "Canary": 1 }),
            "must be one of `requests`, `period`",
        ),
        ("identify24", "get_bodies", json!({ "Refused": 200 }), "must be a status from 400 to 599"),
    ] {
        let refused = sandbox.set_up(&object(json!({ vendor: { name: value } }))).unwrap_err();
        let told = refused.text();
        assert!(told.contains(&format!("{vendor}.{name}")) && told.contains(right), "{name} {value}: {told}");
    }
}
