//! Wrong usage: no error repeats a value, which can be a URL with a password or personal data.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::{Sandbox, Server, Vendor, identkit, run};

const SECRET: &str = "geheim";

/// Gives each option with a value, of this command and of its subcommands, a wrong one. Options that were seen before are
/// left out.
fn check_options(command: &[String], folder: &Path, seen: &mut BTreeSet<String>) {
    let help = run(identkit().args(command).arg("--help")).stdout;
    let options = help.lines().map(str::trim_start).filter_map(|line| {
        let name = line.split(' ').find(|word| word.starts_with("--"))?;
        (line.starts_with('-') && line.contains(" <")).then(|| name.trim_end_matches("...").to_owned())
    });
    for option in options {
        if seen.insert(option.clone()) {
            let value = format!("htp://user:{SECRET}@host:99999");
            let result = run(identkit().args(command).arg(format!("{option}={value}")).current_dir(folder));
            // The path of a file is named.
            if result.stderr.contains("invalid value") || result.stderr.contains("must ") {
                result.hides(&[SECRET]);
            }
        }
    }
    let commands = help.split("\nCommands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
    let names = commands.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    for name in names.filter(|name| !name.is_empty() && *name != "help") {
        check_options(&[command, &[name.to_owned()]].concat(), folder, seen);
    }
}

#[test]
fn no_option_repeats_a_wrong_value() {
    // The demo accepts any folder.
    let (folder, mut seen) = (tempfile::tempdir().unwrap(), BTreeSet::new());
    check_options(&[], folder.path(), &mut seen);
    assert!(seen.len() > 80 && seen.contains("--store") && seen.contains("--admin"), "{seen:?}");
}

#[test]
fn no_error_shows_the_password_of_a_store_or_url() {
    for store in [
        "POSTGRES://user:geheim@127.0.0.1:1/db",
        "\"postgres://user:geheim@127.0.0.1:1/db\"",
        " postgres://user:geheim@127.0.0.1:1/db",
        "host=h user=us password=geheim dbname=db",
        "postgresql+asyncpg://user:geheim@h/db",
    ] {
        for line in ["inbox list", "case list", "listen", "ledger export", "run --check"] {
            for format in ["", " --output json"] {
                let line = format!("{line}{format}");
                let result = run(identkit().args(line.split(' ')).env("IDENTKIT_STORE", store));
                result.fails_with(2, &["--store", "must be sqlite:PATH or postgres://"]).hides(&[SECRET]);
            }
        }
    }
    for url in ["http://user:geheim@127.0.0.1:1", "http://127.0.0.1:1?token=geheim", "http://127.0.0.1:1/#geheim"] {
        let result = run(identkit().args(["sandbox", "orders", "--admin", url]));
        result.fails_with(2, &["--admin", "no user, password, query or fragment"]).hides(&[SECRET]);
    }
    let exception = run(Server::untouched().identkit().args(["tm", "ping", "--no-proxy", "user:geheim@h"]));
    exception.fails_with(2, &["--no-proxy", "must be a domain"]).hides(&[SECRET]);
    let no_proxy = [("https_proxy", "http://127.0.0.1:1"), ("no_proxy", "127.0.0.1,user:geheim@h")];
    let sandbox = Sandbox::plain();
    let warned = run(sandbox.identkit().args(["tm", "ping"]).envs(no_proxy));
    warned.ends_with(0, &["warning: NO_PROXY contains an item that is ignored"]).hides(&[SECRET]);
}
