//! The profile `chaos`: the clients complete a whole case of each vendor with any seed, and nothing is executed twice or
//! lost.

use crate::support::*;
use std::future::Future;

const SEEDS: u64 = 100;

fn chaos(seed: u64) -> Harness {
    Harness::with(|builder| builder.seed(seed).profile(Profile::Chaos))
}

/// Runs the future, and advances time whenever it waits for time.
async fn in_virtual_time<T>(clock: &VirtualClock, work: impl Future<Output = T>) -> T {
    let moving = async {
        loop {
            // First run everything that does not wait for time.
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            if let Some(due) = clock.next_due() {
                clock.advance(due).await;
            }
        }
    };
    tokio::select! {
        biased;
        done = work => done,
        never = moving => never,
    }
}

/// Repeats a failed read, like an integrator.
async fn read<T, F: Future<Output = Result<T, Error>>>(what: &str, mut call: impl FnMut() -> F) -> T {
    let mut last = None;
    for _ in 0..20 {
        match call().await {
            Ok(value) => return value,
            Err(error) => {
                check(what, &error);
                last = Some(error);
            }
        }
    }
    panic!("{what} never worked: {last:?}");
}

/// Checks that a failure has the expected kind and delivery.
fn check(what: &str, error: &Error) {
    // A stream that breaks later had a response: its error is a read error.
    let stream = error.operation().is_none();
    assert!(stream || error.delivery().is_some(), "{what}: {error:?} does not say how far it got");
    // The profile itself rejects nothing of this script.
    let by_chance = [
        Kind::OutcomeUnknown,
        Kind::Unreachable,
        Kind::Unavailable,
        Kind::RateLimited,
        Kind::Protocol,
        Kind::Integrity,
        Kind::Timeout,
        Kind::Rejected,
        // `result: false` at a login.
        Kind::Authentication,
    ];
    assert!(by_chance.contains(&error.kind()), "{what}: {error:?}");
}

/// Whether the call may have been executed, according to its failure.
fn maybe(error: &Error) -> bool {
    error.kind() == Kind::OutcomeUnknown
}

/// Creates a case once: if it may have been created, checks at the vendor before it repeats the call.
async fn created_once<F: Future<Output = Result<String, Error>>>(
    sandbox: &Sandbox,
    vendor: &str,
    mut create: impl FnMut() -> F,
) -> String {
    let before = sandbox.cases(vendor);
    for _ in 0..20 {
        let created = create().await;
        let new: Vec<String> = sandbox.cases(vendor).into_iter().filter(|id| !before.contains(id)).collect();
        match created {
            Ok(id) => {
                assert_eq!(new, std::slice::from_ref(&id), "{vendor}: exactly the returned case");
                return id;
            }
            Err(error) => {
                check("creating", &error);
                assert!(new.len() < 2, "{vendor}: created twice by one call");
                assert!(new.is_empty() || maybe(&error), "{vendor}: created, but reported as not created: {error:?}");
                if let Some(id) = new.into_iter().next() {
                    return id;
                }
            }
        }
    }
    panic!("{vendor}: no case could be created");
}

/// Repeats an action on an order until it is done.
async fn done_once<F: Future<Output = Result<(), Error>>>(
    what: &str,
    done: impl Fn() -> bool,
    mut call: impl FnMut() -> F,
) {
    for _ in 0..20 {
        match call().await {
            Ok(()) => {
                assert!(done(), "{what}: reported as done, but not done");
                return;
            }
            Err(error) => {
                let repeat = matches!(error.kind(), Kind::NotFound | Kind::InvalidState);
                if !repeat {
                    check(what, &error);
                }
                if done() {
                    let says = maybe(&error) || repeat || error.kind() == Kind::Unavailable;
                    assert!(says, "{what}: done, but reported as not done: {error:?}");
                    return;
                }
            }
        }
    }
    panic!("{what} never worked");
}

fn status_has(sandbox: &Sandbox, id: &str, code: u64) -> bool {
    let status = sandbox.inspect(id).unwrap()["status"].clone();
    status["Status"].as_array().unwrap().iter().any(|entry| entry["Kind"] == code)
}

/// A whole order: placed, identified, signed, read, deleted.
async fn order_of_identity_tm(bench: &Harness) {
    let (tm, sandbox): (IdentityTm, &Sandbox) = (bench.tm(), &bench.sandbox);
    let id = created_once(sandbox, "identity-tm", || async {
        Ok(tm.put_order(&to_sign(order()), &options()).await?.value.order_id.expose().to_owned())
    })
    .await;
    let order = OrderId::new(id.as_str());
    assert_eq!(bench.begin(&id, "identified"), Ok(()));

    let tan = || sandbox.tan(&id).map(|tan| tan.expose().to_owned());
    done_once("requestSign", || tan().is_some(), || async { tm.request_sign(&order, &options()).await.map(|_| ()) })
        .await;
    done_once(
        "confirmSign",
        || status_has(sandbox, &id, 84),
        || async { tm.confirm_sign(&order, &Secret::new(tan().unwrap()), &options()).await.map(|_| ()) },
    )
    .await;

    let truth: Vec<u32> = {
        let status = sandbox.inspect(&id).unwrap()["status"]["Status"].clone();
        status.as_array().unwrap().iter().map(|entry| entry["Kind"].as_u64().unwrap().try_into().unwrap()).collect()
    };
    let status = read("getStatus", || async { tm.status(&order, &options()).await }).await.value;
    assert_eq!(status.kinds().map(|kind| kind.0).collect::<Vec<_>>(), truth, "no status is lost");
    let data = read("getIdentData", || async { tm.ident_data(&order, &options()).await }).await.value;
    assert!(data.ident_data.is_some());
    let report =
        read("getIdentDataPDF", || async { tm.ident_data_pdf(&order, &options()).await?.value.collect(1 << 24).await })
            .await;
    assert!(report.starts_with(b"%PDF-") && report.trim_ascii_end().ends_with(b"%%EOF"), "a whole report");
    let signed = read("getESignPDF", || async {
        match tm.signed_pdfs(&order, &options()).await?.value {
            SignedPdfs::One(content) => content.collect(1 << 24).await,
            SignedPdfs::Many(_) => panic!("one was signed"),
        }
    })
    .await;
    assert!(signed.starts_with(b"%PDF-") && signed.trim_ascii_end().ends_with(b"%%EOF"), "a whole document");

    let deleted = || sandbox.inspect(&id).unwrap()["data_deleted"] == true;
    done_once("delIdentdata", deleted, || async { tm.delete_ident_data(&order, &options()).await.map(|_| ()) }).await;
}

/// A whole ident: created, read, moved along, read.
async fn ident_of_identify24(bench: &Harness) {
    let client = bench.identify24(&bench.clock);
    let projects = read("project/getAll", || async { client.projects(&options()).await }).await.value;
    assert_eq!(projects.len(), 1);
    let project = read("project/get", || async { client.project(&"6".into(), &options()).await }).await.value;
    assert_eq!(project.title.as_deref(), Some("911 Internet GmbH"));
    let id = created_once(&bench.sandbox, "identify24", || async {
        let created = client.create_ident(&ident(), &options()).await?.value;
        Ok(created.ident_id.unwrap().expose().to_owned())
    })
    .await;
    for (story, status) in [(None, "Unidentified"), (Some("positive"), "Identified")] {
        if let Some(story) = story {
            assert_eq!(bench.begin(&id, story), Ok(()));
        }
        let known = id.as_str().into();
        let output = read("ident/get", || async { client.get_ident(&known, &options()).await }).await.value;
        assert_eq!(output.status.unwrap().as_str(), status);
    }
}

#[tokio::test]
async fn a_whole_case_of_each_vendor_succeeds_with_100_seeds() {
    let mut met: BTreeMap<&str, u32> = BTreeMap::new();
    for seed in 0..SEEDS {
        let bench = chaos(seed);
        in_virtual_time(&bench.clock, async {
            order_of_identity_tm(&bench).await;
            ident_of_identify24(&bench).await;
        })
        .await;
        bench.sandbox.with_world(|world| {
            for (_, call) in world.journal.calls() {
                *met.entry(call.fault.unwrap_or("none")).or_default() += 1;
            }
        });
    }
    let all: u32 = met.values().sum();
    let whole = met["none"] + met["shape-variant"];
    // The expected rates of chaos.
    assert!((all - whole) * 100 > 4 * all && (all - whole) * 100 < 15 * all, "{met:?}");
    assert!(met.len() >= 18, "{met:?}");
}

#[tokio::test]
async fn the_same_seed_and_script_meet_the_same_faults() {
    let journal = |seed| async move {
        let bench = chaos(seed);
        for _ in 0..60 {
            bench.raw_call().await;
        }
        bench
            .sandbox
            .with_world(|world| world.journal.calls().map(|(_, call)| (call.fault, call.status)).collect::<Vec<_>>())
    };
    let first = journal(7).await;
    assert!(first.iter().any(|(fault, _)| fault.is_some()));
    for _ in 0..20 {
        assert_eq!(journal(7).await, first);
    }
    assert_ne!(journal(8).await, first, "another seed");
}

impl Harness {
    async fn raw_call(&self) {
        let body = serde_json::to_string(&order()).unwrap();
        let request = tm_request("PUT", "/putOrder").body(bytes::Bytes::from(body)).unwrap();
        in_virtual_time(&self.clock, self.sandbox.handle(request)).await;
    }
}

#[tokio::test]
async fn faults_do_not_change_other_random_values() {
    let [literal, chaos] = [Profile::Literal, Profile::Chaos].map(|profile| {
        let bench = Harness::with(|builder| builder.seed(7).profile(profile));
        bench.sandbox.with_world(|world| {
            for _ in 0..100 {
                world.faults.rules();
            }
            world.random_text(b"0123456789", 20)
        })
    });
    assert_eq!(literal, chaos);
    // Also for drawn faults: the placed orders have the same ids.
    let ids = |profile| async move {
        let bench = Harness::with(|builder| builder.seed(7).profile(profile));
        while bench.sandbox.cases("identity-tm").len() < 30 {
            bench.raw_call().await;
        }
        bench.sandbox.cases("identity-tm")
    };
    assert_eq!(ids(Profile::Literal).await, ids(Profile::Chaos).await);
}

#[tokio::test]
async fn at_13_the_default_list_hides_a_suspicion_of_fraud() {
    for (profile, output) in [(Profile::Literal, true), (Profile::Chaos, false)] {
        let bench = Harness::with(|builder| builder.profile(profile));
        let general = bench.sandbox.settings()["identity_tm"]["general"].clone();
        assert_eq!(general.as_array().unwrap().iter().any(|code| *code == 89), output, "{profile:?}");
    }
}

#[tokio::test]
async fn at_06_chaos_reports_each_order_once() {
    for (profile, unit) in [(Profile::Literal, "Statuses"), (Profile::Chaos, "Orders")] {
        let bench = Harness::with(|builder| builder.profile(profile));
        assert_eq!(bench.sandbox.settings()["identity_tm"]["reported_unit"], unit, "{profile:?}");
    }
}

#[tokio::test]
async fn m_08_chaos_accepts_what_literal_accepts() {
    let bench = chaos(3);
    // Without drawn faults.
    bench.sandbox.with_world(|world| world.profile = Profile::Chaos);
    let mut alias = 0;
    for _ in 0..20 {
        // AT-10: the call's other name, and its path in any case.
        let answer =
            in_virtual_time(&bench.clock, bench.tm_call("POST", "/confirm/9992UNKNOWN", r#"{"tan":"123456"}"#)).await;
        alias += u32::from(answer.text().contains("the sandbox has no such order"));
        let answer = in_virtual_time(&bench.clock, bench.tm_call("GET", "/GETSTATUS/9992UNKNOWN", "")).await;
        alias += u32::from(answer.text().contains("the sandbox has no such order"));
    }
    assert!(alias >= 20, "{alias}");
    let mut examples = 0;
    for _ in 0..20 {
        let answer = in_virtual_time(&bench.clock, bench.i24_call("xxx", "GET", "/project/getAll", "")).await;
        examples += u32::from(answer.status == 200);
        let login = r#"{"PARTNER":"YOUR PARTNER USERNAME","APIKEY":"YOUR API KEY"}"#;
        examples += u32::from(in_virtual_time(&bench.clock, bench.log_in(login)).await.status == 200);
    }
    assert!(examples >= 20, "{examples}");
}
