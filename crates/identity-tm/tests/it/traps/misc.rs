//! Banks, sign-me users, health, blocked orders, listed elements in `extra`, networks.

use super::*;

#[test]
fn at_57_a_bank_code_has_leading_zeros() {
    for (text, blz) in [("16050202", "16050202"), ("1050202", "01050202"), (r#""01050202""#, "01050202")] {
        let response = json_answer(200, format!(r#"[{{"blz":{text}}}]"#));
        assert_eq!(decode(&GetBankList, &response).unwrap().value[0].blz.unwrap().to_string(), blz);
    }
}

#[tokio::test]
async fn at_58_both_elements_must_be_true_to_sign_at_once() {
    for (body, can) in [
        (r#"{"UserExists":true,"UserIsAbleToSign":true}"#, true),
        (r#"{"UserExists":true,"UserIsAbleToSign":false}"#, false),
        (r#"{"UserExists":false,"UserIsAbleToSign":true}"#, false),
    ] {
        let client = client([reply(200, body)]);
        let user = client.signme_user(&"e@example.com".into(), &options()).await.unwrap().value;
        assert_eq!(user.can_sign_at_once(), can, "{body}");
        assert_eq!(client.calls(), ["POST /checkSignmeUser"]);
    }
}

#[tokio::test]
async fn at_93_a_missing_element_of_the_user_is_an_error() {
    for (body, missing) in [
        (r#"{"UserIsAbleToSign":true}"#, "UserExists"),
        (r#"{"UserExists":null,"UserIsAbleToSign":true}"#, "UserExists"),
        (r#"{"UserExists":true}"#, "UserIsAbleToSign"),
    ] {
        let client = client([reply(200, body)]);
        let error = error_of(client.signme_user(&"e@example.com".into(), &options()).await);
        assert_eq!(error.kind(), Kind::Protocol, "{body}");
        assert!(error.detail().contains(missing), "{error}");
    }
}

/// An order is blocked for at most 10 seconds while a webhook runs.
#[test]
fn at_78_the_default_timeout_exceeds_the_block_of_an_order() {
    assert!(Policy::default().timeout > Duration::from_secs(10));
    // Parsing a webhook needs neither a client nor a runtime.
    let request = http::Request::builder().uri("/identity-tm/t/OnFinal?orderId=1&ref=r").body(bytes::Bytes::new());
    let event = identkit_identity_tm::OrderCallback::OnFinal.parse(&request.unwrap()).unwrap();
    assert_eq!(event.case_id.unwrap().expose(), "1");
}

#[tokio::test]
async fn at_80_server_status_is_never_retried() {
    for (step, health, kind) in [
        (Step::Answer(answer(200, "text/html", "<p>up")), Health::Up, None),
        (reply(500, ""), Health::Down, Some(Kind::Unavailable)),
        (Step::Reset, Health::Unreachable, Some(Kind::Unreachable)),
        (Step::NotSent, Health::Unreachable, Some(Kind::Unreachable)),
        (Step::Hang, Health::Unreachable, Some(Kind::Timeout)),
        (reply(503, ""), Health::Unclear(503), Some(Kind::Unavailable)),
        (reply(404, ""), Health::Unclear(404), Some(Kind::NotFound)),
        (reply(401, ""), Health::Unclear(401), Some(Kind::Authentication)),
        (reply(204, ""), Health::Unclear(204), Some(Kind::Protocol)),
        (reply(302, ""), Health::Unclear(302), Some(Kind::Protocol)),
        // A body that is too long or truncated still means that the service is up.
        (Step::Answer(answer(200, "text/html", "x".repeat(100_000))), Health::Up, None),
        (long(1000), Health::Up, None),
    ] {
        let options = options().attempts(9).timeout(Duration::from_millis(40));
        let probe = client([step.clone()]);
        assert_eq!(probe.health(&options).await, health, "{step:?}");
        let client = client([step.clone()]);
        let result = client.server_status(&options).await;
        assert!(kind.is_none() || kind == result.err().map(|error| error.kind()), "{step:?}");
        let mut sent = probe.sent().into_iter().chain(client.sent());
        assert!(sent.all(|request| request.headers.contains_key("authorization")), "without credentials");
    }
    client([Step::Answer(answer(200, "text/html", "<p>up"))]).server_status(&options()).await.unwrap();
}

#[tokio::test]
async fn at_80_health_after_a_401_is_unclear() {
    let client = client([reply(401, "")]);
    client.status(&id(), &options()).await.unwrap_err();
    assert_eq!(client.health(&options()).await, Health::Unclear(401));
}

/// Otherwise a listed element in `extra` could be written twice, or be written unchecked.
#[test]
fn at_42_listed_elements_are_rejected_in_extra() {
    let mut objects: Vec<String> = Vec::new();
    let mut keys: Vec<String> = Vec::new();
    message_json(PUT_ORDER, |path| {
        let object = path.rsplit_once('.').map_or("", |(object, _)| object);
        if objects.last().map(String::as_str) != Some(object) && !objects.iter().any(|known| known == object) {
            objects.push(object.to_owned());
            keys.push(path.rsplit('.').next().unwrap().to_owned());
        }
        Value::Null
    });
    // One object for each type of the request, including one detail of `Additional`.
    assert_eq!(objects.len(), 16, "{objects:?}");
    for (object, key) in objects.iter().zip(&keys) {
        let mut order = order_of(&crate::support::full_order_json());
        let extra = extra_of(&mut order, object);
        extra.insert("Unlisted".to_owned(), json!(1));
        extra.insert(key.clone(), json!("x"));
        let at = match object.as_str() {
            "" => String::new(),
            "IdentData.Additional.detail" => "IdentData.Additional[0].".to_owned(),
            "LegitimationDocument" => "LegitimationDocument[0].".to_owned(),
            "MultiSignOptions.SignParameters" => "MultiSignOptions.SignParameters[0].".to_owned(),
            other => format!("{other}."),
        };
        let violations = violations_of(&order, &crate::support::both_signatures());
        assert_eq!(violations, [(format!("{at}{key}"), "AT-42")], "{object}");
    }
}

fn extra_of<'a>(order: &'a mut PutOrder, object: &str) -> &'a mut identkit_wire::Extra {
    let data = |order: &'a mut PutOrder| order.ident_data.as_mut().unwrap();
    match object {
        "" => &mut order.extra,
        "eIDSettings" => &mut order.eid_settings.as_mut().unwrap().extra,
        "RedirectURL" => &mut order.redirect_url.as_mut().unwrap().extra,
        "WebhookURL" => &mut order.webhook_url.as_mut().unwrap().extra,
        "Address" => &mut order.address.as_mut().unwrap().extra,
        "IdentData" => &mut data(order).extra,
        "IdentData.IDCard" => &mut data(order).id_card.as_mut().unwrap().extra,
        "IdentData.IDCard.Images" => &mut data(order).id_card.as_mut().unwrap().images.as_mut().unwrap().extra,
        "IdentData.DriverLicence" => &mut data(order).driver_license.as_mut().unwrap().extra,
        "IdentData.Additional.detail" => {
            &mut data(order).additional.as_mut().unwrap().values_mut().next().unwrap().extra
        }
        "LegitimationDocument" => &mut order.legitimation_document.as_mut().unwrap().0[0].extra,
        "eSignPDF" => &mut order.sign_pdf.as_mut().unwrap().as_mut_slice()[0].extra,
        "eSignHash" => &mut order.sign_hash.as_mut().unwrap().as_mut_slice()[0].extra,
        "MultiSignOptions" => &mut order.multi_sign_options.as_mut().unwrap().extra,
        "MultiSignOptions.SignParameters" => {
            &mut order.multi_sign_options.as_mut().unwrap().sign_parameters.as_mut().unwrap()[0].extra
        }
        "EmailNotifications" => &mut order.email_notifications.as_mut().unwrap().extra,
        other => panic!("{other} is not an object of an order"),
    }
}

#[test]
fn at_69_networks_match_the_four_blocks_of_the_contract() {
    use std::net::Ipv4Addr;
    let row = include_str!("../../../../../docs/contract/contract.md").lines().find(|line| line.starts_with("| T-007"));
    let row = row.unwrap();
    assert!(row.contains(&DOCUMENTED_NETWORKS.map(|network| format!("`{network}`")).join(", ")), "{row}");
    // The same blocks in the document's notation: first and last address.
    for (network, block) in DOCUMENTED_NETWORKS.iter().zip([
        "212.211.189.136-143",
        "212.211.206.240-247",
        "212.211.181.64-71",
        "212.211.191.96-103",
    ]) {
        assert!(row.contains(block));
        let (first, prefix) = network.split_once('/').unwrap();
        let first: Ipv4Addr = first.parse().unwrap();
        let size = 1_u32 << (32 - prefix.parse::<u32>().unwrap());
        let last = Ipv4Addr::from(u32::from(first) + size - 1);
        assert_eq!(format!("{first}-{}", last.octets()[3]), block);
    }
}
