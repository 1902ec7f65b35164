//! identity.TM: re-use of an identification, [T 6].

use crate::support::*;

/// The statuses that only an identification by video has (AT-72).
const VIDEO: [StatusKind; 3] = [StatusKind::VIDEO_CONDUCTED, StatusKind::VIDEO_WAITING, StatusKind::VIDEO_CALL];

impl Harness {
    /// Returns the signed form of an order with this story.
    async fn form(&self, order: PutOrder, story: &str) -> SignedIdentData {
        let id = self.ended(order, story).await;
        self.tm().ident_data_signed(&id, &options()).await.unwrap().value
    }

    /// Places an order with the form; returns its id and the sandbox's verdict.
    async fn verdict(&self, order: PutOrder, form: &str) -> (OrderId, String) {
        let id = self.place(order.ident_data_signed(Secret::new(form))).await;
        let output = self.sandbox.inspect(id.expose()).unwrap()["reuse"].as_str().unwrap_or("nothing").to_owned();
        (id, output)
    }

    async fn kinds(&self, id: &OrderId) -> Vec<StatusKind> {
        self.tm().status(id, &options()).await.unwrap().value.kinds().collect()
    }
}

fn text(form: &SignedIdentData) -> String {
    form.for_reuse().unwrap().expose().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn at_72_an_identified_person_can_sign_at_once() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(202)));
    let tm = bench.tm();
    let first = bench.ended(contract_order().reference("first"), "signed").await;
    let known = tm.ident_data(&first, &options()).await.unwrap().value;
    let form = tm.ident_data_signed(&first, &options()).await.unwrap().value;
    tm.delete_ident_data(&first, &options()).await.unwrap();
    bench.clock.advance(DAY).await;

    let (id, output) = bench.verdict(contract_order().reference("second"), &text(&form)).await;
    assert_eq!(output, "accepted");
    // Sign over the API without another identification.
    tm.request_sign(&id, &options()).await.unwrap();
    tm.confirm_sign(&id, &Secret::new(bench.tan(id.expose())), &options()).await.unwrap();
    bench.clock.settle().await;
    let status = tm.status(&id, &options()).await.unwrap().value;
    assert_eq!(status.finality(OrderFlavor::Qes).outcome, Outcome::Signed);
    assert!(!status.kinds().any(|kind| VIDEO.contains(&kind)), "{:?}", status.kinds().collect::<Vec<_>>());
    assert_eq!(receiver.count(), 2, "OnFinal of both");

    // Data and time are those of the first identification.
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
    let (id, output) = bench.verdict(contract_order(), &form).await;
    assert_eq!(output, "accepted");
    bench.play(id.expose(), "reuse").await;
    assert_eq!(bench.codes(&id).await, [25, 7, 6, 102, 101, 83, 71, 84]);
    assert_eq!(receiver.events(), ["OnFinal"]);

    for (order, why) in [
        (contract_order(), "has no IdentDataSigned"),
        (contract_order().ident_data_signed(Secret::new("x")), "identified again"),
    ] {
        let id = bench.place(order).await;
        let refused = bench.begin(id.expose(), "reuse").unwrap_err();
        assert!(refused.status == 400 && refused.text().contains(why), "{}", refused.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_71_any_change_of_the_form_is_detected() {
    let bench = Harness::new();
    let form = text(&bench.form(order(), "positive").await);
    assert!(form.starts_with("identkit sandbox: a synthetic identification"), "the form has a title");
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
        let (id, output) = bench.verdict(contract_order(), wrong).await;
        assert_eq!(output, "tampered with, or not signed by this sandbox", "{index}");
        assert!(!bench.kinds(&id).await.contains(&StatusKind::POSITIVE));
    }
    // The person is identified again (AT-72), as in any order.
    let (id, _) = bench.verdict(contract_order(), &wrong[0]).await;
    bench.play(id.expose(), "signed").await;
    let kinds = bench.kinds(&id).await;
    assert!(VIDEO.iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    // The unchanged form is still valid.
    assert_eq!(bench.verdict(contract_order(), &form).await.1, "accepted");
    assert_eq!(bench.verdict(contract_order(), "").await.1, "nothing", "an empty string is not a form");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_71_the_form_is_plain_or_a_json_string() {
    let bench = Harness::new();
    let id = bench.ended(order(), "positive").await;
    let path = format!("/getIdentData/{}/Signed", id.expose());
    let plain = bench.tm_call("GET", &path, "").await;
    assert_eq!((plain.status, plain.content_type()), (200, "text/plain; charset=utf-8"));
    let typed = bench.tm().ident_data_signed(&id, &options()).await.unwrap().value;
    assert_eq!(typed.0, plain.body, "bytes are unchanged");
    assert!(plain.text().ends_with('\n'), "the trailing line break detects clients that trim");
    bench.set_up(|settings| settings.signed_as_json_string = true);
    let quoted = bench.tm().ident_data_signed(&id, &options()).await.unwrap().value;
    assert_eq!(serde_json::from_slice::<String>(&quoted.0).unwrap(), plain.text());
    assert_eq!(bench.verdict(contract_order(), &text(&quoted)).await.1, "accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_identity_document_is_not_reused() {
    let bench = Harness::new();
    let form = text(&bench.form(order(), "positive").await);
    // The card of the document's example is valid through 2020-10-31; today is 2020-09-10.
    bench.clock.advance(51 * DAY).await;
    assert_eq!(bench.verdict(contract_order(), &form).await.1, "accepted");
    bench.clock.advance(DAY).await;
    let (id, output) = bench.verdict(contract_order(), &form).await;
    assert_eq!(output, "the identity document is no longer valid");
    bench.play(id.expose(), "signed").await;
    assert!(bench.kinds(&id).await.contains(&StatusKind::VIDEO_CONDUCTED), "identified again");
    // A later identification has a card that is valid on that day.
    let fresh = text(&bench.form(order(), "positive").await);
    assert_eq!(bench.verdict(contract_order(), &fresh).await.1, "accepted");
    let card = IdCard::default().valid_until("2020-11-05");
    let short = text(&bench.form(order().ident_data(OrderIdentData::default().id_card(card)), "positive").await);
    assert_eq!(bench.verdict(contract_order(), &short).await.1, "accepted");
    bench.clock.advance(5 * DAY).await;
    assert_eq!(bench.verdict(contract_order(), &short).await.1, "the identity document is no longer valid");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_positive_identifications_are_reused_for_signing() {
    let bench = Harness::new();
    let fraud = text(&bench.form(order(), "fraud").await);
    assert_eq!(bench.verdict(contract_order(), &fraud).await.1, "not sufficient for signing");
    let good = text(&bench.form(order(), "positive").await);
    let (id, output) = bench.verdict(order(), &good).await;
    assert_eq!(output, "the order has nothing to sign");
    bench.play(id.expose(), "positive").await;
    assert!(bench.kinds(&id).await.contains(&StatusKind::VIDEO_CONDUCTED));
    // A re-used identification can be re-used again.
    let reused = bench.ended(contract_order().ident_data_signed(Secret::new(good)), "reuse").await;
    let again = text(&bench.tm().ident_data_signed(&reused, &options()).await.unwrap().value);
    assert_eq!(bench.verdict(contract_order(), &again).await.1, "accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_09_the_key_is_derived_from_the_seed() {
    let bench = Harness::new();
    let form = text(&bench.form(order(), "positive").await);
    assert_eq!(
        Harness::new().verdict(contract_order(), &form).await.1,
        "accepted",
        "another sandbox with the same seed"
    );
    let other = Harness::with(|builder| builder.seed(4712));
    assert_eq!(other.verdict(contract_order(), &form).await.1, "tampered with, or not signed by this sandbox");
    let debug = bench.sandbox.with_world(|world| format!("{world:?}"));
    assert!(debug.contains("Key") && !debug.contains("Key(["), "Debug does not print the key");
}

#[tokio::test(flavor = "multi_thread")]
async fn t_006_reuse_is_a_setting() {
    let bench = Harness::new();
    let done = bench.ended(order(), "positive").await;
    let path = format!("/getIdentData/{}/Signed", done.expose());
    assert_eq!(bench.tm_call("GET", &path, "").await.status, 200);
    bench.set_up(|settings| settings.reuse = false);
    bench.tm_call("GET", &path, "").await.refused(400, "not enabled", "T-006", "[T] 6");
    assert_eq!(bench.tm().ident_data_signed(&done, &options()).await.unwrap_err().kind(), Kind::Rejected);
    assert!(
        bench.verdict(contract_order(), "x").await.1.contains("not enabled"),
        "not an error: the person is identified again"
    );
    bench.tm().delete_ident_data(&done, &options()).await.unwrap();
    bench.tm_call("GET", &path, "").await.refused(404, "OrderID", "AT-09", "[T] 3.10");
}
