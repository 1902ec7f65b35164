//! `cargo xtask campaign rules`: each rule of the sandbox is switched off once, and a test has to fail.
//!
//! The rules are read from `docs/rules.md`, which a test holds against the table in the code. The tests are built once;
//! what is switched off is told by the environment, and read by what they all make their sandbox with.

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
/// Says which rules alone are tried, separated by commas.
const ONLY: &str = "IDENTKIT_RULES";
/// After so long a program of tests is taken to hang, which no test does with every rule on.
const PATIENCE: Duration = Duration::from_secs(300);

#[derive(Debug, PartialEq, Eq)]
struct Rule {
    id: String,
    says: String,
    stays: Option<String>,
}

/// A program of tests, and how long it takes when nothing is off.
struct Program {
    name: String,
    path: PathBuf,
    /// The folder of its package.
    folder: PathBuf,
    takes: Duration,
}

/// Runs it for a package, and says whether every rule that can be switched off is missed by a test.
pub(super) fn run(package: &str, ws: &Workspace) -> Result<bool, String> {
    let begun = now();
    let rules = documented(&ws.read("docs/rules.md")?)?;
    let chosen = chosen(&rules, std::env::var(ONLY).ok().as_deref())?;
    let mut programs = built(package, ws)?;
    for program in &mut programs {
        let started = now();
        if let Some(failure) = program.failure(None, None)? {
            ws.say(&format!("{failure} although no rule is off"));
            return Ok(false);
        }
        program.takes = now().duration_since(started);
    }
    programs.sort_by_key(|program| program.takes);
    let (mut noticed, mut staying) = (0_usize, 0_usize);
    let mut unnoticed = vec![["rule".to_owned(), "what no test misses".to_owned()]];
    for rule in &chosen {
        if rule.stays.is_some() {
            staying += 1;
        } else if let Some(by) = first_failure(&rule.id, &programs)? {
            noticed += 1;
            ws.say(&format!("{:<18} {by}", rule.id));
        } else {
            ws.say(&format!("{:<18} NOTICED BY NO TEST", rule.id));
            unnoticed.push([rule.id.clone(), rule.says.clone()]);
        }
    }
    if unnoticed.len() > 1 {
        ws.say(&format!("\n{}", table::render(&unnoticed)));
    }
    ws.say(&format!(
        "{} rules: {noticed} noticed by a test, {} by none, {staying} that cannot be switched off; {} s",
        chosen.len(),
        unnoticed.len() - 1,
        now().duration_since(begun).as_secs()
    ));
    Ok(unnoticed.len() == 1)
}

#[allow(clippy::disallowed_methods, reason = "run times order the programs and are shown to a human")]
fn now() -> Instant {
    Instant::now()
}

fn documented(text: &str) -> Result<Vec<Rule>, String> {
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.strip_suffix(" |")?.split(" | ");
        let id = cells.next()?.strip_suffix('`')?.to_owned();
        let (_document, _profile, says, off) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
        let stays = match off {
            "yes" => None,
            off => Some(off.strip_prefix("no: ")?.to_owned()),
        };
        Some(Rule { id, says: says.to_owned(), stays })
    };
    let rules: Option<Vec<Rule>> = text.lines().filter(|line| line.starts_with("| `")).map(row).collect();
    rules.filter(|rules| !rules.is_empty()).ok_or_else(|| "the table of docs/rules.md is not understood".to_owned())
}

/// All rules, or those that are named.
fn chosen<'a>(rules: &'a [Rule], only: Option<&str>) -> Result<Vec<&'a Rule>, String> {
    let Some(only) = only else { return Ok(rules.iter().collect()) };
    let find = |id: &str| {
        let found = rules.iter().find(|rule| rule.id == id);
        found.ok_or_else(|| format!("{ONLY} names {id}, which is no rule of docs/rules.md"))
    };
    only.split(',').map(str::trim).map(find).collect()
}

/// Builds the programs of a package's `tests/` folder.
fn built(package: &str, ws: &Workspace) -> Result<Vec<Program>, String> {
    let args = ["test", "--all-features", "-p", package, "--no-run", "--message-format", "json-render-diagnostics"];
    let messages = ws.printed("the tests do not compile", ws.cargo(&args))?;
    let mut programs = Vec::new();
    for message in Message::parse_stream(messages.as_bytes()) {
        let message = message.map_err(|error| format!("what cargo says: {error}"))?;
        if let Message::CompilerArtifact(artifact) = message
            && artifact.target.kind.contains(&TargetKind::Test)
            && let (Some(path), Some(folder)) = (artifact.executable, artifact.manifest_path.parent())
        {
            let (path, folder) = (path.into(), folder.into());
            programs.push(Program { name: artifact.target.name, path, folder, takes: Duration::ZERO });
        }
    }
    if programs.is_empty() { Err(format!("{package} has no programs of tests")) } else { Ok(programs) }
}

/// The first test that fails without this rule. Those that are named after it come first: they are the likely ones.
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
    /// Runs the tests whose names hold the filter, or all, up to the first that fails; says which one that is.
    #[allow(clippy::disallowed_methods, reason = "the programs are real, and so is the time that they may take")]
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
        let until = now() + PATIENCE;
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
            // It may have ended by itself.
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
    fn the_table_is_read_whole_or_not_at_all() {
        let rules = documented(&TABLE.replace("MAYBE", "no: because")).unwrap();
        let rule = |id: &str, says: &str, stays: Option<&str>| Rule {
            id: id.to_owned(),
            says: says.to_owned(),
            stays: stays.map(str::to_owned),
        };
        assert_eq!(rules, [rule("A-1", "one", None), rule("A-2/b", "two", Some("because"))]);
        assert!(documented(TABLE).is_err() && documented("").is_err());
        assert_eq!(chosen(&rules, Some("A-2/b, A-1")).unwrap(), [&rules[1], &rules[0]]);
        assert_eq!(chosen(&rules, None).unwrap().len(), 2);
        assert!(chosen(&rules, Some("A-1,A-3")).unwrap_err().to_string().contains("A-3"));
    }

    #[test]
    fn a_rule_that_no_test_misses_is_found_and_a_program_that_fails_anyway_proves_nothing() {
        let repo = Throwaway::package("");
        let test = |body: &str| {
            let text = format!(
                "//! A sample.\n#[test]\nfn a_1_is_kept() {{\n    let off = std::env::var(\"IDENTKIT_WITHOUT_RULE\").unwrap_or_default();\n    {body}\n}}\n"
            );
            repo.write("crates/sample/tests/sample.rs", &text);
        };
        repo.write("docs/rules.md", &TABLE.replace("MAYBE", "no: because"));
        let ws = repo.workspace();
        test("assert_ne!(off, \"A-1\");");
        assert!(run("identkit-sample", &ws).unwrap());
        repo.write("docs/rules.md", &TABLE.replace("MAYBE", "yes"));
        assert!(!run("identkit-sample", &ws).unwrap(), "nothing misses A-2/b");
        test("assert!(off.is_empty());");
        assert!(run("identkit-sample", &ws).unwrap());
        test("assert!(!off.is_empty());");
        assert!(!run("identkit-sample", &ws).unwrap(), "red with every rule on");
        test("if !off.is_empty() { std::process::abort() }");
        assert!(run("identkit-sample", &ws).unwrap(), "a program that breaks down has noticed");
        assert!(run("identkit-another", &ws).is_err());
    }
}
