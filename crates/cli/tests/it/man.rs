//! `identkit man`.

use std::path::Path;

use crate::support::{clean_command, identkit, is_installed, run};

/// Writes the pages to a directory and returns their paths.
fn pages(out: &Path) -> Vec<String> {
    let written = run(identkit().args(["man", "--output", "json", "--out"]).arg(out)).ends_with(0, &[]).json();
    written["pages"].as_array().unwrap().iter().map(|path| path.as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_command_has_a_page() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("share/man1");
    let paths = pages(&out);
    let files = std::fs::read_dir(&out).unwrap().count();
    assert!(paths.len() == files && paths.len() > 60, "{} pages, {files} files", paths.len());
    let page = std::fs::read_to_string(out.join("identkit-tm-put-order.1")).unwrap();
    for part in [".SH SYNOPSIS", ".SH CONNECTION", "IDENTKIT_TM_CUSTOMER_CODE", ".SH EXAMPLES", ".SH \"EXIT CODES\""] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // A second run replaces its own pages only.
    std::fs::write(out.join("other.1"), "other").unwrap();
    assert_eq!(pages(&out), paths);
    assert_eq!(std::fs::read_to_string(out.join("other.1")).unwrap(), "other");
    let file = out.join("identkit.1");
    run(identkit().args(["man", "--out"]).arg(&file)).fails_with(1, &["the pages cannot be written to", "identkit.1"]);
}

#[test]
fn a_page_does_not_show_the_values_of_variables() {
    let directory = tempfile::tempdir().unwrap();
    let mut program = identkit();
    program.env("IDENTKIT_TM_CUSTOMER_CODE", "secret-value").args(["man", "--out"]).arg(directory.path());
    run(&mut program).ends_with(0, &[]);
    for page in std::fs::read_dir(directory.path()).unwrap() {
        let path = page.unwrap().path();
        assert!(!std::fs::read_to_string(&path).unwrap().contains("secret-value"), "{}", path.display());
    }
}

#[test]
fn a_page_has_the_lines_of_the_help() {
    let directory = tempfile::tempdir().unwrap();
    let paths = pages(directory.path());
    let page = directory.path().join("identkit-tm-status.1");
    let help = run(identkit().args(["tm", "status", "--help"])).stdout;
    let examples = help.split("Examples:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let (tool, format) = match [("groff", "-mandoc -k -Tutf8 -P-cbou -ww"), ("mandoc", "-Tutf8 -W warning")]
        .into_iter()
        .find(|(tool, _)| is_installed(tool))
    {
        Some((tool, options)) => (tool, options.split(' ')),
        // CI does not install them.
        None => return eprintln!("skipped: groff and mandoc are missing"),
    };
    let formatted = run(clean_command(tool).args(format.clone()).arg(&page));
    assert_eq!(formatted.ends_with(0, &[]).stderr, "");
    for line in examples.lines() {
        assert!(formatted.stdout.lines().any(|shown| shown.trim() == line.trim()), "{line}: {}", formatted.stdout);
    }
    for path in paths {
        let formatted = run(clean_command(tool).args(format.clone()).arg(&path));
        assert_eq!(formatted.ends_with(0, &[]).stderr, "", "{path}");
    }
}
