//! Signing on the customer's side: codes, TANs and states.

use super::*;

#[tokio::test]
async fn at_10_a_tan_is_sent_to_confirm_sign() {
    let client = client([reply(202, "")]);
    client.confirm_sign(&id(), &Secret::new("012345"), &options()).await.unwrap();
    assert_eq!(client.calls(), [format!("POST /confirmSign/{ORDER}")]);
    assert_eq!(client.sent()[0].body, br#"{"tan":"012345"}"#);
}

#[tokio::test]
async fn at_56_an_invalid_tan_is_rejected_before_sending() {
    let client = client([]);
    let error = client.confirm_sign(&id(), &Secret::new("12345"), &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (Kind::InvalidInput, Some("confirmSign")));
    assert!(!format!("{error} {error:?}").contains("12345"));
}
