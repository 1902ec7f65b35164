//! The pages of the person, as a browser without JavaScript sees them (M-15).

mod browser;
mod contrast;

use identkit_mock_server::vendors::identity_tm::configure;
use serde_json::{Value, json};

use browser::Site;

const METHODS: [&str; 7] = ["courier", "shop", "video", "eid", "giro", "autoid", "smartid"];

fn redirects() -> Value {
    json!({
        "Success": "https://shop.example/yes?id=[OrderID]&ref=[Ref]",
        "Abort": "https://shop.example/no?id=[OrderID]&ref=[Ref]",
    })
}

/// An order with a document to sign, by its hash.
fn contract() -> Value {
    let hash = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    json!({ "Product": 15, "eSignHash": [{ "Hash": hash, "Filename": "contract.pdf" }] })
}

fn merged(mut one: Value, other: Value) -> Value {
    one.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    one
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_each_method_leads_to_the_redirect() {
    let site = Site::start().await;
    let mut tried = Vec::new();
    for product in [0, 12, 16] {
        for method in METHODS {
            let (id, path) =
                site.place(json!({ "Product": product, "Ref": "a b&c", "RedirectURL": redirects() })).await;
            let mut page = site.open(&path).await;
            assert_eq!((page.status, page.step()), (200, "choose"));
            if !page.body.contains(&format!("name=\"method\" value=\"{method}\"")) {
                continue;
            }
            page.identify_by(method).await;
            let expected = format!("https://shop.example/yes?id={id}&ref=a%20b%26c");
            assert_eq!(page.left_to, Some(expected), "{product}: {method}");
            let order = site.sandbox.inspect(&id).unwrap();
            assert!(order["status"].to_string().contains("\"Kind\":6"), "{order}");
            // The link, opened again.
            let again = site.open(&path).await;
            assert_eq!((again.step(), again.title(), again.left_to.as_deref()), ("done", "Thank you", None));
            assert!(again.body.contains(&format!("href=\"{path}/next\"")));
            tried.push(method);
        }
    }
    assert_eq!(tried.len(), 5 + 6 + 1, "{tried:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_a_failure_leads_to_the_abort_url() {
    let site = Site::start().await;
    for (presses, code) in
        [(&["enter", "fail"][..], 17), (&["enter", "fraud"], 89), (&["enter", "abort"], 21), (&["abort"], 21)]
    {
        let (id, path) = site.place(json!({ "RedirectURL": redirects() })).await;
        let mut page = site.open(&path).await;
        page.choose("video").await;
        for press in presses {
            page.press(press).await;
        }
        assert_eq!(page.left_to, Some(format!("https://shop.example/no?id={id}&ref=ref-1")), "{presses:?}");
        assert_eq!(site.sandbox.inspect(&id).unwrap()["latest_status"], code.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_a_person_returns_after_leaving() {
    let site = Site::start().await;
    let (_, path) = site.place(json!({ "RedirectURL": redirects() })).await;
    let mut page = site.open(&path).await;
    page.press("abort").await;
    assert!(page.left_to.is_some());
    let mut page = site.open(&path).await;
    assert_eq!(page.step(), "left");
    page.press("resume").await;
    page.choose("eid").await;
    page.press("change").await;
    assert_eq!(page.step(), "choose");
    page.identify_by("video").await;
    assert!(page.left_to.unwrap().starts_with("https://shop.example/yes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_the_person_reads_the_tan_on_the_phone_and_signs() {
    let site = Site::start().await;
    let (id, path) = site.place(merged(contract(), json!({ "RedirectURL": redirects() }))).await;
    let mut page = site.open(&path).await;
    page.identify_by("eid").await;
    assert_eq!(page.step(), "sign");
    assert!(page.body.contains("<li>contract.pdf</li>") && page.left_to.is_none());
    page.submit(&[("action", "sign"), ("agree", "yes")]).await;
    assert_eq!(page.step(), "sign_tan");
    page.submit(&[("action", "tan"), ("tan", "wrong!")]).await;
    assert_eq!((page.step(), page.between("role=\"alert\">", "<")), ("sign_tan", "The TAN is wrong."));
    assert!(page.body.contains("aria-invalid=\"true\" aria-describedby=\"notice\""), "{}", page.body);
    page.press("resend").await;
    page.enter_tan().await;
    assert_eq!(page.left_to, Some(format!("https://shop.example/yes?id={id}&ref=ref-1")));
    assert_eq!(site.sandbox.inspect(&id).unwrap()["latest_status"], "84");
    let phone = site.open(&format!("{path}/phone")).await;
    assert_eq!(phone.body.matches("<strong class=\"tan\">").count(), 2);
    assert!(phone.body.contains("To +491701234567"));
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_three_wrong_tans_lead_to_the_abort_url() {
    let site = Site::start().await;
    let (_, path) = site.place(merged(contract(), json!({ "RedirectURL": redirects() }))).await;
    let mut page = site.open(&path).await;
    page.identify_by("giro").await;
    page.submit(&[("action", "sign"), ("agree", "yes")]).await;
    for _ in 0..3 {
        page.submit(&[("action", "tan"), ("tan", "wrong!")]).await;
    }
    assert!(page.left_to.unwrap().starts_with("https://shop.example/no"));
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_without_redirect_url_a_page_thanks() {
    let site = Site::start().await;
    let (_, path) = site.place(json!({ "Mobile": null })).await;
    let mut page = site.open(&path).await;
    page.identify_by("video").await;
    assert_eq!((page.step(), page.title(), page.left_to.as_deref()), ("done", "Thank you", None));
    page.get(&format!("{path}/next")).await;
    assert_eq!((page.step(), page.left_to.as_deref()), ("done", None), "there is no other site");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_a_spinner_page_waits_for_the_decision() {
    let site = Site::start().await;
    site.sandbox.with_world(|world| configure(world, |settings| settings.spinner_page = true));
    // A receiver that is not reachable: the order waits for the first attempt only.
    let hooks = json!({ "AfterIdent": "http://127.0.0.1:1/", "OnFinal": "http://127.0.0.1:1/" });
    let (id, path) = site.place(json!({ "RedirectURL": redirects(), "WebhookURL": hooks })).await;
    let mut page = site.open(&path).await;
    page.identify_by("giro").await;
    assert!(page.left_to.unwrap().starts_with("https://shop.example/yes"));
    // With data that is available: the order is final.
    assert!(site.sandbox.inspect(&id).unwrap()["status"].to_string().contains("\"Kind\":80"));
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_a_step_twice_shows_the_current_state() {
    let site = Site::start().await;
    let (id, path) = site.place(json!({})).await;
    let mut page = site.open(&path).await;
    page.choose("shop").await;
    let before = site.sandbox.inspect(&id).unwrap()["status"].clone();
    // Back, and the same form again.
    for form in ["action=consent&agree=yes", "action=choose&method=eid", "action=dance", "x", "action=tan&tan=1"] {
        page.request("POST", &path, form).await;
        assert_eq!(page.status, 303, "{form}");
        let to = page.header("location").unwrap();
        page.get(&to).await;
        assert_eq!((page.status, page.step()), (200, "identify"), "{form}");
        assert!(page.between("role=\"alert\">", "<").contains("no longer possible"));
    }
    assert_eq!(site.sandbox.inspect(&id).unwrap()["status"], before);
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_nothing_begins_without_consent() {
    let site = Site::start().await;
    let (id, path) = site.place(json!({})).await;
    let mut page = site.open(&path).await;
    page.submit(&[("action", "choose"), ("method", "video")]).await;
    assert!(page.body.contains("<input type=\"checkbox\" id=\"agree\" name=\"agree\" value=\"yes\" required>"));
    page.submit(&[("action", "consent")]).await;
    assert_eq!((page.step(), page.between("role=\"alert\">", "<")), ("consent", "Please give your consent first."));
    assert_eq!(site.sandbox.inspect(&id).unwrap()["latest_status"], "25");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_the_language_stays() {
    let site = Site::start().await;
    let (_, path) = site.place(json!({ "RedirectURL": redirects() })).await;
    let page = site.open_as(&path, "Accept-Language: de-DE,de;q=0.9\r\n").await;
    assert!(page.body.contains("<html lang=\"de\">"));
    assert_eq!(page.title(), "Wie möchten Sie sich identifizieren?");
    let mut page = site.open_as(&format!("{path}?lang=de"), "Accept-Language: en\r\n").await;
    for (action, title) in [("choose", "Ihre Einwilligung"), ("consent", "Warteraum"), ("enter", "Videogespräch")] {
        match action {
            "choose" => page.submit(&[("action", action), ("method", "video")]).await,
            "consent" => page.submit(&[("action", action), ("agree", "yes")]).await,
            _ => page.press(action).await,
        }
        assert_eq!(page.title(), title);
        assert!(page.path.contains("lang=de") && page.body.contains("<html lang=\"de\">"), "{}", page.path);
    }
    assert!(page.body.contains(&format!("href=\"{path}?lang=en\"")), "{}", page.body);
    assert!(page.body.contains("aria-current=\"true\">Deutsch"));
    page.press("pass").await;
    page.enter_tan().await;
    assert!(page.left_to.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_values_of_the_order_are_escaped() {
    let site = Site::start().await;
    let attack = "<script>alert(1)</script>";
    let mut order = merged(contract(), json!({ "Ref": attack }));
    order["eSignHash"][0]["Filename"] = attack.into();
    let (_, path) = site.place(order).await;
    let mut page = site.open(&path).await;
    page.identify_by("giro").await;
    assert_eq!(page.step(), "sign");
    assert_eq!(page.body.matches("&lt;script&gt;alert(1)&lt;/script&gt;").count(), 2, "{}", page.body);
    assert!(!page.body.contains("<script"));
    let page = site.open(&format!("{path}?lang=%3Cscript%3E&notice=%3Cscript%3E&go=%22")).await;
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("<script"));
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_pages_have_a_strict_policy_and_no_scripts() {
    let site = Site::start().await;
    let (_, path) = site.place(json!({ "RedirectURL": redirects() })).await;
    for below in ["", "/phone", "/unknown"] {
        let page = site.open(&format!("{path}{below}")).await;
        let policy = page.header("content-security-policy").unwrap();
        for part in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{below}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"));
        for forbidden in ["<script", "javascript:", " style=", " onclick", "<style", "<iframe"] {
            assert!(!page.body.contains(forbidden), "{below}: {forbidden}");
        }
        assert_eq!(page.header("referrer-policy").as_deref(), Some("no-referrer"), "the link is a secret");
        assert_eq!(page.header("cache-control").as_deref(), Some("no-store"));
    }
    let style = site.open("/_sandbox/person.css").await;
    assert_eq!((style.status, style.header("content-type").as_deref()), (200, Some("text/css; charset=utf-8")));
    assert!(!style.body.contains("url(") && !style.body.contains("@import"));
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_the_redirect_starts_from_a_page_of_its_own() {
    let site = Site::start().await;
    let (id, path) = site.place(json!({ "RedirectURL": redirects() })).await;
    let mut page = site.open(&path).await;
    page.choose("giro").await;
    page.request("POST", &path, "action=pass").await;
    let to = page.header("location").unwrap();
    assert_eq!((page.status, to.as_str()), (303, format!("{path}?go=1").as_str()));
    page.request("GET", &to, "").await;
    // A browser applies form-action to every redirect after a form, so this answer must not be one.
    assert_eq!((page.status, page.header("location")), (200, None));
    assert_eq!(page.refresh(), Some((0, format!("{path}/next"))));
    page.request("GET", &format!("{path}/next"), "").await;
    let expected = format!("https://shop.example/yes?id={id}&ref=ref-1");
    assert_eq!((page.status, page.header("location")), (303, Some(expected)));
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_unknown_links_and_methods_are_rejected() {
    let site = Site::start().await;
    let (_, path) = site.place(json!({})).await;
    for unknown in ["/status/0123456789ABCDEF", "/apply/nobody", &format!("{path}/more")] {
        let page = site.open(unknown).await;
        assert_eq!((page.status, page.title()), (404, "This link is unknown"), "{unknown}");
    }
    let mut page = site.open(&path).await;
    for (method, below, status, allowed) in [
        ("DELETE", "", 405, Some("GET, HEAD, POST")),
        ("POST", "/phone", 405, Some("GET, HEAD")),
        ("POST", "/next", 405, Some("GET, HEAD")),
        ("HEAD", "", 200, None),
    ] {
        page.request(method, &format!("{path}{below}"), "").await;
        assert_eq!((page.status, page.header("allow").as_deref()), (status, allowed), "{method} {below}");
    }
    assert_eq!(page.body, "", "HEAD");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_every_page_is_accessible() {
    let site = Site::start().await;
    let (_, path) = site.place(contract()).await;
    let mut page = site.open(&path).await;
    let mut seen = Vec::new();
    for _ in 0..12 {
        seen.push(page.step().to_owned());
        let body = &page.body;
        assert_eq!((body.matches("<h1>").count(), body.matches("<main ").count()), (1, 1), "{body}");
        assert!(body.contains("name=\"viewport\" content=\"width=device-width, initial-scale=1\""));
        assert!(body.contains("<a class=\"skip\" href=\"#content\">"));
        for input in body.split("<input ").skip(1).map(|input| input.split('>').next().unwrap()) {
            let Some((_, id)) = input.split_once(" id=\"") else {
                assert!(input.contains("type=\"hidden\""), "{input}");
                continue;
            };
            let label = format!("<label for=\"{}\">", id.split('"').next().unwrap());
            assert!(body.contains(&label), "{input}");
        }
        for button in body.split("<button").skip(1) {
            let text = button.split_once('>').unwrap().1.split("</button>").next().unwrap();
            assert!(!text.is_empty());
            assert_eq!(body.matches(&format!(">{text}</button>")).count(), 1, "unique names: {text}");
        }
        match page.step() {
            "choose" => page.submit(&[("action", "choose"), ("method", "video")]).await,
            "consent" => page.submit(&[("action", "consent"), ("agree", "yes")]).await,
            "waiting" => page.press("enter").await,
            "call" => page.press("pass").await,
            "tan" | "sign_tan" => page.enter_tan().await,
            "sign" => page.submit(&[("action", "sign"), ("agree", "yes")]).await,
            _ => break,
        }
    }
    assert_eq!(seen, ["choose", "consent", "waiting", "call", "tan", "sign", "sign_tan", "done"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_an_ident_is_played_in_the_browser() {
    let site = Site::start().await;
    for (press, step, status) in
        [("pass", "done", "Identified"), ("fail", "failed", "Rejected"), ("postpone", "appointment", "Unidentified")]
    {
        let (id, path) = site.create().await;
        let mut page = site.open(&path).await;
        page.choose("video").await;
        assert_eq!(page.step(), "waiting");
        page.press("enter").await;
        page.press(press).await;
        assert_eq!(page.step(), step);
        assert_eq!(site.sandbox.inspect(&id).unwrap()["latest_status"], status);
        let phone = site.open(&format!("{path}/phone")).await;
        assert_eq!(phone.between("role=\"status\">", "<"), "No messages");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m_15_the_first_page_stays_the_same() {
    let site = Site::start().await;
    let (_, path) = site.place(json!({})).await;
    let page = site.open(&format!("{path}?lang=de")).await;
    insta::assert_snapshot!("first_page", page.body.replace('>', ">\n").replace("\n\n", "\n"));
}
