//! Lists, texts, versions and elements that the document describes ambiguously or not at all.

use super::*;

const FLAVORS: [OrderFlavor; 4] =
    [OrderFlavor::IdentOnly, OrderFlavor::Qes, OrderFlavor::SignAccountOnly, OrderFlavor::Unknown];

/// "chapter 4.2.1.2" in [T 3.6.1] and the list "at the end" in [T 4.2] both mean the list of [T 3.2.1].
#[test]
fn at_12_all_calls_use_the_status_list_of_get_status() {
    for text in CATALOGUE {
        let entry = json!({"Status": [{"Kind": text.kind.0}]});
        let status: OrderStatus = serde_json::from_value(entry.clone()).unwrap();
        let listed: ListedOrder = serde_json::from_value(entry).unwrap();
        for flavor in FLAVORS {
            assert_eq!(status.finality(flavor), listed.finality(flavor), "{text:?}");
        }
        // The code that getESignHash requires (84) is final for a QES order by the same list.
        let signed = Finality::judge(OrderFlavor::Qes, [text.kind]).outcome == Outcome::Signed;
        assert_eq!(signed, text.kind == StatusKind::SIGNED);
    }
}

#[test]
fn at_16_only_the_numbers_decide_not_the_texts() {
    let text = |code: u32| StatusKind(code).text().unwrap();
    assert_eq!(text(12).english, text(55).english, "one English text for two codes");
    assert_ne!(text(12).german, text(55).german);
    // The list of final codes has another text for 22 than the catalog, and the German text differs too.
    assert_eq!((text(22).english, text(22).german), ("The processing was terminated", "Retour"));
    assert_eq!((text(34).english, text(34).german), ("Giro Feedback", "Giro - Timeout"));
    let misleading = text(6).english;
    for (code, outcome) in
        [(25, Outcome::Pending), (34, Outcome::Pending), (17, Outcome::Negative), (6, Outcome::Positive)]
    {
        for text in [misleading, text(17).english, "TimeOut", ""] {
            let entry = json!({"Status": [{"Kind": code, "Text": text}]});
            let status: OrderStatus = serde_json::from_value(entry).unwrap();
            assert_eq!(status.finality(OrderFlavor::IdentOnly).outcome, outcome, "{code} {text}");
        }
    }
}

#[test]
fn at_41_the_giro_url_is_preserved_under_any_name() {
    let order = plain_order().get_giro_link("DE02120300000000202051");
    assert_eq!(sent_json(&order, &dialect())["getGiroLink"], "DE02120300000000202051");
    for name in ["GiroURL", "GiroLink", "RedirectURL"] {
        let text = json!({"OrderID": ORDER, "Ref": "case-4711", name: "https://giro.example/4711"});
        let decoded = decode(&order, &json_answer(202, text.to_string())).unwrap();
        assert_eq!(decoded.value.extra[name], "https://giro.example/4711");
        assert!(!format!("{:?}", decoded.value).contains("4711"), "anyone who has the link can act as the person");
    }
}

#[test]
fn at_63_data_is_expected_after_6_84_and_89_only() {
    for (flavor, code, expected) in [
        (OrderFlavor::IdentOnly, StatusKind::POSITIVE, true),
        (OrderFlavor::SignAccountOnly, StatusKind::POSITIVE, true),
        (OrderFlavor::Qes, StatusKind::SIGNED, true),
        (OrderFlavor::IdentOnly, StatusKind::FRAUD, true),
        (OrderFlavor::Qes, StatusKind::FRAUD, true),
        (OrderFlavor::IdentOnly, StatusKind::NEGATIVE, false),
        (OrderFlavor::Qes, StatusKind::TERMINATED, false),
        (OrderFlavor::IdentOnly, StatusKind::TIMED_OUT, false),
        (OrderFlavor::Qes, StatusKind::TIMED_OUT_AFTER_IDENT, false),
    ] {
        let finality = Finality::judge(flavor, [StatusKind::INITIALIZED, code]);
        assert!(finality.is_final(), "{code:?}");
        assert_eq!(finality.data_expected(), expected, "{flavor:?} {code:?}");
    }
    // If the order ends after an identification, the data remains, except after a timeout.
    for (code, expected) in [
        (StatusKind::TERMINATED, true),
        (StatusKind::NEGATIVE, true),
        (StatusKind::TIMED_OUT, false),
        (StatusKind::TIMED_OUT_AFTER_IDENT, false),
    ] {
        let finality = Finality::judge(OrderFlavor::Qes, [StatusKind::POSITIVE, code]);
        assert_eq!((finality.is_final(), finality.data_expected()), (true, expected), "6 and {code:?}");
    }
    // While the signature is pending, no data is expected yet.
    assert!(!Finality::judge(OrderFlavor::Qes, [StatusKind::POSITIVE]).data_expected());
}

/// The document is 2.10c and its URL says 2.10; its changelog has 2.06b after 2.07.
#[tokio::test]
async fn at_11_at_75_the_version_is_an_opaque_text() {
    assert_eq!(DEFAULT_BASE_URL, "https://customer.identity.tm/api/2.10");
    for version in ["", "2.10", "2.1", "2.10c", "2.06b", "v3-beta"] {
        let default = version.is_empty();
        let base =
            if default { DEFAULT_BASE_URL.to_owned() } else { format!("https://customer.identity.tm/api/{version}") };
        let change = |builder: Builder| if default { builder } else { builder.base_url(&base) };
        let client = client_by(change, [reply(200, r#"{"Status":[]}"#)]);
        client.status_general(&id(), &options()).await.unwrap();
        assert_eq!(client.sent()[0].uri.to_string(), format!("{base}/getStatus/{ORDER}"));
    }
}
