//! `cargo xtask campaign rules`: each rule of the sandbox is switched off once, and a test has to fail.
//!
//! The rules are read from `docs/rules.md`, which a test holds against the table in the code. The tests are built once;
//! what is switched off is told by the environment, and read by what they all make their sandbox with.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use cargo_metadata::{Message, TargetKind};

use crate::finding::Broken;
use crate::table;
use crate::workspace::Workspace;

/// Says which rule is off.
const WITHOUT: &str = "IDENTKIT_WITHOUT_RULE";
/// Says which rules alone are tried, separated by commas.
const ONLY: &str = "IDENTKIT_RULES";
/// After so long a program of tests is taken to hang, which no test does with every rule on.
const PATIENCE: Duration = Duration::from_secs(300);

/// A rule of the documentation.
#[derive(Debug, PartialEq, Eq)]
struct Rule {
    id: String,
    says: String,
    /// Why it cannot be switched off.
    stays: Option<String>,
}

/// A program of tests, and how long it takes when nothing is off.
struct Program {
    name: String,
    path: PathBuf,
    takes: Duration,
}

/// How a program ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Green,
    /// This test failed.
    Failed(String),
    Hung,
}

/// Runs it for a package, and says whether every rule that can be switched off is missed by a test.
pub(super) fn run(package: &str, ws: &Workspace) -> Result<bool, Broken> {
    let begun = now();
    let only = std::env::var(ONLY).ok();
    let rules = documented(&ws.read("docs/rules.md")?)?;
    let chosen = chosen(&rules, only.as_deref())?;
    let folder = folder_of(package, ws)?;
    let mut programs = built(package, ws)?;
    for program in &mut programs {
        let started = now();
        let end = tried(program, &folder, &[], None)?;
        if end != End::Green {
            ws.say(&format!("{}: {} although no rule is off", program.name, told(&end)));
            return Ok(false);
        }
        program.takes = now().duration_since(started);
    }
    programs.sort_by_key(|program| program.takes);
    let (mut noticed, mut unnoticed) = (0_usize, vec![["rule".to_owned(), "what no test misses".to_owned()]]);
    for rule in chosen.iter().filter(|rule| rule.stays.is_none()) {
        match first_failure(&rule.id, &programs, &folder)? {
            Some(by) => {
                noticed += 1;
                ws.say(&format!("{:<18} {by}", rule.id));
            }
            None => {
                ws.say(&format!("{:<18} NOTICED BY NO TEST", rule.id));
                unnoticed.push([rule.id.clone(), rule.says.clone()]);
            }
        }
    }
    let staying = chosen.iter().filter(|rule| rule.stays.is_some()).count();
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

/// The rows of the table.
fn documented(text: &str) -> Result<Vec<Rule>, Broken> {
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
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let rules: Option<Vec<Rule>> = rows.map(row).collect();
    match rules {
        Some(rules) if !rules.is_empty() => Ok(rules),
        _ => Err(Broken::new("the table of docs/rules.md is not understood")),
    }
}

/// All rules, or those that are named.
fn chosen<'a>(rules: &'a [Rule], only: Option<&str>) -> Result<Vec<&'a Rule>, Broken> {
    let Some(only) = only else { return Ok(rules.iter().collect()) };
    let find = |id: &str| {
        let found = rules.iter().find(|rule| rule.id == id);
        found.ok_or_else(|| Broken::new(format!("{ONLY} names {id}, which is no rule of docs/rules.md")))
    };
    only.split(',').map(str::trim).map(find).collect()
}

fn folder_of(package: &str, ws: &Workspace) -> Result<PathBuf, Broken> {
    let packages = ws.metadata()?.packages;
    let found = packages.iter().find(|known| known.name.as_str() == package);
    let folder = found.and_then(|found| found.manifest_path.parent()).map(|folder| folder.as_std_path().to_owned());
    folder.ok_or_else(|| Broken::new(format!("there is no package {package}")))
}

/// Builds the programs of a package's `tests/` folder.
fn built(package: &str, ws: &Workspace) -> Result<Vec<Program>, Broken> {
    let args = ["test", "--all-features", "-p", package, "--no-run", "--message-format", "json-render-diagnostics"];
    let output = ws.capture(ws.cargo(&args))?;
    if !output.status.success() {
        return Err(Broken::new(format!(
            "the tests do not compile:\n{}",
            String::from_utf8_lossy(&output.stderr).trim()
        )));
    }
    let mut programs = Vec::new();
    for message in Message::parse_stream(output.stdout.as_slice()) {
        let message = message.map_err(|error| Broken::new(format!("what cargo says: {error}")))?;
        if let Message::CompilerArtifact(artefact) = message
            && artefact.target.kind.contains(&TargetKind::Test)
            && let Some(path) = artefact.executable
        {
            programs.push(Program { name: artefact.target.name, path: path.into(), takes: Duration::ZERO });
        }
    }
    match programs.is_empty() {
        true => Err(Broken::new(format!("{package} has no programs of tests"))),
        false => Ok(programs),
    }
}

/// The first test that fails without this rule. Those that are named after it come first: they are the likely ones.
fn first_failure(rule: &str, programs: &[Program], folder: &Path) -> Result<Option<String>, Broken> {
    let id = rule.split('/').next().unwrap_or(rule).to_lowercase().replace(['-', '.'], "_");
    let named = [id.as_str()];
    for words in [&named[..], &[]] {
        for program in programs {
            let end = tried(program, folder, words, Some(rule))?;
            if end != End::Green {
                return Ok(Some(format!("{}: {}", program.name, told(&end))));
            }
        }
    }
    Ok(None)
}

fn told(end: &End) -> String {
    match end {
        End::Green => "is green".to_owned(),
        End::Failed(test) => format!("{test} fails"),
        End::Hung => "does not end".to_owned(),
    }
}

/// Runs the tests of a program whose names hold one of these words, or all, up to the first that fails.
fn tried(program: &Program, folder: &Path, words: &[&str], without: Option<&str>) -> Result<End, Broken> {
    let mut command = Command::new(&program.path);
    command.args(words).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.env_remove(WITHOUT);
    if let Some(rule) = without {
        command.env(WITHOUT, rule);
    }
    let broken = |error: std::io::Error| Broken::new(format!("running {}: {error}", program.name));
    let mut child = command.spawn().map_err(broken)?;
    let end = watched(&lines_of(&mut child));
    if end != Some(End::Green) {
        // It may have ended by itself.
        let _ = child.kill();
    }
    let status = child.wait().map_err(broken)?;
    Ok(match end {
        Some(End::Green) | None if !status.success() => End::Failed("the program".to_owned()),
        end => end.unwrap_or(End::Green),
    })
}

fn lines_of(child: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
    }
    lines
}

/// Reads what a program says until a test fails, it ends, or its time is over; `None` when it said nothing at all.
#[allow(clippy::disallowed_methods, reason = "the programs under test are real, and so is the time that they may take")]
fn watched(lines: &Receiver<String>) -> Option<End> {
    let until = now() + PATIENCE;
    let mut end = None;
    loop {
        match lines.recv_timeout(until.saturating_duration_since(now())) {
            Ok(line) => {
                if let Some(test) = line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED")) {
                    return Some(End::Failed(test.to_owned()));
                }
                end = Some(End::Green);
            }
            Err(RecvTimeoutError::Timeout) => return Some(End::Hung),
            Err(RecvTimeoutError::Disconnected) => return end,
        }
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
