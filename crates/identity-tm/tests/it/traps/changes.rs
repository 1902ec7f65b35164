//! The port over getAllStatus: changed cases, page by page, each with a cursor that can be stored.

use std::collections::{BTreeMap, BTreeSet};

use super::feed::{BEGIN, Entry, Query, history, listed, nothing, page_of, vendor, within};
use super::*;

/// Reads every page of the port with serialized cursors. Returns the ids and the number of pages.
async fn all_changes(client: &IdentityTm, window: Window) -> Result<(BTreeSet<u32>, usize), Error> {
    let (mut ids, mut cursor, mut pages) = (BTreeSet::new(), None, 0);
    loop {
        let page = client.changes(window, cursor.as_ref(), &options().attempts(1)).await?;
        pages += 1;
        assert!(page.cases.iter().all(|(_, status)| !status.vendor_codes.is_empty()));
        ids.extend(page.cases.iter().map(|(id, _)| id.expose().strip_prefix("999").unwrap().parse::<u32>().unwrap()));
        let Some(Cursor(text)) = page.next else { return Ok((ids, pages)) };
        cursor = Some(Cursor(text));
    }
}

#[tokio::test]
async fn at_05_the_port_returns_every_changed_order_for_page_0_or_1() {
    for base in [0, 1] {
        for orders in [0, 1, 250, 251, 1100] {
            let (client, window, vendor) = vendor(3600, move |request, _| match (request.page, base) {
                (0, 1) => page_of(&history(orders), &Query { page: 1, ..*request }, 1),
                _ => page_of(&history(orders), request, base),
            });
            let (ids, pages) = all_changes(&client, window).await.unwrap();
            assert_eq!(ids, (0..orders).collect(), "{orders} orders from page {base}");
            let sent = vendor.requests.lock().unwrap().len();
            assert!(pages <= sent && sent <= 7, "{pages} calls, {sent} requests");
        }
    }
}

#[tokio::test]
async fn at_05_the_port_halves_windows_if_paging_is_ignored() {
    let (client, window, vendor) =
        vendor(4096, |request, _| page_of(&history(1500), &Query { page: 0, ..*request }, 0));
    let (ids, _) = all_changes(&client, window).await.unwrap();
    assert_eq!(ids, (0..1500).collect());
    assert!(vendor.requests.lock().unwrap().iter().any(|request| request.end - request.begin < 1024));
}

#[tokio::test]
async fn at_05_endless_pages_end_the_port_with_an_error() {
    // A thousand orders of the same second, in changing portions.
    let all: Vec<Entry> = (0..1000).map(|order| (5, order, 25)).collect();
    let (client, window, _) = vendor(64, move |request, before| {
        let mut entries = within(&all, request);
        if entries.is_empty() {
            return nothing();
        }
        entries.rotate_left(before * 7 % 1000);
        listed(&entries[..request.elements])
    });
    let error = all_changes(&client, window).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (Kind::Protocol, Some("getAllStatus/ExtendedList")));
}

#[tokio::test]
async fn at_14_a_changed_order_is_final_only_for_any_flavor() {
    let (client, window, _) = vendor(60, |request, _| {
        let all = [(1, 1, 25), (2, 2, 25), (3, 2, 6), (4, 3, 84), (5, 4, 89), (6, 4, 6), (7, 5, 95), (8, 6, 22)];
        page_of(&all, request, 0)
    });
    let page = client.changes(window, None, &options()).await.unwrap();
    let actual: BTreeMap<&str, Outcome> = page.cases.iter().map(|(id, status)| (id.expose(), status.outcome)).collect();
    let expected = [
        ("9991", Outcome::Unknown),
        ("9992", Outcome::Unknown),
        ("9993", Outcome::Signed),
        ("9994", Outcome::FraudSuspicion),
        ("9995", Outcome::Unknown),
        ("9996", Outcome::Terminated),
    ];
    assert_eq!(actual, BTreeMap::from(expected));
    let fraud = &page.cases.iter().find(|(id, _)| id.expose() == "9994").unwrap().1;
    assert_eq!(
        (fraud.since, &*fraud.vendor_codes),
        (jiff::Timestamp::from_second(BEGIN + 5).ok(), &["89".into(), "6".into()][..])
    );
}

#[tokio::test]
async fn a_cursor_of_another_window_is_rejected_before_sending() {
    let (client, window, vendor) = vendor(3600, |request, _| page_of(&history(600), request, 0));
    let Some(Cursor(good)) = client.changes(window, None, &options()).await.unwrap().next else { panic!("no cursor") };
    let sent = vendor.requests.lock().unwrap().len();
    let day = jiff::SignedDuration::from_hours(24);
    let later = Window { begin: window.begin + day, end: window.end + day };
    let wider = Window { begin: window.begin - day, end: window.end + day };
    for (text, window) in [
        ("", window),
        ("2", window),
        (r#"{"windows":[],"page":2,"before":1}"#, window),
        (r#"{"windows":[["x","y"]],"page":2,"before":1}"#, window),
        (&*good, later),
    ] {
        let error = client.changes(window, Some(&Cursor(text.into())), &options()).await.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (Kind::InvalidInput, Some(Delivery::NotSent)), "{text}");
    }
    assert_eq!(vendor.requests.lock().unwrap().len(), sent);
    assert!(client.changes(wider, Some(&Cursor(good)), &options()).await.is_ok());
}
