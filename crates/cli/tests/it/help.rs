//! Snapshots of every `--help`.

use crate::support::{identkit, run};

/// Value of the environment variables; the help must not show it.
const SECRET: &str = "secret-value";

/// Checks the help of a command and of its subcommands, and returns their number.
fn check_help(command: &[&str]) -> usize {
    let mut program = identkit();
    let vendors =
        "TM_BASE_URL TM_CUSTOMER_ID TM_CUSTOMER_CODE IDENTIFY24_BASE_URL IDENTIFY24_PARTNER IDENTIFY24_API_KEY";
    let connection = "CA_FILE CLIENT_CERT CLIENT_KEY PROXY PROXY_AUTH_FILE NO_PROXY";
    for variable in vendors.split(' ').chain(connection.split(' ')) {
        program.env(format!("IDENTKIT_{variable}"), SECRET);
    }
    let result = run(program.args(command).arg("--help"));
    let (name, text) = (command.join("_").replace('-', "_"), &result.stdout);
    assert_eq!(result.ends_with(0, &[]).stderr, "", "{name}");
    assert!(!text.contains(SECRET), "{name} shows the value of a variable:\n{text}");
    result.shows(&["Example", "Exit codes:"]);
    let own_codes =
        ["completions", "demo", "doctor", "explain", "inbox", "ledger", "listen", "man", "run", "sandbox", "state"];
    if !command.first().is_some_and(|name| own_codes.contains(name)) {
        result.shows(&[
            "  0  The",
            "  1  Any",
            "  2  ",
            "  3  ",
            "  4  ",
            "  5  ",
            "  6  ",
            "  7  ",
            "129, 130, 143  ",
        ]);
    }
    // Literal lines must fit on a terminal of 80 columns.
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
    1 + below.map(|name| check_help(&[command, &[name]].concat())).sum::<usize>()
}

#[test]
fn every_command_has_a_complete_help() {
    assert_eq!(check_help(&[]), 70);
}

#[test]
fn the_sandbox_help_explains_account_settings() {
    run(identkit().args(["sandbox", "--help"])).shows(&["POST", "/_sandbox/v1/settings", "docs/sandbox.md"]);
}

#[test]
fn all_ways_to_ask_for_help_give_the_same_text() {
    let long = run(identkit().args(["tm", "status", "--help"]));
    assert_eq!(run(identkit().args(["tm", "help", "status"])).stdout, long.stdout);
    assert_eq!(run(identkit().args(["tm", "status", "-h"])).stdout, long.stdout);
}

#[test]
fn wrong_usage_is_2_and_points_to_the_help() {
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
        let result = run(identkit().args(line.split_whitespace()));
        assert_eq!(result.ends_with(2, &["--help"]).stdout, "", "{line}");
    }
}

#[test]
fn version_prints_the_version() {
    let result = run(identkit().arg("--version"));
    assert_eq!(result.ends_with(0, &[]).stdout, format!("identkit {}\n", env!("CARGO_PKG_VERSION")));
}
