//! identity.TM: signing with a TAN, cancellation, and queries before an order.

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn m_10_the_right_tan_signs_the_order_and_calls_on_final() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(202)));
    let (id, tm) = (bench.ended(contract_order(), "identified").await, bench.tm());
    tm.request_sign(&id, &options()).await.unwrap();
    let tan = bench.tan(id.expose());
    assert!(tan.len() == 6 && tan.bytes().all(|byte| byte.is_ascii_digit()), "{tan}");
    assert_eq!(bench.outcome(&id, OrderFlavor::Qes).await, Outcome::Identified);
    tm.confirm_sign(&id, &Secret::new(tan), &options()).await.unwrap();
    bench.clock.settle().await;
    assert_eq!(bench.outcome(&id, OrderFlavor::Qes).await, Outcome::Signed);
    assert_eq!(receiver.arrived().len(), 1, "OnFinal");
    // Every further call is 410.
    for error in [
        tm.request_sign(&id, &options()).await.unwrap_err(),
        tm.confirm_sign(&id, &Secret::new("000000"), &options()).await.unwrap_err(),
        tm.resend_tan(&id, &options()).await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.status()), (Kind::InvalidState, Some(410)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_54_too_many_wrong_tans_cancel_the_order() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(202)));
    let (id, tm) = (bench.ended(contract_order(), "identified").await, bench.tm());
    tm.request_sign(&id, &options()).await.unwrap();
    let error = tm.confirm_sign(&id, &bench.wrong_tan(id.expose()), &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (Kind::TanRejected, Some(400)));
    let former = bench.tan(id.expose());
    tm.resend_tan(&id, &options()).await.unwrap();
    assert_ne!(bench.tan(id.expose()), former, "the previous TAN is invalid");
    assert_eq!(
        tm.confirm_sign(&id, &bench.wrong_tan(id.expose()), &options()).await.unwrap_err().kind(),
        Kind::TanRejected
    );
    let error = tm.confirm_sign(&id, &bench.wrong_tan(id.expose()), &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (Kind::SigningCanceled, Some(429)));
    bench.clock.settle().await;
    assert_eq!(bench.outcome(&id, OrderFlavor::Qes).await, Outcome::Terminated);
    assert_eq!(receiver.events(), ["OnFinal"], "AT-60");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_54_status_and_limit_of_wrong_tans_are_settings() {
    let bench = Harness::new();
    bench.set_up(|settings| (settings.wrong_tan_status, settings.tan_tries) = (409, 2));
    let (id, tm) = (bench.ended(contract_order(), "identified").await, bench.tm());
    tm.request_sign(&id, &options()).await.unwrap();
    assert_eq!(tm.confirm_sign(&id, &bench.wrong_tan(id.expose()), &options()).await.unwrap_err().status(), Some(409));
    assert_eq!(tm.confirm_sign(&id, &bench.wrong_tan(id.expose()), &options()).await.unwrap_err().status(), Some(429));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_56_missing_or_long_tans_are_rejected_without_counting() {
    let bench = Harness::new();
    let (id, tm) = (bench.ended(contract_order(), "identified").await, bench.tm());
    tm.request_sign(&id, &options()).await.unwrap();
    let path = format!("/confirmSign/{}", id.expose());
    for (body, output) in [
        (r#"{"tan":"1234567"}"#, "at most 6 characters"),
        (r#"{"tan":""}"#, "is required"),
        ("{}", "is required"),
        (r#"{"TAN":"123456"}"#, "is required"),
    ] {
        let answer = bench.tm_call("POST", &path, body).await;
        answer.refused(400, "tan", "AT-56", "[T] 5.2");
        assert!(answer.text().contains(output), "{body}: {}", answer.text());
    }
    let right = Secret::new(bench.tan(id.expose()));
    tm.confirm_sign(&id, &right, &options()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn at_10_the_alias_of_the_documents_example_works() {
    let bench = Harness::new();
    let id = bench.ended(contract_order(), "identified").await;
    bench.tm().request_sign(&id, &options()).await.unwrap();
    let body = format!(r#"{{"tan": "{}"}}"#, bench.tan(id.expose()));
    let answer = bench.tm_call("POST", &format!("/confirm/{}", id.expose()), body).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let empty = bench.ended(contract_order(), "identified").await;
    bench.tm().request_sign(&empty, &options()).await.unwrap();
    bench
        .tm_call("POST", &format!("/confirmSign/{}", empty.expose()), "{}")
        .await
        .refused(400, "tan", "AT-56", "[T] 5.2");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_61_cancel_order_ends_an_open_order() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    let (id, tm) = (bench.place(order_with(&["OnFinal"])).await, bench.tm());
    tm.cancel_order(&id, &options()).await.unwrap();
    bench.clock.settle().await;
    let codes = bench.codes(&id).await;
    assert!(codes.ends_with(&[63, 22]), "{codes:?}");
    assert_eq!(receiver.arrived().len(), 1, "AT-60: OnFinal");
    let again = tm.cancel_order(&id, &options()).await.unwrap_err();
    assert_eq!((again.kind(), again.status()), (Kind::InvalidState, Some(406)));
    assert_eq!(bench.begin(id.expose(), "positive").unwrap_err().status, 409, "the person cannot go on");
    let unknown = tm.cancel_order(&OrderId::new("9992UNKNOWN"), &options()).await.unwrap_err();
    assert_eq!(unknown.status(), Some(404));
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_hashes_have_names_and_a_sandbox_mark() {
    let bench = Harness::new();
    let hash = |name: &str| SignHash::default().hash(encode_base64(name.as_bytes())).filename(name);
    let hashes = OneOrMany::Many(vec![hash("a.pdf"), hash("b.pdf")]);
    let id = bench.place(order().product(15_u32).sign_hash(hashes)).await;
    let tm = bench.tm();
    assert_eq!(tm.signed_hashes(&id, &options()).await.unwrap_err().status(), Some(400));
    bench.play(id.expose(), "signed").await;
    let named = tm.signed_hashes(&id, &options()).await.unwrap().value.hashes.unwrap();
    assert_eq!(named.names().collect::<Vec<_>>(), ["a.pdf", "b.pdf"]);
    let output = identkit_wire::decode_base64(named.get("b.pdf").unwrap().expose()).unwrap();
    assert_eq!(output, b"sandbox, no signature: b.pdf");
}

#[tokio::test(flavor = "multi_thread")]
async fn banks_and_sign_me_users_match_the_document() {
    let bench = Harness::new();
    let tm = bench.tm();
    let banks = tm.banks(&options()).await.unwrap().value;
    assert_eq!(serde_json::to_value(&banks).unwrap(), json_fixture("identity-tm", "S-075-get-bank-list-response.json"));
    let body = fixture("identity-tm", "S-078-check-signme-user-request.json");
    let answer = bench.tm_call("POST", "/checkSignmeUser", body).await;
    assert_eq!(answer.json(), json_fixture("identity-tm", "S-079-check-signme-user-response.json"));
    let id = bench.place(order().product(15_u32).add(8_u64).email("user@example.com")).await;
    for (code, able) in [(94, false), (95, true)] {
        let set = identkit_mock_server::Transition::Status(code.into());
        assert_eq!(bench.sandbox.transition(id.expose(), &set), Ok(()));
        let user = tm.signme_user(&"USER@example.com".into(), &options()).await.unwrap().value;
        assert_eq!((user.user_exists, user.user_is_able_to_sign), (Some(true), Some(able)), "{code}");
    }
    bench.tm_call("POST", "/checkSignmeUser", "{}").await.refused(400, "Email", "T-051", "[T] 8.3");
}

/// An order of a person with something to sign.
fn signed_by(email: &str, add: u64) -> PutOrder {
    let hash = SignHash::default().hash(encode_base64(b"hash")).filename("a.pdf");
    order().product(15_u32).add(add).email(email).sign_hash(OneOrMany::One(hash))
}

#[tokio::test(flavor = "multi_thread")]
async fn t_051_an_order_with_add_0_creates_and_verifies_the_account() {
    let bench = Harness::new();
    let tm = bench.tm();
    let user = async || {
        let user = tm.signme_user(&"user@example.com".into(), &options()).await.unwrap().value;
        (user.user_exists.unwrap(), user.user_is_able_to_sign.unwrap())
    };
    let refused = bench.place(signed_by("user@example.com", 0)).await;
    bench.play(refused.expose(), "negative").await;
    // Nothing to sign, no account.
    bench.ended(order().email("user@example.com"), "positive").await;
    assert_eq!(user().await, (false, false));
    let id = bench.place(signed_by("user@example.com", 0)).await;
    assert_eq!(user().await, (false, false), "the person is not identified yet");
    bench.play(id.expose(), "signed").await;
    assert_eq!(user().await, (true, true));
    // An order that only creates the account finds it (AT-14).
    let again = bench.ended(order().product(15_u32).add(8_u64).email("USER@example.com"), "account-only").await;
    assert!(bench.codes(&again).await.contains(&96));
}

#[tokio::test(flavor = "multi_thread")]
async fn t_051_an_account_lasts_as_long_as_data_of_its_orders() {
    let account_only = || order().product(15_u32).add(8_u64).email("user@example.com");
    let uses = |add| signed_by("user@example.com", add);
    for (other, story) in [(uses(16), "signed"), (account_only(), "account-only"), (uses(0), "signed")] {
        let bench = Harness::new();
        let tm = bench.tm();
        let user = async || {
            let user = tm.signme_user(&"user@example.com".into(), &options()).await.unwrap().value;
            (user.user_exists.unwrap(), user.user_is_able_to_sign.unwrap())
        };
        let first = bench.ended(account_only(), "account-only").await;
        let second = bench.ended(other, story).await;
        bench.good("DELETE", &format!("/delIdentdata/{}", first.expose()), String::new()).await;
        assert_eq!(user().await, (true, true), "{story}");
        bench.good("DELETE", &format!("/delIdentdata/{}", second.expose()), String::new()).await;
        assert_eq!(user().await, (false, false), "{story}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t_051_add_16_requires_an_account_that_can_sign() {
    let bench = Harness::new();
    let put = async |bench: &Harness, order: PutOrder| {
        bench.tm_call("PUT", "/putOrder", serde_json::to_vec(&order).unwrap()).await
    };
    let refused = |answer: Answer| answer.refused(400, "Add", "T-051", "[T] 8.3");
    refused(put(&bench, signed_by("user@example.com", 16)).await);
    refused(put(&bench, signed_by("user@example.com", 16 | 32)).await);
    assert_eq!(put(&bench, order().add(16_u64)).await.status, 202, "without a signature it has no meaning");
    let account = bench.place(order().product(15_u32).add(8_u64).email("user@example.com")).await;
    bench.set_status(&account, 94).unwrap();
    refused(put(&bench, signed_by("user@example.com", 16)).await);
    bench.set_status(&account, 95).unwrap();
    refused(put(&bench, signed_by("other@example.com", 16)).await);
    let id = bench.ended(signed_by("USER@example.com", 16), "signed").await;
    assert!(bench.codes(&id).await.contains(&84));

    let bench = Harness::configured(|settings| settings.sign_me_account_optional = true);
    bench.ended(signed_by("user@example.com", 16), "signed").await;
    let user = bench.tm().signme_user(&"user@example.com".into(), &options()).await.unwrap().value;
    assert_eq!(user.user_exists, Some(false), "an order with Add 16 creates no account");
}
