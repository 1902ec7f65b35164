//! `cargo xtask ci`: runs all checks, also after a failed one, and prints a table at the end.

use std::time::{Duration, Instant};

use crate::check::{self, Check};
use crate::table;
use crate::workspace::Workspace;

pub(crate) fn run(checks: &[&Check], ws: &Workspace) -> bool {
    let mut rows = vec![["check", "result", "seconds"].map(str::to_owned)];
    let mut all = true;
    for check in checks {
        println!("\n== {}: {}", check.name, check.about);
        let (ok, took) = timed(|| check::report(check, ws));
        all &= ok;
        rows.push(row(check.name, ok, took));
    }
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
