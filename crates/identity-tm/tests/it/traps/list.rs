//! getAllStatus: URL and body, and listed elements in `extra`.

use super::*;

#[test]
fn at_04_the_url_selects_the_extended_list() {
    assert_eq!(GetAllStatus::META.path, "/getAllStatus");
    assert_eq!(GetAllStatusExtended::META.path, "/getAllStatus/ExtendedList");
    assert_eq!(DrainUnreportedExtended::META.path, "/getAllStatus/ExtendedList");
    let body: Value = serde_json::from_slice(&body_of(&GetAllStatusExtended::new(period()), &dialect())).unwrap();
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["Period"]);
}

#[test]
fn listed_elements_are_rejected_in_extra_of_small_requests() {
    let mut video = RequestVideo::new(id(), callback());
    video.request.extra.insert("callbackUrl".to_owned(), json!("https://www.example.com"));
    assert_eq!(violations_of(&video, &dialect()), [("callbackUrl".to_owned(), "AT-42")]);
    let mut tan = ConfirmSign::new(id(), Secret::new("123456"));
    tan.request.extra.insert("tan".to_owned(), json!("654321"));
    assert_eq!(violations_of(&tan, &dialect()), [("tan".to_owned(), "AT-42")], "the key must not be written twice");
    tan.request.tan = None;
    assert_eq!(violations_of(&tan, &dialect()).len(), 2, "the rules of its own field apply too");
    let mut user = CheckSignmeUser(SignmeUserRequest::default().email("e@example.com"));
    user.0.extra.insert("Email".to_owned(), json!("x"));
    assert_eq!(violations_of(&user, &dialect()), [("Email".to_owned(), "AT-42")]);
    let mut operation = GetAllStatus::new(period().paging(Paging::default().elements(1_u32)));
    operation.request.extra.insert("Period".to_owned(), json!({}));
    let period = operation.request.period.as_mut().unwrap();
    period.extra.insert("End".to_owned(), json!("x"));
    period.extra.insert("Kind".to_owned(), json!("unlisted, so accepted"));
    period.paging.as_mut().unwrap().extra.insert("Page".to_owned(), json!(1));
    let fields = ["Period", "Period.End", "Period.Paging.Page"];
    assert_eq!(violations_of(&operation, &dialect()), fields.map(|field| (field.to_owned(), "AT-42")));
}

#[tokio::test]
async fn at_04_the_feed_can_read_the_general_codes() {
    let window =
        Window { begin: "2018-09-05T00:00:00Z".parse().unwrap(), end: "2018-09-06T00:00:00Z".parse().unwrap() };
    let vendor = client(vec![reply(304, ""); 2]);
    let mut feed = vendor.status_feed(window, &options()).general();
    assert!(feed.next().await.unwrap().is_none());
    assert_eq!((vendor.calls(), feed.pages()), (vec!["POST /getAllStatus".to_owned(); 2], 2));
    assert!(vendor.sent().iter().all(|request| String::from_utf8_lossy(&request.body).contains("\"Begin\"")));
    assert!(feed.warnings().is_empty());
}
