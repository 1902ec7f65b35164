//! Options before and after the name of a subcommand.

use crate::support::{NO_SERVER, Reply, Server, Vendor, order};
use serde_json::json;

#[test]
fn contradictory_options_at_two_levels_are_2() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).display().to_string();
    let (one, two) = (place("one"), place("two"));
    let server = Server::untouched();
    let pin = |letter: &str| format!("sha256/{}=", letter.repeat(43));
    for (line, words) in [
        (format!("tm --no-state put-order - --state {one}"), ["--no-state", "cannot be used with --state"]),
        (format!("tm --state={one} put-order - --no-state"), ["--no-state", "cannot be used with --state"]),
        (format!("tm --state {one} put-order - --state={two}"), ["--state", "pass it in one place only"]),
        (format!("state --state {one} list --state {two}"), ["--state", "pass it in one place only"]),
        (format!("tm sign --state {one} request 1 --state {two}"), ["--state", "pass it in one place only"]),
        ("--output json tm ping --output table".to_owned(), ["--output", "pass it in one place only"]),
        ("tm --output table ping --output=json".to_owned(), ["--output", "pass it in one place only"]),
        ("tm --no-bundled-roots ping --platform-roots".to_owned(), ["--no-bundled-roots", "cannot be used with"]),
        (format!("tm --pin {} ping --pin {}", pin("A"), pin("B")), ["--pin", "pass it in one place only"]),
        (
            "tm --dialect any-reference ping --dialect long-zip-codes".to_owned(),
            ["--dialect", "pass it in one place only"],
        ),
        (
            "tm --proxy http://a.test:1 ping --proxy http://b.test:1".to_owned(),
            ["--proxy", "pass it in one place only"],
        ),
        ("tm --no-proxy a.test ping --no-proxy b.test".to_owned(), ["--no-proxy", "pass it in one place only"]),
        ("tm --customer-id a ping --customer-id b".to_owned(), ["--customer-id", "pass it in one place only"]),
        (
            format!("identify24 --base-url {NO_SERVER} login --base-url {NO_SERVER}/x"),
            ["--base-url", "pass it in one place only"],
        ),
        ("identify24 --timeout 1 login --timeout 2".to_owned(), ["--timeout", "pass it in one place only"]),
    ] {
        let result = server.feed(&line, &order(&json!({})));
        result.ends_with(2, &words);
        assert_eq!((result.stdout.as_str(), server.connections()), ("", 0), "{line}");
        // An id, a name or a path can be personal.
        assert!(!result.stderr.contains("a.test") && !result.stderr.contains(&one), "{result:#?}");
    }
}

#[test]
fn options_that_agree_may_be_at_two_levels() {
    let server = Server::always(|| Reply::json("200 OK", ""));
    let pin = format!("sha256/{}=", "A".repeat(43));
    for line in [
        "tm --timeout 5 ping --timeout 5",
        "--output json tm --output json ping",
        "tm --dialect any-reference --dialect long-zip-codes ping",
        "tm -v ping -v",
        "tm --no-state ping --no-state",
    ] {
        server.run(line).ends_with(0, &[]);
    }
    server.run(&format!("tm --pin {pin} --pin {pin} ping")).fails_with(2, &["--pin has no effect"]);
}

/// Without a limit of processes, which does not apply to root: no thread gets the memory of its stack.
#[cfg(target_os = "linux")]
#[test]
fn without_threads_nothing_is_sent() {
    let server = Server::untouched();
    let stack = (1_u64 << 50).to_string();
    for line in ["tm ping", "tm put-order -", "identify24 login", "sandbox"] {
        let mut command = server.command(line);
        let result = crate::support::run(command.env("RUST_MIN_STACK", &stack));
        result.fails_with(1, &["cannot start the threads of the program"]);
        assert_eq!(server.connections(), 0);
    }
}
