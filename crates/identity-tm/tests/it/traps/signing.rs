//! Signing on the customer's side: codes, TANs and states.

use super::*;

#[tokio::test]
async fn at_10_a_tan_goes_to_confirm_sign_and_not_to_the_url_of_the_example() {
    let client = client([reply(202, "")]);
    client.confirm_sign(&id(), &Secret::new("012345"), &options()).await.unwrap();
    assert_eq!(client.calls(), [format!("POST /confirmSign/{ORDER}")]);
    assert_eq!(client.sent()[0].body, br#"{"tan":"012345"}"#);
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
    nothing.request.extra.insert("tan".to_owned(), json!("654321"));
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
    let client = client([]);
    let error = client.confirm_sign(&id(), &Secret::new("12345"), &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (Kind::InvalidInput, Some("confirmSign")));
    assert!(!format!("{error} {error:?}").contains("12345"));
}
