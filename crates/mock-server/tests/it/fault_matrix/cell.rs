//! One call with one fault, and its checks.

use super::calls::{Call, Came, Clients, Prepared, all_orders};
use crate::support::*;
use identkit_identify24::Credentials;
use identkit_wire::{AmbiguityPolicy, RetrySafety};
use std::sync::LazyLock;

/// How the clients reach the sandbox.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Door {
    Socket,
    Process,
}

/// How often the fault occurs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Often {
    Once,
    Always,
}

/// The result of a cell.
pub(crate) struct Cell {
    pub(crate) call: &'static str,
    pub(crate) fault: Fault,
    pub(crate) often: Often,
    pub(crate) outcome: String,
    /// Whether the fault had an effect.
    pub(crate) struck: bool,
    /// Whether the result is the same as without the fault.
    pub(crate) same: bool,
    /// The failed checks.
    pub(crate) broken: Vec<String>,
}

impl Cell {
    pub(crate) fn panicked(call: &'static str, fault: &Fault, often: Often) -> Self {
        let broken = vec!["it panicked".to_owned()];
        Self { call, fault: fault.clone(), often, outcome: "panic".into(), struck: true, same: false, broken }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, fault, often, outcome, broken, .. } = self;
        write!(f, "{call} with {fault:?} {often:?}: {outcome}: {}", broken.join("; "))
    }
}

static NETWORK: LazyLock<Arc<dyn Transport>> =
    LazyLock::new(|| Arc::new(HyperTransport::new(&TlsConfig::bundled().unwrap())));

fn clients(transport: Arc<dyn Transport>, base: &str) -> Clients {
    // No waits between attempts.
    let policy = Policy::default().backoff(Duration::from_millis(1)).timeout(Duration::from_secs(15));
    let mut dialect = Dialect::default();
    dialect.any_reference = true;
    let tm = tm_builder().dialect(dialect).policy(policy.clone()).base_url(format!("{base}{TM}"));
    let credentials = Credentials::new("911-internet", "sandbox-api-key");
    let identify24 = Identify24::builder(credentials).transport(Arc::clone(&transport)).policy(policy).base_url(base);
    Clients {
        tm: tm.transport(transport).clock(Arc::new(SystemClock::new())).build().unwrap(),
        identify24: identify24.build().unwrap(),
    }
}

/// Returns how often the call was executed.
fn carried_out(sandbox: &Sandbox, call: &Call, fault: &Fault, since: u64) -> usize {
    sandbox.with_world(|world| {
        let calls = world.journal.calls().filter(|(entry, made)| {
            let reached = made.fault != Some(fault.name()) || fault.commits();
            let good = made.status.is_some_and(|status| status < 300);
            entry.sequence > since && made.operation == Some(call.meta.name) && reached && good
        });
        calls.count()
    })
}

/// Whether an error says that the call may have been executed.
fn says_maybe(error: &Error) -> bool {
    error.kind() == Kind::OutcomeUnknown
        || error.delivery() == Some(Delivery::MaybeSent)
        // A retry that was rejected because the action was done already.
        || (matches!(error.kind(), Kind::NotFound | Kind::InvalidState)
            && error.detail().contains("the vendor may have executed an earlier attempt of this call"))
}

fn described(came: &Came) -> String {
    match came {
        Ok(_) => "ok".into(),
        Err(error) => format!("{:?}, {:?}", error.kind(), error.delivery()),
    }
}

pub(crate) async fn try_it(call: &Call, prepared: &Prepared, fault: Fault, often: Often, door: Door) -> Cell {
    let clock = VirtualClock::new(prepared.world.now);
    let sandbox = Sandbox::builder().clock(clock).world(prepared.world.clone()).start();
    let listening;
    let clients = match door {
        Door::Process => clients(Arc::new(InProcess(sandbox.clone())), "http://127.0.0.1"),
        Door::Socket => {
            listening = server::vendors(&sandbox, any(), None).await.unwrap();
            clients(Arc::clone(&NETWORK), &listening.url())
        }
    };
    if call.meta.provider == "identify24" && call.meta.name != "auth" {
        // Prepare first, so that only the call itself meets the fault.
        clients.identify24.login(&options()).await.unwrap();
    }
    let before = (sandbox.cases(call.meta.provider).len(), sandbox.with_world(|world| world.journal.last()));
    let rule = Rule::new(fault.clone()).vendor(call.meta.provider).operation(call.meta.name);
    let rule = sandbox.inject(if often == Often::Always { rule.always() } else { rule }).unwrap();

    let made = (call.make)(clients.clone(), prepared.case.clone(), prepared.tan.clone());
    let came = within(Duration::from_secs(20), made).await;
    let mut cell =
        Cell { call: call.name, fault, often, outcome: "none".into(), struck: true, same: false, broken: Vec::new() };
    let Some(came) = came else {
        cell.broken.push("no outcome".into());
        return cell;
    };
    cell.outcome = described(&came);
    cell.same = matches!(&came, Ok(read) if *read == prepared.read);
    let hits = sandbox.faults().iter().find(|injected| injected.id == rule.id).unwrap().hits;
    if hits == 0 {
        cell.broken.push("the fault struck nothing".into());
    }
    cell.struck =
        sandbox.with_world(|world| world.journal.calls().any(|(_, made)| made.fault == Some(cell.fault.name())));
    let done = carried_out(&sandbox, call, &cell.fault, before.1);
    cell.broken.extend(judge(call, &cell.fault, often, &came, done, prepared));

    let opened = sandbox.cases(call.meta.provider).len() - before.0;
    let creates = call.meta.safety == RetrySafety::Creating;
    if opened > 1 || opened != if creates { done } else { 0 } {
        cell.broken.push(format!("{opened} cases were opened, and {done} calls carried out"));
    }

    sandbox.clear_faults();
    cell.broken.extend(afterwards(call, &clients, prepared, &sandbox, done).await);
    cell
}

/// Checks the result.
fn judge(call: &Call, fault: &Fault, often: Often, came: &Came, done: usize, prepared: &Prepared) -> Vec<String> {
    let meta = call.meta;
    let changes = meta.safety != RetrySafety::Safe;
    let mut broken = Vec::new();
    if matches!(meta.safety, RetrySafety::Creating | RetrySafety::SideEffect | RetrySafety::DestructiveRead) && done > 1
    {
        broken.push(format!("carried out {done} times"));
    }
    match came {
        Ok(read) => {
            if changes && done == 0 {
                broken.push("reported as done, but not done".into());
            }
            // Another shape can have less data. Arbitrary bytes that are shortened together with the length look complete.
            let short =
                matches!(fault, Fault::WrongLength { by: ..0 }) && call.bytes && read.len() < prepared.read.len();
            if *read != prepared.read && !matches!(fault, Fault::ShapeVariant { .. }) && !short {
                broken.push("read, and another thing than without the fault".into());
            }
        }
        Err(error) => {
            // A 5xx of an idempotent call: the advice is to repeat it.
            let again = meta.safety == RetrySafety::IdempotentByEffect
                && error.kind() == Kind::Unavailable
                && error.advice() == Advice::RetryLater;
            // A lost token is harmless: calls that need one were not sent, and report that.
            let token = meta.name == "auth";
            if changes && done > 0 && !says_maybe(error) && !again && !token {
                broken.push(format!("executed, but reported as not executed: {error}"));
            }
            let passing = matches!(
                fault,
                Fault::Status { .. }
                    | Fault::ResetBeforeCommit
                    | Fault::ResetInCommit { .. }
                    | Fault::ResetAfterCommit
                    | Fault::TruncatedBody
                    | Fault::RateLimit { .. }
            );
            if often == Often::Once
                && passing
                && meta.safety == RetrySafety::Safe
                && matches!(meta.ambiguity, AmbiguityPolicy::Retry(2..))
                && !matches!(error.kind(), Kind::Integrity | Kind::Unreachable)
            {
                broken.push(format!("a reading that may be repeated was not: {error}"));
            }
            let harmless = matches!(
                fault,
                Fault::Latency { .. }
                    | Fault::Bandwidth { .. }
                    | Fault::SlowDrip { .. }
                    | Fault::ShapeVariant { .. }
                    | Fault::InformationalFlood { count: ..1_000 }
            );
            if harmless {
                broken.push(format!("slow or otherwise written, but whole: {error}"));
            }
        }
    }
    broken
}

/// Checks the same clients after the fault.
async fn afterwards(
    call: &Call,
    clients: &Clients,
    prepared: &Prepared,
    sandbox: &Sandbox,
    done: usize,
) -> Vec<String> {
    let mut broken = Vec::new();
    match call.meta.safety {
        RetrySafety::Safe => {
            let again = (call.make)(clients.clone(), prepared.case.clone(), prepared.tan.clone()).await;
            if !matches!(&again, Ok(read) if *read == prepared.read) {
                broken.push(format!("afterwards: {}", described(&again)));
            }
        }
        RetrySafety::DestructiveRead => {
            let listed = all_orders(clients).await;
            let there = sandbox.cases(call.meta.provider).len();
            if !matches!(listed, Ok(listed) if listed == there) {
                broken.push(format!("afterwards {listed:?} of {there} orders can be read"));
            }
        }
        _ if call.meta.name == "delIdentdata" => {
            let order = identkit_identity_tm::OrderId::new(prepared.case.as_str());
            let gone = clients.tm.data_is_gone(&order, &options()).await;
            if !matches!(gone, Ok(gone) if gone == (done > 0)) {
                broken.push(format!("deleted {done} times, and gone: {gone:?}"));
            }
        }
        _ => {}
    }
    // The clients must work whatever the result of the call.
    let healthy = match call.meta.provider {
        "identify24" => clients.identify24.projects(&options()).await.map(|_| ()),
        _ => clients.tm.server_status(&options()).await.map(|_| ()),
    };
    if let Err(error) = healthy {
        broken.push(format!("afterwards nothing works: {error}"));
    }
    broken
}
