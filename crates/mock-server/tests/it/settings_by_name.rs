//! Settings of accounts, changed by name.

use crate::support::*;

#[tokio::test]
async fn every_setting_can_be_set_by_name() {
    let sandbox = crate::support::sandbox().start();
    let defaults = sandbox.settings();
    // Every setting with another value than its default.
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
    assert_eq!(sandbox.settings(), others, "each change leaves the others unchanged");
    sandbox.with_world(|world| {
        identity_tm::configure(world, |settings| {
            assert_eq!((settings.webhook_method.as_str(), settings.time_out.as_secs()), ("PUT", 3600));
        });
        identify24::configure(world, |settings| assert_eq!(settings.rate.as_ref().unwrap().period.as_secs(), 60));
    });
    // Returned settings can be set again.
    sandbox.set_up(defaults.as_object().unwrap()).unwrap();
    assert_eq!(sandbox.settings(), defaults);
}

#[tokio::test]
async fn invalid_settings_are_all_reported_and_change_nothing() {
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
    let output: Vec<&str> = refused.violations.iter().map(|fault| fault.field.as_ref()).collect();
    assert_eq!(
        output,
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
    assert_eq!(sandbox.settings(), defaults, "valid changes are not applied either");
}

#[tokio::test]
async fn invalid_values_are_rejected_with_valid_ones() {
    let sandbox = crate::support::sandbox().start();
    for (vendor, name, value, right) in table::<Vec<(String, String, Value, String)>>("settings-refused") {
        let refused = sandbox.set_up(json!({ &vendor: { &name: value } }).as_object().unwrap()).unwrap_err();
        let output = refused.text();
        assert!(output.contains(&format!("{vendor}.{name}")) && output.contains(&right), "{name} {value}: {output}");
    }
}
