//! What `--help` says, word for word: it is the manual of the program.

use crate::support::{identkit, run};

/// Every command, and whether it calls a vendor.
const COMMANDS: [(&str, &[&str], bool); 32] = [
    ("identkit", &[], true),
    ("demo", &["demo"], false),
    ("sandbox", &["sandbox"], false),
    ("tm", &["tm"], true),
    ("tm_put_order", &["tm", "put-order"], true),
    ("tm_status", &["tm", "status"], true),
    ("tm_ident_data", &["tm", "ident-data"], true),
    ("tm_ident_data_pdf", &["tm", "ident-data-pdf"], true),
    ("tm_esign_pdf", &["tm", "esign-pdf"], true),
    ("tm_delete", &["tm", "delete"], true),
    ("tm_cancel", &["tm", "cancel"], true),
    ("tm_esign_hash", &["tm", "esign-hash"], true),
    ("tm_video", &["tm", "video"], true),
    ("tm_video_request", &["tm", "video", "request"], true),
    ("tm_video_get", &["tm", "video", "get"], true),
    ("tm_voice", &["tm", "voice"], true),
    ("tm_statuses", &["tm", "statuses"], true),
    ("tm_drain_unreported", &["tm", "drain-unreported"], true),
    ("tm_sign", &["tm", "sign"], true),
    ("tm_sign_request", &["tm", "sign", "request"], true),
    ("tm_sign_resend", &["tm", "sign", "resend"], true),
    ("tm_sign_confirm", &["tm", "sign", "confirm"], true),
    ("tm_banks", &["tm", "banks"], true),
    ("tm_signme_user", &["tm", "signme-user"], true),
    ("tm_finality", &["tm", "finality"], true),
    ("tm_ping", &["tm", "ping"], true),
    ("identify24", &["identify24"], true),
    ("identify24_login", &["identify24", "login"], true),
    ("identify24_create", &["identify24", "create"], true),
    ("identify24_get", &["identify24", "get"], true),
    ("identify24_projects", &["identify24", "projects"], true),
    ("identify24_project", &["identify24", "project"], true),
];

/// What stands in variables of this machine while help is asked for.
const SECRET: &str = "kept-to-myself";

#[test]
fn every_command_explains_itself() {
    for (name, command, calls) in COMMANDS {
        let mut asked = identkit();
        for variable in [
            "IDENTKIT_TM_BASE_URL",
            "IDENTKIT_TM_CUSTOMER_ID",
            "IDENTKIT_TM_CUSTOMER_CODE",
            "IDENTKIT_IDENTIFY24_BASE_URL",
            "IDENTKIT_IDENTIFY24_PARTNER",
            "IDENTKIT_IDENTIFY24_API_KEY",
            "IDENTKIT_CA_FILE",
            "IDENTKIT_CLIENT_CERT",
            "IDENTKIT_CLIENT_KEY",
            "IDENTKIT_PROXY",
            "IDENTKIT_PROXY_AUTH_FILE",
            "IDENTKIT_NO_PROXY",
        ] {
            asked.env(variable, SECRET);
        }
        let ran = run(asked.args(command).arg("--help"));
        ran.ends_with(0, &[]);
        assert_eq!(ran.stderr, "", "{name}");
        let text = ran.stdout;
        assert!(!text.contains(SECRET), "{name} shows what a variable holds:\n{text}");
        assert!(text.contains("Example"), "{name} has no example");
        assert!(text.contains("Exit codes:"), "{name} has no exit codes");
        if calls {
            for code in
                ["  0  done", "  3  ", "  4  ", "  5  ", "  6  ", "  7  ", "  1  anything else", "130  ", "143 "]
            {
                assert!(text.contains(code), "{name} does not explain `{code}`");
            }
        }
        // The literal parts are never broken by the width of a terminal of 80 columns.
        let literal = text.split("\nExample").nth(1).unwrap();
        for line in literal.lines() {
            assert!(line.chars().count() <= 80, "{name}: too long for a terminal: {line}");
        }
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(format!("cli__help__{name}"), text);
        });
    }
}

#[test]
fn the_sandbox_tells_how_its_accounts_are_set_up() {
    let text = run(identkit().args(["sandbox", "--help"])).stdout;
    for word in ["POST", "/_sandbox/v1/settings", "docs/sandbox.md"] {
        assert!(text.contains(word), "{word}:\n{text}");
    }
}

#[test]
fn help_by_any_name_is_the_same() {
    let long = run(identkit().args(["tm", "status", "--help"]));
    assert_eq!(run(identkit().args(["tm", "help", "status"])).stdout, long.stdout);
    assert_eq!(run(identkit().args(["tm", "status", "-h"])).stdout, long.stdout);
}

#[test]
fn what_cannot_be_understood_is_2_and_points_to_the_help() {
    for arguments in [
        &[][..],
        &["tm"],
        &["tm", "status"],
        &["tm", "status", "1", "2"],
        &["nothing"],
        &["--output", "xml", "demo"],
        &["tm", "--timeout", "0", "status", "1"],
        &["tm", "--timeout", "soon", "status", "1"],
        &["sandbox", "--listen", "localhost"],
        &["demo", "--break", "everything"],
    ] {
        let ran = run(identkit().args(arguments));
        ran.ends_with(2, &["--help"]);
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
}

#[test]
fn the_version_is_told() {
    let ran = run(identkit().arg("--version"));
    assert_eq!(ran.ends_with(0, &[]).stdout, format!("identkit {}\n", env!("CARGO_PKG_VERSION")));
}
