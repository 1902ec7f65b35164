//! The command line: one word, and for `ci` a choice of checks.
//!
//! Parsed by hand, because this binary is built before everything else and nothing here needs more.

use crate::bench;
use crate::campaign::{self, CAMPAIGNS, Campaign};
use crate::check::{self, CHECKS, Check};

/// What the user asked for.
#[derive(Debug)]
pub(crate) enum Command {
    Help,
    One(&'static Check),
    Verbose(&'static Check),
    Ci(Vec<&'static Check>),
    Campaign(&'static Campaign),
    /// A benchmark and the rows asked for.
    Bench(&'static str, Vec<String>),
}

/// Reads the arguments that follow the program's name; the error is one sentence for the user.
pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Command, String> {
    let mut args = args.into_iter();
    let Some(word) = args.next() else {
        return Err("cargo xtask needs a command".to_owned());
    };
    if matches!(word.as_str(), "--help" | "-h" | "help") {
        return Ok(Command::Help);
    }
    if word == "ci" {
        return parse_ci(args);
    }
    if word == "bench" {
        let name = args.next().ok_or("`cargo xtask bench` needs the name of a benchmark")?;
        let benchmark = bench::find(&name).ok_or_else(|| format!("`{name}` is not a benchmark"))?;
        return Ok(Command::Bench(benchmark, args.collect()));
    }
    if word == "campaign" {
        let name = args.next().ok_or("`cargo xtask campaign` needs the name of a campaign")?;
        return match (campaign::find(&name), args.next()) {
            (Some(campaign), None) => Ok(Command::Campaign(campaign)),
            (None, _) => Err(format!("`{name}` is not a campaign")),
            (_, Some(extra)) => Err(format!("`cargo xtask campaign` takes one name, but was given `{extra}` too")),
        };
    }
    let check = check::find(&word).ok_or_else(|| format!("`{word}` is not a command of cargo xtask"))?;
    match args.next() {
        None => Ok(Command::One(check)),
        Some(flag) if matches!(flag.as_str(), "--help" | "-h") => Ok(Command::Help),
        Some(flag) if flag == "--verbose" && check::has_verbose(check) => match args.next() {
            None => Ok(Command::Verbose(check)),
            Some(extra) => Err(format!("`cargo xtask {word} --verbose` takes nothing more, but was given `{extra}`")),
        },
        Some(extra) => Err(format!("`cargo xtask {word}` takes no arguments, but was given `{extra}`")),
    }
}

fn parse_ci(mut args: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut chosen: Option<Vec<&'static Check>> = None;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            // The only behaviour; accepted so that a caller can say it.
            "--keep-going" => {}
            "--only" => {
                let list = args.next().ok_or("`--only` needs names of checks, separated by commas")?;
                chosen = Some(select(&list)?);
            }
            other => match other.strip_prefix("--only=") {
                Some(list) => chosen = Some(select(list)?),
                None => return Err(format!("`cargo xtask ci` does not know `{other}`")),
            },
        }
    }
    Ok(Command::Ci(chosen.unwrap_or_else(|| CHECKS.iter().collect())))
}

/// The named checks in the order of `ci`, whatever order the user wrote.
fn select(list: &str) -> Result<Vec<&'static Check>, String> {
    let names: Vec<&str> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if let Some(unknown) = names.iter().find(|name| check::find(name).is_none()) {
        return Err(format!("`{unknown}` is not a check"));
    }
    if names.is_empty() {
        return Err("`--only` needs names of checks, separated by commas".to_owned());
    }
    Ok(CHECKS.iter().filter(|check| names.contains(&check.name)).collect())
}

/// The help text: every command with one line.
pub(crate) fn help() -> String {
    let mut text = String::from("Usage: cargo xtask <command>\n\nCommands:\n");
    let mut line = |name: &str, about: &str| text.push_str(&format!("  {name:<11}{about}\n"));
    line("ci", "all checks below, in this order; goes on after a failure, ends with a table");
    for check in CHECKS {
        line(check.name, check.about);
    }
    for campaign in CAMPAIGNS {
        line(&format!("campaign {}", campaign.name), &format!("  {}", campaign.about));
    }
    for (name, about) in bench::BENCHMARKS {
        line(&format!("bench {name}"), &format!("  {about}"));
    }
    line("help", "this text");
    text.push_str("\nOptions of ci:\n  --only a,b   only these checks\n  --keep-going the default: run every check, fail at the end");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::is_command;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn every_check_is_a_command_and_has_a_line_of_help() {
        for check in CHECKS {
            assert!(matches!(parsed(check.name), Ok(Command::One(found)) if found.name == check.name));
            assert!(help().contains(check.about), "{check:?}");
            assert!(is_command(check.name));
        }
        assert!(matches!(parsed("--help"), Ok(Command::Help)));
    }

    #[test]
    fn an_unknown_command_is_refused_by_name() {
        assert!(parsed("tset").unwrap_err().contains("`tset`"));
        assert!(parsed("").is_err());
        assert!(parsed("fmt --fix").unwrap_err().contains("--fix"));
        assert!(parsed("fmt --verbose").unwrap_err().contains("--verbose"));
        assert!(parsed("coverage --verbose more").unwrap_err().contains("`more`"));
        assert!(matches!(parsed("coverage --verbose"), Ok(Command::Verbose(check)) if check.name == "coverage"));
        assert!(!is_command("tset"));
    }

    #[test]
    fn a_campaign_is_asked_for_by_its_name() {
        assert!(matches!(parsed("campaign logins"), Ok(Command::Campaign(campaign)) if campaign.name == "logins"));
        assert!(help().contains("campaign logins") && is_command("campaign"));
        assert!(parsed("campaign").unwrap_err().contains("needs the name"));
        assert!(parsed("campaign nothing").unwrap_err().contains("`nothing`"));
        assert!(parsed("campaign logins 5").unwrap_err().contains("`5`"));
    }

    #[test]
    fn a_benchmark_is_asked_for_by_its_name_and_some_of_its_rows() {
        assert!(matches!(parsed("bench transport"), Ok(Command::Bench("transport", rows)) if rows.is_empty()));
        assert!(
            matches!(parsed("bench transport calls first"), Ok(Command::Bench(_, rows)) if rows == ["calls", "first"])
        );
        assert!(help().contains("bench transport") && is_command("bench"));
        assert!(parsed("bench").unwrap_err().contains("needs the name"));
        assert!(parsed("bench nothing").unwrap_err().contains("`nothing`"));
    }

    #[test]
    fn ci_runs_everything_or_a_choice_in_the_order_of_ci() {
        let names = |line: &str| match parsed(line) {
            Ok(Command::Ci(checks)) => checks.iter().map(|check| check.name).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(names("ci").len(), CHECKS.len());
        assert_eq!(names("ci --keep-going --only cone,fmt"), ["fmt", "cone"]);
        assert_eq!(names("ci --only=names"), ["names"]);
        assert!(parsed("ci --only nothing").is_err());
        assert!(parsed("ci --only").is_err());
        assert!(parsed("ci --only ,").is_err());
        assert!(parsed("ci --fast").is_err());
    }
}
