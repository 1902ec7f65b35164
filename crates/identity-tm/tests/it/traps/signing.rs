//! Signing on the customer's side: codes, TANs and states.

use super::*;

#[tokio::test]
async fn at_10_a_tan_goes_to_confirm_sign_and_not_to_the_url_of_the_example() {
    let (client, script) = client([Step::Answer(json_answer(202, ""))]);
    client.confirm_sign(&id(), &Secret::new("012345"), &options()).await.unwrap();
    assert_eq!(script.calls(), [format!("POST /confirmSign/{ORDER}")]);
    assert_eq!(script.sent()[0].body, br#"{"tan":"012345"}"#);
}

#[tokio::test]
async fn at_54_a_wrong_tan_is_told_by_400_or_409_and_too_many_by_429_which_is_no_rate_limit() {
    for (status, kind, advice) in [
        (400, Kind::TanRejected, Advice::ReadStatus),
        (409, Kind::TanRejected, Advice::ReadStatus),
        (429, Kind::SigningCanceled, Advice::DoNotRetry),
    ] {
        let told = json_answer(status, r#"{"Error":"Mustermann"}"#).header("retry-after", "0");
        let (client, script) = client([Step::Answer(told)]);
        let error = client.confirm_sign(&id(), &Secret::new("123456"), &options().attempts(9)).await.unwrap_err();
        assert_eq!((error.kind(), error.advice(), error.status()), (kind, advice, Some(status)), "{error}");
        assert_eq!(error.delivery(), Some(Delivery::Answered));
        assert_eq!(script.sent().len(), 1, "{status}: a try more would count");
        assert!(!format!("{error} {error:?}").contains("Mustermann"));
    }
}

#[tokio::test]
async fn at_54_a_429_means_slow_down_where_no_tan_is_told() {
    let (client, _) = client(vec![Step::Answer(json_answer(429, "")); 4]);
    let error = client.status(&id(), &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.advice()), (Kind::RateLimited, Advice::RetryLater));
}

#[tokio::test]
async fn at_55_every_code_of_a_wrong_state_is_the_same_kind_and_says_its_own() {
    for (name, status, says) in [
        ("requestSign", 406, "cannot be signed"),
        ("requestSign", 410, "already been processed"),
        ("confirmSign", 410, "already been processed"),
        ("confirmSign", 412, "call requestSign first"),
        ("requestResendSignTan", 410, "already been processed"),
        ("requestResendSignTan", 412, "call requestSign first"),
    ] {
        let (client, script) = client([Step::Answer(json_answer(status, ""))]);
        let options = options();
        let error = match name {
            "requestSign" => client.request_sign(&id(), &options).await,
            "confirmSign" => client.confirm_sign(&id(), &Secret::new("123456"), &options).await,
            _ => client.resend_tan(&id(), &options).await,
        }
        .unwrap_err();
        assert_eq!((error.kind(), error.advice()), (Kind::InvalidState, Advice::ReadStatus), "{name} {status}");
        assert!(says == "cannot be signed" || error.detail().contains(says), "{name} {status}: {error}");
        assert_eq!(script.sent().len(), 1);
    }
}

#[test]
fn at_56_a_tan_has_6_letters_or_digits_keeps_its_zeros_and_never_burns_a_try_by_its_length() {
    let told = |tan: &str, dialect: &Dialect| refused(&ConfirmSign::new(id(), Secret::new(tan)), dialect);
    let fault = [("tan".to_owned(), "AT-56")];
    for good in ["123456", "000000", "012345", "aB3dE6"] {
        assert_eq!(told(good, &dialect()), [], "{good}");
        let sent: Value =
            serde_json::from_slice(&body_of(&ConfirmSign::new(id(), Secret::new(good)), &dialect())).unwrap();
        assert_eq!(sent, json!({ "tan": good }), "as a string under a key in small letters");
    }
    let any = allowing(|dialect| dialect.any_tan_length = true);
    for (odd, by_dialect) in [
        ("", false),
        ("12345", true),
        ("1234567", true),
        (" 12345", false),
        ("12345 ", false),
        ("12 456", false),
        ("１２３４５６", false),
        ("12345é", false),
        ("12345\n", false),
    ] {
        assert_eq!(told(odd, &dialect()), fault, "{odd:?}");
        assert_eq!(told(odd, &any).is_empty(), by_dialect, "{odd:?}");
    }
    let mut nothing = ConfirmSign::new(id(), Secret::new("123456"));
    nothing.request.extra.0.insert("tan".to_owned(), json!("654321"));
    assert_eq!(refused(&nothing, &dialect()), [("tan".to_owned(), "AT-42")], "never two keys of one name");
    nothing.request.tan = None;
    assert_eq!(refused(&nothing, &dialect()).len(), 2);
}

#[test]
fn at_56_a_tan_of_letters_is_a_warning() {
    let warned = |tan: &str| rules(&ConfirmSign::new(id(), Secret::new(tan)).encode(&dialect()).unwrap().warnings);
    assert_eq!(warned("123456"), [] as [&str; 0]);
    assert_eq!(warned("12345a"), ["AT-56"]);
}

#[tokio::test]
async fn at_56_a_tan_that_cannot_be_one_is_refused_before_anything_is_sent() {
    let (client, script) = client([]);
    let error = client.confirm_sign(&id(), &Secret::new("12345"), &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (Kind::InvalidInput, Some("confirmSign")));
    assert!(!format!("{error} {error:?}").contains("12345"));
    assert!(script.sent().is_empty());
}
