//! The admin API under generated requests: `schemathesis` makes them from the document that it serves, good ones and bad
//! ones, alone and in sequences, and holds every answer against it. Few here; `cargo xtask campaign fuzz-admin` makes many.

use std::process::{Command, Stdio};

use crate::support::{Sandbox, Vendor, has, http};
use serde_json::json;

/// The checks that this API cannot pass: what is valid by the schema may still be refused by a vendor's rules, and a new
/// world has no snapshot of the name that is asked for.
const NOT_PROMISED: &str = "positive_data_acceptance,ensure_resource_availability";

/// Orders with webhooks of which some are held, and calls of which one was refused: something to be found.
fn begin(sandbox: &Sandbox) {
    // Nobody is there.
    let order = json!({ "WebhookURL": { "OnFinal": "http://127.0.0.1:9/OnFinal" } });
    for mode in ["hold", "deliver"] {
        sandbox.ask("webhooks", Some(&json!({ "mode": mode }).to_string()));
        sandbox.play(&sandbox.place(&order), "positive");
    }
    sandbox.run("tm status 99920000000000").ends_with(4, &[]);
}

#[test]
#[allow(clippy::print_stdout, reason = "the campaign's figures")]
fn generated_requests_are_answered_as_the_document_says() {
    if !has("schemathesis") {
        return;
    }
    let setting = |name: &str, otherwise: &str| std::env::var(name).unwrap_or_else(|_| otherwise.to_owned());
    let examples = setting("IDENTKIT_FUZZ_EXAMPLES", "5");
    let seed = setting("IDENTKIT_FUZZ_SEED", "7");
    let sandbox = Sandbox::with(&["--plain", "--clock", "frozen", "--seed", "7"]);
    begin(&sandbox);
    let folder = tempfile::tempdir().unwrap();
    let mut fuzz = Command::new("schemathesis");
    fuzz.arg("run").arg(format!("{}/_sandbox/v1/openapi.json", sandbox.told("/admin")));
    fuzz.args(["--url", &format!("{}/_sandbox/v1", sandbox.told("/admin"))]);
    // A stream has no end that could be waited for, and what waits does so for minutes if it is told to; others read them.
    fuzz.args(["--exclude-path", "/events", "--exclude-path", "/journal/wait", "--exclude-checks", NOT_PROMISED]);
    fuzz.args(["--max-examples", &examples, "--seed", &seed, "--generation-database", "none", "--no-color"]);
    // In a folder of its own, so that no settings of another project are found.
    let output = fuzz.env("NO_PROXY", "*").current_dir(folder.path()).stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    let summary = told.split_once("= SUMMARY =").map_or(&*told, |(_, summary)| summary);
    assert!(summary.contains("No issues found") || summary.contains("passed"), "{told}");
    println!("{summary}");
    let health = http(&format!("{}/_sandbox/v1/health", sandbox.told("/admin")), None);
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    #[cfg(unix)]
    {
        assert_eq!(sandbox.end("TERM").ends_with(0, &[]).stderr, "", "not a word about a bug");
    }
}
