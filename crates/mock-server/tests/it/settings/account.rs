//! Permissions of an account, and formats of responses.

use crate::support::*;
use identkit_mock_server::vendors::identity_tm::GiroKey;

#[tokio::test(flavor = "multi_thread")]
async fn t_003_the_credentials_are_the_accounts() {
    let bench = Harness::configured(|settings| {
        settings.customer_id = "4711".into();
        settings.customer_code = "another".into();
    });
    assert_eq!(bench.tm_call("GET", "/getBankList", "").await.status, 401);
    let code = format!("Basic {}", encode_base64(b"4711:another"));
    assert_eq!(bench.bare("GET", &format!("{TM}/getBankList"), &[("authorization", &code)]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn t_006_features_that_are_not_enabled_are_400() {
    let bench = Harness::new();
    let done = bench.ended(order(), "positive").await;
    bench.set_up(|settings| settings.not_enabled = [Feature::Report, Feature::CustomerSigning, Feature::Giro].into());
    for (method, path) in [("POST", "/confirm/"), ("GET", "/getidentdatapdf/")] {
        let answer = bench.tm_call(method, &format!("{path}{}", done.expose()), "{}").await;
        answer.refused(400, "path", "T-006", "[T] 3.1.1");
    }
    bench.set_up(|settings| settings.products_not_enabled = [15].into());
    let order_of = |product: u32| serde_json::to_vec(&order().product(product).add(8_u64)).unwrap();
    bench.tm_call("PUT", "/putOrder", order_of(15)).await.refused(400, "Product", "T-006", "[T] 3.1.1");
    assert_eq!(bench.tm_call("PUT", "/putOrder", order_of(12)).await.status, 202);
    let giro = serde_json::to_vec(&order().get_giro_link("WELADED1OPR")).unwrap();
    bench.tm_call("PUT", "/putOrder", giro).await.refused(400, "getGiroLink", "T-006", "[T] 3.1.1");
    assert_eq!(bench.get_order("/getIdentData/{}", &done).await.status, 200, "other calls work");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_43_an_optional_address_is_a_setting() {
    let mut without = serde_json::to_value(order()).unwrap();
    without.as_object_mut().unwrap().remove("Address");
    let bench = Harness::new();
    bench.tm_call("PUT", "/putOrder", without.to_string()).await.refused(400, "Address", "T-056", "[T] 3.1.3");
    bench.set_up(|settings| settings.address_optional = true);
    for (product, positive) in [(12, "Video"), (0, "eID")] {
        without["Product"] = json!(product);
        let answer = bench.tm_call("PUT", "/putOrder", without.to_string()).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        let id = OrderId::new(answer.json()["OrderID"].as_str().unwrap());
        for story in ["courier", "shop"] {
            let refused = bench.begin(id.expose(), story).unwrap_err();
            assert!(refused.text().contains("AT-43"), "{}", refused.text());
        }
        bench.play(id.expose(), "positive").await;
        let method = bench.get_order("/getIdentData/{}/IncludeIdentifyMethod", &id).await.json();
        assert_eq!(method["IdentifyMethod"], positive);
    }
    // An address is still validated, like everything else.
    without["Address"] = json!({ "Firstname": "Erika" });
    bench.tm_call("PUT", "/putOrder", without.to_string()).await.refused(400, "Address.Country", "T-056", "[T] 3.1.3");
    without.as_object_mut().unwrap().remove("Address");
    without.as_object_mut().unwrap().remove("Email");
    bench.tm_call("PUT", "/putOrder", without.to_string()).await.refused(400, "Email", "T-056", "[T] 3.1.3");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_84_an_e_mail_in_addition_to_the_link_is_a_setting() {
    for (beside, kinds) in [(false, vec![25]), (true, vec![25, 7])] {
        let bench = Harness::configured(|settings| settings.mail_beside_link = beside);
        let id = bench.place(order().get_target_link(true)).await;
        assert_eq!(bench.codes(&id).await, kinds);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_41_the_element_of_the_giro_link_is_a_setting() {
    let iban = "DE89 1605 0202 0000 0000 00";
    for (key, bank, link, target, giro) in [
        (GiroKey::TargetUrl, "WELADED1OPR", false, Some("/giro/"), None),
        (GiroKey::TargetUrl, iban, true, Some("/status/"), Some("/giro/")),
        (GiroKey::GiroUrl, iban, false, None, Some("/giro/")),
        (GiroKey::GiroUrl, "noladE21rdb", true, Some("/status/"), Some("/giro/")),
        (GiroKey::TargetUrl, "", false, None, None),
    ] {
        let bench = Harness::configured(|settings| settings.giro_key = key);
        let placed = bench.tm().put_order(&order().get_giro_link(bank).get_target_link(link), &options()).await;
        let answer = placed.unwrap().value.answer;
        let contains = |url: Option<&str>, part: Option<&str>| match (url, part) {
            (Some(url), Some(part)) => url.contains(part) && url.len() <= 100,
            (url, part) => url.is_none() && part.is_none(),
        };
        let output = answer.target_url.as_ref().map(Secret::expose);
        assert!(contains(output, target), "{key:?} {bank} {link}");
        let extra = answer.extra.get("GiroURL").map(|url| url.as_str().unwrap());
        assert!(contains(extra, giro), "{key:?} {bank} {link}");
    }
    for bank in ["COBADEFF", "DE89370400440532013000", "DE89", "ü"] {
        let body = serde_json::to_vec(&order().get_giro_link(bank)).unwrap();
        let answer = Harness::new().tm_call("PUT", "/putOrder", body.clone()).await;
        assert_eq!((answer.status, answer.text().contains("giro")), (202, false), "no status is documented");
        let answer = Harness::strict().tm_call("PUT", "/putOrder", body).await;
        answer.refused(400, "getGiroLink", "AT-41", "[T] 3.1.3");
        assert!(!answer.text().contains(bank));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_20_raw_placeholders_are_a_setting() {
    for (raw, query) in [
        (false, "ref=a%26b%25%2041%C3%BC&id="),
        // A blank and a non-ASCII letter are invalid in a request line; & and % are valid but ambiguous.
        (true, "ref=a&b%%2041%C3%BC&id="),
    ] {
        let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
        bench.set_up(|settings| settings.raw_placeholders = raw);
        let urls = WebhookUrl::default().on_final("https://hooks.example/x?ref=[Ref]&id=[OrderID]");
        let id = bench.ended(order().reference("a&b% 41ü").webhook_url(urls), "positive").await;
        let arrived = receiver.arrived();
        assert_eq!(arrived.len(), 1);
        assert_eq!(arrived[0].uri, format!("https://hooks.example/x?{query}{}", id.expose()), "raw: {raw}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_11_accepting_any_version_is_a_setting() {
    let code = format!("Basic {}", encode_base64(b"sandbox-customer:sandbox-code"));
    for (version, status) in [("2.10", 200), ("2.0", 404), ("2.10c", 404), ("2.100", 404), ("3", 404)] {
        for (any, status) in [(true, 200), (false, status)] {
            let bench = Harness::configured(|settings| settings.any_version = any);
            let uri = format!("/api/{version}/getStatus/{EXAMPLE_ORDER}/ExtendedList");
            assert_eq!(bench.bare("GET", &uri, &[("authorization", &code)]).await.status, status, "{version}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_89_the_status_of_success_is_a_setting() {
    for (status, has_body) in [(200, true), (201, true), (203, true), (204, false), (205, false), (299, true)] {
        let bench = Harness::configured(|settings| settings.success_status = Some(status));
        let answer = bench.tm_call("PUT", "/putOrder", serde_json::to_vec(&order()).unwrap()).await;
        assert_eq!((answer.status, !answer.body.is_empty()), (status, has_body));
        assert_eq!(answer.content_type(), if has_body { "application/json" } else { "" });
        let listed = bench.tm_call("POST", "/getAllStatus", "").await;
        assert_eq!(listed.status, status);
        assert_eq!(bench.tm_call("POST", "/getAllStatus", "").await.status, 304, "not a 2xx");
        assert_eq!(bench.tm_call("PUT", "/putOrder", "{}").await.status, 400, "a rejection");
    }
}
