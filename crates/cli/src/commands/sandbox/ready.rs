//! The output of the sandbox when it is ready: a line for programs, and a short guide for people.

use std::path::Path;

use identkit_mock_server::Sandbox;
use identkit_mock_server::worlds::DEFAULT;
use serde_json::{Value, json};

use crate::output::say;
use crate::providers::HINTS;

/// The ready line: URLs, credentials, and the world.
pub(super) fn line(
    sandbox: &Sandbox,
    api: &str,
    admin: &str,
    ca_file: Option<&Path>,
    world_file: Option<&Path>,
) -> Value {
    let mode = sandbox.clock().mode();
    let (seed, profile) = sandbox.with_world(|world| (world.seed(), world.profile));
    let path = |path: Option<&Path>| path.map(|path| path.display().to_string());
    let mut line = json!({
        "listen": api,
        "admin": admin,
        "console": format!("{admin}/"),
        "ca_file": path(ca_file),
        "world": {
            "id": DEFAULT,
            "clock": mode.name(),
            "factor": mode.factor(),
            "now": sandbox.now().to_string(),
            "seed": seed,
            "profile": profile.name(),
            "file": path(world_file),
        },
    });
    for (vendor, mut account) in sandbox.accounts() {
        if let Some(account) = account.as_object_mut() {
            let path = account.remove("base_path");
            let path = path.as_ref().and_then(Value::as_str).unwrap_or_default();
            account.insert("base_url".into(), format!("{api}{path}").into());
        }
        if let Some(line) = line.as_object_mut() {
            line.insert(vendor.replace('-', "_"), account);
        }
    }
    line
}

/// Prints what the sandbox runs, and commands to try in another terminal.
pub(super) fn guide(ready: &Value) {
    let text = |pointer: &str| ready.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let time = match text("/world/clock") {
        "frozen" => format!("time is frozen at {}", text("/world/now")),
        "scaled" => {
            let factor = ready.pointer("/world/factor").and_then(Value::as_f64).unwrap_or_default();
            format!("time runs {factor} times as fast, from {}", text("/world/now"))
        }
        _ => format!("real time, from {}", text("/world/now")),
    };
    say("");
    say("The sandbox is ready: mock vendors with synthetic data only. Ctrl-C stops it.");
    say(&format!("World {}: {time}, profile {}.", text("/world/id"), text("/world/profile")));
    if let Some(file) = ready.pointer("/world/file").and_then(Value::as_str) {
        say(&format!("The world is saved to {file}."));
    }
    say(&format!("In a browser: {}", text("/console")));
    say("In another terminal:");
    let variables = HINTS.iter().flat_map(|hints| hints.variables);
    for (variable, pointer) in variables.chain(&[("IDENTKIT_CA_FILE", "/ca_file")]) {
        if let Some(value) = ready.pointer(pointer).and_then(Value::as_str) {
            say(&format!("  export {variable}='{value}'"));
        }
    }
    HINTS.iter().for_each(|hints| say(&format!("  {}", hints.example)));
    say(&format!("  curl {}/_sandbox/v1/clock", text("/admin")));
}
