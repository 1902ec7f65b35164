//! Tokens: across restarts, in a file, rotated.

use super::*;
use crate::support::{assert_private, run};

/// Whether a URL of an earlier start is valid at the port of this one.
fn accepts(receiver: &Receiver, earlier: &str) -> bool {
    let path = earlier.splitn(4, '/').nth(3).unwrap();
    match status(&receiver.url(&format!("/{path}")), "GET", "") {
        202 => true,
        404 => false,
        other => panic!("{other}"),
    }
}

/// The paths of all URLs of a receiver: the port differs.
fn paths(receiver: &Receiver) -> String {
    let port = receiver.url("");
    receiver.ready.to_string().replace(&port, "")
}

#[test]
fn a_url_remains_valid_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = Receiver::on(&folder, &[]);
    let (url, urls) = (first.order_url("OnFinal"), paths(&first));
    first.stop();
    let second = Receiver::on(&folder, &[]);
    assert_ne!(paths(&second), urls, "the first tokens are only in the URLs that were handed out");
    assert!(accepts(&second, &url) && accepts(&second, &second.order_url("OnFinal")));
    // Two processes on one store know each other's tokens, and print each other's events.
    let mut third = Receiver::on(&folder, &["--print"]);
    assert!(accepts(&third, &second.order_url("AfterVideo")) && accepts(&second, &third.order_url("AfterIdent")));
    let events = third.events(2);
    assert_eq!((&events[0]["event"], &events[1]["event"]), (&"AfterVideo".into(), &"AfterIdent".into()));
    second.stop();
    third.stop();
}

#[test]
fn a_token_file_gives_the_same_urls_at_every_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let with_file = ["--token-file", path.to_str().unwrap()];
    let first = Receiver::on(&folder, &with_file);
    assert_private(&path);
    let (url, urls) = (first.order_url("OnFinal"), paths(&first));
    drop(first);
    let second = Receiver::on(&folder, &with_file);
    assert_eq!(paths(&second), urls);
    assert!(accepts(&second, &url));
    second.stop();
    // The tokens become valid in another store.
    let other = tempfile::tempdir().unwrap();
    let third = Receiver::on(&other, &with_file);
    assert_eq!(paths(&third), urls);
    assert!(accepts(&third, &url));
    third.stop();
    // A missing token is added, and the others remain.
    let mut tokens: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let final_token = tokens["tokens"]["identity-tm"].as_object_mut().unwrap().remove("OnFinal").unwrap();
    std::fs::write(&path, tokens.to_string()).unwrap();
    let fourth = Receiver::on(&folder, &with_file);
    assert!(!fourth.order_url("OnFinal").contains(final_token.as_str().unwrap()));
    assert_eq!(paths(&fourth).len(), urls.len());
    let urls = paths(&fourth);
    fourth.stop();
    let fifth = Receiver::on(&folder, &with_file);
    assert_eq!(paths(&fifth), urls);
    fifth.stop();
}

#[test]
fn a_rotation_has_an_overlap() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let with_file = ["--token-file", path.to_str().unwrap()];
    let first = Receiver::on(&folder, &with_file);
    let old = first.order_url("OnFinal");
    let copy = std::fs::read(&path).unwrap();
    first.stop();

    let rotated = Receiver::on(&folder, &[&with_file[..], &["--rotate-token"]].concat());
    let new = rotated.order_url("OnFinal");
    assert!(accepts(&rotated, &old) && accepts(&rotated, &new));
    rotated.stop().ends_with(0, &["identity_tm_webhooks", "partner portal"]);
    let again = Receiver::on(&folder, &with_file);
    let token = |url: &str| url.split('/').nth(4).unwrap().to_owned();
    assert!(token(&new) != token(&old) && token(&new) == token(&again.order_url("OnFinal")), "the file is replaced");
    again.stop();

    // Without an overlap and without a file.
    let rotated = Receiver::on(&folder, &["--rotate-token", "--overlap", "0s"]);
    assert!(!accepts(&rotated, &old) && !accepts(&rotated, &new));
    assert!(accepts(&rotated, &rotated.order_url("OnFinal")));
    rotated.stop();
    // A file with tokens that have expired does not make them valid again, whether it was replaced or is a copy.
    for tokens in [std::fs::read(&path).unwrap(), copy] {
        std::fs::write(&path, tokens).unwrap();
        run(&mut command(&folder, &with_file)).fails_with(2, &["was replaced", "--rotate-token"]);
    }
    let rotated = Receiver::on(&folder, &[&with_file[..], &["--rotate-token"]].concat());
    assert!(!accepts(&rotated, &old) && accepts(&rotated, &rotated.order_url("OnFinal")));
    rotated.stop();
}

#[test]
fn an_unusable_token_file_is_2_and_is_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    for content in ["", "{}x", "{\"tokens\":{\"identity-tm\":{\"OnFinal\":7}}}", "secret-value", "[\"secret-value\"]"] {
        std::fs::write(&path, content).unwrap();
        let result = run(&mut command(&folder, &["--token-file", path.to_str().unwrap()]));
        result.ends_with(2, &["--token-file", "not a token file"]).hides(&["secret-value"]);
        assert_eq!(result.stdout, "");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content, "the file is unchanged");
    }
    std::fs::write(&path, "{\"tokens\":{\"identity-tm\":{\"OnFinal\":\"short\"}}}").unwrap();
    run(&mut command(&folder, &["--token-file", path.to_str().unwrap()])).ends_with(2, &["OnFinal", "--rotate-token"]);
}

#[test]
fn a_start_that_fails_replaces_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let first = Receiver::on(&folder, &[]);
    let in_use = first.url("").replace("http://", "");
    let long = format!("https://{}.example.com", "x".repeat(50));
    let rotate = ["--rotate-token", "--overlap", "0s"];
    let store = format!("sqlite:{}", folder.path().join("state.db").display());
    let folder_path = folder.path().to_str().unwrap();
    let at = |more: &[&str]| run(identkit().args(["listen", "--store", &store]).args(rotate).args(more));
    at(&["--listen", &in_use]).ends_with(1, &["--listen", "Address"]);
    at(&["--listen", "127.0.0.1:0", "--public-url", &long]).ends_with(2, &["--public-url", "150"]);
    at(&["--listen", "127.0.0.1:0", "--public-url", "https://example.com/#part"])
        .ends_with(2, &["--public-url", "fragment"]);
    at(&["--listen", "127.0.0.1:0", "--token-file", "/nothing/here"]).ends_with(2, &["--token-file"]);
    at(&["--listen", "127.0.0.1:0", "--tls-cert", folder_path, "--tls-key", folder_path]).ends_with(2, &["--tls-cert"]);
    assert!(accepts(&first, &first.order_url("OnFinal")));
    first.stop();
}

#[test]
fn receivers_that_rotate_at_once_leave_a_valid_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let with_file = ["--token-file", path.to_str().unwrap()];
    Receiver::on(&folder, &with_file).stop();
    for _ in 0..3 {
        let mut rotating: Vec<Child> = (0..3)
            .map(|_| {
                let mut command = command(&folder, &[&with_file[..], &["--rotate-token"]].concat());
                command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
            })
            .collect();
        // A start in the meantime waits.
        let meanwhile = Receiver::on(&folder, &with_file);
        std::thread::sleep(Duration::from_millis(300));
        for child in &mut rotating {
            child.kill().unwrap();
            let status = child.wait().unwrap();
            assert!(matches!(status.code(), None | Some(2)), "{status}");
        }
        meanwhile.stop();
        Receiver::on(&folder, &with_file).stop();
    }
}
