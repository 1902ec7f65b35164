//! Expiry, retention and time-outs of both vendors on the sandbox's clock.

use crate::support::*;

impl Harness {
    /// Returns the calls since the previous query, with their status.
    fn called(&self) -> Vec<(&'static str, u16)> {
        self.sandbox.with_world(|world| {
            let calls =
                world.journal.calls().map(|(_, call)| (call.operation.unwrap(), call.status.unwrap())).collect();
            world.journal.clear();
            calls
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i_006_a_token_expires_after_30_minutes_without_use() {
    let bench = Harness::new();
    let token = bench.token().await;
    for _ in 0..3 {
        bench.clock.advance(30 * MINUTE - SECOND).await;
        assert_eq!(bench.i24_call(&token, "GET", "/project/getAll", "").await.status, 200, "each use renews it");
    }
    bench.clock.advance(30 * MINUTE).await;
    let refused = bench.i24_call(&token, "GET", "/project/getAll", "").await;
    refused.refused(401, "X-API-TOKEN", "I-006", "[I] Authentication");
    bench.clock.advance(SECOND).await;
    assert_eq!(bench.i24_call(&token, "GET", "/project/getAll", "").await.status, 401, "it stays expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_006_a_refused_call_does_not_renew_the_token() {
    let bench = Harness::new();
    let token = bench.token().await;
    bench.clock.advance(29 * MINUTE).await;
    let headers = [("X-API-TOKEN", &*token), ("X-API-PARTNER", "somebody else")];
    assert_eq!(bench.bare("GET", "/project/getAll", &headers).await.status, 401);
    bench.clock.advance(MINUTE).await;
    assert_eq!(bench.i24_call(&token, "GET", "/project/getAll", "").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn i_008_the_client_logs_in_again_once_after_a_401() {
    let bench = Harness::new();
    // With a separate stopped clock, the client cannot know that its token has expired.
    let client = bench.identify24(&VirtualClock::new(start_time()));
    client.projects(&options()).await.unwrap();
    assert_eq!(bench.called(), [("auth", 200), ("project/getAll", 200)]);

    bench.clock.advance(30 * MINUTE - SECOND).await;
    client.projects(&options()).await.unwrap();
    assert_eq!(bench.called(), [("project/getAll", 200)]);

    bench.clock.advance(30 * MINUTE).await;
    let answered = client.projects(&options()).await.unwrap();
    assert_eq!(answered.attempts, 1);
    assert_eq!(bench.called(), [("project/getAll", 401), ("auth", 200), ("project/getAll", 200)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i_008_many_callers_share_one_login_after_the_token_died() {
    let bench = Harness::new();
    let client = bench.identify24(&bench.clock);
    client.projects(&options()).await.unwrap();
    bench.clock.advance(HOUR).await;
    bench.called();
    let calls = (0..20).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.projects(&options()).await.unwrap() })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let logins = bench.called().into_iter().filter(|(call, _)| *call == "auth").count();
    assert_eq!(logins, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn i_020_an_ident_is_readable_for_90_days_and_then_unknown() {
    let bench = Harness::new();
    let client = bench.identify24(&bench.clock);
    let created = client.create_ident(&ident(), &options()).await.unwrap().value;
    let id = created.ident_id.unwrap();
    bench.clock.advance(90 * DAY - HOUR).await;
    let ident = client.get_ident(&id, &options()).await.unwrap().value;
    assert_eq!(ident.status.unwrap().as_str(), "Unidentified");
    bench.clock.advance(HOUR - SECOND).await;
    client.get_ident(&id, &options()).await.unwrap();
    bench.clock.advance(SECOND).await;
    let gone = client.get_ident(&id, &options()).await.unwrap_err();
    assert_eq!((gone.kind(), gone.status()), (Kind::NotFound, Some(404)));
    assert_eq!(client.get_ident(&IdentId::new(EXAMPLE_IDENT), &options()).await.unwrap_err().kind(), Kind::NotFound);
    assert!(bench.sandbox.inspect(id.expose()).is_none(), "nothing remains");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_64_results_are_purged_7_days_after_the_final_status() {
    let bench = Harness::new();
    let (tm, id) = (bench.tm(), bench.place(order()).await);
    bench.clock.advance(3 * DAY).await;
    bench.play(id.expose(), "positive").await;
    bench.clock.advance(7 * DAY - SECOND).await;
    tm.ident_data(&id, &options()).await.unwrap();
    bench.clock.advance(SECOND).await;
    for gone in [
        tm.ident_data(&id, &options()).await.unwrap_err(),
        tm.ident_data_with_initial(&id, &options()).await.unwrap_err(),
        tm.ident_data_pdf(&id, &options()).await.unwrap_err(),
        tm.delete_ident_data(&id, &options()).await.unwrap_err(),
    ] {
        assert_eq!((gone.kind(), gone.status()), (Kind::NotFound, Some(404)), "{gone}");
    }
    let status = tm.status(&id, &options()).await.unwrap().value;
    assert!(status.finality(OrderFlavor::IdentOnly).is_final());
    assert_eq!(status.reference.unwrap().expose(), "ref-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn t_024_a_signed_order_loses_its_documents_after_7_days() {
    let bench = Harness::new();
    let signing = to_sign(order());
    let (tm, id) = (bench.tm(), bench.place(signing).await);
    bench.play(id.expose(), "identified").await;
    // With something to sign, 6 is not final (AT-14), so nothing is purged.
    bench.clock.advance(8 * DAY).await;
    bench.play(id.expose(), "signed").await;
    tm.signed_pdfs(&id, &options()).await.unwrap();
    bench.clock.advance(7 * DAY).await;
    let gone = tm.signed_pdfs(&id, &options()).await.unwrap_err();
    assert_eq!(gone.status(), Some(404));
}

#[tokio::test(flavor = "multi_thread")]
async fn t_023_an_unfinished_order_times_out_after_30_days() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(202)));
    let (tm, id) = (bench.tm(), bench.place(order_with(&["AfterIdent", "OnFinal"])).await);
    bench.clock.advance(30 * DAY - SECOND).await;
    let status = tm.status(&id, &options()).await.unwrap().value;
    assert!(!status.finality(OrderFlavor::IdentOnly).is_final());
    assert_eq!(receiver.count(), 0);
    bench.clock.advance(SECOND).await;
    let status = tm.status(&id, &options()).await.unwrap().value;
    assert!(status.kinds().any(|kind| kind == StatusKind::TIMED_OUT), "{status:?}");
    assert_eq!(receiver.events(), ["OnFinal"], "AT-60: a time-out is final");
    assert_eq!(receiver.arrived()[0].at.0, 30 * DAY);
    assert_eq!(tm.ident_data(&id, &options()).await.unwrap_err().status(), Some(404));
    assert_eq!(bench.sandbox.inspect(id.expose()).unwrap()["data_deleted"], true);
    assert_eq!(bench.begin(id.expose(), "positive").unwrap_err().status, 409, "the order is final");
}

#[tokio::test(flavor = "multi_thread")]
async fn t_060_a_signing_order_that_is_identified_times_out_with_100() {
    let bench = Harness::new();
    let id = bench.ended(to_sign(order()), "identified").await;
    bench.clock.advance(30 * DAY).await;
    let status = bench.tm().status(&id, &options()).await.unwrap().value;
    let kinds: Vec<_> = status.kinds().collect();
    assert!(kinds.contains(&StatusKind::TIMED_OUT_AFTER_IDENT) && !kinds.contains(&StatusKind::TIMED_OUT));
    assert_eq!(bench.tm().ident_data(&id, &options()).await.unwrap_err().status(), Some(404));
}

#[tokio::test(flavor = "multi_thread")]
async fn t_023_the_time_out_is_a_setting() {
    let bench = Harness::new();
    bench.set_up(|settings| settings.time_out = SignedDuration::from_hours(1));
    let (late, done) = (bench.place(order()).await, bench.place(order()).await);
    bench.play(done.expose(), "positive").await;
    bench.clock.advance(HOUR).await;
    let status = |id| {
        let tm = bench.tm();
        async move { tm.status(id, &options()).await.unwrap().value.kinds().collect::<Vec<_>>() }
    };
    assert!(status(&late).await.contains(&StatusKind::TIMED_OUT));
    assert!(!status(&done).await.contains(&StatusKind::TIMED_OUT), "a final order no longer times out");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_advance_fires_the_timers_of_a_new_world() {
    for _ in 0..50 {
        let bench = Harness::new();
        bench.clock.advance(91 * DAY).await;
        assert!(bench.sandbox.inspect(EXAMPLE_IDENT).is_none(), "the example ident has had its 90 days");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn status_times_are_those_of_the_sandboxs_clock() {
    let bench = Harness::new();
    let id = bench.place(order()).await;
    bench.clock.advance(90 * MINUTE).await;
    bench.play(id.expose(), "positive").await;
    let answer = bench.tm_call("GET", &format!("/getStatus/{}/ExtendedList", id.expose()), "").await.json();
    assert_eq!(answer["Status"][0]["Time"], "2020-09-10T14:00:00+02:00");
    assert_eq!(answer["Executed"], "2020-09-10T15:30:00+02:00");
    let last = answer["Status"].as_array().unwrap().last().unwrap();
    assert_eq!(last["Time"], "2020-09-10T15:30:00+02:00");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_98_times_have_the_offset_of_german_local_time() {
    for (start, local) in [
        ("2020-01-15T12:00:00Z", "2020-01-15T13:00:00+01:00"),
        ("2020-07-15T12:00:00Z", "2020-07-15T14:00:00+02:00"),
        ("2020-10-25T00:59:59Z", "2020-10-25T02:59:59+02:00"),
        ("2020-10-25T01:00:00Z", "2020-10-25T02:00:00+01:00"),
    ] {
        let bench = Harness::since(start.parse().unwrap(), |builder| builder);
        let id = bench.ended(order(), "courier").await;
        let path = |call: &str| format!("/{call}/{}", id.expose());
        let status = bench.good("GET", &path("getStatus"), String::new()).await.json();
        assert_eq!((&status["Status"][0]["Time"], &status["Executed"]), (&json!(local), &json!(local)));
        let data = bench.good("GET", &path("getIdentData"), String::new()).await.json();
        assert_eq!(data["Identified"], local);
        let listed = bench.good("POST", "/getAllStatus/ExtendedList", String::new()).await.json();
        let slot = listed[0]["TVSlot"]["SlotBegin"].as_str().unwrap();
        assert_eq!(slot[19..], local[19..], "{slot}");
        let ident = bench.create_ident().await;
        let token = bench.token().await;
        let read = bench.i24_call(&token, "GET", &format!("/ident/get/{ident}"), "").await.json();
        assert_eq!(read["data"]["created_at"].as_str().unwrap()[11..], local[11..19]);
    }
}
