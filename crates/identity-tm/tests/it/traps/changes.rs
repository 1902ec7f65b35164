//! The port over getAllStatus: cases that changed, page by page, each with a cursor that can be kept.

use std::collections::{BTreeMap, BTreeSet};

use super::feed::{Asked, BEGIN, Entry, history, listed, nothing, page_of, vendor, within};
use super::*;

/// Every page of the port, each cursor written down and read back; the ids that were told.
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
async fn at_05_the_port_tells_every_changed_order_whatever_the_first_page_is() {
    for base in [0, 1] {
        for orders in [0, 1, 250, 251, 1100] {
            let (client, window, vendor) = vendor(3600, move |asked, _| match (asked.page, base) {
                (0, 1) => page_of(&history(orders), &Asked { page: 1, ..*asked }, 1),
                _ => page_of(&history(orders), asked, base),
            });
            let (ids, pages) = all_changes(&client, window).await.unwrap();
            assert_eq!(ids, (0..orders).collect(), "{orders} orders from page {base}");
            let sent = vendor.asked.lock().unwrap().len();
            assert!(pages <= sent && sent <= 7, "{pages} calls, {sent} requests");
        }
    }
}

#[tokio::test]
async fn at_05_the_port_too_meets_a_vendor_without_paging_with_smaller_windows() {
    let (client, window, vendor) = vendor(4096, |asked, _| page_of(&history(1500), &Asked { page: 0, ..*asked }, 0));
    let (ids, _) = all_changes(&client, window).await.unwrap();
    assert_eq!(ids, (0..1500).collect());
    assert!(vendor.asked.lock().unwrap().iter().any(|asked| asked.end - asked.begin < 1024));
}

#[tokio::test]
async fn at_05_a_vendor_that_pages_for_ever_ends_the_port_with_an_error_and_never_with_success() {
    // A thousand orders of one second, in ever other portions.
    let all: Vec<Entry> = (0..1000).map(|order| (5, order, 25)).collect();
    let (client, window, _) = vendor(64, move |asked, before| {
        let mut found = within(&all, asked);
        if found.is_empty() {
            return nothing();
        }
        found.rotate_left(before * 7 % 1000);
        listed(&found[..asked.elements])
    });
    let error = all_changes(&client, window).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (Kind::Protocol, Some("getAllStatus/ExtendedList")));
}

#[tokio::test]
async fn at_14_what_the_port_tells_of_a_changed_order_is_final_only_where_its_codes_alone_say_so() {
    let (client, window, _) = vendor(60, |asked, _| {
        let all = [(1, 1, 25), (2, 2, 25), (3, 2, 6), (4, 3, 84), (5, 4, 89), (6, 4, 6), (7, 5, 95), (8, 6, 22)];
        page_of(&all, asked, 0)
    });
    let page = client.changes(window, None, &options()).await.unwrap();
    let told: BTreeMap<&str, Outcome> = page.cases.iter().map(|(id, status)| (id.expose(), status.outcome)).collect();
    let expected = [
        ("9991", Outcome::Unknown),
        ("9992", Outcome::Unknown),
        ("9993", Outcome::Signed),
        ("9994", Outcome::FraudSuspicion),
        ("9995", Outcome::Unknown),
        ("9996", Outcome::Terminated),
    ];
    assert_eq!(told, BTreeMap::from(expected));
    let fraud = &page.cases.iter().find(|(id, _)| id.expose() == "9994").unwrap().1;
    assert_eq!(
        (fraud.since, &*fraud.vendor_codes),
        (jiff::Timestamp::from_second(BEGIN + 5).ok(), &["89".into(), "6".into()][..])
    );
}

#[tokio::test]
async fn a_cursor_is_refused_before_anything_is_sent_unless_it_is_of_this_window() {
    let (client, window, vendor) = vendor(3600, |asked, _| page_of(&history(600), asked, 0));
    let Some(Cursor(good)) = client.changes(window, None, &options()).await.unwrap().next else { panic!("no cursor") };
    let sent = vendor.asked.lock().unwrap().len();
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
    assert_eq!(vendor.asked.lock().unwrap().len(), sent);
    assert!(client.changes(wider, Some(&Cursor(good)), &options()).await.is_ok());
}
