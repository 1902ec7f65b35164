//! The durable acceptance of webhooks through HTTP: the store beside a log, single transactions and plain inserts.

use identkit_bench::measure::{again, median};
use tempfile::TempDir;

use crate::database::Database;
use crate::service::{Service, cpu};

/// Seconds of one measurement.
const SECONDS: f64 = 3.0;

const ROUNDS: usize = 3;

/// Number of the first measured webhook: the ones before it are not measured.
const FIRST: &str = "1000000000";

/// An inbox and the webhooks that it gets.
#[derive(Clone, Copy)]
struct Way {
    name: &'static str,
    /// The argument of `serve`.
    inbox: &'static str,
    /// The number of cases, or `0` if each webhook is the first one of its case.
    cases: &'static str,
    /// Whether identkit's listener serves, with one request for each connection.
    listens: bool,
}

const WAYS: [Way; 10] = [
    Way { name: "log, synced for all that wait", inbox: "log", cases: "1000", listens: false },
    Way { name: "SQLite, a transaction each", inbox: "each", cases: "1000", listens: false },
    Way { name: "store on SQLite, known cases", inbox: "sqlite", cases: "1000", listens: false },
    Way { name: "store on SQLite, new cases", inbox: "sqlite", cases: "0", listens: false },
    Way { name: "PostgreSQL, an insert each, 32 at once", inbox: "inserts", cases: "1000", listens: false },
    Way { name: "store on PostgreSQL, known cases", inbox: "postgres", cases: "1000", listens: false },
    Way { name: "store on PostgreSQL, new cases", inbox: "postgres", cases: "0", listens: false },
    Way { name: "log, own listener", inbox: "log", cases: "1000", listens: true },
    Way { name: "store on SQLite, known, own listener", inbox: "sqlite", cases: "1000", listens: true },
    Way { name: "store on PostgreSQL, known, own listener", inbox: "postgres", cases: "1000", listens: true },
];

/// A running receiver with an empty inbox.
struct Run<'a> {
    service: Service,
    database: Option<&'a Database>,
    /// The files of the inbox, removed on drop.
    _folder: TempDir,
}

impl<'a> Run<'a> {
    /// Starts a receiver, or returns `None` if its inbox needs a database and there is none.
    async fn start(way: Way, database: Option<&'a Database>) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let (place, database) = match way.inbox {
            "inserts" | "postgres" => (database?.create().await, database),
            _ => (folder.path().to_str().unwrap().to_owned(), None),
        };
        Some(Self { service: Service::start(way.inbox, &place, way.listens), database, _folder: folder })
    }

    /// CPU seconds of the receiver, and of the database.
    fn cpu(&self) -> f64 {
        cpu(self.service.id(), false) + self.database.map_or(0.0, |database| cpu(database.id(), true))
    }

    /// Runs a command that sends webhooks, and returns the numbers that it prints.
    fn load(&self, command: &str, more: &[&str]) -> [f64; 6] {
        let output = again(&[&[command, &self.service.port.to_string()], more].concat()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        let numbers: Vec<f64> = printed.split_whitespace().map(|number| number.parse().unwrap()).collect();
        numbers.try_into().unwrap()
    }
}

/// Compares the ways with 64 senders, as fast as they can.
pub async fn at_once() {
    let database = Database::start();
    let mut all: [[Vec<f64>; 5]; WAYS.len()] = Default::default();
    for _ in 0..ROUNDS {
        for (way, figures) in WAYS.iter().zip(&mut all) {
            let Some(run) = Run::start(*way, database.as_ref()).await else { continue };
            let connections = if way.listens { "fresh" } else { "kept" };
            // Creates the keys of known cases.
            run.load("send", &[way.cases, "0", connections, "1"]);
            let before = run.cpu();
            let [accepted, seconds, middle, last, _, refused] =
                run.load("send", &[way.cases, FIRST, connections, &SECONDS.to_string()]);
            let cpu = (run.cpu() - before) / accepted * 1e6;
            for (figures, figure) in figures.iter_mut().zip([accepted / seconds, middle, last, cpu, refused]) {
                figures.push(figure);
            }
        }
    }
    let ends = |figures: &[f64]| {
        let fold = |fold: fn(f64, f64) -> f64, from| figures.iter().copied().fold(from, fold);
        format!("{:.0} to {:.0}", fold(f64::min, f64::INFINITY), fold(f64::max, 0.0))
    };
    println!(
        "durable acceptance of 1 KB webhooks, 64 senders, through HTTP; median of {ROUNDS} runs of {SECONDS} s each"
    );
    println!("{:<42}{:>11}{:>18}{:>11}{:>11}{:>9}{:>9}", "", "webhooks", "", "median", "p99", "CPU", "refused");
    let figures = all.map(|figures| match figures[0].is_empty() {
        true => None,
        false => Some((ends(&figures[0]), figures.map(median))),
    });
    for (way, figures) in WAYS.iter().zip(&figures) {
        match figures {
            Some((ends, [rate, middle, last, cpu, refused])) => println!(
                "{:<42}{rate:>9.0}/s{ends:>18}{middle:>8.2} ms{last:>8.2} ms{cpu:>6.0} us{refused:>9.0}",
                way.name
            ),
            None => println!("{:<42} not measured: PostgreSQL is not installed", way.name),
        }
    }
    let ratio = |of: usize, by: usize, figure: usize| match (&figures[of], &figures[by]) {
        (Some((_, of)), Some((_, by))) => format!("{:.2}", of[figure] / by[figure]),
        _ => "-".to_owned(),
    };
    for (of, cases) in [(2, "known"), (3, "new")] {
        println!("SQLite, {cases} cases / log: {} (>= 0.88), p99 {} (<= 2.5)", ratio(of, 0, 0), ratio(of, 0, 2));
        println!("SQLite, {cases} cases / a transaction each: {} (>= 8)", ratio(of, 1, 0));
    }
    for (of, cases) in [(5, "known"), (6, "new")] {
        println!("PostgreSQL, {cases} cases / an insert each: {} (>= 2.2)", ratio(of, 4, 0));
    }
}

/// Measures the time to the response when 500 webhooks arrive in a second.
pub async fn paced() {
    const RATE: &str = "500";
    const SECONDS: &str = "20";
    let database = Database::start();
    println!("{RATE} webhooks per second for {SECONDS} s, each on its own connection to identkit's listener");
    println!("{:<42}{:>11}{:>11}{:>11}{:>9}", "", "median", "p99", "longest", "refused");
    for (name, inbox, cases) in [
        ("store on SQLite, known cases", "sqlite", "1000"),
        ("store on SQLite, new cases", "sqlite", "0"),
        ("store on PostgreSQL, known cases", "postgres", "1000"),
        ("store on PostgreSQL, new cases", "postgres", "0"),
    ] {
        let Some(run) = Run::start(Way { name, inbox, cases, listens: true }, database.as_ref()).await else {
            println!("{name:<42} not measured: PostgreSQL is not installed");
            continue;
        };
        let [_, _, middle, last, longest, refused] = run.load("pace", &[cases, "0", RATE, SECONDS]);
        println!("{name:<42}{middle:>8.2} ms{last:>8.2} ms{longest:>8.2} ms{refused:>9.0}");
    }
    println!("target: p99 below 250 ms, nothing refused");
}
