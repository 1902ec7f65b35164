//! `cargo xtask public`: checks that no file contains a path on a developer's machine, and that no Rust file contains
//! an unfinished or debugging macro or an ignored test.
//!
//! It reads every file that git knows or would add. This file assembles the texts, so that it does not contain them.

use crate::finding::Verdict;
use crate::workspace::Workspace;

/// First folders of paths on one machine.
const MACHINE: &[&str] = &["work", "root", "home"];

pub(crate) fn run(ws: &Workspace) -> Verdict {
    Ok(look(&ws.read_all(|_| true)?))
}

fn look(files: &[(String, String)]) -> Vec<String> {
    let unfinished = unfinished();
    let mut findings = Vec::new();
    for (path, text) in files {
        for (number, line) in (1..).zip(text.lines()) {
            findings.extend(machine_path(line).map(|folder| {
                format!("{path}:{number} contains a path on a machine (`{folder}`): make it relative to the repository")
            }));
            let found = unfinished.iter().filter(|needle| path.ends_with(".rs") && line.contains(needle.as_str()));
            findings.extend(found.map(|needle| format!("{path}:{number} contains `{needle}`: finish or remove it")));
        }
    }
    findings
}

/// Returns the start of the first machine path in a line. A folder of that name inside a path or URL (`docs/work/`,
/// `x.home/`) and a relative path (`./work/`) do not count.
fn machine_path(line: &str) -> Option<String> {
    line.match_indices('/').find_map(|(at, _)| {
        let before = line.get(..at)?.chars().next_back();
        if before.is_some_and(|c| c.is_ascii_lowercase() || c == '.') {
            return None;
        }
        let rest = line.get(at + 1..)?;
        let folder =
            MACHINE.iter().find(|folder| rest.strip_prefix(**folder).is_some_and(|rest| rest.starts_with('/')))?;
        Some(format!("/{folder}/"))
    })
}

fn unfinished() -> Vec<String> {
    let mut needles: Vec<String> = ["todo", "unimplemented", "dbg"].iter().map(|name| format!("{name}!(")).collect();
    needles.push(format!("#[{}", "ignore"));
    needles
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    fn look_at(path: &str, text: &str) -> usize {
        look(&[(path.to_owned(), text.to_owned())]).len()
    }

    #[test]
    fn a_machine_path_is_found_in_any_kind_of_file() {
        for folder in MACHINE {
            for before in ["", "see ", "\"", "(", "file://", "X=", "9", "A"] {
                let line = format!("first\n{before}/{folder}/me/x");
                let findings = look(&[("docs/a.md".to_owned(), line.clone())]);
                assert_eq!(findings.len(), 1, "{line}");
                assert!(findings.first().unwrap().to_string().starts_with("docs/a.md:2 "));
            }
        }
    }

    #[test]
    fn repository_paths_and_urls_are_accepted() {
        for folder in MACHINE {
            for line in
                [format!("docs/{folder}/x"), format!("./{folder}/x"), format!("/{folder}s/x"), format!("/{folder}")]
            {
                assert_eq!(look_at("README.md", &line), 0, "{line}");
            }
        }
        assert_eq!(look_at("README.md", "https://example.org/api/v1 and/or // comment"), 0);
    }

    #[test]
    fn unfinished_code_is_found_in_rust_files_only() {
        for needle in unfinished() {
            assert_eq!(look_at("crates/core/src/lib.rs", &format!("    {needle}\n")), 1, "{needle}");
            assert_eq!(look_at("docs/style.md", &needle), 0);
        }
        assert_eq!(look_at("crates/core/src/lib.rs", "fn todo() {} // to do, ignored"), 0);
    }

    #[test]
    fn untracked_files_are_checked_too() {
        let repo = Throwaway::repository();
        repo.write("notes.txt", &format!("/{}/me/project\n", "home"));
        let findings = run(&repo.workspace()).unwrap();
        assert_eq!(findings.len(), 1, "{findings:?}");
        repo.write("notes.txt", "crates/core\n");
        assert_eq!(run(&repo.workspace()).unwrap(), [""; 0]);
    }
}
