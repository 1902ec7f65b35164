//! Workers of several processes that are killed or paused at any time: each delivery has one effect, and the work of a
//! killed worker is continued.
#![allow(clippy::print_stdout, reason = "the lines of the workers, and the figures of a campaign")]

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use identkit_core::{BoxFuture, Clock, Error, Instant, Kind, WorkGuard};
use identkit_store::{CaseId, Claim, Entry, EventId, EventState, Finish, Store, Worker};
use identkit_testkit::{eventually, pause, within};
use jiff::Timestamp;

use super::engine;
use super::server::shared;
use crate::kills::events_after;
use crate::support::{PROVIDER, accept, delivery, key, rounds};

const CHILD: &str = "IDENTKIT_STORE_WORKER";
const LEASE: Duration = Duration::from_millis(600);
/// How long a worker waits for a notification before it looks for work.
const POLL: Duration = Duration::from_millis(100);
const WORKERS: usize = 8;
const CASES: usize = 24;

/// The clock of this machine.
#[derive(Debug)]
struct RealClock(std::time::Instant);

#[allow(clippy::disallowed_methods, reason = "the workers are real processes")]
fn instant() -> std::time::Instant {
    std::time::Instant::now()
}

impl Clock for RealClock {
    #[allow(clippy::disallowed_methods, reason = "the workers are real processes")]
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn now(&self) -> Instant {
        Instant(instant() - self.0)
    }

    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, WorkGuard> {
        let time = at.0.saturating_sub(self.now().0);
        Box::pin(async move {
            pause(time).await;
            WorkGuard::idle()
        })
    }

    fn hold(&self) -> WorkGuard {
        WorkGuard::idle()
    }
}

/// The child: works until it is killed, and prints each claim and each end of one.
async fn work_until_killed(url: &str) {
    let store = Store::open(engine(url).await, key()).await.unwrap();
    let worker = Worker::new(store.clone(), Arc::new(RealClock(instant())), LEASE);
    println!("\nready 0 0");
    let mut running = tokio::task::JoinSet::new();
    loop {
        match worker.claim(2).await {
            Ok(claims) => {
                for claim in claims {
                    println!("\nclaimed {} {}", claim.case().0, claim.fence());
                    let store = store.clone();
                    running.spawn(async move {
                        let what = match work(&store, &claim).await {
                            Ok(()) => "finished",
                            Err(error) if error.kind() == Kind::Conflict || is_temporary(&error) => "fenced",
                            Err(error) => panic!("{error}"),
                        };
                        println!("\n{what} {} {}", claim.case().0, claim.fence());
                    });
                }
            }
            Err(error) => assert!(is_temporary(&error), "{error}"),
        }
        let _ = within(POLL, store.changed()).await;
        while let Some(ended) = running.try_join_next() {
            ended.unwrap();
        }
    }
}

/// The server ends the connection of a process that is paused in a transaction.
fn is_temporary(error: &Error) -> bool {
    matches!(error.kind(), Kind::Unavailable | Kind::Storage)
}

/// Records each delivery of the claimed unit once. The data of the case are the number of its recorded deliveries.
async fn work(store: &Store, claim: &Claim) -> Result<(), Error> {
    let Some(mut case) = store.case(claim.case()).await? else { panic!("a claimed case does not exist") };
    let events = store.events_of(case.id, EventId::default(), 10_000).await?;
    let mut recorded = recorded(store, case.id).await?;
    let mut entries = Vec::new();
    for event in events.iter().filter(|event| event.state == EventState::Claimed) {
        let name = &event.delivery.event.name;
        if !recorded.contains(name) {
            recorded.push(name.clone());
            entries.push(Entry::History(name.clone().into_bytes().into()));
        }
    }
    pause(Duration::from_millis(fastrand::u64(..60))).await;
    store.renew(claim).await?;
    case.data = recorded.len().to_string().into_bytes().into();
    store.save(claim, &mut case, &entries, Timestamp::UNIX_EPOCH).await?;
    pause(Duration::from_millis(fastrand::u64(..30))).await;
    store.finish(claim, Finish::Done).await
}

/// The names of the deliveries that are recorded in a case.
async fn recorded(store: &Store, case: CaseId) -> Result<Vec<String>, Error> {
    let entries = store.entries(case, 0, 10_000).await?.into_iter();
    let names = entries.filter_map(|stored| match stored.entry {
        Entry::History(name) => String::from_utf8(name.expose().clone()).ok(),
        _ => None,
    });
    Ok(names.collect())
}

/// A line of a worker: its time, the worker, what happened, the case and the number of the claim.
type Line = (std::time::Instant, usize, String, u64, u64);

/// The workers by their numbers, and what they printed.
struct Workers {
    url: String,
    running: BTreeMap<usize, Child>,
    started: usize,
    lines: Arc<Mutex<Vec<Line>>>,
    killed: Vec<(std::time::Instant, usize)>,
    /// The workers that are paused, with the number of kills after which they continue.
    paused: BTreeMap<usize, usize>,
}

impl Workers {
    fn start(&mut self) {
        self.started += 1;
        let number = self.started;
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "postgres::workers::killed_workers_have_one_effect_per_delivery", "--nocapture"]);
        let mut child = child.env(CHILD, &self.url).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let lines = Arc::clone(&self.lines);
        std::thread::spawn(move || {
            for line in output {
                let words: Vec<&str> = line.split(' ').collect();
                if let [what @ ("ready" | "claimed" | "finished" | "fenced"), case, fence] = words[..] {
                    let (case, fence) = (case.parse().unwrap(), fence.parse().unwrap());
                    lines.lock().unwrap().push((instant(), number, what.to_owned(), case, fence));
                }
            }
        });
        self.running.insert(number, child);
    }

    /// Kills one worker, and starts another. With `pauses`, sometimes pauses one for longer than its lease instead.
    fn disturb(&mut self, rng: &mut Rng, pauses: bool) {
        let awake = self.running.keys().copied().filter(|number| !self.paused.contains_key(number)).collect::<Vec<_>>();
        let busy = awake.iter().filter(|number| !self.held(**number).is_empty()).collect::<Vec<_>>();
        let number = *rng.choice(busy).unwrap_or(&awake[rng.usize(..awake.len())]);
        if pauses && self.paused.len() < 3 && rng.usize(..3) == 0 {
            signal(&self.running[&number], "-STOP");
            self.paused.insert(number, self.killed.len() + 12);
            return;
        }
        let mut child = self.running.remove(&number).unwrap();
        assert!(child.try_wait().unwrap().is_none(), "a worker ended before it was killed");
        child.kill().unwrap();
        self.killed.push((instant(), number));
        child.wait().unwrap();
        self.start();
    }

    /// Continues paused workers. All of them if there will be no further kills.
    fn resume(&mut self, all: bool) {
        let killed = self.killed.len();
        self.paused.retain(|number, until| {
            let stays = !all && *until > killed;
            if !stays {
                signal(&self.running[number], "-CONT");
            }
            stays
        });
    }

    /// The claims that a worker has not ended, by the ids of the cases.
    fn held(&self, number: usize) -> HashMap<u64, u64> {
        let mut held = HashMap::new();
        for (_, _, what, case, fence) in self.lines.lock().unwrap().iter().filter(|line| line.1 == number) {
            match what.as_str() {
                "claimed" => held.insert(*case, *fence),
                _ => held.remove(case),
            };
        }
        held
    }

    fn end(&mut self) {
        for child in self.running.values_mut() {
            assert!(child.try_wait().unwrap().is_none(), "a worker failed");
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// For each claim that a killed worker had, the time until another worker claimed the case.
    fn recoveries(&self) -> Vec<Duration> {
        let mut recoveries = Vec::new();
        for (time, number) in &self.killed {
            let held = self.held(*number);
            let lines = self.lines.lock().unwrap();
            for (case, fence) in held {
                // The number of the next claim: a later one is that of another unit, because the first one had ended.
                let next = lines.iter().find(|line| line.2 == "claimed" && line.3 == case && line.4 == fence + 1);
                recoveries.extend(next.map(|next| next.0.saturating_duration_since(*time)));
            }
        }
        recoveries
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for child in self.running.values_mut() {
            let _ = child.kill();
        }
    }
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_workers_have_one_effect_per_delivery() {
    if let Ok(url) = std::env::var(CHILD) {
        return work_until_killed(&url).await;
    }
    let Some(server) = shared().await else { return };
    let url = server.database().await;
    let store = Store::open(engine(&url).await, key()).await.unwrap();
    let (kills, mut rng) = (rounds("IDENTKIT_STORE_WORKER_KILLS", 6), Rng::with_seed(1));
    let mut workers = Workers {
        url,
        running: BTreeMap::new(),
        started: 0,
        lines: Arc::default(),
        killed: Vec::new(),
        paused: BTreeMap::new(),
    };
    (0..WORKERS).for_each(|_| workers.start());
    let ready = || workers.lines.lock().unwrap().iter().filter(|line| line.2 == "ready").count() == WORKERS;
    eventually("all workers are ready", ready).await;
    let mut accepted = 0;
    let mut recoveries = Vec::new();
    // A paused worker can delay all others until the server ends its connection, so pauses come later.
    for (pauses, kills) in [(false, kills), (true, kills + kills.div_ceil(2))] {
        while workers.killed.len() < kills {
            for _ in 0..rng.usize(8..24) {
                accept(&store, &delivery(&format!("case {}", rng.usize(..CASES)), &accepted.to_string(), 1)).await;
                accepted += 1;
            }
            pause(Duration::from_millis(rng.u64(10..120))).await;
            workers.disturb(&mut rng, pauses);
            workers.resume(false);
        }
        // Those that are paused still have claims when others have taken their work over.
        pause(LEASE * 2).await;
        workers.resume(true);
        if !pauses {
            recoveries = workers.recoveries();
        }
    }
    for turn in 0.. {
        assert!(turn < 600, "the deliveries do not converge");
        let events = events_after(&store, &mut EventId::default()).await;
        let done = events.len() == accepted && events.iter().all(|event| event.state == EventState::Done);
        if done && store.claimed(CaseId::default(), 1).await.unwrap().is_empty() {
            break;
        }
        pause(Duration::from_millis(100)).await;
    }
    workers.end();

    let mut total = 0;
    for number in 0..CASES {
        let Some(case) = store.case_by_vendor_id(PROVIDER, &format!("case {number}").into()).await.unwrap() else {
            continue;
        };
        let mut expected: Vec<String> = store
            .events_of(case.id, EventId::default(), 10_000)
            .await
            .unwrap()
            .into_iter()
            .map(|event| event.delivery.event.name)
            .collect();
        let mut recorded = recorded(&store, case.id).await.unwrap();
        assert_eq!(String::from_utf8_lossy(case.data.expose()), recorded.len().to_string(), "case {number}");
        expected.sort();
        recorded.sort();
        assert_eq!(recorded, expected, "case {number}");
        total += recorded.len();
    }
    assert_eq!(total, accepted);
    recoveries.sort();
    let fenced = workers.lines.lock().unwrap().iter().filter(|line| line.2 == "fenced").count();
    println!(
        "{} killed workers: {accepted} deliveries recorded once; {fenced} outdated claims rejected; {} claims of workers killed \
         without pauses continued after {:?} (median), {:?} (maximum); lease {LEASE:?}, poll interval {POLL:?}",
        workers.killed.len(),
        recoveries.len(),
        recoveries.get(recoveries.len() / 2),
        recoveries.last(),
    );
}
