//! What `--help` says, word for word: it is the manual of the program.

use crate::support::{identkit, run};

/// What stands in variables of this machine while help is asked for.
const SECRET: &str = "kept-to-myself";

/// Asserts what the help of a command says, and then of those that it lists.
fn assert_explained(command: &[&str]) -> usize {
    let mut asked = identkit();
    let vendors =
        "TM_BASE_URL TM_CUSTOMER_ID TM_CUSTOMER_CODE IDENTIFY24_BASE_URL IDENTIFY24_PARTNER IDENTIFY24_API_KEY";
    let connection = "CA_FILE CLIENT_CERT CLIENT_KEY PROXY PROXY_AUTH_FILE NO_PROXY";
    for variable in vendors.split(' ').chain(connection.split(' ')) {
        asked.env(format!("IDENTKIT_{variable}"), SECRET);
    }
    let ran = run(asked.args(command).arg("--help"));
    let (name, text) = (command.join("_").replace('-', "_"), &ran.stdout);
    assert_eq!(ran.ends_with(0, &[]).stderr, "", "{name}");
    assert!(!text.contains(SECRET), "{name} shows what a variable holds:\n{text}");
    ran.shows(&["Example", "Exit codes:"]);
    if !matches!(command, ["demo" | "sandbox"]) {
        ran.shows(&["  0  done", "  3  ", "  4  ", "  5  ", "  6  ", "  7  ", "  1  anything else", "130  ", "143 "]);
    }
    // The literal parts are never broken by the width of a terminal of 80 columns.
    let literal = text.split("\nExample").nth(1).unwrap();
    for line in literal.lines() {
        assert!(line.chars().count() <= 80, "{name}: too long for a terminal: {line}");
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(format!("cli__help__{}", if name.is_empty() { "identkit" } else { &name }), text);
    });
    let below = text.split_once("\nCommands:\n").map_or("", |(_, below)| below.split("\n\n").next().unwrap());
    let below = below.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let below = below.filter(|name| !matches!(*name, "" | "help"));
    1 + below.map(|name| assert_explained(&[command, &[name]].concat())).sum::<usize>()
}

#[test]
fn every_command_explains_itself() {
    assert_eq!(assert_explained(&[]), 32);
}

#[test]
fn the_sandbox_tells_how_its_accounts_are_set_up() {
    run(identkit().args(["sandbox", "--help"])).shows(&["POST", "/_sandbox/v1/settings", "docs/sandbox.md"]);
}

#[test]
fn help_by_any_name_is_the_same() {
    let long = run(identkit().args(["tm", "status", "--help"]));
    assert_eq!(run(identkit().args(["tm", "help", "status"])).stdout, long.stdout);
    assert_eq!(run(identkit().args(["tm", "status", "-h"])).stdout, long.stdout);
}

#[test]
fn what_cannot_be_understood_is_2_and_points_to_the_help() {
    for line in [
        "",
        "tm",
        "tm status",
        "tm status 1 2",
        "nothing",
        "--output xml demo",
        "tm --timeout 0 status 1",
        "tm --timeout soon status 1",
        "sandbox --listen localhost",
        "demo --break everything",
    ] {
        let ran = run(identkit().args(line.split_whitespace()));
        assert_eq!(ran.ends_with(2, &["--help"]).stdout, "", "{line}");
    }
}

#[test]
fn the_version_is_told() {
    let ran = run(identkit().arg("--version"));
    assert_eq!(ran.ends_with(0, &[]).stdout, format!("identkit {}\n", env!("CARGO_PKG_VERSION")));
}
