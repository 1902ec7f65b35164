//! Reads return the requested object only, and a project is read from the list if a GET with a body is rejected.

use crate::support::*;

fn list() -> Step {
    ok(fixture("S-021-project-get-all-response.json"))
}

/// A vendor with one response to `project/get` and one to all other calls.
fn vendor_of(get: &Step, rest: &Step) -> Arc<Vendor> {
    let (get, rest) = (get.clone(), rest.clone());
    Vendor::new(move |arrived| if arrived.path() == "/project/get" { get.clone() } else { rest.clone() })
}

/// A rejection in a response with status 200.
fn code_in_body(code: u16) -> Step {
    ok(format!(r#"{{"result":false,"messages":["Mustermann"],"response_status":{code}}}"#))
}

#[tokio::test]
async fn ai_07_ai_30_project_is_read_from_the_list() {
    let by_body = [400, 403, 411, 413].map(|code| (code_in_body(code), Some(code)));
    let plain = [status(400), status(403), status(411), status(413), Step::Reset].map(|first| (first, None));
    for (first, code) in by_body.into_iter().chain(plain) {
        let vendor = vendor_of(&first, &list());
        let answered = client(&vendor).project(&"6".into(), &options()).await.unwrap();
        assert_eq!(answered.value.title.as_deref(), Some("911 Internet GmbH"));
        assert_eq!(answered.warnings[0].rule, "AI-07");
        assert_eq!(vendor.paths().last().unwrap(), "/project/getAll");
        // If the list does not contain the project, the first error is returned, with the worse status.
        let error = client(&vendor).project(&"7".into(), &options()).await.unwrap_err();
        assert_eq!(error.operation(), Some("project/get"));
        if code.is_some() {
            assert_eq!(vendor.paths()[..3], ["/auth", "/project/get", "/project/getAll"]);
            assert_eq!((error.status(), error.delivery()), (code, Some(Delivery::Answered)));
        }

        let error = client(&vendor_of(&first, &status(409))).project(&"6".into(), &options()).await.unwrap_err();
        assert_eq!(error.operation(), Some("project/get"), "the first error is returned: {error}");
        assert_ne!(error.kind(), Kind::Conflict);
    }
    // These codes do not suggest that the body of a GET is the cause.
    for (other, code) in [(status(404), 404), (status(402), 402)]
        .into_iter()
        .chain([402, 404, 409].map(|code| (code_in_body(code), code)))
    {
        let vendor = vendor_of(&other, &list());
        assert_eq!(client(&vendor).project(&"6".into(), &options()).await.unwrap_err().status(), Some(code));
        assert_eq!(vendor.paths(), ["/auth", "/project/get"], "{code}");
    }
}

#[tokio::test]
async fn ai_07_dialect_reads_the_list_only() {
    let vendor = Vendor::script(vec![list()]);
    let client = client_with(&vendor, &TestClock::default(), Dialect::new().projects_by_list(true));
    client.project(&6.into(), &options()).await.unwrap();
    assert_eq!(client.project(&"7".into(), &options()).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(vendor.paths(), ["/auth", "/project/getAll", "/project/getAll"]);
}

/// A successful response with this `data`.
fn with_data(data: &str) -> Step {
    ok(format!(r#"{{"result":true,"messages":[],"data":{data},"response_status":200}}"#))
}

#[tokio::test]
async fn only_the_requested_project_is_returned() {
    let other = r#"{"id":"1","title":"Other","status":"Active"}"#;
    for (data, title) in [
        (format!(r#"[{other},{{"id":"6","title":"Wanted"}}]"#), Some("Wanted")),
        (format!(r#"[{other},{{"id":6,"title":"Wanted"}}]"#), Some("Wanted")),
        (r#"[{"id":6,"title":"Wanted"}]"#.to_owned(), Some("Wanted")),
        (r#"{"id":6,"title":"Wanted"}"#.to_owned(), Some("Wanted")),
        // A single project without an id counts as the requested one.
        (r#"{"title":"Wanted"}"#.to_owned(), Some("Wanted")),
        (r#"[{"title":"Wanted"}]"#.to_owned(), Some("Wanted")),
        (r#"[{"title":"One"},{"title":"Another"}]"#.to_owned(), None),
        (other.to_owned(), None),
        (format!("[{other}]"), None),
        (format!(r#"[{other},{{"title":"Nameless"}}]"#), None),
    ] {
        let read = client(&Vendor::script(vec![with_data(&data)])).project(&6.into(), &options()).await;
        match (read, title) {
            (Ok(answered), Some(title)) => assert_eq!(answered.value.title.as_deref(), Some(title), "{data}"),
            (Err(error), None) => {
                assert_eq!((error.kind(), error.operation()), (Kind::Protocol, Some("project/get")), "{data}");
                assert!(error.detail().contains("another object"), "{error}");
            }
            (read, _) => panic!("{data}: {read:?}"),
        }
    }
}

#[tokio::test]
async fn ai_15_another_ident_is_never_returned_or_named() {
    let (own, other) = ("own-secret-id", r#"{"id":"other-secret-id","status":"Identified"}"#);
    let wanted = r#"{"id":"own-secret-id","status":"Unidentified"}"#;
    let case = CaseRef { provider: "identify24".into(), id: Secret::new(own), state: None };
    for data in [other.to_owned(), format!("[{other}]"), format!("[{other},{other}]")] {
        let client = client(&Vendor::script(vec![with_data(&data)]));
        for error in [
            client.get_ident(&IdentId::new(own), &options()).await.unwrap_err(),
            client.status(&case, &options()).await.unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.operation()), (Kind::Protocol, Some("ident/get")), "{data}");
            assert_eq!((error.status(), error.delivery()), (Some(200), Some(Delivery::Answered)));
            assert!(error.detail().contains("another object"), "{error}");
            let shown = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
            assert!(!shown.contains("secret-id") && error.vendor_text().is_none(), "{shown}");
        }
    }
    // The position in a list does not matter. An id without a value is a warning.
    for (asked, data, is_named) in [
        (own, format!("[{other},{wanted}]"), true),
        ("4711", r#"{"id":4711,"status":"Unidentified"}"#.to_owned(), true),
        (own, r#"{"id":"","status":"Unidentified"}"#.to_owned(), false),
        (own, r#"{"id":null,"status":"Unidentified"}"#.to_owned(), false),
        (own, r#"[{"status":"Unidentified"}]"#.to_owned(), false),
    ] {
        let client = client(&Vendor::script(vec![with_data(&data)]));
        let read = client.get_ident(&IdentId::new(asked), &options()).await.unwrap();
        assert_eq!(read.value.status.unwrap().as_str(), "Unidentified", "{data}");
        assert_eq!(read.warnings.iter().all(|warning| warning.rule != "AT-24"), is_named, "{data}");
    }
    // Another case of letters, or blanks, make another id (AT-24).
    for asked in ["OWN-SECRET-ID", "own-secret-id ", " own-secret-id"] {
        for data in [wanted.to_owned(), format!("[{other},{wanted}]"), format!(r#"{{"id":"{asked}","status":"x"}}"#)] {
            let client = client(&Vendor::script(vec![with_data(&data)]));
            let wanted = if data.contains(asked) { own } else { asked };
            let error = client.get_ident(&IdentId::new(wanted), &options()).await.unwrap_err();
            assert!(error.detail().contains("another object"), "{asked} {data}: {error}");
        }
    }
    // If two ids differ only in case, the identical one is returned.
    let both = r#"[{"id":"aB","status":"Identified"},{"id":"Ab","status":"Unidentified"}]"#;
    let client = client(&Vendor::script(vec![with_data(both)]));
    let read = client.get_ident(&IdentId::new("Ab"), &options()).await.unwrap().value;
    assert_eq!(read.status.unwrap().as_str(), "Unidentified");
}

#[tokio::test]
async fn ai_06_list_is_searched_by_text_and_number() {
    let vendor = Vendor::script(vec![with_data(r#"[{"id":1,"title":"Other"},{"id":6,"title":"Wanted"}]"#)]);
    let client = client_with(&vendor, &TestClock::default(), Dialect::new().projects_by_list(true));
    assert_eq!(client.project(&"6".into(), &options()).await.unwrap().value.title.as_deref(), Some("Wanted"));
}

#[tokio::test]
async fn at_93_a_project_without_its_id_may_be_the_wanted_one() {
    for (list, kind) in [(r#"[{"id":null,"title":"Wanted"}]"#, Kind::Protocol), (r#"[{"id":"7"}]"#, Kind::NotFound)] {
        let vendor = Vendor::script(vec![with_data(list)]);
        let client = client_with(&vendor, &TestClock::default(), Dialect::new().projects_by_list(true));
        assert_eq!(client.project(&"6".into(), &options()).await.unwrap_err().kind(), kind, "{list}");
    }
}

#[tokio::test]
async fn ai_33_data_is_a_list_in_every_form_and_never_empty() {
    let answer = |data: &str| ok(format!(r#"{{"result":true,"data":{data}}}"#));
    for (data, expected) in [
        (r#"[{"id":"6"},{"id":"7"}]"#, Ok((2, 0))),
        (r#"{"0":{"id":"6"},"1":{"id":"7"}}"#, Ok((2, 1))),
        (r#"{"id":"6"}"#, Ok((1, 0))),
        ("[]", Ok((0, 0))),
        ("{}", Err(Kind::Protocol)),
        ("[{}]", Err(Kind::Protocol)),
        ("null", Err(Kind::Protocol)),
        (r#"{"0":{}}"#, Err(Kind::Protocol)),
    ] {
        let projects = client(&Vendor::script(vec![answer(data)])).projects(&options()).await;
        let read = projects.map(|response| {
            assert!(response.warnings.iter().all(|warning| warning.rule == "AT-92"), "{data}");
            (response.value.len(), response.warnings.len())
        });
        assert_eq!(read.map_err(|error| error.kind()), expected, "{data}");
    }
    for (data, found) in [(r#"{"0":{"id":"x","status":"y"}}"#, true), ("{}", false), ("[{}]", false), ("[]", false)] {
        let ident = client(&Vendor::script(vec![answer(data)])).get_ident(&"x".into(), &options()).await;
        assert_eq!(ident.map(drop).map_err(|error| error.kind()), found.then_some(()).ok_or(Kind::Protocol), "{data}");
    }
}

#[tokio::test]
async fn at_93_an_ident_without_a_readable_status_is_an_error() {
    for (data, words) in [
        (r#"{"id":"x"}"#, "no status"),
        (r#"{"id":"x","status":null}"#, "no status"),
        (r#"{"id":"x","status":" "}"#, "no status"),
        (r#"{"id":"x","Status":"Identified"}"#, "the element status in another spelling"),
        (r#"[{"id":"x"},{"id":"y","status":"Identified"}]"#, "no status"),
        (r#"{"id":"x","status":true}"#, "the status in the response is not a text"),
        (r#"{"id":"x","status":["Identified"]}"#, "the status in the response is not a text"),
        (r#"{"id":false,"status":"Identified"}"#, "the id in the response is not a text"),
        (r#"{"id":{"x":"x"},"status":"Identified"}"#, "the id in the response is not a text"),
        (r#"{"id":" ","status":"Identified"}"#, "another object"),
    ] {
        let client = client(&Vendor::script(vec![with_data(data)]));
        let error = client.get_ident(&"x".into(), &options()).await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (Kind::Protocol, Some("ident/get")), "{data}");
        assert!(error.detail().contains(words), "{data}: {error}");
    }
}

#[tokio::test]
async fn at_95_a_repeated_decisive_element_is_an_error() {
    let one = r#"{"id":"6","status":"Active"}"#;
    for body in [
        format!(r#"{{"data":{one},"data":{{"id":"6","status":"Closed"}}}}"#),
        format!(r#"{{"data":{one},"data":{one}}}"#),
        format!(r#"{{"result":false,"result":true,"data":{one}}}"#),
        format!(r#"{{"response_status":500,"response_status":200,"data":{one}}}"#),
        r#"{"data":{"id":"6","status":"Active","status":"Closed"}}"#.to_owned(),
        r#"{"data":[{"id":"6","status":"Active","status":"Active"}]}"#.to_owned(),
        r#"{"data":{"id":"6","id":"7","status":"Active"}}"#.to_owned(),
        r#"{"data":{"id":"7","id":"6","status":"Active"}}"#.to_owned(),
    ] {
        let client = client(&Vendor::script(vec![ok(&body)]));
        for error in [
            client.get_ident(&"6".into(), &options()).await.map(drop).unwrap_err(),
            client.project(&"6".into(), &options()).await.map(drop).unwrap_err(),
            client.projects(&options()).await.map(drop).unwrap_err(),
        ] {
            assert_eq!(error.kind(), Kind::Protocol, "{body}");
            assert!(error.detail().contains("more than once"), "{body}: {error}");
        }
    }
    // Nothing depends on the others: the last value counts, with a warning.
    let body = r#"{"data":{"id":"6","status":"Active","custom1":"a","custom1":"b"}}"#;
    let ident = client(&Vendor::script(vec![ok(body)])).get_ident(&"6".into(), &options()).await.unwrap();
    assert_eq!((ident.value.custom1.unwrap().expose().as_str(), ident.warnings[0].rule), ("b", "AT-95"));
}

#[tokio::test]
async fn at_93_a_status_in_two_spellings_decides_nothing() {
    for (other, is_error) in [(r#""Rejected""#, true), ("7", true), (r#""Identified""#, false), ("null", false)] {
        let data = format!(r#"{{"id":"6","status":"Identified","Status":{other}}}"#);
        let ident = client(&Vendor::script(vec![with_data(&data)])).get_ident(&"6".into(), &options()).await;
        assert_eq!(ident.map(drop).map_err(|error| error.kind()), if is_error { Err(Kind::Protocol) } else { Ok(()) });
    }
}

#[tokio::test]
async fn at_95_the_requested_object_occurs_once() {
    for (data, is_error) in [
        (r#"[{"id":"6","status":"Active"},{"id":"6","status":"Closed"}]"#, true),
        (r#"[{"id":"6","status":"Active"},{"id":6,"status":"Closed"}]"#, true),
        (r#"{"0":{"id":"6","status":"Active"},"1":{"id":"6","status":"Closed"}}"#, true),
        (r#"[{"id":"6","status":"Active"},{"id":"6","status":"Active"}]"#, false),
        (r#"[{"id":"6","status":"Active"},{"id":" 6","status":"Closed"}]"#, false),
    ] {
        let client = client(&Vendor::script(vec![with_data(data)]));
        let ident = client.get_ident(&"6".into(), &options()).await.map(|ident| ident.value.status.unwrap());
        let project = client.project(&"6".into(), &options()).await.map(|project| project.value.status.unwrap());
        match (ident, project) {
            (Ok(ident), Ok(project)) if !is_error => assert_eq!((ident.as_str(), &*project), ("Active", "Active")),
            (Err(ident), Err(project)) if is_error => {
                assert!(ident.detail().contains("more than once"), "{ident}");
                assert_eq!((ident.kind(), project.kind()), (Kind::Protocol, Kind::Protocol), "{data}");
            }
            (ident, project) => panic!("{data}: {ident:?} {project:?}"),
        }
    }
}

/// Reads the ident 6 from a body, and all projects.
async fn both(body: &str) -> [Result<(), Error>; 2] {
    let client = client(&Vendor::script(vec![ok(body)]));
    [client.get_ident(&"6".into(), &options()).await.map(drop), client.projects(&options()).await.map(drop)]
}

#[tokio::test]
async fn ai_02_ai_30_an_unreadable_success_is_an_error() {
    for verdict in [
        r#""response_status":"500 Internal Server Error""#,
        r#""response_status":"error""#,
        r#""response_status":5e2"#,
        r#""response_status":[500]"#,
        r#""response_status":{"code":500}"#,
        r#""response_status":true"#,
        r#""Response_Status":500"#,
        r#""response-status":500,"response_status":200"#,
        r#""result":"error""#,
        r#""result":"no""#,
        r#""result":[false]"#,
        r#""Result":false"#,
    ] {
        for data in [r#"{"id":"6","status":"Identified"}"#, "[]"] {
            for read in both(&format!(r#"{{{verdict},"data":{data}}}"#)).await {
                assert_eq!(read.unwrap_err().kind(), Kind::Protocol, "{verdict} {data}");
            }
        }
    }
    for verdict in [r#""response_status":"200""#, r#""response_status":null"#, r#""result":1,"RESULT":1"#] {
        let body = format!(r#"{{{verdict},"data":{{"id":"6","status":"Identified"}}}}"#);
        assert!(both(&body).await.iter().all(Result::is_ok), "{verdict}");
    }
}

#[tokio::test]
async fn at_94_an_error_without_a_result_is_a_rejection() {
    for body in [
        r#"{"Error":"Mustermann"}"#,
        r#"{"result":true,"data":null,"Error":"Mustermann"}"#,
        r#"{"Error":"Mustermann","data":[]}"#,
        r#"{"Error":{"message":"Mustermann"},"data":{}}"#,
    ] {
        for read in both(body).await {
            let error = read.unwrap_err();
            assert_eq!((error.kind(), error.status()), (Kind::Rejected, Some(200)), "{body}");
            assert_eq!(error.vendor_text().map(|text| text.expose().as_str()), Some("Mustermann"), "{body}");
            assert!(!error.to_string().contains("Mustermann"), "{error}");
        }
    }
    for body in [r#"{"Error":"","data":null}"#, r#"{"Error":null}"#] {
        for read in both(body).await {
            assert_eq!(read.unwrap_err().kind(), Kind::Protocol, "{body}");
        }
    }
}

#[tokio::test]
async fn at_93_an_ident_that_is_contradicted_has_no_verdict() {
    let (own, nameless) = (r#"{"id":"6","status":"Identified"}"#, r#"{"status":"Identified"}"#);
    let url = "https://www.example.com/apply/";
    for (body, is_error) in [
        (r#"{"data":{"ID":"zz","status":"Identified"}}"#.to_owned(), true),
        (r#"{"data":{"id":"6","Id":"zz","status":"Identified"}}"#.to_owned(), true),
        (format!(r#"{{"id":"zz","data":{nameless}}}"#), true),
        (format!(r#"{{"Id":7,"data":{own}}}"#), true),
        (format!(r#"{{"id":"6","data":{nameless}}}"#), false),
        (format!(r#"{{"data":{own},"Data":{{"id":"6","status":"Rejected"}}}}"#), true),
        (format!(r#"{{"data":{own},"Data":{own}}}"#), false),
        (format!(r#"{{"status":"Rejected","data":{own}}}"#), true),
        (format!(r#"{{"Status":500,"data":{own}}}"#), true),
        (format!(r#"{{"status":"Identified","data":{own}}}"#), false),
        (format!(r#"{{"status":"success","Status":200,"data":{own}}}"#), false),
        (format!(r#"{{"conference_url":"{url}zz","data":{nameless}}}"#), true),
        (format!(r#"{{"data":{{"status":"Identified","conferenceUrl":"{url}zz"}}}}"#), true),
        (format!(r#"{{"conference_url":"{url}6","data":{nameless}}}"#), false),
        (format!(r#"{{"conference_url":"","data":{nameless}}}"#), false),
    ] {
        let [ident, _] = both(&body).await;
        assert_eq!(ident.map_err(|error| error.kind()), if is_error { Err(Kind::Protocol) } else { Ok(()) }, "{body}");
    }
}

#[tokio::test]
async fn at_93_an_empty_list_beside_another_is_not_none() {
    for (beside, is_error) in [
        (r#""projects":[{"id":"6"}]"#, true),
        (r#""DATA":[{"id":"6"}]"#, true),
        (r#""page":{"total":7}"#, true),
        (r#""projects":[],"page":{},"total":0"#, false),
    ] {
        let [_, projects] = both(&format!(r#"{{"data":[],{beside}}}"#)).await;
        assert_eq!(projects.map_err(|error| error.kind()), if is_error { Err(Kind::Protocol) } else { Ok(()) });
    }
}
