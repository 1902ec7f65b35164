//! Traps of identity.TM's document that the sandbox decides: what an end without a result does, and who is told.

use crate::support::*;

fn to_sign() -> PutOrder {
    let hash = SignHash::default().hash("c2hhMjU2").filename("contract.pdf");
    order_with(&["AfterVideo", "OnFinal"]).product(15_u32).sign_hash(OneOrMany::One(hash))
}

async fn codes(bench: &Harness, id: &OrderId) -> Vec<u32> {
    let status = bench.tm().status(id, &options()).await.unwrap().value;
    status.kinds().map(|kind| kind.0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn at_59_a_time_out_deletes_the_data_calls_on_final_and_leaves_the_status_readable() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(202)));
    let id = bench.ended(order_with(&["OnFinal"]), "timeout").await;
    assert_eq!(receiver.events(), ["OnFinal"]);
    assert_eq!(codes(&bench, &id).await.last(), Some(&StatusKind::TIMED_OUT.0));
    let gone = bench.tm().ident_data(&id, &options()).await.unwrap_err();
    assert_eq!((gone.kind(), gone.status()), (Kind::NotFound, Some(404)));
    assert_eq!(bench.sandbox.inspect(id.expose()).unwrap()["data_deleted"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_60_on_final_is_called_on_a_time_out_on_a_cancellation_and_on_too_many_wrong_tans() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(202)));
    let tm = bench.tm();

    bench.ended(order_with(&["OnFinal"]), "timeout").await;
    assert_eq!(receiver.events(), ["OnFinal"]);

    let cancelled = bench.place(order_with(&["OnFinal"])).await;
    tm.cancel_order(&cancelled, &options()).await.unwrap();
    bench.clock.settle().await;
    assert_eq!(receiver.events(), ["OnFinal", "OnFinal"]);

    let id = bench.ended(to_sign(), "identified").await;
    assert_eq!(receiver.events()[2..], ["AfterVideo"]);
    tm.request_sign(&id, &options()).await.unwrap();
    let right = bench.sandbox.inspect(id.expose()).unwrap()["tan"].as_str().unwrap().to_owned();
    let wrong = if right == "000000" { "111111" } else { "000000" };
    let mut last = None;
    while last != Some(429) {
        last = tm.confirm_sign(&id, &Secret::new(wrong), &options()).await.unwrap_err().status();
        assert!(matches!(last, Some(400 | 429)), "{last:?}");
    }
    bench.clock.settle().await;
    assert_eq!(receiver.events()[2..], ["AfterVideo", "OnFinal"]);
}

/// Whether the person is mailed as well when the link is asked for is not said: assumed that not.
#[tokio::test(flavor = "multi_thread")]
async fn at_84_the_person_is_mailed_only_when_the_link_was_not_asked_for() {
    let bench = Harness::new();
    for (asked, mailed) in [(None, true), (Some(false), true), (Some(true), false)] {
        let mut wanted = order();
        wanted.get_target_link = asked;
        let placed = bench.tm().put_order(&wanted, &options()).await.unwrap().value;
        assert_eq!(placed.answer.target_url.is_some(), !mailed, "{asked:?}");
        assert_eq!(codes(&bench, &placed.order_id).await.contains(&7), mailed, "{asked:?}");
    }
}
