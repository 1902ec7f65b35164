//! `identkit completions`.

use identkit_testkit::missing;

use crate::support::{clean_command, identkit, is_installed, run};

fn script(shell: &str) -> String {
    run(identkit().args(["completions", shell])).ends_with(0, &[]).stdout.clone()
}

#[test]
fn every_shell_gets_a_script_with_all_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = script(shell);
        for name in ["put-order", "advance", "drain-unreported", "completions", "show-vendor-text"] {
            assert!(script.contains(name), "{shell} does not complete {name}");
        }
    }
    run(identkit().args(["completions", "sh"])).ends_with(2, &["bash", "powershell"]);
}

#[test]
fn bash_completes_commands_options_and_values() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("identkit.bash");
    std::fs::write(&file, script("bash")).unwrap();
    let complete = r#"
        . "$1"; shift
        COMP_WORDS=(identkit "$@"); COMP_CWORD=$#; COMPREPLY=()
        _identkit identkit "${COMP_WORDS[$COMP_CWORD]}" "${COMP_WORDS[$COMP_CWORD-1]}"
        echo "${COMPREPLY[*]}"
    "#;
    if !is_installed("bash") {
        return missing("bash");
    }
    for (line, expected) in [
        ("tm put", "put-order"),
        ("sandbox adv", "advance"),
        ("identify24 create --pho", "--phone"),
        ("identify24 create --phone plu", "plus"),
        ("--output js", "json"),
        ("nothing put", ""),
    ] {
        let mut bash = clean_command("bash");
        bash.args(["-c", complete, "bash"]).arg(&file).args(line.split(' '));
        assert_eq!(run(&mut bash).ends_with(0, &[]).stdout.trim(), expected, "{line}");
    }
}

#[test]
fn other_shells_read_their_scripts() {
    for (shell, check) in [("zsh", "-n"), ("fish", "--no-execute")] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(shell);
        std::fs::write(&file, script(shell)).unwrap();
        if !is_installed(shell) {
            // CI does not install it.
            eprintln!("skipped: {shell} is missing");
            continue;
        }
        assert_eq!(run(clean_command(shell).arg(check).arg(&file)).ends_with(0, &[]).stderr, "", "{shell}");
    }
}
