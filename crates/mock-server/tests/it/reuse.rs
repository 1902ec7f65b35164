//! identity.TM: using an identification again, [T 6].

use crate::support::*;

/// What only an identification by video leaves behind (AT-72).
const VIDEO: [StatusKind; 3] = [StatusKind::VIDEO_CONDUCTED, StatusKind::VIDEO_WAITING, StatusKind::VIDEO_CALL];

impl Harness {
    /// The signed form of an identification that ended so.
    async fn form(&self, order: PutOrder, story: &str) -> SignedIdentData {
        let id = self.ended(order, story).await;
        self.tm().ident_data_signed(&id, &options()).await.unwrap().value
    }

    /// What the sandbox says of the form in a new order.
    async fn verdict(&self, order: PutOrder, form: &str) -> (OrderId, String) {
        let id = self.place(order.ident_data_signed(Secret::new(form))).await;
        let told = self.sandbox.inspect(id.expose()).unwrap()["reuse"].as_str().unwrap_or("nothing").to_owned();
        (id, told)
    }

    async fn kinds(&self, id: &OrderId) -> Vec<StatusKind> {
        self.tm().status(id, &options()).await.unwrap().value.kinds().collect()
    }
}

fn text(form: &SignedIdentData) -> String {
    form.for_reuse().unwrap().expose().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn at_72_whoever_was_identified_before_goes_straight_to_signing() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(202)));
    let tm = bench.tm();
    let first = bench.ended(contract_order().reference("first"), "signed").await;
    let known = tm.ident_data(&first, &options()).await.unwrap().value;
    let form = tm.ident_data_signed(&first, &options()).await.unwrap().value;
    tm.delete_ident_data(&first, &options()).await.unwrap();
    bench.clock.advance(DAY).await;

    let (id, told) = bench.verdict(contract_order().reference("second"), &text(&form)).await;
    assert_eq!(told, "accepted");
    // Signing over the API, without any identification in between.
    tm.request_sign(&id, &options()).await.unwrap();
    tm.confirm_sign(&id, &Secret::new(bench.tan(id.expose())), &options()).await.unwrap();
    bench.clock.settle().await;
    let status = tm.status(&id, &options()).await.unwrap().value;
    assert_eq!(status.finality(OrderFlavor::Qes).outcome, Outcome::Signed);
    assert!(!status.kinds().any(|kind| VIDEO.contains(&kind)), "{:?}", status.kinds().collect::<Vec<_>>());
    assert_eq!(receiver.count(), 2, "OnFinal of both");

    // The data is that of the first identification, and so is its time.
    let again = tm.ident_data(&id, &options()).await.unwrap().value;
    assert_eq!(again.checked(), known.checked());
    assert_eq!(again.identified, known.identified);
    assert_eq!(again.order_id, Some(id.clone()));
    assert!(matches!(tm.signed_pdfs(&id, &options()).await.unwrap().value, identkit_identity_tm::SignedPdfs::One(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn m_04_the_story_reuse_signs_without_a_video() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    let form = text(&bench.form(order(), "positive").await);
    let (id, told) = bench.verdict(contract_order(), &form).await;
    assert_eq!(told, "accepted");
    bench.play(id.expose(), "reuse").await;
    assert_eq!(bench.codes(&id).await, [25, 7, 6, 102, 101, 83, 71, 84]);
    assert_eq!(receiver.events(), ["OnFinal"]);

    for (order, why) in [
        (contract_order(), "has no IdentDataSigned"),
        (contract_order().ident_data_signed(Secret::new("x")), "identified again"),
    ] {
        let id = bench.place(order).await;
        let refused = bench.begin(id.expose(), "reuse").unwrap().unwrap_err();
        assert!(refused.status == 400 && refused.text().contains(why), "{}", refused.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_71_a_single_changed_lost_or_added_byte_is_noticed_and_no_error() {
    let bench = Harness::new();
    let form = text(&bench.form(order(), "positive").await);
    assert!(form.starts_with("identkit sandbox: a synthetic identification"), "it says what it is");
    let mut wrong: Vec<String> = Vec::new();
    for (at, byte) in form.bytes().enumerate() {
        let mut changed = form.clone().into_bytes();
        changed[at] = if byte == b'A' { b'B' } else { b'A' };
        wrong.push(String::from_utf8(changed).unwrap());
    }
    let lines: Vec<&str> = form.lines().collect();
    wrong.extend([
        form.trim_end().to_owned(),
        format!("{form}\n"),
        format!(" {form}"),
        form.replace('\n', "\r\n"),
        form.replace('\n', ""),
        lines[..lines.len() - 1].join("\n"),
        serde_json::to_string(&form).unwrap(),
        "x".to_owned(),
    ]);
    for (index, wrong) in wrong.iter().enumerate() {
        let (id, told) = bench.verdict(contract_order(), wrong).await;
        assert_eq!(told, "tampered with, or not signed by this sandbox", "{index}");
        assert!(!bench.kinds(&id).await.contains(&StatusKind::POSITIVE));
    }
    // Identified again (AT-72), and then as any order.
    let (id, _) = bench.verdict(contract_order(), &wrong[0]).await;
    bench.play(id.expose(), "signed").await;
    let kinds = bench.kinds(&id).await;
    assert!(VIDEO.iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    // The form itself is still good.
    assert_eq!(bench.verdict(contract_order(), &form).await.1, "accepted");
    assert_eq!(bench.verdict(contract_order(), "").await.1, "nothing", "an empty text is none");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_71_the_bytes_come_as_they_are_plain_or_as_a_json_string() {
    let bench = Harness::new();
    let id = bench.ended(order(), "positive").await;
    let path = format!("/getIdentData/{}/Signed", id.expose());
    let plain = bench.tm_call("GET", &path, "").await;
    assert_eq!((plain.status, plain.content_type()), (200, "text/plain; charset=utf-8"));
    let typed = bench.tm().ident_data_signed(&id, &options()).await.unwrap().value;
    assert_eq!(typed.0, plain.body, "not trimmed, not read");
    assert!(plain.text().ends_with('\n'), "a client that trims is found out");
    bench.set_up(|settings| settings.signed_as_json_string = true);
    let quoted = bench.tm().ident_data_signed(&id, &options()).await.unwrap().value;
    assert_eq!(serde_json::from_slice::<String>(&quoted.0).unwrap(), plain.text());
    assert_eq!(bench.verdict(contract_order(), &text(&quoted)).await.1, "accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_document_that_is_no_longer_valid_is_not_used_again() {
    let bench = Harness::new();
    let form = text(&bench.form(order(), "positive").await);
    // The card of the document's example is valid until 2020-10-31, that day included; it is 2020-09-10.
    bench.clock.advance(51 * DAY).await;
    assert_eq!(bench.verdict(contract_order(), &form).await.1, "accepted");
    bench.clock.advance(DAY).await;
    let (id, told) = bench.verdict(contract_order(), &form).await;
    assert_eq!(told, "the identity document is no longer valid");
    bench.play(id.expose(), "signed").await;
    assert!(bench.kinds(&id).await.contains(&StatusKind::VIDEO_CONDUCTED), "identified again");
    // Who is identified today shows a card that is valid today.
    let fresh = text(&bench.form(order(), "positive").await);
    assert_eq!(bench.verdict(contract_order(), &fresh).await.1, "accepted");
    let card = IdCard::default().valid_until("2020-11-05");
    let short = text(&bench.form(order().ident_data(OrderIdentData::default().id_card(card)), "positive").await);
    assert_eq!(bench.verdict(contract_order(), &short).await.1, "accepted");
    bench.clock.advance(5 * DAY).await;
    assert_eq!(bench.verdict(contract_order(), &short).await.1, "the identity document is no longer valid");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_positive_identification_in_an_order_to_be_signed_is_used_again() {
    let bench = Harness::new();
    let fraud = text(&bench.form(order(), "fraud").await);
    assert_eq!(bench.verdict(contract_order(), &fraud).await.1, "not sufficient for signing");
    let good = text(&bench.form(order(), "positive").await);
    let (id, told) = bench.verdict(order(), &good).await;
    assert_eq!(told, "the order has nothing to sign");
    bench.play(id.expose(), "positive").await;
    assert!(bench.kinds(&id).await.contains(&StatusKind::VIDEO_CONDUCTED));
    // And a re-used one once more.
    let reused = bench.ended(contract_order().ident_data_signed(Secret::new(good)), "reuse").await;
    let again = text(&bench.tm().ident_data_signed(&reused, &options()).await.unwrap().value);
    assert_eq!(bench.verdict(contract_order(), &again).await.1, "accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_09_the_key_follows_from_the_seed() {
    let bench = Harness::new();
    let form = text(&bench.form(order(), "positive").await);
    assert_eq!(Harness::new().verdict(contract_order(), &form).await.1, "accepted", "the same seed, started again");
    let other = Harness::with(|builder| builder.seed(4712));
    assert_eq!(other.verdict(contract_order(), &form).await.1, "tampered with, or not signed by this sandbox");
    let debug = bench.sandbox.with_world(|world| format!("{world:?}"));
    assert!(debug.contains("Key") && !debug.contains("Key(["), "the key is not shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn t_006_a_form_is_neither_given_nor_used_again_where_the_account_is_not_set_up_for_it() {
    let bench = Harness::new();
    let done = bench.ended(order(), "positive").await;
    let path = format!("/getIdentData/{}/Signed", done.expose());
    assert_eq!(bench.tm_call("GET", &path, "").await.status, 200);
    bench.set_up(|settings| settings.reuse = false);
    bench.tm_call("GET", &path, "").await.refused(400, "not enabled", "T-006", "[T] 6");
    assert_eq!(bench.tm().ident_data_signed(&done, &options()).await.unwrap_err().kind(), Kind::Rejected);
    assert!(bench.verdict(contract_order(), "x").await.1.contains("not enabled"), "no error: identified again");
    bench.tm().delete_ident_data(&done, &options()).await.unwrap();
    bench.tm_call("GET", &path, "").await.refused(404, "OrderID", "AT-09", "[T] 3.10");
}
