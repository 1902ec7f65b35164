//! Webhook modes, of a world and of single orders, in this process.

use crate::support::*;
use identkit_mock_server::{
    journal::Entry,
    webhooks::{Cause, Mode, ReleaseOrder, State, Verb},
};

/// Creates a sandbox with this webhook mode, and a receiver.
fn receiving(status: u16, mode: Mode) -> (Harness, Receiver) {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(status)));
    bench.sandbox.set_webhooks(None, mode);
    (bench, receiver)
}

impl Harness {
    /// Returns the ids of the deliveries about a case.
    fn hooks(&self, case: &str) -> Vec<u64> {
        self.sandbox.deliveries(Some(case)).iter().map(|delivery| delivery.id).collect()
    }

    fn state(&self, id: u64) -> State {
        self.sandbox.delivery(id).unwrap().state()
    }

    fn causes(&self, id: u64) -> Vec<Cause> {
        self.sandbox.delivery(id).unwrap().attempts.iter().map(|attempt| attempt.by).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_webhook_is_sent_on_release_and_starts_its_schedule() {
    let (bench, receiver) = receiving(500, Mode::Hold);
    let id = bench.hooked(&["OnFinal"]).await;
    bench.clock.advance(30 * DAY).await;
    assert_eq!(receiver.count(), 0);
    let hook = bench.hooks(&id)[0];
    assert_eq!(bench.state(hook), State::Held);
    bench.sandbox.set_webhooks(None, Mode::Deliver);
    bench.clock.advance(DAY).await;
    assert_eq!(receiver.count(), 0, "a change of the mode releases nothing");
    bench.sandbox.release(hook).unwrap();
    bench.clock.advance(100 * SECOND).await;
    let start = 31.0 * 86_400.0;
    assert_eq!(receiver.times(), [start, start + 86.4]);
    assert_eq!(bench.causes(hook), [Cause::Release, Cause::Schedule]);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_78_an_order_waits_only_after_a_held_webhook_is_released() {
    let (gate, gates) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let inside = [Arc::clone(&gate), Arc::clone(&gates)];
    let (bench, receiver) = Harness::with_receiver(Receiver::doing(move |call| {
        let gate = Arc::clone(&inside[usize::from(call.event() == "OnFinal")]);
        Box::pin(async move {
            gate.notified().await;
            Some(200)
        })
    }));
    bench.sandbox.set_webhooks(None, Mode::Hold);
    let id = bench.hooked(&["AfterIdent", "OnFinal"]).await;
    let blocked = || bench.sandbox.inspect(&id).unwrap()["blocked"].clone();
    assert_eq!((bench.hooks(&id).len(), blocked()), (2, false.into()), "the story is complete");
    assert_eq!(bench.tm_call("GET", &format!("/getIdentData/{id}"), "").await.status, 200);
    let [ident, end] = bench.hooks(&id)[..] else { panic!("two webhooks") };
    for hook in [ident, end] {
        bench.sandbox.release(hook).unwrap();
    }
    receiver.until(2).await;
    assert_eq!(blocked(), true);
    let path = format!("/getIdentData/{id}");
    let mut read = std::pin::pin!(bench.tm_call("GET", &path, ""));
    assert!(within(Duration::from_millis(50), &mut read).await.is_none(), "it waits for both");
    gate.notify_one();
    assert!(within(Duration::from_millis(50), &mut read).await.is_none(), "it waits for the other one");
    gates.notify_one();
    assert_eq!(within(10 * SECOND, read).await.unwrap().status, 200);
    assert_eq!((blocked(), bench.state(ident), bench.state(end)), (false.into(), State::Delivered, State::Delivered));
}

#[tokio::test(flavor = "multi_thread")]
async fn release_sends_webhooks_of_canceled_and_deleted_orders() {
    let (bench, receiver) = receiving(200, Mode::Hold);
    let deleted = bench.hooked(&["OnFinal"]).await;
    let answer = bench.tm_call("DELETE", &format!("/delIdentdata/{deleted}"), "").await;
    assert!(answer.status < 300, "{}", answer.text());
    let cancelled = bench.place(order_with(&["AfterVideo", "OnFinal"])).await.expose().to_owned();
    bench.play(&cancelled, "aborted").await;
    let answer = bench.tm_call("POST", &format!("/cancelOrder/{cancelled}"), "").await;
    assert!(answer.status < 300, "not blocked, and canceled: {}", answer.text());
    bench.clock.settle().await;
    for id in [&deleted, &cancelled] {
        for hook in bench.hooks(id) {
            bench.sandbox.release(hook).unwrap();
            bench.clock.settle().await;
        }
    }
    assert_eq!(receiver.events(), ["OnFinal", "AfterVideo", "OnFinal"]);
    assert!(receiver.arrived()[0].uri.contains(&deleted) && receiver.arrived()[2].uri.contains(&cancelled));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_webhook_is_not_sent_and_counts_as_delivered() {
    let (bench, receiver) = receiving(200, Mode::Drop);
    let id = bench.hooked(&["AfterIdent", "OnFinal"]).await;
    bench.sandbox.set_webhooks(None, Mode::Deliver);
    bench.clock.advance(30 * DAY).await;
    assert_eq!(receiver.count(), 0);
    let answer = within(10 * SECOND, bench.tm_call("GET", &format!("/getStatus/{id}"), "")).await.unwrap();
    assert!(answer.text().contains("\"Kind\":6"), "{}", answer.text());
    for delivery in bench.sandbox.deliveries(Some(&id)) {
        let [attempt] = &delivery.attempts[..] else { panic!("one attempt") };
        assert_eq!((attempt.outcome(), attempt.status, delivery.next), ("failed", None, None));
        assert!(attempt.error.as_ref().unwrap().starts_with("dropped"));
        assert_eq!(delivery.state(), State::Failed);
    }
    bench.sandbox.resend(bench.hooks(&id)[1]).unwrap();
    bench.clock.settle().await;
    assert_eq!(receiver.events(), ["OnFinal"], "it can still be resent");
}

#[tokio::test(flavor = "multi_thread")]
async fn mode_duplicate_sends_copies_that_do_not_affect_retries() {
    // The copies succeed, but the schedule continues.
    let (bench, receiver) =
        Harness::with_receiver(Receiver::script(&[Some(500), Some(500), Some(500), Some(500), Some(200), Some(200)]));
    bench.sandbox.set_webhooks(None, Mode::Duplicate);
    let id = bench.hooked(&["OnFinal"]).await;
    bench.clock.advance(DAY).await;
    assert_eq!(receiver.times(), [0.0, 0.0, 86.4, 86.4, 146.4, 146.4]);
    let mut causes = bench.causes(bench.hooks(&id)[0]);
    causes.sort_by_key(|cause| cause.name());
    assert_eq!(causes, [[Cause::Duplicate; 3], [Cause::Schedule; 3]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn mode_late_delays_the_first_attempt_and_its_retries() {
    let (bench, receiver) = receiving(500, Mode::Late(HOUR));
    let id = bench.hooked(&["OnFinal"]).await;
    assert_eq!(bench.sandbox.next_due(), Some(start_time() + jiff::SignedDuration::from_hours(1)));
    assert_eq!(bench.sandbox.inspect(&id).unwrap()["blocked"], false);
    let delivery = bench.sandbox.deliveries(Some(&id)).remove(0);
    assert_eq!((delivery.state(), delivery.next), (State::Waiting, bench.sandbox.next_due()));
    bench.clock.advance(HOUR + 100 * SECOND).await;
    assert_eq!(receiver.times(), [3_600.0, 3_686.4], "only its first try is late");
    assert_eq!(bench.causes(delivery.id), [Cause::Schedule; 2], "no call caused it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_webhook_blocks_its_order_when_it_is_sent() {
    let gate = Arc::new(tokio::sync::Notify::new());
    let open = Arc::clone(&gate);
    let receiver = Receiver::doing(move |_| {
        let open = Arc::clone(&open);
        Box::pin(async move {
            open.notified().await;
            Some(200)
        })
    });
    let bench = Harness::receiving(&receiver);
    bench.sandbox.set_webhooks(None, Mode::Late(HOUR));
    let id = bench.hooked(&["OnFinal"]).await;
    let sandbox = bench.sandbox.clone();
    let moved = tokio::spawn(async move { sandbox.advance(HOUR).await });
    eventually("the webhook arrives", || receiver.count() == 1).await;
    assert_eq!(bench.sandbox.inspect(&id).unwrap()["blocked"], true);
    let delivery = bench.sandbox.deliveries(Some(&id)).remove(0);
    assert_eq!((delivery.state(), delivery.next), (State::Sending, None));
    gate.notify_one();
    moved.await.unwrap();
    bench.clock.settle().await;
    assert_eq!(bench.sandbox.inspect(&id).unwrap()["blocked"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_webhook_can_be_held_and_dropped() {
    for mode in [Mode::Late(HOUR), Mode::Reorder] {
        let (bench, receiver) = receiving(200, mode);
        let id = bench.hooked(&["OnFinal"]).await;
        let hook = bench.hooks(&id)[0];
        assert_eq!(bench.sandbox.control_delivery(hook, Verb::Hold).unwrap().state(), State::Held);
        let released = bench.sandbox.release(hook).unwrap();
        assert_eq!((released.state(), receiver.count()), (State::Waiting, 0), "it was not due");
        bench.sandbox.control_delivery(hook, Verb::Hold).unwrap();
        bench.clock.advance(DAY).await;
        let held = bench.sandbox.delivery(hook).unwrap();
        assert_eq!((held.state(), held.next, receiver.count()), (State::Held, None, 0), "{mode:?}");
        bench.sandbox.release(hook).unwrap();
        bench.clock.settle().await;
        assert_eq!((receiver.count(), bench.causes(hook)), (1, vec![Cause::Release]), "{mode:?}");

        let other = bench.hooks(&bench.hooked(&["OnFinal"]).await)[0];
        bench.sandbox.control_delivery(other, Verb::Drop).unwrap();
        bench.clock.advance(DAY).await;
        assert_eq!(receiver.count(), 1, "{mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_webhook_is_not_overtaken() {
    let (bench, receiver) = receiving(200, Mode::Reorder);
    let held = bench.hooks(&bench.hooked(&["OnFinal"]).await)[0];
    bench.sandbox.control_delivery(held, Verb::Hold).unwrap();
    bench.hooked(&["OnFinal"]).await;
    assert_eq!((receiver.count(), bench.sandbox.delivery(held).unwrap().state()), (0, State::Held));
}

#[tokio::test(flavor = "multi_thread")]
async fn next_is_null_if_an_attempt_became_due_while_held() {
    let (bench, _) = receiving(500, Mode::Deliver);
    let hook = bench.hooks(&bench.hooked(&["OnFinal"]).await)[0];
    bench.sandbox.set_webhooks(None, Mode::Hold);
    bench.clock.advance(DAY).await;
    let delivery = bench.sandbox.delivery(hook).unwrap();
    assert_eq!((delivery.state(), delivery.next), (State::Held, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_webhook_that_is_released_is_sent_once() {
    let (bench, receiver) = receiving(200, Mode::Late(HOUR));
    let id = bench.hooked(&["OnFinal"]).await;
    bench.sandbox.release(bench.hooks(&id)[0]).unwrap();
    let moved = bench.sandbox.advance(DAY).await;
    assert_eq!(receiver.times(), [0.0]);
    let fired = |entry: &&Entry| matches!(&entry.kind, EntryKind::Fired { .. });
    assert_eq!(moved.fired.iter().filter(fired).count(), 0, "its timer is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn mode_reorder_swaps_pairs_of_webhooks() {
    let (bench, receiver) = receiving(200, Mode::Reorder);
    bench.hooked(&["AfterIdent", "OnFinal"]).await;
    assert_eq!(receiver.events(), ["OnFinal", "AfterIdent"], "of one order");
    let causes =
        bench.sandbox.deliveries(None).iter().flat_map(|delivery| bench.causes(delivery.id)).collect::<Vec<_>>();
    assert_eq!(causes, [Cause::Schedule; 2], "no call caused them");
    let ids = [bench.hooked(&["OnFinal"]).await, bench.hooked(&["OnFinal"]).await];
    let uris: Vec<_> = receiver.arrived()[2..].iter().map(|call| call.uri.clone()).collect();
    assert!(uris[0].contains(&ids[1]) && uris[1].contains(&ids[0]), "of two orders: {uris:?}");
    // Without a next webhook it is sent after a minute, and the next one waits again.
    bench.hooked(&["OnFinal"]).await;
    bench.clock.advance(59 * SECOND).await;
    assert_eq!(receiver.count(), 4);
    bench.clock.advance(SECOND).await;
    assert_eq!(receiver.count(), 5);
    bench.hooked(&["OnFinal"]).await;
    assert_eq!(receiver.count(), 5, "no next webhook");
    bench.clock.advance(DAY).await;
    assert_eq!(receiver.count(), 6, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn held_webhooks_are_released_one_by_one_in_any_order() {
    let (bench, receiver) = Harness::with_receiver(Receiver::slow(5, 200));
    let all = |ids: &[String]| ids.iter().map(|id| bench.hooks(id)[0]).collect::<Vec<_>>();
    let held = || async {
        bench.sandbox.set_webhooks(None, Mode::Hold);
        let mut ids = Vec::new();
        for _ in 0..6 {
            ids.push(bench.hooked(&["OnFinal"]).await);
        }
        ids
    };
    for order in ["as meant", "reversed", "shuffled", "these"] {
        let ids = held().await;
        let hooks = all(&ids);
        let before = receiver.count();
        let order = match order {
            "as meant" => ReleaseOrder::AsMeant,
            "reversed" => ReleaseOrder::Reversed,
            "shuffled" => ReleaseOrder::Shuffled,
            _ => ReleaseOrder::These(vec![hooks[3], hooks[0], hooks[5], hooks[1], hooks[4], hooks[2]]),
        };
        let output: Vec<u64> = bench.sandbox.release_all(&order).unwrap().iter().map(|delivery| delivery.id).collect();
        bench.clock.settle().await;
        let arrived: Vec<u64> = receiver.arrived()[before..]
            .iter()
            .map(|call| hooks[ids.iter().position(|id| call.uri.contains(id.as_str())).unwrap()])
            .collect();
        assert_eq!(arrived, output, "{order:?}");
        let mut sorted = output.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, hooks, "each once");
        match order {
            ReleaseOrder::AsMeant => assert_eq!(output, hooks),
            ReleaseOrder::Reversed => assert!(output.iter().rev().eq(&hooks)),
            ReleaseOrder::These(these) => assert_eq!(output, these),
            _ => assert_ne!(output, hooks, "this seed shuffles them"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_can_have_its_own_mode() {
    let (bench, receiver) = receiving(200, Mode::Deliver);
    let (one, other) = (bench.place(order_with(&["OnFinal"])).await, bench.place(order_with(&["OnFinal"])).await);
    bench.sandbox.set_webhooks(Some(one.expose()), Mode::Hold);
    for id in [&one, &other] {
        bench.play(id.expose(), "positive").await;
    }
    assert_eq!(receiver.count(), 1);
    assert!(receiver.arrived()[0].uri.contains(other.expose()));
    bench.sandbox.unset_webhooks(one.expose());
    assert!(bench.sandbox.webhooks().orders.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn i_084_webhooks_of_identify24_are_held_and_released_too() {
    let (bench, receiver) = receiving(200, Mode::Hold);
    bench.set_portal_url();
    bench.play(EXAMPLE_IDENT, "positive").await;
    bench.clock.advance(DAY).await;
    assert_eq!(receiver.count(), 0);
    bench.sandbox.release(bench.hooks(EXAMPLE_IDENT)[0]).unwrap();
    bench.clock.settle().await;
    assert_eq!(receiver.events(), ["status"]);
}

/// A receiver that responds with 200 and a body of this number of pieces.
#[derive(Debug)]
struct Talkative(usize);

#[async_trait]
impl Transport for Talkative {
    async fn send(&self, _: Request<Body>, _: &AttemptContext) -> Result<Response<Content>, Failure> {
        Ok(Response::new(Content::new(None, Pieces(self.0))))
    }
}

struct Pieces(usize);

impl http_body::Body for Pieces {
    type Data = bytes::Bytes;
    type Error = identkit_core::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        let left = self.0.checked_sub(1);
        self.0 = left.unwrap_or(0);
        std::task::Poll::Ready(left.map(|_| Ok(http_body::Frame::data("x".into()))))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mode_slow_read_ends_with_the_response_body() {
    for (pieces, mode, outcome) in [
        (1_000, Mode::Deliver, "delivered"),
        (2, Mode::SlowRead, "delivered"),
        // Reading takes a hundred seconds: cut off, as without a response.
        (1_000, Mode::SlowRead, "retry"),
    ] {
        let patience = 2 * SECOND;
        let bench =
            Harness::with(|builder| builder.webhook_transport(Arc::new(Talkative(pieces))).receiver_timeout(patience));
        bench.sandbox.set_webhooks(None, mode);
        let id = bench.hooked(&["OnFinal"]).await;
        let delivery = bench.sandbox.deliveries(Some(&id)).remove(0);
        assert_eq!(delivery.attempts[0].outcome(), outcome, "{mode:?}");
        let told = delivery.attempts[0].error.as_deref();
        assert_eq!(told, (outcome == "retry").then_some("no response within 2 s"));
    }
}
