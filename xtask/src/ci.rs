//! `cargo xtask ci` and `cargo xtask full`: run all steps, also after a failed one, and print a table at the end.

use std::time::{Duration, Instant};

use crate::campaign::{self, CAMPAIGNS, Campaign, Rounds};
use crate::check::{self, Check, FULL};
use crate::table;
use crate::workspace::Workspace;

/// A check or a campaign.
struct Step<'a> {
    name: String,
    about: &'a str,
    run: Box<dyn Fn() -> bool + 'a>,
}

impl<'a> Step<'a> {
    fn check(check: &'a Check, ws: &'a Workspace) -> Self {
        Self { name: check.name.to_owned(), about: check.about, run: Box::new(|| check::report(check, ws)) }
    }

    fn campaign(campaign: &'a Campaign, ws: &'a Workspace) -> Self {
        let run = || {
            campaign::run(campaign, Rounds::Few, ws).unwrap_or_else(|broken| {
                println!("could not run: {broken}");
                false
            })
        };
        Self { name: format!("campaign {}", campaign.name), about: campaign.about, run: Box::new(run) }
    }
}

/// Runs checks, and returns whether all of them passed.
pub(crate) fn run(checks: &[&Check], ws: &Workspace) -> bool {
    run_all(checks.iter().map(|check| Step::check(check, ws)))
}

/// Runs the slow checks, and every campaign with few rounds. Returns whether all of them passed.
pub(crate) fn run_full(ws: &Workspace) -> bool {
    let campaigns = CAMPAIGNS.iter().map(|campaign| Step::campaign(campaign, ws));
    run_all(FULL.iter().map(|check| Step::check(check, ws)).chain(campaigns))
}

fn run_all<'a>(steps: impl Iterator<Item = Step<'a>>) -> bool {
    let mut rows = vec![["check", "result", "seconds"].map(str::to_owned)];
    let mut all = true;
    let ((), took) = timed(|| {
        for Step { name, about, run } in steps {
            println!("\n== {name}: {about}");
            let (ok, took) = timed(run);
            all &= ok;
            rows.push(row(&name, ok, took));
        }
    });
    rows.push(row("all", all, took));
    println!("\n{}", table::render(&rows));
    all
}

fn row(name: &str, ok: bool, took: Duration) -> [String; 3] {
    [name.to_owned(), if ok { "ok" } else { "FAILED" }.to_owned(), format!("{:.1}", took.as_secs_f64())]
}

#[allow(clippy::disallowed_methods, reason = "the run time of a check is only printed")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = work();
    (value, start.elapsed())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_failed_check_fails_the_run_but_does_not_stop_it() {
        static RAN: AtomicUsize = AtomicUsize::new(0);
        let bad = Check { name: "bad", about: "", run: |_| Ok(vec!["wrong".to_owned()]) };
        let good = Check {
            name: "good",
            about: "",
            run: |_| {
                RAN.fetch_add(1, Ordering::Relaxed);
                Ok(Vec::new())
            },
        };
        let ws = Workspace::throwaway("nowhere", "nowhere/target");
        assert!(!run(&[&bad, &good], &ws));
        assert_eq!(RAN.load(Ordering::Relaxed), 1);
        assert!(run(&[&good], &ws));
    }

    #[test]
    fn a_row_contains_check_result_and_seconds() {
        assert_eq!(row("fmt", true, Duration::from_millis(1250)), ["fmt", "ok", "1.2"]);
        assert_eq!(row("layers", false, Duration::from_secs(2)), ["layers", "FAILED", "2.0"]);
    }
}
