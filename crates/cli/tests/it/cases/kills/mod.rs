//! `kill -9` of many collectors, one after the other, while cases are opened and end, and while the vendor misbehaves.
#![allow(clippy::print_stdout, reason = "the figures of a campaign")]

mod people;
mod vendor;
pub(super) mod verdict;

use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use fastrand::Rng;

use self::people::People;
use self::vendor::Admin;
use self::verdict::Verdict;
use super::*;

/// Short, so that the cases of a killed process continue soon.
const LEASE: Duration = Duration::from_secs(3);

/// Longest life of a collector before its kill.
const LIFE: Duration = Duration::from_millis(1200);

/// Number of processes that open cases at once.
const OPENERS: u64 = 3;

/// Of this number of kills, one is of a process that was paused for longer than its lease.
const PAUSES: usize = 12;

/// Longer than all waits of the collector: three searches, two reads that lie apart, and failures.
pub(super) const ALL_WAITS: Duration = Duration::from_secs(20 * 60);

/// A number that an environment variable sets.
pub(super) fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect(variable))
}

/// What `identkit case open` said about a case.
pub(super) struct Opening {
    reference: String,
    /// `None` if the process was killed.
    code: Option<i32>,
    answer: Value,
}

/// The store, the vendor, and what is known about the cases.
struct Stage {
    service: Service,
    admin: Admin,
    /// URL of the webhooks, the same for all collectors: at most one of them receives at a time.
    webhook_base: String,
    address: String,
    is_over: AtomicBool,
    opened: Mutex<Vec<Opening>>,
    kills: AtomicUsize,
}

/// Ends the threads of the test, also if it fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Stage {
    fn new(seed: u64) -> Self {
        let seed = seed.to_string();
        let sandbox = Sandbox::with(&["--plain", "--profile", "chaos", "--seed", &seed]);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        Self {
            admin: Admin::new(&sandbox),
            service: Service::of(sandbox),
            webhook_base: format!("http://{address}"),
            address,
            is_over: AtomicBool::new(false),
            opened: Mutex::default(),
            kills: AtomicUsize::new(0),
        }
    }

    /// The command that starts a collector: the one that receives the webhooks, or another one.
    fn collector(&self, receives: bool) -> Command {
        let address = if receives { &self.address } else { "127.0.0.1:0" };
        let mut command = self.service.command(&format!("run --listen {address}"));
        command.args(["--webhook-base", &self.webhook_base, "--lease", &format!("{}s", LEASE.as_secs())]);
        command.arg("--token-file").arg(self.service.folder.path().join("tokens.json"));
        command.args([POSITIVE, "--outcome=Rejected=negative", "--sink"]).arg(self.service.sink());
        command
    }

    fn start(&self, receives: bool) -> Running {
        Running::start(&mut self.collector(receives))
    }

    /// Kills a collector.
    fn kill(&self, collector: Running) {
        let stderr = collector.kill();
        self.kills.fetch_add(1, Ordering::Relaxed);
        check_stderr(&stderr);
    }

    /// Opens cases until the end, some of them by processes that are killed.
    fn open_cases(&self, opener: u64) {
        let mut rng = Rng::with_seed(opener);
        for number in 0.. {
            std::thread::sleep(Duration::from_millis(rng.u64(..2500)));
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            let kind = rng.choice(people::KINDS).unwrap();
            let reference = format!("{}-{opener}-{number}", kind.word());
            let mut command = self.service.command(&format!("case open - --provider {}", kind.provider()));
            command.args(["--lease", "3s", "--output", "json"]);
            let input = kind.case(&reference);
            let opening = match rng.u8(..8) {
                0 => {
                    open_and_kill(&mut command, &input, Duration::from_micros(rng.u64(..60_000)));
                    Opening { reference, code: None, answer: Value::Null }
                }
                _ => {
                    let run = feed(&mut command, input.as_bytes());
                    check_stderr(&run.stderr);
                    let answer = serde_json::from_str(&run.stdout).unwrap_or_default();
                    Opening { reference, code: run.code, answer }
                }
            };
            self.opened.lock().unwrap().push(opening);
        }
    }

    /// Kills collectors at random moments.
    fn kill_collectors(&self, kills: usize) {
        let mut rng = Rng::with_seed(7);
        while self.kills.load(Ordering::Relaxed) < kills {
            match self.kills.load(Ordering::Relaxed) % PAUSES {
                5 => self.kill_while_starting(&mut rng),
                9 => self.pause_and_kill(&mut rng),
                _ => {
                    let collector = self.start(true);
                    wait_for_a_moment(&collector, &mut rng);
                    self.kill(collector);
                }
            }
        }
    }

    /// Kills a collector that may not have opened the store yet.
    fn kill_while_starting(&self, rng: &mut Rng) {
        let mut child = self.collector(true).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(rng.u64(..40_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        self.kills.fetch_add(1, Ordering::Relaxed);
    }

    /// Pauses a collector for longer than its lease, while another one works. Then both work until they are killed.
    fn pause_and_kill(&self, rng: &mut Rng) {
        let paused = self.start(true);
        wait_for_a_moment(&paused, rng);
        send("STOP", paused.child.id());
        let other = Running::try_start(&mut self.collector(false));
        if let Ok(other) = &other {
            std::thread::sleep(LEASE + Duration::from_millis(rng.u64(..1500)));
            send("CONT", paused.child.id());
            wait_for_a_moment(other, rng);
        }
        self.kill(paused);
        match other {
            Ok(other) => self.kill(other),
            // It was paused in the middle of a write of the store.
            Err(failed) => drop(failed.ends_with(7, &["another process holds the database"])),
        }
    }
}

/// Waits for a random time, or until shortly after the collector has reported something.
fn wait_for_a_moment(collector: &Running, rng: &mut Rng) {
    let life = LIFE.mul_f64(rng.f64());
    if rng.bool() {
        return std::thread::sleep(life);
    }
    let length = || collector.stderr.as_file().metadata().unwrap().len();
    let (began, before) = (Instant::now(), length());
    while length() == before && began.elapsed() < life {
        std::thread::sleep(Duration::from_micros(500));
    }
    std::thread::sleep(Duration::from_micros(rng.u64(..15_000)));
}

fn open_and_kill(command: &mut Command, input: &str, after: Duration) {
    use std::io::Write as _;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // The process can end before it has read all.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
}

pub(super) fn check_stderr(stderr: &str) {
    assert!(!PERSONS.iter().any(|name| stderr.contains(name)), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

/// With `IDENTKIT_RUN_KILLS_PATIENCE`, the number of seconds that the cases have after the last kill. With a time that is
/// long enough for every wait of the collector, all of them must have ended or need a person.
#[test]
fn killed_collectors_lose_and_repeat_nothing() {
    let kills = usize::try_from(number("IDENTKIT_RUN_KILLS", 15)).unwrap();
    let patience = Duration::from_secs(number("IDENTKIT_RUN_KILLS_PATIENCE", 10));
    let stage = Stage::new(number("IDENTKIT_RUN_KILLS_SEED", 1));
    // The URL of identify24's webhooks is the same at each start.
    let first = stage.start(true);
    let url = &first.ready["identify24_webhook"];
    stage.admin.json("settings", Some(&json!({ "identify24": { "webhook_url": url } })));
    first.end("TERM");

    let people = People::new(&stage.admin);
    std::thread::scope(|scope| {
        let end = End(&stage.is_over);
        for opener in 0..OPENERS {
            let stage = &stage;
            scope.spawn(move || stage.open_cases(opener));
        }
        scope.spawn(|| people.act(&stage.is_over));
        stage.kill_collectors(kills);
        drop(end);
    });
    people.end();

    let began = Instant::now();
    let last = stage.start(true);
    let cases = verdict::settle(&stage.service, patience, || people.read_journal_if_due());
    check_stderr(&last.end("TERM").stderr);
    let cases = verdict::reread(&stage.service, cases);
    people.read_journal();
    println!("{} kills; {} s after the last one:", stage.kills.load(Ordering::Relaxed), began.elapsed().as_secs());
    let (persons, calls) = people.into_notes();
    let opened = stage.opened.into_inner().unwrap();
    let (service, admin) = (&stage.service, &stage.admin);
    Verdict { service, admin, opened, cases, persons, calls }.judge(patience);
}
