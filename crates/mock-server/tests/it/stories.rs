//! identity.TM: every story with every kind of order, and every documented code.

use crate::support::*;
use identkit_mock_server::vendors::identity_tm::SCENARIOS;

/// Returns one order of each kind: Product 12, 0 and 16, one with something to sign, and an account-only order.
pub(crate) fn kinds_of_orders(webhooks: &[&str]) -> [PutOrder; 5] {
    let order = || order_with(webhooks).mobile("+491711234567");
    [order(), order().product(0_u32), order().product(16_u32), to_sign(order()), order().product(15_u32).add(8_u64)]
}

/// The expected results of the stories: `fixtures/stories.json`.
#[derive(serde::Deserialize)]
struct Stories {
    /// Whether an identification takes place, and the client's verdict for each of [`kinds_of_orders`]; null if the story
    /// is rejected. reuse.rs tests orders with IdentDataSigned.
    ends: BTreeMap<String, (bool, [Option<String>; 5])>,
    /// The verdict for an identified order with something to sign, or the status of the rejection.
    identified: BTreeMap<String, Value>,
    /// The identification method, by story and product.
    methods: Vec<(String, u32, String)>,
    /// The same for orders that are signed afterwards.
    signed: Vec<(String, String)>,
}

impl Harness {
    fn refusal(&self, id: &OrderId, story: &str) -> Rejection {
        self.begin(id.expose(), story).expect_err(story)
    }

    pub(crate) fn set_status(&self, id: &OrderId, code: u32) -> Result<(), Rejection> {
        known(self.sandbox.transition(id.expose(), &Transition::Status(code.into())))
    }

    /// Returns the order as listed by getAllStatus.
    async fn listed(&self, id: &OrderId) -> ListedOrder {
        let mut orders = self.list_day(1_000).await.into_iter();
        orders.find(|order| order.order_id.as_ref() == Some(id)).expect("listed")
    }

    /// Returns the identification method that the client reads, in lower case.
    async fn method(&self, id: &OrderId) -> String {
        let data = self.tm().ident_data_with_method(id, &options()).await.unwrap().value;
        format!("{:?}", data.method().unwrap()).to_lowercase()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m_04_every_story_gives_the_expected_outcome_and_webhooks() {
    let mut stories: Stories = table("stories");
    for story in SCENARIOS {
        let (conducted, ends) = stories.ends.remove(story).expect(story);
        for (order, end) in kinds_of_orders(&["AfterIdent", "OnFinal"]).into_iter().zip(ends) {
            let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
            let (flavor, about) = (order.flavor(), format!("{story} of {:?}, {:?}", order.flavor(), order.product));
            let id = bench.place(order).await;
            let Some(expected) = end else {
                let before = bench.sandbox.inspect(id.expose());
                let refused = bench.refusal(&id, story);
                assert_eq!((refused.status, refused.violations[0].rule), (400, "M-04"), "{about}");
                assert!(refused.text().contains("play "), "{about} suggests no other story: {}", refused.text());
                assert_eq!(bench.sandbox.inspect(id.expose()), before, "{about}");
                continue;
            };
            bench.play(id.expose(), story).await;
            let outcome = bench.outcome(&id, flavor).await;
            assert_eq!(format!("{outcome:?}"), expected, "{about}");
            assert_eq!(bench.listed(&id).await.finality(flavor).outcome, outcome, "{about}");
            let mut events = Vec::new();
            // A failed eID without another method leaves the order open.
            if conducted && outcome != Outcome::Pending {
                events.push("AfterIdent");
            }
            if outcome.is_final() {
                events.push("OnFinal");
                assert_eq!(bench.refusal(&id, "fraud").status, 409, "{about}: final");
            }
            assert_eq!(receiver.events(), events, "{about}");
            assert!(bench.sandbox.deliveries(Some(id.expose())).iter().all(|delivery| delivery.is_delivered()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m_04_identified_orders_accept_only_some_stories() {
    for (story, end) in table::<Stories>("stories").identified {
        let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(202)));
        let id = bench.ended(contract_order(), "eid").await;
        assert_eq!(bench.outcome(&id, OrderFlavor::Qes).await, Outcome::Identified);
        if end.is_number() {
            assert_eq!(bench.refusal(&id, &story).status, end, "{story}");
            continue;
        }
        bench.play(id.expose(), &story).await;
        let outcome = bench.outcome(&id, OrderFlavor::Qes).await;
        assert_eq!(format!("{outcome:?}"), end, "{story}");
        assert_eq!(receiver.count(), usize::from(outcome.is_final()), "{story}");
        assert_eq!(bench.codes(&id).await.iter().filter(|kind| **kind == 6).count(), 1, "{story}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_82_the_story_determines_the_method() {
    let stories: Stories = table("stories");
    for (story, product, name) in stories.methods {
        let bench = Harness::new();
        let id = bench.ended(order().product(product), &story).await;
        assert_eq!(bench.method(&id).await, name.to_lowercase(), "{story} of {product}");
        let output = bench.tm_call("GET", &format!("/getIdentData/{}/IncludeIdentifyMethod", id.expose()), "").await;
        assert_eq!(output.json()["IdentifyMethod"], name, "{story} of {product}");
    }
    for (story, name) in stories.signed {
        let bench = Harness::new();
        let id = bench.ended(contract_order(), &story).await;
        bench.play(id.expose(), "signed").await;
        assert_eq!(bench.method(&id).await, name.to_lowercase(), "{story}: signing does not change it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_14_an_account_only_order_has_the_documents_codes() {
    let bench = Harness::new();
    let of = |email: &str| order().product(15_u32).add(8_u64).email(email).get_target_link(true);
    let id = bench.ended(of("one@example.com"), "account-only").await;
    let path = format!("/getStatus/{}/ExtendedList", id.expose());
    let output = bench.tm_call("GET", &path, "").await.json();
    let sequence = |status: &Value| {
        let entries = status["Status"].as_array().unwrap();
        entries.iter().map(|entry| json!([entry["Kind"], entry.get("Text")])).collect::<Vec<_>>()
    };
    let example = json_fixture("identity-tm", "S-040-get-status-response.json");
    assert_eq!(sequence(&output), sequence(&example));

    // A verified account is found and needs no verification (AT-14: 95 or 96).
    let again = bench.ended(of("ONE@example.com"), "positive").await;
    assert_eq!(bench.codes(&again).await, [25, 96, 77, 78, 71, 75, 6, 23]);
    // Found, but not verified.
    let unverified = bench.place(of("two@example.com")).await;
    bench.set_status(&unverified, 94).unwrap();
    let later = bench.ended(of("two@example.com"), "eid").await;
    assert_eq!(bench.codes(&later).await, [25, 96, 49, 50, 51, 6, 80, 71, 95]);
    assert!(bench.tm().signme_user(&"two@example.com".into(), &options()).await.unwrap().value.can_sign_at_once());
    // Existing statuses are not set again.
    bench.play(unverified.expose(), "account-only").await;
    assert_eq!(bench.codes(&unverified).await.iter().filter(|kind| **kind == 94).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn m_04_get_all_status_has_the_slot_of_the_courier() {
    let bench = Harness::new();
    bench.clock.advance(MINUTE * 40).await;
    let id = bench.place(order().product(0_u32)).await;
    assert!(bench.listed(&id).await.tv_slot.is_none());
    bench.play(id.expose(), "courier").await;
    assert_eq!(bench.codes(&id).await, [25, 7, 12, 70, 19, 9, 10, 3, 6, 23, 66, 14]);
    let listed = bench.listed(&id).await;
    let slot = listed.tv_slot.clone().unwrap();
    let at = |dts: &Option<identkit_wire::Dts>| dts.as_ref().unwrap().timestamp().unwrap();
    let (begin, end) = (at(&slot.slot_begin), at(&slot.slot_end));
    let visit = at(&listed.status.unwrap().iter().find(|entry| entry.kind == Some(StatusKind(19))).unwrap().time);
    assert!(begin <= visit && visit < end, "{begin} {visit} {end}");
    let status = bench.tm_call("GET", &format!("/getStatus/{}/ExtendedList", id.expose()), "").await;
    assert!(!status.text().contains("TVSlot"), "the table of getStatus has none");
    // The general codes do not include 19, so there is no slot.
    let period = r#"{"Period":{"Begin":"2020-09-01T00:00:00Z","End":"2020-10-01T00:00:00Z"}}"#;
    assert!(!bench.tm_call("POST", "/getAllStatus", period).await.text().contains("TVSlot"));
    let extended = bench.tm_call("POST", "/getAllStatus/ExtendedList", period).await.json();
    let found = extended.as_array().unwrap().iter().find(|order| order["OrderID"] == id.expose()).unwrap();
    assert_eq!(found["TVSlot"].as_object().unwrap().keys().collect::<Vec<_>>(), ["SlotBegin", "SlotEnd"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_83_courier_and_shop_allow_two_additional_items() {
    let bench = Harness::new();
    let mut order = serde_json::to_value(order()).unwrap();
    for count in [2, 3] {
        let details: serde_json::Map<_, _> =
            (0..count).map(|at| (format!("d{at}"), json!({ "Type": 1, "Label": "x" }))).collect();
        order["IdentData"] = json!({ "Additional": details });
        for story in ["courier", "shop", "video"] {
            let answer = bench.tm_call("PUT", "/putOrder", order.to_string()).await;
            let id = answer.json()["OrderID"].as_str().unwrap().to_owned();
            let played = bench.begin(&id, story);
            let fits = count == 2 || story == "video";
            assert_eq!(played.is_ok(), fits, "{count} {story}: {played:?}");
            if let Err(refused) = played {
                assert!(refused.text().contains("AT-83"), "{}", refused.text());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eid_yields_a_pseudonym_and_the_card_number_only_by_ocr() {
    let bench = Harness::new();
    let tm = bench.tm();
    for ocr in [false, true] {
        let id =
            bench.place(order().mobile("+491711234567").eid_settings(EidSettings::default().enable_ocr(ocr))).await;
        bench.play(id.expose(), "eid").await;
        let data = tm.ident_data(&id, &options()).await.unwrap().value;
        let checked = data.checked().unwrap().clone();
        let card = checked.id_card.unwrap();
        assert!(card.eid_restricted_identifier.is_some());
        assert_eq!((card.card_no.is_some(), card.place_of_issue.is_some()), (ocr, ocr));
        assert_eq!(card.date_of_issue.is_some(), ocr, "AT-26: EnableOCR includes it");
        assert!(checked.mobile.is_none(), "no TAN was sent to the number");
    }
    let given = OrderIdentData::default().email("e.mustermann@example.com");
    let given = given.id_card(IdCard::default().date_of_issue("2010-01-11"));
    let id = bench.ended(order().mobile("+491711234567").ident_data(given), "video").await;
    let data = tm.ident_data(&id, &options()).await.unwrap().value;
    let checked = data.checked().unwrap().clone();
    assert!(checked.email.is_some(), "proven by a TAN, like the number");
    assert_eq!(checked.id_card.as_ref().unwrap().date_of_issue.as_ref().unwrap().expose(), "2010-01-11");
    assert!(checked.mobile.is_some() && checked.id_card.unwrap().eid_restricted_identifier.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn images_of_the_order_are_sent_to_the_video_system() {
    let bench = Harness::new();
    let images = IdCardImages::default().front(Blob::from_bytes(b"\xff\xd8\xff front".to_vec()));
    let data = OrderIdentData::default().id_card(IdCard::default().images(images));
    let id = bench.ended(order().add(4_194_304_u64).ident_data(data), "positive").await;
    assert!(bench.codes(&id).await.contains(&97));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aborted_order_stays_open_and_can_still_end_well() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    let id = bench.ended(order_with(&["AfterVideo", "OnFinal"]), "aborted").await;
    assert_eq!(bench.codes(&id).await, [25, 7, 77, 78, 79, 21]);
    assert_eq!(receiver.events(), ["AfterVideo"], "the person has left the video system (T-037)");
    bench.play(id.expose(), "positive").await;
    assert_eq!(bench.outcome(&id, OrderFlavor::IdentOnly).await, Outcome::Positive);
    assert_eq!(receiver.events(), ["AfterVideo", "AfterVideo", "OnFinal"]);
    // Without further action it times out.
    let other = bench.ended(order_with(&["OnFinal"]), "aborted").await;
    bench.clock.advance(DAY * 31).await;
    assert_eq!(bench.outcome(&other, OrderFlavor::IdentOnly).await, Outcome::TimedOut);
}

#[tokio::test(flavor = "multi_thread")]
async fn m_04_every_documented_code_can_be_set_and_read() {
    assert_eq!(CATALOGUE.len(), 55);
    for order in kinds_of_orders(&["OnFinal"]) {
        for text in CATALOGUE {
            let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
            let (flavor, code) = (order.flavor(), text.kind);
            let id = bench.place(order.clone()).await;
            bench.set_status(&id, code.0).unwrap();
            bench.clock.settle().await;
            let status = bench.tm().status(&id, &options()).await.unwrap().value;
            assert_eq!(status.kinds().last(), Some(code), "{code:?}");
            assert_eq!(code.text(), Some(text));
            let verdict = status.finality(flavor);
            assert_eq!(verdict, Finality::judge(flavor, [StatusKind::INITIALIZED, code]), "{code:?}");
            assert_eq!(verdict.is_final(), code.is_final(flavor), "{code:?}");
            let calls = if verdict.is_final() { vec!["OnFinal"] } else { vec![] };
            assert_eq!(receiver.events(), calls, "{code:?}");
            let listed = bench.listed(&id).await;
            assert!(listed.kinds().any(|kind| kind == code), "{code:?}");
            assert_eq!(listed.finality(flavor), verdict);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t_061_only_non_final_codes_can_follow_the_end() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    let id = bench.ended(order_with(&["OnFinal"]), "positive").await;
    bench.set_status(&id, 95).unwrap();
    for code in [6, 17, 22, 89, 99] {
        assert_eq!(bench.set_status(&id, code).unwrap_err().status, 409, "{code}");
    }
    assert_eq!(bench.codes(&id).await.last(), Some(&95));
    assert_eq!(bench.outcome(&id, OrderFlavor::IdentOnly).await, Outcome::Positive);
    assert_eq!(receiver.events(), ["OnFinal"], "once");
    // An unknown code can be set.
    let open = bench.place(order()).await;
    bench.set_status(&open, 4711).unwrap();
    assert_eq!(bench.codes(&open).await.last(), Some(&4711));
}

#[tokio::test(flavor = "multi_thread")]
async fn t_060_code_100_ends_signing_orders_only() {
    let bench = Harness::new();
    let id = bench.place(order()).await;
    bench.set_status(&id, 100).unwrap();
    assert_eq!(bench.sandbox.inspect(id.expose()).unwrap()["data_deleted"], false);
    bench.play(id.expose(), "positive").await;
    bench.tm().ident_data(&id, &options()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn m_04_the_stories_use_all_relevant_codes() {
    let mut output = BTreeSet::new();
    let images = IdCardImages::default().front(Blob::from_bytes(b"\xff\xd8\xff front".to_vec()));
    let data = OrderIdentData::default().id_card(IdCard::default().images(images));
    for story in SCENARIOS {
        // Without and with an existing account.
        let bench = Harness::new();
        for order in kinds_of_orders(&[]).into_iter().map(|order| order.ident_data(data.clone())) {
            let id = bench.place(order.clone()).await;
            if bench.begin(id.expose(), story).is_ok() {
                bench.clock.settle().await;
                output.extend(bench.codes(&id).await);
                let again = bench.ended(order, story).await;
                output.extend(bench.codes(&again).await);
            }
        }
    }
    // Codes without a story, set by transition only.
    let missing: Vec<u32> = CATALOGUE.iter().map(|text| text.kind.0).filter(|code| !output.contains(code)).collect();
    assert_eq!(missing, [24]);
}
