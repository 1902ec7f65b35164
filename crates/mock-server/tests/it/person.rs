//! The person of a case, step by step, and the links to the landing pages (M-15).

use crate::stories::kinds_of_orders;
use crate::support::*;
use identkit_mock_server::server::{AdminApi, Pages};
use identkit_mock_server::vendors::LandingPages;

/// Pages that answer nothing: only their links are tested here.
#[derive(Debug)]
struct NoPages;

impl Pages for NoPages {
    fn person<'a>(&'a self, _: &'a AdminApi, _: &'a Request<Bytes>) -> Option<BoxFuture<'a, Response<Content>>> {
        None
    }

    fn console<'a>(&'a self, _: &'a AdminApi, _: &'a Request<Bytes>) -> Option<BoxFuture<'a, Response<Content>>> {
        None
    }
}

fn mounted() -> Harness {
    Harness::with(|builder| builder.pages(Arc::new(NoPages)))
}

use PersonAction as Act;

impl Harness {
    fn step(&self, case: &str) -> String {
        let view = self.sandbox.person(case).unwrap();
        serde_json::to_value(view.step).unwrap().as_str().unwrap().to_owned()
    }

    async fn try_act(&self, case: &str, request: &PersonRequest) -> Result<(), Rejection> {
        let result = known(self.sandbox.act(case, request).await);
        self.clock.settle().await;
        result
    }

    /// Acts as the person, and returns the next step.
    async fn act(&self, case: &str, action: PersonAction) -> String {
        self.try_act(case, &PersonRequest::new(action)).await.unwrap_or_else(|error| panic!("{action:?}: {error}"));
        self.step(case)
    }

    async fn choose(&self, case: &str, method: &str) -> String {
        self.try_act(case, &PersonRequest::choose(method)).await.unwrap();
        self.step(case)
    }

    /// Enters the TAN that was sent last.
    async fn enter_tan(&self, case: &str) -> String {
        self.try_act(case, &PersonRequest::enter_tan(self.tan(case))).await.unwrap();
        self.step(case)
    }

    /// Chooses a method, and goes on until the identification is over.
    async fn identify_by(&self, case: &str, method: &str) -> String {
        assert_eq!(self.choose(case, method).await, "consent", "{method}");
        let mut step = self.act(case, Act::Consent).await;
        loop {
            step = match step.as_str() {
                "waiting" => self.act(case, Act::Enter).await,
                "call" | "identify" => self.act(case, Act::Pass).await,
                "tan" => self.enter_tan(case).await,
                _ => return step,
            };
        }
    }
}

const EVENTS: [&str; 2] = ["AfterIdent", "OnFinal"];

#[tokio::test(flavor = "multi_thread")]
async fn m_15_each_method_has_the_statuses_of_its_story() {
    let mut walked = BTreeSet::new();
    for (kind, order) in kinds_of_orders(&EVENTS).into_iter().enumerate() {
        let methods = {
            let bench = Harness::new();
            let id = bench.place(order.clone()).await;
            bench.sandbox.person(id.expose()).unwrap().methods
        };
        for method in methods {
            let (story, told) = Harness::with_receiver(Receiver::answering(Some(200)));
            let expected = story.ended(order.clone(), method).await;
            let (page, called) = Harness::with_receiver(Receiver::answering(Some(200)));
            let id = page.place(order.clone()).await;
            let end = page.identify_by(id.expose(), method).await;
            assert_eq!(page.codes(&id).await, story.codes(&expected).await, "{kind}: {method}");
            assert_eq!(called.events(), told.events(), "{kind}: {method}");
            assert_eq!(end, if order.flavor() == OrderFlavor::Qes { "sign" } else { "done" }, "{kind}: {method}");
            walked.insert(method);
        }
    }
    assert_eq!(walked.len(), 7, "{walked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_rejections_are_those_of_the_stories() {
    for (action, code) in [(Act::Fail, 17), (Act::Fraud, 89)] {
        let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
        let redirect = RedirectUrl::default().success("https://shop.example/yes").abort("https://shop.example/no");
        let id = bench.place(order_with(&EVENTS).redirect_url(redirect)).await;
        bench.choose(id.expose(), "video").await;
        bench.act(id.expose(), Act::Consent).await;
        assert_eq!(bench.act(id.expose(), Act::Enter).await, "call");
        assert_eq!(bench.act(id.expose(), action).await, "failed");
        let codes = bench.codes(&id).await;
        assert_eq!(codes[codes.len() - 4..], [77, 78, 75, code], "{codes:?}");
        assert_eq!(receiver.events(), EVENTS);
        let view = bench.sandbox.person(id.expose()).unwrap();
        assert_eq!(view.redirect.as_deref(), Some("https://shop.example/no"));
        assert!(view.actions.is_empty() && view.methods.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_a_person_leaves_and_returns() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    let redirect = RedirectUrl::default().abort("https://shop.example/no?id=[OrderID]&ref=[Ref]");
    let id = bench.place(order_with(&["AfterVideo", "OnFinal"]).redirect_url(redirect).reference("a b&c")).await;
    let case = id.expose();
    bench.choose(case, "video").await;
    bench.act(case, Act::Consent).await;
    assert_eq!(bench.act(case, Act::Abort).await, "left", "out of the waiting room");
    let codes = bench.codes(&id).await;
    assert_eq!(codes[codes.len() - 3..], [77, 79, 21], "{codes:?}");
    assert_eq!(receiver.events(), ["AfterVideo"]);
    let view = bench.sandbox.person(case).unwrap();
    assert_eq!(view.redirect, Some(format!("https://shop.example/no?id={case}&ref=a%20b%26c")), "AT-20");
    assert_eq!(bench.act(case, Act::Resume).await, "choose");
    assert_eq!(bench.identify_by(case, "video").await, "done");
    assert_eq!(bench.sandbox.person(case).unwrap().redirect, None, "no URL after success");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_a_change_of_the_method_has_its_status() {
    let bench = Harness::new();
    let id = bench.place(contract_order()).await;
    let case = id.expose();
    let mut added = Vec::new();
    for (method, expected) in [
        ("eid", &[49, 50][..]),
        ("courier", &[69, 12, 70, 19]),
        ("shop", &[68]),
        ("giro", &[81, 33]),
        ("autoid", &[98]),
        ("smartid", &[]),
        ("video", &[73, 77]),
        ("video", &[77]),
    ] {
        let before = bench.codes(&id).await.len();
        assert_eq!(bench.choose(case, method).await, "consent");
        bench.act(case, Act::Consent).await;
        added = bench.codes(&id).await.split_off(before);
        assert_eq!(added, expected, "{method}");
        assert_eq!(bench.act(case, Act::Change).await, "choose");
    }
    assert_eq!(added, [77], "the same method again is no change");
    // The method of the result is the last one.
    bench.identify_by(case, "video").await;
    assert_eq!(bench.sandbox.inspect(case).unwrap()["method"], "Video");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_the_page_of_a_deleted_open_order_says_so() {
    let bench = Harness::with(|builder| builder.without_rule("T-025/delete").unwrap());
    let id = bench.place(order()).await;
    bench.good("DELETE", &format!("/delIdentdata/{}", id.expose()), String::new()).await;
    assert_eq!(bench.step(id.expose()), "deleted");
    assert!(bench.sandbox.person(id.expose()).unwrap().actions.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_an_unreadable_id_card_leads_to_video_or_out() {
    for (settings, step, last) in [
        (EidSettings::default(), "waiting", [73, 77]),
        (EidSettings::default().no_video_fallback(true), "left", [50, 21]),
    ] {
        let bench = Harness::new();
        let id = bench.place(order().eid_settings(settings)).await;
        bench.choose(id.expose(), "eid").await;
        assert_eq!(bench.act(id.expose(), Act::Consent).await, "identify");
        assert_eq!(bench.act(id.expose(), Act::Unreadable).await, step);
        let codes = bench.codes(&id).await;
        assert_eq!(codes[codes.len() - 2..], last, "{codes:?}");
    }
    let bench = Harness::new();
    let id = bench.place(order()).await;
    bench.choose(id.expose(), "giro").await;
    bench.act(id.expose(), Act::Consent).await;
    let refused = bench.try_act(id.expose(), &PersonRequest::new(Act::Unreadable)).await.unwrap_err();
    assert_eq!((refused.status, refused.violations[0].rule), (409, "M-15"));
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_eid_can_verify_the_phone_by_a_tan() {
    let bench = Harness::new();
    let settings = EidSettings::default().verify_mobile_number(true);
    let id = bench.place(order().eid_settings(settings).mobile("+491701234567")).await;
    let case = id.expose();
    bench.choose(case, "eid").await;
    bench.act(case, Act::Consent).await;
    assert_eq!(bench.act(case, Act::Pass).await, "tan");
    let first = bench.tan(case);
    assert_eq!(bench.act(case, Act::Resend).await, "tan");
    assert_ne!(bench.tan(case), first);
    for wrong in [Some(Secret::new(first)), Some(Secret::new("")), None] {
        let mut request = PersonRequest::new(Act::Tan);
        request.tan = wrong;
        let refused = bench.try_act(case, &request).await.unwrap_err();
        assert_eq!((refused.status, &*refused.violations[0].field), (400, "tan"));
    }
    assert_eq!(bench.enter_tan(case).await, "done");
    let codes = bench.codes(&id).await;
    assert_eq!(codes[codes.len() - 7..], [49, 50, 51, 71, 71, 6, 80], "{codes:?}");
    let sent: Vec<_> = bench.sandbox.messages().into_iter().filter(|message| message.tan.is_some()).collect();
    assert_eq!(sent.len(), 2, "each TAN is in the outbox");
    assert!(bench.sandbox.tan(case).is_none(), "a TAN is used once");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_the_person_signs_with_the_tan() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    let redirect = RedirectUrl::default().success("https://shop.example/signed/[OrderID]");
    let id = bench.place(to_sign(order_with(&EVENTS)).redirect_url(redirect)).await;
    let case = id.expose();
    assert_eq!(bench.identify_by(case, "giro").await, "sign");
    let view = bench.sandbox.person(case).unwrap();
    assert_eq!((view.documents, view.redirect), (vec!["contract.pdf".to_owned()], None), "not before the signature");
    // The TAN of an identification starts no signature.
    bench.tm_call("POST", &format!("/confirmSign/{case}"), r#"{"tan":"123456"}"#).await;
    let before = bench.codes(&id).await.len();
    assert_eq!(bench.act(case, Act::Sign).await, "sign_tan");
    let wrong = PersonRequest::enter_tan(bench.wrong_tan(case));
    assert_eq!(bench.try_act(case, &wrong).await.unwrap_err().violations[0].rule, "AT-54");
    assert_eq!(bench.act(case, Act::Resend).await, "sign_tan");
    assert_eq!(bench.enter_tan(case).await, "done");
    assert_eq!(bench.codes(&id).await.split_off(before), [102, 101, 83, 71, 71, 84]);
    assert_eq!(receiver.events(), EVENTS);
    let view = bench.sandbox.person(case).unwrap();
    assert_eq!(view.redirect, Some(format!("https://shop.example/signed/{case}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_too_many_wrong_tans_cancel_the_order() {
    let bench = Harness::new();
    let id = bench.place(contract_order()).await;
    let case = id.expose();
    bench.identify_by(case, "video").await;
    bench.act(case, Act::Sign).await;
    let statuses = [400, 400, 429];
    for status in statuses {
        let wrong = PersonRequest::enter_tan(bench.wrong_tan(case));
        assert_eq!(bench.try_act(case, &wrong).await.unwrap_err().status, status);
    }
    assert_eq!(bench.step(case), "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_the_admin_api_describes_each_status() {
    let (bench, door) = Harness::with_door().await;
    let id = bench.place(contract_order()).await;
    let case = id.expose();
    bench.identify_by(case, "giro").await;
    bench.act(case, Act::Sign).await;
    bench.set_up(|settings| (settings.tan_tries, settings.wrong_tan_status) = (2, 422));
    // The third is about the state: the order is canceled.
    for (status, rule) in [(400, "AT-54"), (400, "AT-54"), (409, "M-15")] {
        let body = json!({ "action": "tan", "tan": "wrong!" }).to_string();
        door.problem("POST", &format!("orders/{case}/person"), &body, status, rule).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_the_tan_of_a_video_does_not_start_a_signature() {
    let bench = Harness::new();
    let id = bench.place(contract_order()).await;
    assert_eq!(bench.identify_by(id.expose(), "video").await, "sign");
    let answer = bench.tm_call("POST", &format!("/confirmSign/{}", id.expose()), r#"{"tan":"123456"}"#).await;
    assert_eq!((answer.status, answer.rule().as_str()), (412, "AT-55"));
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_stories_and_pages_move_the_same_order() {
    let bench = Harness::new();
    let id = bench.place(contract_order()).await;
    let case = id.expose();
    bench.choose(case, "shop").await;
    bench.play(case, "identified").await;
    assert_eq!(bench.step(case), "sign", "a story replaces what the person did");
    bench.good("POST", &format!("/requestSign/{case}"), String::new()).await;
    assert_eq!(bench.step(case), "sign_tan", "the customer's service sends the TAN");
    bench.play(case, "aborted").await;
    assert_eq!(bench.step(case), "sign_tan");
    bench.play(case, "timeout").await;
    assert_eq!(bench.step(case), "expired");
    assert!(bench.sandbox.person("9992UNKNOWN").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_the_person_is_redirected_after_a_deletion() {
    let bench = Harness::new();
    let redirect = RedirectUrl::default().success("https://shop.example/yes?[Ref]");
    let id = bench.place(order().redirect_url(redirect)).await;
    bench.identify_by(id.expose(), "giro").await;
    bench.good("DELETE", &format!("/delIdentdata/{}", id.expose()), String::new()).await;
    let view = bench.sandbox.person(id.expose()).unwrap();
    // The customer's service deletes the data when OnFinal arrives, while the person still waits.
    assert_eq!((view.step, view.redirect.as_deref()), (PersonStep::Done, Some("https://shop.example/yes?ref-1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_the_spinner_page_waits_for_the_end() {
    for (spins, during) in [(false, "done"), (true, "processing")] {
        let (bench, receiver, gate) = Harness::gated();
        bench.set_up(|settings| settings.spinner_page = spins);
        let redirect = RedirectUrl::default().success("https://shop.example/yes");
        let id = bench.place(order_with(&EVENTS).redirect_url(redirect)).await;
        let case = id.expose();
        for request in [PersonRequest::choose("giro"), PersonRequest::new(Act::Consent), PersonRequest::new(Act::Pass)]
        {
            bench.sandbox.act(case, &request).await.unwrap();
        }
        receiver.until(1).await;
        assert_eq!(bench.step(case), during, "AfterIdent is unanswered, and the order is not final");
        gate.notify_one();
        receiver.until(2).await;
        assert_eq!(bench.step(case), during, "OnFinal is unanswered");
        gate.notify_one();
        bench.clock.settle().await;
        assert_eq!(bench.step(case), "done");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_an_action_waits_for_a_webhook() {
    let (bench, receiver, gate) = Harness::gated();
    let id = bench.place(order_with(&["AfterVideo"])).await;
    let case = id.expose();
    for request in [PersonRequest::choose("video"), PersonRequest::new(Act::Consent), PersonRequest::new(Act::Abort)] {
        bench.sandbox.act(case, &request).await.unwrap();
    }
    receiver.until(1).await;
    let resume = PersonRequest::new(Act::Resume);
    let mut waits = Box::pin(bench.sandbox.act(case, &resume));
    tokio::select! {
        _ = &mut waits => panic!("the order is blocked"),
        () = pause(Duration::from_millis(200)) => {}
    }
    gate.notify_one();
    within(10 * SECOND, waits).await.unwrap().unwrap();
    assert_eq!(bench.step(case), "choose");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_only_web_addresses_are_redirects() {
    let bench = Harness::new();
    for (url, expected) in [
        ("https://shop.example/?ref=[Ref]", Some("https://shop.example/?ref=ref-1")),
        ("javascript:alert(1)", None),
        ("shop.example/yes", None),
        ("", None),
    ] {
        let id = bench.ordered(json!({ "RedirectURL": { "Success": url } })).await;
        bench.identify_by(&id, "giro").await;
        assert_eq!(bench.sandbox.person(&id).unwrap().redirect.as_deref(), expected, "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_methods_depend_on_the_order() {
    let bench = Harness::new();
    let all = ["courier", "shop", "video", "eid", "giro", "autoid", "smartid"];
    let without = |left_out: &[&str]| all.into_iter().filter(|name| !left_out.contains(name)).collect::<Vec<_>>();
    for (order, expected) in [
        (order().product(0_u32), without(&["video", "autoid"])),
        (order().product(12_u32), without(&["autoid"])),
        (contract_order(), without(&[])),
        (order().product(16_u32), vec!["autoid"]),
    ] {
        let id = bench.place(order).await;
        let view = bench.sandbox.person(id.expose()).unwrap();
        assert_eq!(view.methods, expected);
        let wrong = bench.try_act(id.expose(), &PersonRequest::choose("fax")).await.unwrap_err();
        assert_eq!((wrong.status, &*wrong.violations[0].field), (400, "method"));
    }
    bench.set_up(|settings| settings.address_optional = true);
    let mut order = order();
    order.address = None;
    let id = bench.place_raw(&order).await;
    let methods = bench.sandbox.person(&id).unwrap().methods;
    assert_eq!(methods, without(&["courier", "shop", "autoid"]), "AT-43");
}

impl Harness {
    async fn place_raw(&self, order: &PutOrder) -> String {
        let answer = self.good("PUT", "/putOrder", serde_json::to_string(order).unwrap()).await;
        answer.json()["OrderID"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_a_saved_world_keeps_link_and_step() {
    let bench = mounted();
    let link = bench.linked("https://sandbox.example:8443").await;
    let case = bench.sandbox.cases("identity-tm").into_iter().find(|id| bench.has_link(id)).unwrap();
    bench.choose(&case, "video").await;
    bench.act(&case, Act::Consent).await;
    let saved = bench.sandbox.save().unwrap();
    let restored = bench.sandbox.restore(&saved).unwrap();
    let view = restored.person(&case).unwrap();
    assert_eq!((view.step, view.method), (PersonStep::Waiting, Some("video")));
    assert_eq!(view.page.as_deref(), link.strip_prefix("https://sandbox.example:8443"));
    assert_eq!(view.url, None, "the restored world has received no call");
    let at_first = bench.sandbox.person(&case).unwrap();
    assert_eq!(at_first.url, Some(link), "the host of the latest call");
    let worlds = Worlds::from(&restored);
    assert_eq!(worlds.landing_page(view.page.as_ref().unwrap()), Some(("default".to_owned(), case)));
}

impl Harness {
    fn has_link(&self, case: &str) -> bool {
        self.sandbox.person(case).unwrap().page.is_some()
    }

    /// Places an order with a link by a request to this host, and returns its TargetURL.
    async fn linked(&self, origin: &str) -> String {
        let order = serde_json::to_vec(&order().get_target_link(true)).unwrap();
        let mut request = tm_request("PUT", "/putOrder").body(Bytes::from(order)).unwrap();
        *request.uri_mut() = format!("{origin}{TM}/putOrder").parse().unwrap();
        let answer = self.sandbox.handle(request).await;
        let answer: Value = serde_json::from_slice(answer.body().as_bytes().unwrap()).unwrap();
        answer["TargetURL"].as_str().unwrap().to_owned()
    }
}

const VENDOR: &str = "https://www.identity.tm";

#[tokio::test(flavor = "multi_thread")]
async fn m_15_links_point_at_the_host_of_the_request() {
    let bench = mounted();
    for (origin, expected) in [
        ("https://sandbox.example", "https://sandbox.example"),
        ("http://127.0.0.1:8443", "http://127.0.0.1:8443"),
        ("http://[::1]:8443", "http://[::1]:8443"),
        ("https://user:word@sandbox.example", "https://sandbox.example"),
        // 100 characters, and one more.
        (&format!("https://{}", "h".repeat(52)), &format!("https://{}", "h".repeat(52))),
        (&format!("https://{}", "h".repeat(53)), VENDOR),
    ] {
        let url = bench.linked(origin).await;
        assert!(url.starts_with(&format!("{expected}/status/")) && url.len() <= 100, "{origin}: {url}");
    }
    bench.set_up(|settings| settings.landing_pages = LandingPages::Vendor);
    assert!(bench.linked("https://sandbox.example").await.starts_with(VENDOR));
    let without = Harness::new();
    assert!(without.linked("https://sandbox.example").await.starts_with(VENDOR), "no pages are mounted");
    assert!(!without.has_link(&without.sandbox.cases("identity-tm")[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_the_mail_has_the_link() {
    let bench = mounted();
    let id = bench.ordered(json!({})).await;
    let page = bench.sandbox.person(&id).unwrap().page.unwrap();
    let messages = bench.sandbox.messages();
    let [mail] = &messages[..] else { panic!("one mail") };
    assert!(mail.text.starts_with("the link to the landing page of the order: https://"), "{}", mail.text);
    assert!(mail.text.ends_with(&page), "{}", mail.text);
    // The link changes no other random value.
    let without = Harness::new();
    assert_eq!(without.ordered(json!({})).await, id);
    assert_eq!(without.ordered(json!({})).await, bench.ordered(json!({})).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_listeners_add_their_scheme_to_links() {
    let bench = mounted();
    let authority = Authority::new().unwrap();
    let (tls, plainly) = (
        server::vendors(&bench.sandbox, any(), Some(&authority)).await.unwrap(),
        server::vendors(&bench.sandbox, any(), None).await.unwrap(),
    );
    for (listener, transport) in [(&tls, trusting(&authority)), (&plainly, plain())] {
        let tm = crate::network::client(&listener.url(), transport);
        let placed = tm.put_order(&order().get_target_link(true), &options()).await.unwrap().value;
        let url = placed.answer.target_url.unwrap();
        assert!(url.expose().starts_with(&format!("{}/status/", listener.url())), "{}", url.expose());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_an_ident_is_moved_step_by_step() {
    let bench = mounted();
    for (action, step, status) in [
        (Act::Pass, "done", "Identified"),
        (Act::Fail, "failed", "Rejected"),
        (Act::Postpone, "appointment", "Unidentified"),
        (Act::Abort, "left", "Unidentified"),
    ] {
        let id = bench.create_ident().await;
        let page = bench.sandbox.person(&id).unwrap().page;
        assert_eq!(page, Some(format!("/apply/{id}")));
        assert_eq!(bench.choose(&id, "video").await, "consent");
        assert_eq!(bench.act(&id, Act::Consent).await, "waiting");
        assert_eq!(bench.act(&id, Act::Enter).await, "call");
        assert_eq!(bench.act(&id, action).await, step);
        assert_eq!(bench.sandbox.inspect(&id).unwrap()["latest_status"], status);
        let view = bench.sandbox.person(&id).unwrap();
        assert_eq!(view.appointment.is_some(), step == "appointment");
        if view.actions.contains(&Act::Resume) {
            assert_eq!(bench.act(&id, Act::Resume).await, "choose");
        }
    }
    let id = bench.create_ident().await;
    assert_eq!(bench.try_act(&id, &PersonRequest::choose("eid")).await.unwrap_err().status, 400);
    bench.play(&id, "negative").await;
    assert_eq!(bench.step(&id), "failed", "a story ends the visit");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_conference_urls_point_at_the_sandbox() {
    let url = async |bench: &Harness| {
        let token = bench.token().await;
        let uri = "http://sandbox.example/ident/create";
        let mut request = Request::post(uri).body(Bytes::from(sample_ident().to_string())).unwrap();
        for (name, value) in [("X-API-PARTNER", "911-internet"), ("X-API-TOKEN", token.as_str())] {
            request.headers_mut().insert(http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        }
        let answer = bench.sandbox.handle(request).await;
        let answer: Value = serde_json::from_slice(answer.body().as_bytes().unwrap()).unwrap();
        let (id, url) = (answer["ident_id"].as_str().unwrap(), answer["conference_url"].as_str().unwrap());
        assert!(url.ends_with(&format!("/apply/{id}")), "{url}");
        url.trim_end_matches(id).to_owned()
    };
    let bench = mounted();
    let at_vendor = "https://identify24.de/apply/";
    assert_eq!(url(&bench).await, "http://sandbox.example/apply/");
    bench.set_up_identify24(|settings| settings.landing_pages = LandingPages::Vendor);
    assert_eq!(url(&bench).await, at_vendor);
    assert_eq!(url(&Harness::new()).await, at_vendor);
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_links_find_their_world() {
    let bench = mounted();
    let worlds = Worlds::from(&bench.sandbox);
    let (id, other) = worlds.create(&named("other")).unwrap();
    let [partner, key] = other.credentials("identify24");
    assert!(!partner.is_empty() && !key.is_empty());
    let order = serde_json::to_vec(&order().get_target_link(true)).unwrap();
    let [customer, code] = other.credentials("identity-tm");
    let basic = format!("Basic {}", encode_base64(format!("{customer}:{code}").as_bytes()));
    let request = Request::builder().method("PUT").uri(format!("https://sandbox.example{TM}/putOrder"));
    let request = request.header(AUTHORIZATION, basic).body(Bytes::from(order)).unwrap();
    let answer = worlds.handle(request).await;
    let answer: Value = serde_json::from_slice(answer.body().as_bytes().unwrap()).unwrap();
    let path = answer["TargetURL"].as_str().unwrap().strip_prefix("https://sandbox.example").unwrap().to_owned();
    let case = answer["OrderID"].as_str().unwrap().to_owned();
    for below in ["", "/phone", "/"] {
        assert_eq!(worlds.landing_page(&format!("{path}{below}")), Some((id.clone(), case.clone())), "{below}");
    }
    for unknown in ["/status/", "/status", "/status/0", "/api/2.10/getStatus/1", "/"] {
        assert_eq!(worlds.landing_page(unknown), None, "{unknown}");
    }
    assert!(worlds.has_landing_page_at("/apply/x") && !worlds.has_landing_page_at("/ident/create"));
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_the_admin_api_offers_the_same() {
    let (bench, door) = Harness::with_door().await;
    let id = bench.ordered(json!({ "RedirectURL": { "Success": "https://shop.example/?token=secret-1" } })).await;
    let path = format!("orders/{id}/person");
    let view = door.get(&path).await;
    assert_eq!((&view["step"], &view["page"], &view["redirect"]), (&json!("choose"), &Value::Null, &Value::Null));
    let post = async |body: &str| door.good("POST", &path, body).await;
    assert_eq!(post(r#"{"action":"choose","method":"giro"}"#).await["step"], "consent");
    assert_eq!(post(r#"{"action":"consent"}"#).await["actions"], json!(["pass", "fail", "fraud", "change", "abort"]));
    post(r#"{"action":"pass"}"#).await;
    bench.clock.settle().await;
    assert_eq!(door.get(&path).await["redirect"], "https://shop.example/?token=(masked)");
    assert_eq!(door.get(&format!("{path}?reveal=true")).await["redirect"], "https://shop.example/?token=secret-1");
    for (body, status, rule) in [
        (r#"{"action":"pass"}"#, 409, "M-15"),
        (r#"{"action":"dance"}"#, 400, "M-15"),
        (r#"{"action":{"pass":null}}"#, 400, "M-15"),
        (r#"{"action":"tan","tan":7}"#, 400, "M-15"),
        ("{}", 400, "M-15"),
        (r#"{"action":"pass","more":1}"#, 400, "admin-body"),
    ] {
        door.problem("POST", &path, body, status, rule).await;
    }
    door.problem("GET", "orders/9992UNKNOWN/person", "", 404, "admin-case").await;
    door.problem("POST", "orders/9992UNKNOWN/person", r#"{"action":"pass"}"#, 404, "admin-case").await;
    let moved = bench.sandbox.journal();
    assert!(format!("{moved:?}").contains("the person: pass"), "the journal has the action");
}
