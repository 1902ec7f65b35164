//! Banks, sign-me users, liveness, blocked orders, and elements passed by their own fields.

use super::*;

#[test]
fn at_57_a_bank_code_keeps_its_zeros() {
    for (text, blz) in [("16050202", "16050202"), ("1050202", "01050202"), (r#""01050202""#, "01050202")] {
        let told = json_answer(200, format!(r#"[{{"blz":{text}}}]"#));
        assert_eq!(decode(&GetBankList, &told).unwrap().value[0].blz.unwrap().to_string(), blz);
    }
}

#[tokio::test]
async fn at_58_only_two_yeses_mean_that_one_can_sign_at_once() {
    for (told, can) in [
        (r#"{"UserExists":true,"UserIsAbleToSign":true}"#, true),
        (r#"{"UserExists":true,"UserIsAbleToSign":false}"#, false),
        (r#"{"UserExists":false,"UserIsAbleToSign":true}"#, false),
        (r#"{"UserExists":true}"#, false),
        (r#"{"UserIsAbleToSign":true,"UserExists":null}"#, false),
        ("{}", false),
    ] {
        let client = client([reply(200, told)]);
        let user = client.signme_user(&"e@example.com".into(), &options()).await.unwrap().value;
        assert_eq!(user.can_sign_at_once(), can, "{told}");
        assert_eq!(client.calls(), ["POST /checkSignmeUser"]);
    }
}

/// An order is blocked for 10 seconds at the most while a webhook runs.
#[test]
fn at_78_a_call_waits_longer_than_an_order_can_be_blocked_and_a_webhook_makes_no_call() {
    assert!(Policy::default().timeout > Duration::from_secs(10));
    // Reading a webhook needs neither a client nor a runtime.
    let request = http::Request::builder().uri("/identity-tm/t/OnFinal?orderId=1&ref=r").body(bytes::Bytes::new());
    let event = identkit_identity_tm::OrderCallback::OnFinal.parse(&request.unwrap()).unwrap();
    assert_eq!(event.case_id.unwrap().expose(), "1");
}

#[tokio::test]
async fn at_80_the_status_of_the_server_is_asked_once_whatever_comes() {
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
        // A page that is too long, or breaks off, came from a service that is up.
        (Step::Answer(answer(200, "text/html", "x".repeat(100_000))), Health::Up, None),
        (long(1000), Health::Up, None),
    ] {
        let options = options().attempts(9).timeout(Duration::from_millis(40));
        let probe = client([step.clone()]);
        assert_eq!(probe.health(&options).await, health, "{step:?}");
        let client = client([step.clone()]);
        let told = client.server_status(&options).await;
        assert!(kind.is_none() || kind == told.err().map(|error| error.kind()), "{step:?}");
        let mut sent = probe.sent().into_iter().chain(client.sent());
        assert!(sent.all(|seen| seen.headers.contains_key("authorization")), "with credentials");
    }
    client([Step::Answer(answer(200, "text/html", "<p>up"))]).server_status(&options()).await.unwrap();
}

#[tokio::test]
async fn at_80_a_probe_with_credentials_that_were_refused_before_does_not_say_that_the_service_is_away() {
    let client = client([reply(401, "")]);
    client.status(&id(), &options()).await.unwrap_err();
    assert_eq!(client.health(&options()).await, Health::Unclear(401));
}

/// Written beside its own field a listed element would stand twice in one object, and alone no rule would see it.
#[test]
fn at_42_an_element_that_the_document_lists_is_refused_among_the_unlisted_ones() {
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
    // The details of `Additional` have names of their own, and lists.
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
        let told = refused(&order, &crate::support::both_signatures());
        assert_eq!(told, [(format!("{at}{key}"), "AT-42")], "{object}");
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
        other => panic!("{other} is no object of an order"),
    }
}

#[test]
fn at_69_the_documented_networks_are_the_four_blocks_of_the_contract() {
    use std::net::Ipv4Addr;
    let row = include_str!("../../../../../docs/contract/contract.md").lines().find(|line| line.starts_with("| T-007"));
    let row = row.unwrap();
    assert!(row.contains(&DOCUMENTED_NETWORKS.map(|network| format!("`{network}`")).join(", ")), "{row}");
    // The same blocks, as the document prints them: from and until.
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
