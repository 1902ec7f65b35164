//! The admin API under generated requests: `schemathesis` derives valid and invalid ones from the OpenAPI document and
//! checks every response. `cargo xtask campaign fuzz-admin` runs more of them.

use std::process::Stdio;

use crate::support::{Sandbox, Vendor, clean_command, has, http};
use serde_json::json;

/// Checks that this API cannot pass: a vendor's rules may reject a request that the schema allows, and a new world has
/// no snapshot of the generated name.
const NOT_PROMISED: &str = "positive_data_acceptance,ensure_resource_availability";

/// Creates orders, held webhooks and a rejected call, so that lists are not empty.
fn prepare(sandbox: &Sandbox) {
    // No service listens there.
    let order = json!({ "WebhookURL": { "OnFinal": "http://127.0.0.1:9/OnFinal" } });
    for mode in ["hold", "deliver"] {
        sandbox.ask("webhooks", Some(&json!({ "mode": mode }).to_string()));
        sandbox.play(&sandbox.place(&order), "positive");
    }
    sandbox.run("tm status 99920000000000").ends_with(4, &[]);
}

#[test]
#[allow(clippy::print_stdout, reason = "the campaign's figures")]
fn generated_requests_match_the_openapi_document() {
    if !has("schemathesis") {
        return;
    }
    let setting = |name: &str, otherwise: &str| std::env::var(name).unwrap_or_else(|_| otherwise.to_owned());
    let examples = setting("IDENTKIT_FUZZ_EXAMPLES", "5");
    let seed = setting("IDENTKIT_FUZZ_SEED", "7");
    let sandbox = Sandbox::with(&["--plain", "--clock", "frozen", "--seed", "7"]);
    prepare(&sandbox);
    let folder = tempfile::tempdir().unwrap();
    let mut fuzz = clean_command("schemathesis");
    fuzz.arg("run").arg(format!("{}/_sandbox/v1/openapi.json", sandbox.ready_text("/admin")));
    fuzz.args(["--url", &format!("{}/_sandbox/v1", sandbox.ready_text("/admin"))]);
    // Excluded: a stream never ends, and a wait may take minutes. Other tests cover both.
    fuzz.args(["--exclude-path", "/events", "--exclude-path", "/journal/wait", "--exclude-checks", NOT_PROMISED]);
    fuzz.args(["--max-examples", &examples, "--seed", &seed, "--generation-database", "none", "--no-color"]);
    // In an empty directory, so that no settings of another project apply.
    let output = fuzz.env("NO_PROXY", "*").current_dir(folder.path()).stdin(Stdio::null()).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{stdout}\n{}", String::from_utf8_lossy(&output.stderr));
    let summary = stdout.split_once("= SUMMARY =").map_or(&*stdout, |(_, summary)| summary);
    assert!(summary.contains("No issues found") || summary.contains("passed"), "{stdout}");
    println!("{summary}");
    let health = http(&format!("{}/_sandbox/v1/health", sandbox.ready_text("/admin")), None);
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    #[cfg(unix)]
    {
        assert_eq!(sandbox.end("TERM").ends_with(0, &[]).stderr, "", "no internal error");
    }
}
