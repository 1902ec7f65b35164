//! Responses whose status, headers and body contradict each other, and what their errors say.

use super::*;

const REFUSALS: &[Refusal] = &[documented(404, Kind::NotFound), GONE];

const fn special(meta: Meta) -> Meta {
    meta.refusals(REFUSALS).ids(&["OrderID"]).error_member("error").contradicts(|_, headers, body| {
        headers.contains_key("location") || body.windows(7).any(|part| part == b"created")
    })
}

fn decoded(body: Received) -> Result<String, Error> {
    let text = text(body)?;
    let worse = |kind| Error::new(kind, "status: 404").with_status(404);
    match text.as_str() {
        "not found" => Err(worse(Kind::NotFound)),
        "odd" => Err(worse(Kind::Protocol)),
        _ if text.starts_with("refused") => Err(Error::new(Kind::Rejected, "result: false")),
        _ if text.starts_with('{') => Err(Error::new(Kind::Protocol, "unreadable")),
        _ => Ok(text),
    }
}

operation!(ReadOrder: String, Safe, AmbiguityPolicy::Never, |meta| special(meta), Ok(Body::empty()), decoded);
operation!(PutOrder: String, Creating, AmbiguityPolicy::Never, |meta| special(meta), Ok(Body::empty()), decoded);

#[tokio::test]
async fn at_94_a_response_that_contradicts_itself_is_not_certain() {
    let located = Step::Answer(200, &[("location", "/1")], "refused");
    // Nothing can be found in it.
    let coded = |body| Step::Answer(400, &[("content-encoding", "br")], body);
    let unknown = |status: u16| format!("OutcomeUnknown MaybeSent Reconcile {status}");
    let (rejected, not_found) = ("Rejected Answered DoNotRetry", "NotFound Answered DoNotRetry 404");
    for (step, read, put) in [
        (answer(400, "because"), format!("{rejected} 400"), format!("{rejected} 400")),
        (answer(400, r#"{"OrderID":"7"}"#), format!("{rejected} 400"), unknown(400)),
        (answer(400, "created"), format!("{rejected} 400"), unknown(400)),
        (coded(""), format!("{rejected} 400"), format!("{rejected} 400")),
        (coded("odd bytes"), format!("{rejected} 400"), unknown(400)),
        (answer(200, "refused"), format!("{rejected} 200"), format!("{rejected} 200")),
        // The operation has read the body.
        (answer(200, "refused, created"), format!("{rejected} 200"), format!("{rejected} 200")),
        (located, format!("{rejected} 200"), unknown(200)),
        (answer(200, r#"{"error":"because"}"#), format!("{rejected} 200"), unknown(200)),
        (answer(200, "{}"), "Protocol Answered DoNotRetry 200".to_owned(), unknown(200)),
        (
            answer(410, ""),
            "SigningCanceled Answered DoNotRetry 410".to_owned(),
            "SigningCanceled Answered DoNotRetry 410".to_owned(),
        ),
        // The documented meaning is not that of a page of a gateway.
        (answer(410, "<p>"), format!("{rejected} 410"), format!("{rejected} 410")),
        // A refusal in the body is judged by the status of the body, an unreadable body by the HTTP status.
        (answer(200, "not found"), not_found.to_owned(), not_found.to_owned()),
        (answer(200, "odd"), "Protocol Answered DoNotRetry 404".to_owned(), unknown(404)),
    ] {
        assert_eq!(call(&ReadOrder, &[step]).await, read, "a read: {step:?}");
        assert_eq!(call(&PutOrder, &[step]).await, put, "a create: {step:?}");
    }
}

operation!(
    Confirm: String, IdempotentByEffect, AmbiguityPolicy::Retry(4), |meta| meta.answer(Answer::Empty), Ok(Body::empty()),
    text
);

#[tokio::test]
async fn at_89_a_body_that_cannot_be_read_confirms_nothing() {
    let coded = |coding, body| match coding {
        "gzip" => Step::Answer(202, &[("content-encoding", "gzip")], body),
        _ => Step::Answer(202, &[("content-encoding", "br")], body),
    };
    for step in [
        answer(202, "{\"Error\":\"x\",}"),
        answer(202, "Error: x"),
        answer(202, "<p>"),
        // Damaged, and in another coding. `Lengthless` has status 200.
        coded("gzip", "\x1f\u{8b}"),
        coded("br", "{}"),
        Step::Broken(202),
        Step::Lengthless(&[], "accepted"),
        Step::Lengthless(&[], "{\"Error\":\"x"),
    ] {
        let error = failed(&Confirm, step).await;
        assert_eq!(error.kind(), Kind::OutcomeUnknown, "sent once: {step:?}");
        assert!(error.answer().is_some());
    }
    for step in [answer(202, ""), answer(202, "accepted"), answer(202, "[]"), Step::Lengthless(&[], "{}")] {
        assert!(call(&Confirm, &[step]).await.ends_with("after 1"), "{step:?}");
    }
    // Without a status that can be a success, the call can be repeated.
    assert_eq!(call(&Confirm, &[Step::Broken(503), Step::Ambiguous, answer(202, "")]).await, " after 3");
}

#[tokio::test(start_paused = true)]
async fn at_97_a_success_cut_by_the_deadline_is_unknown() {
    for (status, kind) in [(202, Kind::OutcomeUnknown), (200, Kind::OutcomeUnknown), (503, Kind::Timeout)] {
        let error = failed(&Confirm, Step::Stalled(status)).await;
        assert_eq!(error.kind(), kind, "{status} {error}");
        assert_eq!(error.answer().unwrap().status().as_u16(), status);
        assert!(error.detail().contains("not complete within the timeout"), "{error}");
    }
}

async fn failed<Op: Operation<Dialect = (), Output = String>>(operation: &Op, step: Step) -> Error {
    driver(&[step]).0.call(operation, &CallOptions::new()).await.unwrap_err()
}

#[tokio::test]
async fn the_error_names_the_id_and_the_vendors_text() {
    let error = failed(&PutOrder, answer(400, r#"{"OrderID":"7"}"#)).await;
    assert!(error.detail().contains("contains the element OrderID"), "{error}");
    assert!(error.vendor_text().unwrap().expose().contains("OrderID"));
    let error = failed(&ReadOrder, answer(200, r#"{"error":"because"}"#)).await;
    assert_eq!(error.vendor_text().unwrap().expose(), "because");
}

#[tokio::test]
async fn an_unexpected_refusal_names_the_url() {
    const URL: &str = "http://127.0.0.1:1/x";
    for (step, names) in [
        (answer(400, ""), true),
        (answer(404, ""), true),
        (answer(405, ""), true),
        (answer(200, "not found"), true),
        (answer(200, "odd"), false),
        (answer(410, ""), false),
        (answer(500, ""), false),
    ] {
        let error = failed(&ReadOrder, step).await;
        assert_eq!(error.url(), Some(URL));
        assert_eq!(error.detail().contains(&format!("the URL called was {URL}")), names, "{step:?} {error}");
    }
}
