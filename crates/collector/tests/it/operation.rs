//! Operation over time: stopped workers, slow hooks, lost cases, changed settings and damaged rows.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{Either, select};
use identkit_collector::{
    CaseHooks, CaseState, CollectorBuilder, Command, DeletePolicy, Incident, Notice, NoticedCase, Timing,
};
use identkit_core::{Error, EvidenceKind, Kind, NewCase, Outcome, async_trait};
use identkit_store::{Finish, Intent};
use tokio::time::Instant;

use crate::sim::{Fuse, Moment, PROVIDER, Process, Reaction, World, wishing};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

type Incidents = Arc<Mutex<Vec<Incident>>>;

/// A process whose incidents are recorded.
async fn observed(world: &World, configure: impl FnOnce(CollectorBuilder) -> CollectorBuilder) -> (Process, Incidents) {
    let incidents = Incidents::default();
    let list = Arc::clone(&incidents);
    let report = move |incident| list.lock().unwrap().push(incident);
    let process = world.process_with(Fuse::none(), |builder| configure(builder.on_incident(report))).await;
    (process, incidents)
}

fn timing(change: impl FnOnce(&mut Timing)) -> Timing {
    let mut timing = Timing::default();
    change(&mut timing);
    timing
}

#[tokio::test(start_paused = true)]
async fn a_command_takes_over_the_case_of_a_stopped_worker() {
    let world = World::new();
    let (process, incidents) = observed(&world, |builder| builder).await;
    let case = process.open().await.unwrap().case;
    let store = process.collector.store();
    // A worker that renews its claim keeps the case.
    let claim = store.claim_case(case).await.unwrap().unwrap();
    let renew = async {
        loop {
            tokio::time::sleep(Duration::from_secs(10)).await;
            store.renew(&claim).await.unwrap();
        }
    };
    let command = process.collector.command(case, Command::Pause);
    let Either::Left((result, _)) = select(pin!(command), pin!(renew)).await;
    assert_eq!(result.unwrap_err().kind(), identkit_core::Kind::Conflict);
    assert!(!process.report().await.paused);
    // It was killed.
    let begin = Instant::now();
    process.collector.command(case, Command::Pause).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(30) && begin.elapsed() < MINUTE, "{:?}", begin.elapsed());
    assert!(process.report().await.paused);
    let incidents = incidents.lock().unwrap();
    let waits = incidents.iter().filter(|one| matches!(one, Incident::Waiting { limit, .. } if *limit == MINUTE));
    assert_eq!(waits.count(), 2, "each wait is reported once");
}

#[tokio::test(start_paused = true)]
async fn a_case_of_another_provider_is_left_to_others() {
    let world = World::new();
    let (process, incidents) = observed(&world, |builder| builder).await;
    let store = process.collector.store();
    let claim = store.create(&Intent::new("other", "reference-9", world_time(&world))).await.unwrap();
    store.finish(&claim, Finish::Retry { due: world_time(&world) }).await.unwrap();
    process.run(HOUR).await;
    let case = store.case(claim.case()).await.unwrap().unwrap();
    assert_eq!((case.pending, case.attempts), (true, 1), "only its creation was an attempt");
    assert!(incidents.lock().unwrap().is_empty(), "{incidents:?}");
    let error = process.collector.command(claim.case(), Command::Retry).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidInput);
    assert_eq!(store.case(claim.case()).await.unwrap().unwrap().attempts, 1);
}

fn world_time(world: &World) -> jiff::Timestamp {
    identkit_core::Clock::wall(&world.clock)
}

/// Hooks that do not return while the flag is set.
#[derive(Clone, Debug, Default)]
struct Hanging {
    hangs: Arc<AtomicBool>,
    confirmed: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl CaseHooks for Hanging {
    async fn on_outcome(&self, case: &NoticedCase, notice: &Notice) -> Result<(), Error> {
        let reference = case.reference.as_ref().unwrap().expose();
        if reference == "reference-1" && self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.confirmed.lock().unwrap().push(format!("{reference} {:?}", notice.kind));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_hangs_does_not_block_the_collector() {
    let world = World::new();
    let hooks = Hanging::default();
    hooks.hangs.store(true, Ordering::SeqCst);
    let given = Arc::new(hooks.clone());
    let (process, incidents) = observed(&world, |builder| builder.hooks(given).concurrency(1)).await;
    drop(process.open().await.unwrap());
    let new = NewCase { reference: Some("reference-2".into()), ..NewCase::default() };
    let second = process.collector.open(PROVIDER, &new).await.unwrap().case;
    world.finish(Outcome::Positive);
    world.deliver(&process, "Final").await;
    process.run(MINUTE * 3).await;
    // Both cases continue: the hook has had its time.
    for case in process.collector.store().cases(None, Default::default(), 10).await.unwrap() {
        assert_eq!(case.status, "deleted");
    }
    assert_eq!(*hooks.confirmed.lock().unwrap(), ["reference-2 Outcome"]);
    let slow = |one: &Incident| matches!(one, Incident::Unconfirmed { case, error } if *case != second && error.kind() == Kind::Timeout);
    assert!(incidents.lock().unwrap().iter().any(slow), "{incidents:?}");
    hooks.hangs.store(false, Ordering::SeqCst);
    process.run(MINUTE * 3).await;
    assert_eq!(*hooks.confirmed.lock().unwrap(), ["reference-2 Outcome", "reference-1 Outcome"]);
}

fn close() -> Command {
    Command::Close("the vendor has confirmed the loss".into())
}

#[tokio::test(start_paused = true)]
async fn at_59_a_case_that_the_vendor_lost_can_be_closed() {
    let world = World::new();
    let process = world.process().await;
    let case = process.open().await.unwrap().case;
    let refused = async || process.collector.command(case, close()).await.unwrap_err().kind();
    assert_eq!(refused().await, Kind::InvalidState, "the vendor has it");
    let orders = std::mem::take(&mut world.vendor.lock().unwrap().orders);
    // One 404 can be a transient error, and two without another answer in between must lie apart.
    process.run(MINUTE * 2).await;
    assert_eq!(refused().await, Kind::InvalidState);
    world.vendor.lock().unwrap().orders = orders;
    process.run(MINUTE * 10).await;
    assert_eq!(process.report().await.state, CaseState::Open);
    world.vendor.lock().unwrap().orders.clear();
    process.collector.command(case, Command::Retry).await.unwrap();
    process.run(MINUTE * 2).await;
    assert_eq!(refused().await, Kind::InvalidState);
    process.run(MINUTE * 15).await;
    let report = process.report().await;
    assert_eq!(report.state, CaseState::Stuck);
    assert!(report.next_step.contains("case close"), "{report:?}");
    process.collector.command(case, close()).await.unwrap();
    process.run(MINUTE * 3).await;
    let report = process.report().await;
    assert_eq!((report.state, report.outcome), (CaseState::Closed, Some(Outcome::Gone)));
    for words in ["the vendor has confirmed the loss", "answered 404 from 2026-11-30T"] {
        assert!(report.reason.contains(words), "{}", report.reason);
    }
    assert_eq!(world.hooked.kinds(), ["Stuck", "Stuck", "Outcome"]);
}

#[tokio::test(start_paused = true)]
async fn an_ended_case_that_the_vendor_lost_can_be_closed() {
    let world = World::new();
    let process = world.process().await;
    let case = process.open().await.unwrap().case;
    world.finish(Outcome::Positive);
    // The order is planned, and then lost with all of its data.
    world.vendor.lock().unwrap().reactions.insert("evidence", vec![Reaction::Miss; 1_000]);
    world.deliver(&process, "Final").await;
    process.run(MINUTE * 30).await;
    assert_eq!(process.report().await.state, CaseState::Stuck);
    process.collector.command(case, close()).await.unwrap();
    process.run(MINUTE * 3).await;
    let report = process.report().await;
    // How it ended was read before.
    assert_eq!((report.state, report.outcome), (CaseState::Closed, Some(Outcome::Positive)));
    assert!(report.reason.contains("confirmed the loss"), "{}", report.reason);
}

#[tokio::test(start_paused = true)]
async fn a_case_with_saved_evidence_is_not_closed() {
    let world = World::new();
    let process = world.process().await;
    let case = process.open().await.unwrap().case;
    world.finish(Outcome::Positive);
    let reactions = [vec![Reaction::Answer], vec![Reaction::Miss; 1_000]].concat();
    world.vendor.lock().unwrap().reactions.insert("evidence", reactions);
    world.deliver(&process, "Final").await;
    process.run(MINUTE * 30).await;
    let report = process.report().await;
    assert_eq!((report.state, report.artifacts.len()), (CaseState::Stuck, 1), "{report:?}");
    let error = process.collector.command(case, close()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidState);
}

#[tokio::test(start_paused = true)]
async fn ai_12_a_status_without_a_mapping_is_visible() {
    let world = World::new();
    let process = world.process().await;
    drop(process.open().await.unwrap());
    world.finish(Outcome::Unknown);
    process.run(MINUTE * 3).await;
    let report = process.report().await;
    assert_eq!(report.state, CaseState::Stuck, "{report:?}");
    for words in ["status \"Unknown\" has no meaning in the configuration", "--outcome"] {
        assert!(report.reason.contains(words), "{}", report.reason);
    }
    assert_eq!(world.hooked.kinds(), ["Stuck"]);
    // The configuration maps it now: the case continues without a webhook.
    world.finish(Outcome::Pending);
    process.run(MINUTE * 61).await;
    assert_eq!(process.report().await.state, CaseState::Open);
    world.finish(Outcome::Positive);
    process.run(HOUR * 25).await;
    assert_eq!(process.report().await.state, CaseState::Deleted);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_takes_long_keeps_its_turn() {
    let world = World::new();
    world.vendor.lock().unwrap().slow_pages = (6, MINUTE * 4);
    let (first, second) = (world.process().await, world.process().await);
    tokio::join!(first.run(HOUR), second.run(HOUR));
    let log = world.vendor.lock().unwrap().log.clone();
    let number = |name: &str| log.iter().filter(|call| **call == name).count();
    assert_eq!((number("page"), number("changes")), (6, 1), "one sweep");
    assert!(first.collector.last_sweep(PROVIDER).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_crash_does_not_lose_the_alarm_about_sweeps() {
    let mut crashes = 0;
    for moment in [Moment::Before, Moment::After] {
        for operation in 1..usize::MAX {
            let world = World::new();
            // The first sweep sets the mark.
            world.process().await.run(MINUTE).await;
            tokio::time::sleep(DAY * 4).await;
            world.vendor.lock().unwrap().chaos = Some(Box::new(|_| Reaction::Refuse));
            let incidents = Incidents::default();
            let report = |incidents: &Incidents| {
                let list = Arc::clone(incidents);
                move |incident| list.lock().unwrap().push(incident)
            };
            let own = report(&incidents);
            let process = world.process_with(Fuse::at(operation, moment), |builder| builder.on_incident(own)).await;
            let crashed = process.run(MINUTE / 2).await;
            drop(process);
            let own = report(&incidents);
            let next = world.process_with(Fuse::none(), |builder| builder.on_incident(own)).await;
            next.run(HOUR).await;
            let alarms = incidents.lock().unwrap();
            let alarms = alarms.iter().filter(|one| matches!(one, Incident::SweepGap { days: 3, .. })).count();
            assert!((1..=2).contains(&alarms), "{moment:?} operation {operation}: {alarms} alarms");
            if !crashed {
                break;
            }
            crashes += 1;
        }
    }
    assert!(crashes > 10, "{crashes} crashes");
}

#[tokio::test(start_paused = true)]
async fn a_later_policy_gives_collected_cases_their_date() {
    let world = World::new();
    let with = |policy: DeletePolicy| move |builder: CollectorBuilder| builder.delete(policy);
    let process = world.process_with(Fuse::none(), with(DeletePolicy::Never)).await;
    drop(process.open().await.unwrap());
    world.finish(Outcome::Positive);
    world.deliver(&process, "Final").await;
    process.run(HOUR).await;
    let report = process.report().await;
    assert_eq!((report.state, report.next), (CaseState::Collected, None));
    drop(process);
    let process = world.process_with(Fuse::none(), with(DeletePolicy::After(DAY * 3))).await;
    process.run(MINUTE * 3).await;
    let report = process.report().await;
    let due = report.collected.unwrap() + DAY * 3;
    assert_eq!(report.state, CaseState::Collected);
    assert!(report.next.is_some_and(|next| next.duration_since(due).abs().as_secs() <= 60), "{report:?}");
    // A shorter time is a new date too.
    let process = world.process_with(Fuse::none(), with(DeletePolicy::After(DAY))).await;
    process.run(HOUR * 25).await;
    let report = process.report().await;
    assert_eq!(report.state, CaseState::Deleted, "{report:?}");
    world.check(&process, &report).await;
}

#[tokio::test(start_paused = true)]
async fn the_earliest_of_several_waits_counts() {
    let world = World::new();
    let short =
        |builder: CollectorBuilder| wishing(true, true)(builder).timing(timing(|timing| timing.recording = MINUTE * 2));
    let process = world.process_with(Fuse::none(), short).await;
    drop(process.open().await.unwrap());
    process.run(MINUTE * 3).await;
    world.finish(Outcome::Positive);
    // The audio recording may be absent: it is read again after 5 minutes, and the video is requested again after 2.
    let reactions = vec![Reaction::Answer, Reaction::Answer, Reaction::Miss, Reaction::Miss, Reaction::Miss];
    world.vendor.lock().unwrap().reactions.insert("evidence", reactions);
    world.deliver(&process, "Final").await;
    process.run(MINUTE * 4).await;
    assert_eq!(world.vendor.lock().unwrap().only().1.recording_requests, 2);
    assert_eq!(process.report().await.missing, [EvidenceKind::Video, EvidenceKind::Audio]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_read_is_skipped() {
    let world = World::new();
    let (process, incidents) = observed(&world, |builder| builder).await;
    let case = process.open().await.unwrap().case;
    world.finish(Outcome::Positive);
    world.damage(case).await;
    process.run(MINUTE * 3).await;
    let report = process.report().await;
    assert_eq!(report.state, CaseState::Deleted, "{report:?}");
    world.check(&process, &report).await;
    let incidents = incidents.lock().unwrap();
    let unreadable = |one: &&Incident| matches!(one, Incident::UnreadableEvent { case: of, .. } if *of == case);
    assert_eq!(incidents.iter().filter(unreadable).count(), 1, "{incidents:?}");
}
