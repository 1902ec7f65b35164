//! The end of an order, and the data that remains.

use super::ALL_TIME;
use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn at_59_deleting_the_status_on_time_out_is_a_setting() {
    for purge in [false, true] {
        let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
        bench.set_up(|settings| settings.purge_on_time_out = purge);
        let id = bench.place(order_with(&["OnFinal"])).await;
        bench.clock.advance(DAY * 31).await;
        assert_eq!(receiver.events(), ["OnFinal"], "the webhook is called in both cases");
        let status = bench.tm().status(&id, &options()).await;
        match (purge, status) {
            (false, Ok(status)) => {
                assert_eq!(status.value.finality(OrderFlavor::IdentOnly).outcome, Outcome::TimedOut);
                assert_eq!(bench.get_order("/getIdentData/{}", &id).await.status, 404);
            }
            (true, Err(error)) => {
                assert_eq!(error.kind(), Kind::NotFound);
                for (method, path) in
                    [("GET", "/getIdentData/{}"), ("POST", "/cancelOrder/{}"), ("DELETE", "/delIdentdata/{}")]
                {
                    let answer = bench.tm_call(method, &path.replace("{}", id.expose()), "").await;
                    answer.refused(404, "OrderID", "T-060", "[T]");
                }
            }
            (purge, status) => panic!("{purge}: {status:?}"),
        }
        let listed = bench.tm_call("POST", "/getAllStatus", ALL_TIME).await.text();
        assert_eq!(listed.contains(id.expose()), !purge);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_60_the_webhook_at_the_end_of_an_order_is_a_setting() {
    for webhook in [Some(OrderCallback::OnFinal), Some(OrderCallback::AfterIdent), None] {
        let events: Vec<&str> = webhook.iter().map(identkit_wire::Callback::name).collect();
        let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
        bench.set_up(|settings| {
            (settings.webhook_on_time_out, settings.webhook_on_cancel) = (webhook, webhook);
        });
        let both = || order_with(&["AfterIdent", "OnFinal"]);
        bench.place(both()).await;
        bench.clock.advance(DAY * 31).await;
        assert_eq!(receiver.events(), events, "time-out");
        let single = bench.place(both()).await;
        bench.sandbox.transition(single.expose(), &Transition::Status(99.into())).unwrap();
        bench.clock.settle().await;
        assert_eq!(receiver.count(), 2 * events.len(), "a single time-out");
        let id = bench.place(both()).await;
        bench.tm().cancel_order(&id, &options()).await.unwrap();
        bench.clock.settle().await;
        bench.ended(both(), "cancelled").await;
        assert_eq!(receiver.count(), 4 * events.len(), "canceled by call and by story");

        // Too many wrong TANs have a separate setting.
        for (limit, calls) in [(webhook, events.len()), (Some(OrderCallback::OnFinal), 1)] {
            bench.set_up(|settings| settings.webhook_on_tan_limit = limit);
            let id = bench.ended(contract_order().webhook_url(both().webhook_url.unwrap()), "identified").await;
            bench.tm().request_sign(&id, &options()).await.unwrap();
            let before = receiver.count();
            for _ in 0..3 {
                bench.tm().confirm_sign(&id, &bench.wrong_tan(id.expose()), &options()).await.unwrap_err();
            }
            bench.clock.settle().await;
            assert_eq!(receiver.count() - before, calls, "{limit:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_61_the_statuses_of_a_cancellation_are_a_setting() {
    for (codes, last, outcome, calls) in [
        (vec![63, 22], 22, Outcome::Terminated, 1),
        (vec![22], 22, Outcome::Terminated, 1),
        // Without a final status the order stays open.
        (vec![63], 63, Outcome::Pending, 0),
    ] {
        let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
        bench.set_up(|settings| settings.cancelled_by = codes.iter().copied().map(StatusKind).collect());
        let id = bench.place(order_with(&["OnFinal"])).await;
        bench.tm().cancel_order(&id, &options()).await.unwrap();
        bench.clock.settle().await;
        let status = bench.tm().status(&id, &options()).await.unwrap().value;
        assert_eq!(status.kinds().last(), Some(StatusKind(last)));
        assert_eq!(status.finality(OrderFlavor::IdentOnly).outcome, outcome);
        assert_eq!(receiver.count(), calls);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_62_data_before_the_end_is_400_or_404() {
    for status in [400, 404] {
        let bench = Harness::configured(|settings| settings.early_data_status = status);
        let id = bench.place(order()).await;
        for path in ["/getIdentData/{}", "/getIdentData/{}/IncludeInitialData", "/getIdentDataPDF/{}"] {
            bench.get_order(path, &id).await.refused(status, "OrderID", "AT-62", "[T] 3.3.1");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_09_status_after_deletion_and_exact_paths_are_settings() {
    for readable in [true, false] {
        let bench = Harness::configured(|settings| settings.status_after_deletion = readable);
        let id = bench.ended(order(), "positive").await;
        assert_eq!(bench.tm_call("DELETE", &format!("/delIdentdata/{}", id.expose()), "").await.status, 202);
        for path in ["/getStatus/{}", "/getStatus/{}/ExtendedList"] {
            assert_eq!(bench.get_order(path, &id).await.status, if readable { 200 } else { 404 });
        }
        let listed = bench.tm_call("POST", "/getAllStatus", ALL_TIME).await.text();
        assert_eq!(listed.contains(id.expose()), readable);
        assert!(
            bench.tm().data_is_gone(&id, &options()).await.unwrap(),
            "the client's check does not depend on the setting"
        );
    }
    // Only delIdentdata: the end of a time has a setting of its own.
    let bench = Harness::configured(|settings| settings.status_after_deletion = false);
    let (late, kept) = (bench.place(order()).await, bench.ended(order(), "positive").await);
    bench.clock.advance(DAY * 31).await;
    for id in [&late, &kept] {
        assert_eq!(bench.get_order("/getStatus/{}", id).await.status, 200);
        assert_eq!(bench.get_order("/getIdentData/{}", id).await.status, 404);
    }
    for (exact, status) in [(false, 202), (true, 404)] {
        let bench = Harness::configured(|settings| settings.exact_paths = exact);
        let id = bench.ended(order(), "positive").await;
        let answer = bench.tm_call("DELETE", &format!("/delIdentData/{}", id.expose()), "").await;
        assert_eq!(answer.status, status);
        if exact {
            answer.refused(404, "path", "AT-09", "[T]");
            assert_eq!(bench.get_order("/getIdentData/{}", &id).await.status, 200, "nothing is deleted");
            assert_eq!(bench.tm_call("DELETE", &format!("/delIdentdata/{}", id.expose()), "").await.status, 202);
        }
    }
}
