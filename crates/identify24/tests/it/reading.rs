//! Reading one thing: it is the one that was asked for, and a project is found where a GET with a body does not get
//! through.

use crate::support::*;

fn list() -> Step {
    ok(fixture("S-021-project-get-all-response.json"))
}

/// Answers `project/get` and everything else.
fn refusing(get: &Step, rest: &Step) -> Arc<Vendor> {
    let (get, rest) = (get.clone(), rest.clone());
    Vendor::new(move |arrived| if arrived.path() == "/project/get" { get.clone() } else { rest.clone() })
}

/// A refusal in an answer with status 200.
fn by_the_body(code: u16) -> Step {
    ok(format!(r#"{{"result":false,"messages":["Mustermann"],"response_status":{code}}}"#))
}

#[tokio::test]
async fn ai_07_ai_30_a_project_is_found_in_the_list_when_a_get_with_a_body_does_not_get_through() {
    let by_body = [400, 403, 411, 413].map(|code| (by_the_body(code), Some(code)));
    let plain = [status(400), status(403), status(411), status(413), Step::Reset].map(|first| (first, None));
    for (first, told) in by_body.into_iter().chain(plain) {
        let vendor = refusing(&first, &list());
        let answered = client(&vendor).project(&"6".into(), &options()).await.unwrap();
        assert_eq!(answered.value.title.as_deref(), Some("911 Internet GmbH"));
        assert_eq!(answered.warnings[0].rule, "AI-07");
        assert_eq!(vendor.paths().last().unwrap(), "/project/getAll");
        // Not in the list: the first refusal may have been meant, with the worse of its two statuses.
        let error = client(&vendor).project(&"7".into(), &options()).await.unwrap_err();
        assert_eq!(error.operation(), Some("project/get"));
        if told.is_some() {
            assert_eq!(vendor.paths()[..3], ["/auth", "/project/get", "/project/getAll"]);
            assert_eq!((error.status(), error.delivery()), (told, Some(Delivery::Answered)));
        }

        let error = client(&refusing(&first, &status(409))).project(&"6".into(), &options()).await.unwrap_err();
        assert_eq!(error.operation(), Some("project/get"), "the first error is told: {error}");
        assert_ne!(error.kind(), Kind::Conflict);
    }
    // These say nothing about the body of a GET.
    for (other, code) in [(status(404), 404), (status(402), 402)]
        .into_iter()
        .chain([402, 404, 409].map(|code| (by_the_body(code), code)))
    {
        let vendor = refusing(&other, &list());
        assert_eq!(client(&vendor).project(&"6".into(), &options()).await.unwrap_err().status(), Some(code));
        assert_eq!(vendor.paths(), ["/auth", "/project/get"], "{code}");
    }
}

#[tokio::test]
async fn ai_07_the_list_can_be_asked_at_once() {
    let vendor = Vendor::script(vec![list()]);
    let client = client_with(&vendor, &TestClock::default(), Dialect::new().projects_by_list(true));
    client.project(&6.into(), &options()).await.unwrap();
    assert_eq!(client.project(&"7".into(), &options()).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(vendor.paths(), ["/auth", "/project/getAll", "/project/getAll"]);
}

/// A good answer with this as its `data`.
fn holding(data: &str) -> Step {
    ok(format!(r#"{{"result":true,"messages":[],"data":{data},"response_status":200}}"#))
}

#[tokio::test]
async fn the_project_that_was_asked_for_is_taken_out_of_a_list_and_no_other() {
    let other = r#"{"id":"1","title":"Other","status":"Active"}"#;
    for (data, title) in [
        (format!(r#"[{other},{{"id":"6","title":"Wanted"}}]"#), Some("Wanted")),
        (format!(r#"[{other},{{"id":6,"title":"Wanted"}}]"#), Some("Wanted")),
        (r#"[{"id":6,"title":"Wanted"}]"#.to_owned(), Some("Wanted")),
        (r#"{"id":6,"title":"Wanted"}"#.to_owned(), Some("Wanted")),
        // Without an id it can only be the one that was asked for, unless there are several.
        (r#"{"title":"Wanted"}"#.to_owned(), Some("Wanted")),
        (r#"[{"title":"Wanted"}]"#.to_owned(), Some("Wanted")),
        (r#"[{"title":"One"},{"title":"Another"}]"#.to_owned(), None),
        (other.to_owned(), None),
        (format!("[{other}]"), None),
        (format!(r#"[{other},{{"title":"Nameless"}}]"#), None),
    ] {
        let read = client(&Vendor::script(vec![holding(&data)])).project(&6.into(), &options()).await;
        match (read, title) {
            (Ok(answered), Some(title)) => assert_eq!(answered.value.title.as_deref(), Some(title), "{data}"),
            (Err(error), None) => {
                assert_eq!((error.kind(), error.operation()), (Kind::Protocol, Some("project/get")), "{data}");
                assert!(error.detail().contains("another one"), "{error}");
            }
            (read, _) => panic!("{data}: {read:?}"),
        }
    }
}

#[tokio::test]
async fn ai_15_another_ident_is_never_taken_for_the_one_that_was_asked_for_and_no_id_is_told() {
    let (own, other) = ("own-secret-id", r#"{"id":"other-secret-id","status":"Identified"}"#);
    let wanted = r#"{"id":"own-secret-id","status":"Unidentified"}"#;
    let case = CaseRef { provider: "identify24".into(), id: Secret::new(own), state: None };
    for data in [other.to_owned(), format!("[{other}]"), format!("[{other},{other}]")] {
        let client = client(&Vendor::script(vec![holding(&data)]));
        for error in [
            client.get_ident(&IdentId::new(own), &options()).await.unwrap_err(),
            client.status(&case, &options()).await.unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.operation()), (Kind::Protocol, Some("ident/get")), "{data}");
            assert_eq!((error.status(), error.delivery()), (Some(200), Some(Delivery::Answered)));
            assert!(error.detail().contains("another one"), "{error}");
            let told = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
            assert!(!told.contains("secret-id") && error.vendor_text().is_none(), "{told}");
        }
    }
    // In a list it is found wherever it stands, and an id that a person typed need not have the vendor's case.
    for (asked, data) in [
        (own, format!("[{other},{wanted}]")),
        ("OWN-SECRET-ID", wanted.to_owned()),
        ("OWN-SECRET-ID", format!("[{other},{wanted}]")),
        ("4711", r#"{"id":4711,"status":"Unidentified"}"#.to_owned()),
    ] {
        let client = client(&Vendor::script(vec![holding(&data)]));
        let read = client.get_ident(&IdentId::new(asked), &options()).await.unwrap().value;
        assert_eq!(read.status.unwrap().as_str(), "Unidentified", "{data}");
    }
    // The same letters in another case are another id, where both are there.
    let both = r#"[{"id":"aB","status":"Identified"},{"id":"Ab","status":"Unidentified"}]"#;
    let client = client(&Vendor::script(vec![holding(both)]));
    let read = client.get_ident(&IdentId::new("Ab"), &options()).await.unwrap().value;
    assert_eq!(read.status.unwrap().as_str(), "Unidentified");
}

#[tokio::test]
async fn ai_06_the_list_of_all_is_searched_by_the_same_ids() {
    let vendor = Vendor::script(vec![holding(r#"[{"id":1,"title":"Other"},{"id":6,"title":"Wanted"}]"#)]);
    let client = client_with(&vendor, &TestClock::default(), Dialect::new().projects_by_list(true));
    for id in ["6", " 6 "] {
        assert_eq!(client.project(&id.into(), &options()).await.unwrap().value.title.as_deref(), Some("Wanted"));
    }
}
