//! The command line: one word, and for `ci` a selection of checks.
//!
//! It is parsed without a library, because this binary is built before everything else.

use crate::bench::{BENCHMARKS, Benchmark};
use crate::campaign::{CAMPAIGNS, Campaign};
use crate::check::{self, CHECKS, COVERAGE_VERBOSE, Check, FULL, WRITERS};
use crate::new_provider::{self, Options};

#[derive(Debug)]
pub(crate) enum Command {
    Help,
    One(&'static Check),
    Ci(Vec<&'static Check>),
    /// Checks and campaigns that are too slow for `ci`.
    Full,
    Campaign(&'static Campaign),
    /// Selected rows of a benchmark, or all.
    Bench(&'static Benchmark, Vec<String>),
    NewProvider(Options),
}

/// Parses the arguments after the program name. The error is one sentence for the user.
pub(crate) fn parse(args: &[&str]) -> Result<Command, String> {
    match args {
        [] => Err("cargo xtask needs a command".to_owned()),
        ["help", ..] => Ok(Command::Help),
        args if args.contains(&"--help") || args.contains(&"-h") => Ok(Command::Help),
        ["ci", options @ ..] => parse_ci(options),
        ["full"] => Ok(Command::Full),
        ["new-provider", options @ ..] => new_provider::parse(options).map(Command::NewProvider),
        [command @ ("bench" | "campaign")] => {
            Err(format!("`cargo xtask {command}` needs the name of a {}", command.replace("bench", "benchmark")))
        }
        ["bench", name, rows @ ..] => BENCHMARKS
            .iter()
            .find(|benchmark| benchmark.name == *name)
            .map(|benchmark| Command::Bench(benchmark, rows.iter().map(|&row| row.to_owned()).collect()))
            .ok_or_else(|| format!("`{name}` is not a benchmark")),
        ["campaign", name] => CAMPAIGNS
            .iter()
            .find(|campaign| campaign.name == *name)
            .map(Command::Campaign)
            .ok_or_else(|| format!("`{name}` is not a campaign")),
        ["campaign", _, extra, ..] => Err(format!("`cargo xtask campaign` takes one name: remove `{extra}`")),
        ["coverage", "--verbose"] => Ok(Command::One(&COVERAGE_VERBOSE)),
        [word, "--write"] => WRITERS
            .iter()
            .find(|check| check.name == *word)
            .map(Command::One)
            .ok_or_else(|| format!("`cargo xtask {word}` has no option `--write`")),
        [word, rest @ ..] => match (check::find(word), rest.last()) {
            (None, _) => Err(format!("`{word}` is not a command of cargo xtask")),
            (Some(check), None) => Ok(Command::One(check)),
            (_, Some(extra)) => Err(format!("`cargo xtask {word}` takes no arguments: remove `{extra}`")),
        },
    }
}

fn parse_ci(options: &[&str]) -> Result<Command, String> {
    match options {
        [] => Ok(Command::Ci(CHECKS.iter().collect())),
        // The default, accepted for callers that state it.
        ["--keep-going", rest @ ..] | [rest @ .., "--keep-going"] => parse_ci(rest),
        ["--only", list] => select(list),
        ["--only"] => select(""),
        [other, ..] => match other.strip_prefix("--only=") {
            Some(list) => select(list),
            None => Err(format!("`cargo xtask ci` has no option `{other}`")),
        },
    }
}

/// Returns the named checks in the order of `ci`.
fn select(list: &str) -> Result<Command, String> {
    let names: Vec<&str> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return Err("`--only` needs names of checks, separated by commas".to_owned());
    }
    match names.iter().find(|name| check::find(name).is_none()) {
        Some(unknown) => Err(format!("`{unknown}` is not a check")),
        None => Ok(Command::Ci(CHECKS.iter().filter(|check| names.contains(&check.name)).collect())),
    }
}

/// The help text: every command with one line.
pub(crate) fn help() -> String {
    let mut text = String::from("Usage: cargo xtask <command>\n\nCommands:\n");
    let mut line = |name: &str, about: &str| text.push_str(&format!("  {name:<11}{about}\n"));
    line("ci", "all checks below, in this order, also after a failure; then a table");
    for check in CHECKS {
        line(check.name, check.about);
    }
    line("full", "the checks and campaigns below, in this order, campaigns with fewer rounds; too slow for ci");
    for check in FULL {
        line(check.name, check.about);
    }
    for campaign in CAMPAIGNS {
        line(&format!("campaign {}", campaign.name), &format!("  {}", campaign.about));
    }
    for benchmark in BENCHMARKS {
        line(&format!("bench {}", benchmark.name), &format!("  {}", benchmark.about));
    }
    line("new-provider", &format!(" {}", new_provider::ABOUT));
    line("help", "this text");
    text.push_str("\nOptions of ci:\n  --only a,b   only these checks\n  --keep-going the default: run every check, fail at the end");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::is_command;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(&line.split_whitespace().collect::<Vec<_>>())
    }

    #[test]
    fn every_check_is_a_command_and_has_a_line_of_help() {
        for check in CHECKS.iter().chain(FULL) {
            assert!(matches!(parsed(check.name), Ok(Command::One(found)) if found.name == check.name));
            assert!(help().contains(check.about), "{check:?}");
            assert!(is_command(check.name));
        }
        for text in ["campaign logins", "bench transport", "bench inbox"] {
            assert!(help().contains(text) && text.split(' ').take(1).all(is_command), "{text}");
        }
        assert!(!is_command("tset"));
    }

    #[test]
    fn invalid_arguments_are_rejected_by_name() {
        for (line, expected) in [
            ("", "needs a command"),
            ("tset", "`tset`"),
            ("fmt --fix", "--fix"),
            ("fmt --verbose", "--verbose"),
            ("fmt --write", "--write"),
            ("coverage --verbose more", "`more`"),
            ("campaign", "needs the name of a campaign"),
            ("campaign nothing", "`nothing`"),
            ("campaign login", "`login`"),
            ("campaign logins 5", "`5`"),
            ("bench", "needs the name of a benchmark"),
            ("bench nothing", "`nothing`"),
            ("ci --only nothing", "`nothing`"),
            ("ci --only", "needs names"),
            ("ci --only ,", "needs names"),
            ("ci --fast", "`--fast`"),
            ("new-provider", "needs the name"),
            ("new-provider Acme --auth basic", "`Acme` is not the name"),
            ("new-provider a-b- --auth basic", "`a-b-` is not the name"),
            ("new-provider self --auth basic", "`self` names something else"),
            ("new-provider foo-id", "needs `--auth`"),
            ("new-provider foo-id --auth", "`--auth` needs a value"),
            ("new-provider foo-id --auth=magic", "`--auth magic`"),
            ("new-provider foo-id --auth basic more", "remove `more`"),
            ("new-provider foo-id --inside", "`--inside`"),
        ] {
            let error = parsed(line).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        }
    }

    #[test]
    fn commands_with_arguments_are_parsed() {
        assert!(matches!(parsed("--help"), Ok(Command::Help)));
        assert!(matches!(parsed("coverage --verbose"), Ok(Command::One(check)) if check.name == "coverage"));
        for name in ["examples", "traps"] {
            assert!(matches!(parsed(&format!("{name} --write")), Ok(Command::One(check)) if check.name == name));
        }
        let command = "new-provider foo-id --auth bearer --from=x.json --outside y";
        assert!(matches!(parsed(command), Ok(Command::NewProvider(_))));
        assert!(matches!(parsed("campaign logins"), Ok(Command::Campaign(campaign)) if campaign.name == "logins"));
        for name in ["transport", "inbox"] {
            let all = parsed(&format!("bench {name}"));
            assert!(matches!(all, Ok(Command::Bench(benchmark, rows)) if benchmark.name == name && rows.is_empty()));
            let some = parsed(&format!("bench {name} one two"));
            assert!(
                matches!(some, Ok(Command::Bench(benchmark, rows)) if benchmark.name == name && rows == ["one", "two"])
            );
        }
    }

    #[test]
    fn ci_runs_all_or_selected_checks_in_order() {
        let names = |line: &str| match parsed(line) {
            Ok(Command::Ci(checks)) => checks.iter().map(|check| check.name).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(names("ci").len(), CHECKS.len());
        assert_eq!(names("ci --keep-going --only cone,fmt"), ["fmt", "cone"]);
        assert_eq!(names("ci --only=names"), ["names"]);
    }
}
