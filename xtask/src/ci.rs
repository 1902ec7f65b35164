//! `cargo xtask ci`: the checks one after the other, whatever the ones before said, and a table at the end.

use std::time::{Duration, Instant};

use crate::check::{self, Check};
use crate::table;
use crate::workspace::Workspace;

/// How one check went.
struct Row {
    name: &'static str,
    ok: bool,
    took: Duration,
}

/// Runs the checks; true when all were content.
pub(crate) fn run(checks: &[&Check], ws: &Workspace) -> bool {
    let mut rows = Vec::new();
    for check in checks {
        println!("\n== {}: {}", check.name, check.about);
        let (ok, took) = timed(|| check::report(check, ws));
        rows.push(Row { name: check.name, ok, took });
    }
    println!("\n{}", summary(&rows));
    rows.iter().all(|row| row.ok)
}

fn summary(rows: &[Row]) -> String {
    let mut cells = vec![["check", "result", "seconds"].map(str::to_owned)];
    for row in rows {
        let result = if row.ok { "ok" } else { "FAILED" };
        cells.push([row.name.to_owned(), result.to_owned(), format!("{:.1}", row.took.as_secs_f64())]);
    }
    table::render(&cells)
}

#[allow(clippy::disallowed_methods, reason = "the run time of a check is shown to a human, it steers nothing")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = work();
    (value, start.elapsed())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::finding::Finding;

    #[test]
    fn a_failed_check_does_not_stop_the_next_one_but_fails_the_whole() {
        static RAN: AtomicUsize = AtomicUsize::new(0);
        let bad = Check { name: "bad", about: "", run: |_| Ok(vec![Finding::new("wrong")]) };
        let good = Check {
            name: "good",
            about: "",
            run: |_| {
                RAN.fetch_add(1, Ordering::Relaxed);
                Ok(Vec::new())
            },
        };
        let ws = Workspace::at("nowhere", "nowhere/target");
        assert!(!run(&[&bad, &good], &ws));
        assert_eq!(RAN.load(Ordering::Relaxed), 1);
        assert!(run(&[&good], &ws));
    }

    #[test]
    fn the_table_names_check_result_and_seconds() {
        let rows = [
            Row { name: "fmt", ok: true, took: Duration::from_millis(1250) },
            Row { name: "layers", ok: false, took: Duration::from_secs(2) },
        ];
        assert_eq!(summary(&rows), "check   result  seconds\nfmt     ok      1.2\nlayers  FAILED  2.0\n");
    }
}
