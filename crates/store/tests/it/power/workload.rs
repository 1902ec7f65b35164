//! What the traced process does: tasks that use cases of their own, so that the outcome of each step is known.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use fastrand::Rng;
use identkit_core::{CaseRef, Error, Kind, Secret};
use identkit_store::{
    Artifact, Case, CaseId, Claim, Deletion, Entry, EventId, Finish, Intent, Retention, Sqlite, Store,
};
use jiff::Timestamp;

use crate::support::{PROVIDER, at, delivery, key};

/// Number of tasks that write at once.
pub(crate) const TASKS: usize = 8;
/// Number of steps of each task.
pub(crate) const STEPS: usize = 28;
/// The step before which the store is closed and opened again.
const REOPENED: usize = 20;
/// Number of cases of each task.
const CASES: usize = 2;
/// Maximum number of tokens of each task.
pub(crate) const TOKENS: usize = 4;
/// Number of operations that a task sometimes begins at once. Together they are enough for checkpoints, which move the
/// WAL into the file.
const BURST: usize = 80;
/// All work of the first task is due before this time, and that of the others after it: only the first one claims what
/// is due.
const LATE: i64 = 1_000_000;

/// A task, which makes the same steps for the same seed.
pub(crate) struct Task {
    number: usize,
    rng: Rng,
    step: usize,
    /// The present claims by the names of the cases.
    claims: BTreeMap<String, Claim>,
    responses: Vec<u64>,
    tokens: usize,
    swaps: u64,
    last_event: u64,
}

/// Passes on a success. A conflict is one of the expected outcomes.
fn agreed<T>(result: Result<T, Error>) -> Option<T> {
    result.map_err(|error| assert_eq!(error.kind(), Kind::Conflict, "{error}")).ok()
}

impl Task {
    pub(crate) fn new(seed: u64, number: usize) -> Self {
        let rng = Rng::with_seed(seed * 1_000 + number as u64);
        let (claims, responses) = (BTreeMap::new(), Vec::new());
        Self { number, rng, step: 0, claims, responses, tokens: 0, swaps: 0, last_event: 0 }
    }

    fn now(&self) -> Timestamp {
        at(if self.number == 0 { 0 } else { LATE } + self.seconds())
    }

    fn seconds(&self) -> i64 {
        i64::try_from(self.step).unwrap()
    }

    /// A name that no other step uses.
    fn unique(&self) -> String {
        format!("{}-step{}", self.number, self.step)
    }

    fn random_case(&mut self) -> String {
        format!("{}-case{}", self.number, self.rng.usize(..CASES))
    }

    fn random_claim(&mut self) -> Option<(String, Claim)> {
        let index = self.rng.usize(..CASES) % self.claims.len().max(1);
        self.claims.iter().nth(index).map(|(name, claim)| (name.clone(), *claim))
    }

    fn random_bytes(&mut self) -> Vec<u8> {
        // A long text needs several pages.
        let length = if self.rng.usize(..8) == 0 { self.rng.usize(..9_000) } else { self.rng.usize(..150) };
        self.unique().into_bytes().into_iter().cycle().take(length).collect()
    }

    /// Makes the next step.
    pub(crate) async fn advance(&mut self, store: &Store) {
        let choice = self.rng.usize(..100);
        if self.step % 4 == 3 {
            self.swap(store).await;
        } else {
            match choice {
                0..30 => self.accept(store).await,
                30..42 => self.create(store).await,
                42..62 => self.save(store).await,
                62..72 => self.finish(store).await,
                72..80 => self.claim(store).await,
                80..90 => self.record(store).await,
                _ => self.purge(store).await,
            }
        }
        self.step += 1;
    }

    async fn accept(&mut self, store: &Store) {
        let (case, bytes) = (self.random_case(), self.random_bytes());
        let seconds = if self.number == 0 { 0 } else { LATE } + self.seconds();
        let delivery = delivery(&case, &self.unique(), seconds).with_request(bytes);
        self.last_event = store.accept(&delivery).await.unwrap().0;
    }

    async fn create(&mut self, store: &Store) {
        let (name, data) = (self.random_case(), self.random_bytes());
        let intent = Intent::new(PROVIDER, name.as_str(), self.now()).with_status("new").with_data(data);
        if let Some(claim) = agreed(store.create(&intent).await) {
            self.claims.insert(name, claim);
        }
    }

    async fn save(&mut self, store: &Store) {
        let (data, opens) = (self.random_bytes(), self.rng.bool());
        let Some((name, claim)) = self.random_claim() else { return };
        let Some(mut case) = store.case(claim.case()).await.unwrap() else { return };
        (case.data, case.status) = (data.clone().into(), self.unique());
        if opens {
            case.opened = Some(CaseRef::new(PROVIDER, name.as_str()));
        }
        let artifact = Artifact::new(self.unique(), "sink", 1, [7; 32]);
        let entries = [Entry::History(data.into()), Entry::Artifact(artifact)];
        agreed(store.save(&claim, &mut case, &entries, self.now()).await);
    }

    async fn finish(&mut self, store: &Store) {
        let due = self.now();
        let end = match self.rng.usize(..4) {
            0 => Finish::Done,
            1 => Finish::Wait { due },
            2 => Finish::Retry { due },
            _ => Finish::Dead { reason: self.unique() },
        };
        if let Some((name, claim)) = self.random_claim() {
            agreed(store.finish(&claim, end).await);
            self.claims.remove(&name);
        }
    }

    async fn claim(&mut self, store: &Store) {
        let choice = self.rng.usize(..3);
        if self.number == 0 && choice > 0 {
            for claim in store.claim(2, at(LATE - 1)).await.unwrap() {
                if let Some(case) = store.case(claim.case()).await.unwrap() {
                    self.claims.insert(name(&case), claim);
                }
            }
            return;
        }
        let Some((name, claim)) = self.random_claim() else { return };
        if choice == 0 {
            agreed(store.renew(&claim).await);
            return;
        }
        let held = store.claimed(CaseId(claim.case().0 - 1), 1).await.unwrap();
        if let Some(held) = held.into_iter().find(|held| held.case == claim.case().0)
            && let Some(claim) = store.take_over(held).await.unwrap()
        {
            self.claims.insert(name, claim);
        }
    }

    /// Writes what belongs to no case.
    async fn record(&mut self, store: &Store) {
        match self.rng.usize(..4) {
            0 => {
                let body = self.random_bytes().into();
                let id = store.add_response(&self.unique(), self.now(), &body).await.unwrap();
                self.responses.push(id);
            }
            1 => {
                let deletion = Deletion::new(self.now(), self.unique(), vec![[7; 32]]);
                store.add_deletion(&deletion).await.unwrap();
            }
            2 if self.tokens < TOKENS => {
                store.add_token(PROVIDER, "OnFinal", &token(self.number, self.tokens)).await.unwrap();
                self.tokens += 1;
            }
            _ => {
                if let Some(id) = self.responses.pop() {
                    store.remove_response(id).await.unwrap();
                }
            }
        }
    }

    async fn purge(&mut self, store: &Store) {
        let (name, choice) = (self.random_case(), self.rng.usize(..6));
        match choice {
            // These two concern all cases that are old, which only the first task has, and keys that nothing uses.
            0 if self.number == 0 => drop(store.purge_expired(&Retention::new(at(LATE - 1))).await.unwrap()),
            1 if self.number == 0 => drop(store.remove_unused_keys().await.unwrap()),
            _ => {
                let name = Secret::from(name);
                let case = match store.case_by_reference(PROVIDER, &name).await.unwrap() {
                    None => store.case_by_vendor_id(PROVIDER, &name).await.unwrap(),
                    found => found,
                };
                match case {
                    Some(case) if choice == 2 => drop(store.replay(case.id, self.now()).await.unwrap()),
                    Some(case) => drop(store.purge(case.id).await.unwrap()),
                    None => {}
                }
            }
        }
    }

    /// Swaps the watermark of the task many times at once: one of them changes it.
    async fn swap(&mut self, store: &Store) {
        let before = (self.swaps > 0).then(|| self.swaps.to_le_bytes());
        self.swaps += 1;
        let after = self.swaps.to_le_bytes();
        let mut swaps = tokio::task::JoinSet::new();
        for _ in 0..BURST {
            let (store, name) = (store.clone(), watermark(self.number));
            swaps.spawn(async move {
                store.swap_watermark(&name, before.as_ref().map(<[u8; 8]>::as_slice), &after).await.unwrap()
            });
        }
        let swapped = swaps.join_all().await;
        assert_eq!(swapped.into_iter().filter(|swapped| *swapped).count(), 1);
    }
}

/// A token of a task.
pub(crate) fn token(task: usize, number: usize) -> Secret {
    format!("{:A<43}", format!("{task}-{number}-")).into()
}

/// Name of the watermark of a task.
pub(crate) fn watermark(task: usize) -> String {
    format!("watermark {task}")
}

/// The caller's name of a case. In this workload, the vendor uses the same one.
pub(crate) fn name(case: &Case) -> String {
    let name = case.reference.as_ref().or(case.vendor_id.as_ref()).unwrap();
    name.expose().to_owned()
}

/// Opens the store of the workload.
pub(crate) async fn open(folder: &Path) -> Result<Store, Error> {
    Store::open(Arc::new(Sqlite::builder(folder.join("state")).open()?), key()).await
}

/// The child: makes all steps of all tasks on the store in `root/files`. It writes a line to `root/acknowledged` before
/// each step, and one after it.
pub(crate) async fn run(root: &Path, seed: u64) {
    let marks = OpenOptions::new().append(true).create(true).open(root.join("acknowledged")).unwrap();
    let marks = Arc::new(marks);
    let mut tasks: Vec<Task> = (0..TASKS).map(|number| Task::new(seed, number)).collect();
    for steps in [REOPENED, STEPS - REOPENED] {
        let store = open(&root.join("files")).await.unwrap();
        let running: Vec<_> = tasks
            .into_iter()
            .map(|task| tokio::spawn(advance(task, store.clone(), steps, Arc::clone(&marks))))
            .collect();
        tasks = Vec::new();
        for task in running {
            tasks.push(task.await.unwrap());
        }
        // Closes the database, after which no thread has a call that could be cut short by the end of the process.
        drop(store);
    }
}

async fn advance(mut task: Task, store: Store, steps: usize, marks: Arc<File>) -> Task {
    for _ in 0..steps {
        let mark = Mark { task: task.number, step: task.step, done: false, event: EventId(0) };
        (&*marks).write_all(mark.line().as_bytes()).unwrap();
        task.advance(&store).await;
        let mark = Mark { done: true, event: EventId(task.last_event), ..mark };
        (&*marks).write_all(mark.line().as_bytes()).unwrap();
    }
    task
}

/// A line that the child writes before and after a step.
pub(crate) struct Mark {
    pub(crate) task: usize,
    pub(crate) step: usize,
    pub(crate) done: bool,
    /// The last event that the task has had accepted.
    pub(crate) event: EventId,
}

impl Mark {
    fn line(&self) -> String {
        format!("{} {} {} {}\n", self.task, self.step, self.done, self.event.0)
    }

    pub(crate) fn parse(line: &str) -> Self {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap();
        Self {
            task: word().parse().unwrap(),
            step: word().parse().unwrap(),
            done: word().parse().unwrap(),
            event: EventId(word().parse().unwrap()),
        }
    }
}
