//! Accounts set up from outside, by the names of the settings.

use crate::support::*;

#[tokio::test]
async fn every_setting_of_both_vendors_can_be_set_by_its_name() {
    let sandbox = crate::support::sandbox().start();
    let defaults = sandbox.settings();
    // Every setting with a value that is not its default.
    let others: Value = table("settings");
    for vendor in ["identity_tm", "identify24"] {
        let (named, known) = (others[vendor].as_object().unwrap(), defaults[vendor].as_object().unwrap());
        assert_eq!(named.keys().collect::<Vec<_>>(), known.keys().collect::<Vec<_>>(), "{vendor}");
        for (name, value) in named {
            assert_ne!(value, &known[name], "{name}: another value than the default");
            sandbox.set_up(json!({ vendor: { name: value } }).as_object().unwrap()).unwrap();
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
    sandbox.set_up(defaults.as_object().unwrap()).unwrap();
    assert_eq!(sandbox.settings(), defaults);
}

#[tokio::test]
async fn what_cannot_be_set_is_told_all_at_once_with_what_would_be_right_and_changes_nothing() {
    let sandbox = crate::support::sandbox().start();
    let defaults = sandbox.settings();
    let refused = sandbox
        .set_up(
            json!({
                "identity_tm": { "images": true, "voice_file": true, "webhook_method": "canary" },
                "identify24": { "may_create": "canary" },
                "identity-tm": {},
            })
            .as_object()
            .unwrap(),
        )
        .unwrap_err();
    let told: Vec<&str> = refused.violations.iter().map(|fault| fault.field.as_ref()).collect();
    assert_eq!(
        told,
        ["identify24.may_create", "identity-tm", "identity_tm.voice_file", "identity_tm.webhook_method"],
        "{}",
        refused.text()
    );
    assert_eq!(refused.status, 400);
    assert!(
        refused.text().contains("is not a setting of this vendor; valid settings: address_optional, "),
        "{refused:?}"
    );
    assert!(refused.text().contains("identify24, identity_tm"), "{refused:?}");
    assert!(!refused.text().contains("canary"), "values are not repeated: {refused:?}");
    assert_eq!(sandbox.settings(), defaults, "also what could be set is not");
}

#[tokio::test]
async fn values_that_would_make_no_sense_are_refused_with_what_would() {
    let sandbox = crate::support::sandbox().start();
    for (vendor, name, value, right) in table::<Vec<(String, String, Value, String)>>("settings-refused") {
        let refused = sandbox.set_up(json!({ &vendor: { &name: value } }).as_object().unwrap()).unwrap_err();
        let told = refused.text();
        assert!(told.contains(&format!("{vendor}.{name}")) && told.contains(&right), "{name} {value}: {told}");
    }
}
