//! `cargo xtask ci` and `cargo xtask full`: run all steps, also after a failed one, and print a table at the end.
//!
//! A check that is only compiled runs beside the steps that follow it, because most tests wait more than they compute. Its
//! findings are printed after the last step.

use std::thread;
use std::time::{Duration, Instant};

use crate::campaign::{self, CAMPAIGNS, Campaign, Rounds};
use crate::check::{self, Check, FULL};
use crate::finding::Verdict;
use crate::table;
use crate::workspace::Workspace;

/// A check or a campaign.
struct Step<'a> {
    name: String,
    about: &'a str,
    /// Whether it runs beside the steps that follow it.
    beside: bool,
    run: Box<dyn Fn() -> Verdict + Send + 'a>,
}

impl<'a> Step<'a> {
    fn check(check: &'a Check, ws: &'a Workspace) -> Self {
        let run = Box::new(|| (check.run)(ws));
        Self { name: check.name.to_owned(), about: check.about, beside: check.beside, run }
    }

    fn campaign(campaign: &'a Campaign, ws: &'a Workspace) -> Self {
        let run = || {
            let passed = campaign::run(campaign, Rounds::Few, ws)?;
            Ok(if passed { Vec::new() } else { vec!["failed: see above".to_owned()] })
        };
        let name = format!("campaign {}", campaign.name);
        Self { name, about: campaign.about, beside: false, run: Box::new(run) }
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
    let mut end = |name: &str, (verdict, took): (Verdict, Duration)| {
        let ok = check::print(name, &verdict);
        all &= ok;
        rows.push(row(name, ok, took));
    };
    let ((), took) = timed(|| {
        thread::scope(|scope| {
            let mut beside = Vec::new();
            for Step { name, about, beside: is_beside, run } in steps {
                println!("\n== {name}: {about}");
                if is_beside {
                    println!("{name}: runs beside the next checks");
                    beside.push((name, scope.spawn(move || timed(run))));
                } else {
                    end(&name, timed(run));
                }
            }
            for (name, running) in beside {
                let panicked = |_| (Err("its thread panicked".to_owned()), Duration::ZERO);
                let ended = running.join().unwrap_or_else(panicked);
                println!("\n== {name}: its end");
                end(&name, ended);
            }
        });
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
    use std::sync::{Barrier, mpsc};

    use super::*;

    #[test]
    fn a_failed_check_fails_the_run_but_does_not_stop_it() {
        static RAN: AtomicUsize = AtomicUsize::new(0);
        let good = Check {
            name: "good",
            about: "",
            beside: false,
            run: |_| {
                RAN.fetch_add(1, Ordering::Relaxed);
                Ok(Vec::new())
            },
        };
        let ws = Workspace::throwaway("nowhere", "nowhere/target");
        for (beside, before) in [(false, 0), (true, 1)] {
            let bad = Check { name: "bad", about: "", beside, run: |_| Ok(vec!["wrong".to_owned()]) };
            assert!(!run(&[&bad, &good], &ws));
            assert_eq!(RAN.load(Ordering::Relaxed), before + 1);
        }
        assert!(run(&[&good], &ws));
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "without a limit, a check that runs alone would wait for ever")]
    fn a_check_beside_others_runs_at_the_same_time() {
        static BOTH: Barrier = Barrier::new(2);
        // Each of them waits for the other one.
        let meet = |_: &Workspace| {
            BOTH.wait();
            Ok(Vec::new())
        };
        let beside = Check { name: "beside", about: "", beside: true, run: meet };
        let next = Check { name: "next", about: "", beside: false, run: meet };
        let (ended, end) = mpsc::channel();
        thread::spawn(move || ended.send(run(&[&beside, &next], &Workspace::throwaway("nowhere", "nowhere/target"))));
        assert!(end.recv_timeout(Duration::from_secs(60)).unwrap());
    }

    #[test]
    fn a_row_contains_check_result_and_seconds() {
        assert_eq!(row("fmt", true, Duration::from_millis(1250)), ["fmt", "ok", "1.2"]);
        assert_eq!(row("layers", false, Duration::from_secs(2)), ["layers", "FAILED", "2.0"]);
    }
}
