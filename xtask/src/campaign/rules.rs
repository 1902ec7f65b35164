//! `cargo xtask campaign rules`: switches off each rule of the sandbox in turn; a test must fail.
//!
//! The rules are read from `docs/rules.md`, which a test compares with the table in the code. The tests are built once.
//! An environment variable names the rule, and the tests' common sandbox builder reads it.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use cargo_metadata::{Message, TargetKind};

use crate::table;
use crate::workspace::Workspace;

const WITHOUT: &str = "IDENTKIT_WITHOUT_RULE";
/// Environment variable that selects rules, separated by commas.
const ONLY: &str = "IDENTKIT_RULES";
/// Timeout of a test program. With every rule on, no program takes that long.
const TIMEOUT: Duration = Duration::from_secs(300);

#[derive(Debug, PartialEq, Eq)]
struct Rule {
    id: String,
    text: String,
    /// Why the rule cannot be switched off.
    fixed: Option<String>,
}

/// A test program.
struct Program {
    name: String,
    path: PathBuf,
    /// Folder of its package.
    folder: PathBuf,
    /// Run time with every rule on.
    duration: Duration,
}

/// Runs the campaign for a package. Returns whether a test fails without each rule that can be switched off.
pub(super) fn run(package: &str, ws: &Workspace) -> Result<bool, String> {
    let begun = now();
    let rules = parse(&ws.read("docs/rules.md")?)?;
    let selected = select(&rules, std::env::var(ONLY).ok().as_deref())?;
    let mut programs = build(package, ws)?;
    for program in &mut programs {
        let started = now();
        if let Some(failure) = program.failure(None, None)? {
            ws.print(&format!("{failure} although no rule is off"));
            return Ok(false);
        }
        program.duration = now().duration_since(started);
    }
    programs.sort_by_key(|program| program.duration);
    let (mut noticed, mut fixed) = (0_usize, 0_usize);
    let mut unnoticed = vec![["rule".to_owned(), "text of the rule".to_owned()]];
    for rule in &selected {
        if rule.fixed.is_some() {
            fixed += 1;
        } else if let Some(by) = first_failure(&rule.id, &programs)? {
            noticed += 1;
            ws.print(&format!("{:<18} {by}", rule.id));
        } else {
            ws.print(&format!("{:<18} NOTICED BY NO TEST", rule.id));
            unnoticed.push([rule.id.clone(), rule.text.clone()]);
        }
    }
    if unnoticed.len() > 1 {
        ws.print(&format!("\n{}", table::render(&unnoticed)));
    }
    ws.print(&format!(
        "{} rules: {noticed} noticed by a test, {} by none, {fixed} that cannot be switched off; {} s",
        selected.len(),
        unnoticed.len() - 1,
        now().duration_since(begun).as_secs()
    ));
    Ok(unnoticed.len() == 1)
}

#[allow(clippy::disallowed_methods, reason = "run times order the programs and are printed")]
fn now() -> Instant {
    Instant::now()
}

fn parse(text: &str) -> Result<Vec<Rule>, String> {
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.strip_suffix(" |")?.split(" | ");
        let id = cells.next()?.strip_suffix('`')?.to_owned();
        let (_document, _profile, text, off) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
        let fixed = match off {
            "yes" => None,
            off => Some(off.strip_prefix("no: ")?.to_owned()),
        };
        Some(Rule { id, text: text.to_owned(), fixed })
    };
    let rules: Option<Vec<Rule>> = text.lines().filter(|line| line.starts_with("| `")).map(row).collect();
    rules
        .filter(|rules| !rules.is_empty())
        .ok_or_else(|| "docs/rules.md has no table of rules, or an invalid row".to_owned())
}

/// Returns all rules, or those that `only` names.
fn select<'a>(rules: &'a [Rule], only: Option<&str>) -> Result<Vec<&'a Rule>, String> {
    let Some(only) = only else { return Ok(rules.iter().collect()) };
    let find = |id: &str| {
        let found = rules.iter().find(|rule| rule.id == id);
        found.ok_or_else(|| format!("{ONLY} names {id}, which is not a rule in docs/rules.md"))
    };
    only.split(',').map(str::trim).map(find).collect()
}

/// Builds the test programs of a package's `tests/` folder, with the features of `cargo xtask test`, so that they are
/// not built twice.
fn build(package: &str, ws: &Workspace) -> Result<Vec<Program>, String> {
    let metadata = ws.metadata()?;
    let manifest = metadata.packages.iter().find(|found| found.name.as_str() == package);
    let manifest = &manifest.ok_or_else(|| format!("the workspace has no package {package}"))?.manifest_path;
    let args = ["test", "--all-features", "--workspace", "--no-run", "--message-format", "json-render-diagnostics"];
    let messages = ws.output("the tests do not compile", ws.cargo(&args))?;
    let mut programs = Vec::new();
    for message in Message::parse_stream(messages.as_bytes()) {
        let message = message.map_err(|error| format!("reading cargo's messages: {error}"))?;
        if let Message::CompilerArtifact(artifact) = message
            && artifact.target.kind.contains(&TargetKind::Test)
            && artifact.manifest_path == *manifest
            && let (Some(path), Some(folder)) = (artifact.executable, artifact.manifest_path.parent())
        {
            let (path, folder) = (path.into(), folder.into());
            programs.push(Program { name: artifact.target.name, path, folder, duration: Duration::ZERO });
        }
    }
    if programs.is_empty() { Err(format!("{package} has no test programs")) } else { Ok(programs) }
}

/// Returns the first test that fails without this rule. Tests named after the rule run first.
fn first_failure(rule: &str, programs: &[Program]) -> Result<Option<String>, String> {
    let id = rule.split('/').next().unwrap_or(rule).to_lowercase().replace(['-', '.'], "_");
    for filter in [Some(id.as_str()), None] {
        for program in programs {
            if let Some(failure) = program.failure(filter, Some(rule))? {
                return Ok(Some(failure));
            }
        }
    }
    Ok(None)
}

impl Program {
    /// Runs the tests whose names contain the filter, or all, up to the first failure, and describes it.
    #[allow(clippy::disallowed_methods, reason = "real programs have a real timeout")]
    fn failure(&self, filter: Option<&str>, without: Option<&str>) -> Result<Option<String>, String> {
        let mut command = Command::new(&self.path);
        command.args(filter).current_dir(&self.folder).env_remove(WITHOUT).envs(without.map(|rule| (WITHOUT, rule)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let broken = |error: std::io::Error| format!("running {}: {error}", self.name);
        let mut child = command.spawn().map_err(broken)?;
        let (sender, lines) = channel();
        if let Some(stdout) = child.stdout.take() {
            let mut read = BufReader::new(stdout).lines().map_while(Result::ok);
            thread::spawn(move || read.try_for_each(|line| sender.send(line)));
        }
        let until = now() + TIMEOUT;
        let failure = loop {
            match lines.recv_timeout(until.saturating_duration_since(now())) {
                Ok(line) => {
                    if let Some(test) = line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED")) {
                        break Some(format!("{}: {test} fails", self.name));
                    }
                }
                Err(RecvTimeoutError::Timeout) => break Some(format!("{}: does not end", self.name)),
                Err(RecvTimeoutError::Disconnected) => break None,
            }
        };
        if failure.is_some() {
            // It may have exited already.
            let _ = child.kill();
        }
        let status = child.wait().map_err(broken)?;
        Ok(failure.or_else(|| (!status.success()).then(|| format!("{}: the program fails", self.name))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    const TABLE: &str = "# Rules\n\n| rule | document | profile | what it says | can be off |\n|---|---|---|---|---|\n\
                         | `A-1` | [T] 1 | every | one | yes |\n| `A-2/b` | [T] 1 | every | two | MAYBE |\n";

    #[test]
    fn an_invalid_row_makes_the_whole_table_invalid() {
        let rules = parse(&TABLE.replace("MAYBE", "no: because")).unwrap();
        let rule = |id: &str, text: &str, fixed: Option<&str>| Rule {
            id: id.to_owned(),
            text: text.to_owned(),
            fixed: fixed.map(str::to_owned),
        };
        assert_eq!(rules, [rule("A-1", "one", None), rule("A-2/b", "two", Some("because"))]);
        assert!(parse(TABLE).is_err() && parse("").is_err());
        assert_eq!(select(&rules, Some("A-2/b, A-1")).unwrap(), [&rules[1], &rules[0]]);
        assert_eq!(select(&rules, None).unwrap().len(), 2);
        assert!(select(&rules, Some("A-1,A-3")).unwrap_err().to_string().contains("A-3"));
    }

    #[test]
    fn a_rule_without_a_failing_test_is_found() {
        let repo = Throwaway::package("");
        let test = |body: &str| {
            let text = format!(
                "//! A sample.\n#[test]\nfn a_1_is_enforced() {{\n    let off = std::env::var(\"IDENTKIT_WITHOUT_RULE\").unwrap_or_default();\n    {body}\n}}\n"
            );
            repo.write("crates/sample/tests/sample.rs", &text);
        };
        repo.write("docs/rules.md", &TABLE.replace("MAYBE", "no: because"));
        let ws = repo.workspace();
        test("assert_ne!(off, \"A-1\");");
        assert!(run("identkit-sample", &ws).unwrap());
        repo.write("docs/rules.md", &TABLE.replace("MAYBE", "yes"));
        assert!(!run("identkit-sample", &ws).unwrap(), "no test fails without A-2/b");
        test("assert!(off.is_empty());");
        assert!(run("identkit-sample", &ws).unwrap());
        test("assert!(!off.is_empty());");
        assert!(!run("identkit-sample", &ws).unwrap(), "the tests fail with every rule on");
        test("if !off.is_empty() { std::process::abort() }");
        assert!(run("identkit-sample", &ws).unwrap(), "a program that aborts counts as a failure");
        assert!(run("identkit-another", &ws).is_err());
    }
}
