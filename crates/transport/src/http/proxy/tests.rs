use super::*;

fn from(variables: &[(&str, &str)]) -> Result<Option<Proxy>, Error> {
    Proxy::from_variables(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8_is_not_ignored() {
    use std::os::unix::ffi::OsStringExt as _;
    let broken = || OsString::from_vec(b"http://user:p\xff@127.0.0.1:3128".to_vec());
    for name in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"] {
        let value = |asked: &str| match asked {
            asked if asked == name => Some(broken()),
            "ALL_PROXY" => Some("http://127.0.0.1:3128".into()),
            _ => None,
        };
        let error = Proxy::from_variables(value).unwrap_err();
        assert_eq!(error.detail(), format!("the variable {name} is not UTF-8"));
        assert_eq!(error.kind(), Kind::InvalidInput);
    }
    let unused = |asked: &str| match asked {
        "https_proxy" => Some("http://127.0.0.1:3128".into()),
        "HTTPS_PROXY" => Some(broken()),
        _ => None,
    };
    assert!(Proxy::from_variables(unused).unwrap().is_some(), "the first variable decides");
}

#[test]
fn the_environment_names_a_proxy_and_its_exceptions() {
    assert!(from(&[]).unwrap().is_none());
    assert!(from(&[("https_proxy", ""), ("HTTP_PROXY", "http://127.0.0.1:1")]).unwrap().is_none());
    for name in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        let variables = [(name, "http://proxy.example.com:3128"), ("NO_PROXY", "example.org, 10.0.0.0/8,192.0.2.1")];
        let proxy = from(&variables).unwrap().unwrap();
        assert_eq!(proxy.uri, "http://proxy.example.com:3128/");
        for (host, applies) in [
            ("example.com", true),
            ("example.org", false),
            ("api.example.org", false),
            ("notexample.org", true),
            ("10.1.2.3", false),
            ("11.1.2.3", true),
            ("192.0.2.1", false),
            ("2001:db8::1", true),
            // A proxy of the environment never applies to loopback.
            ("localhost", false),
            ("127.0.0.1", false),
            ("::1", false),
        ] {
            assert_eq!(proxy.applies_to(host, 443), applies, "{host}");
        }
    }
    let both = [("https_proxy", "http://one:1"), ("all_proxy", "http://two:2"), ("no_proxy", "*")];
    let proxy = from(&both).unwrap().unwrap();
    assert_eq!(proxy.uri, "http://one:1/");
    for host in ["example.com", "192.0.2.1", "2001:db8::1"] {
        assert!(!proxy.applies_to(host, 443), "{host}: the star excludes every host");
    }
}

#[test]
fn unusable_exceptions_of_the_environment_are_reported() {
    let variables =
        [("https_proxy", "http://proxy.example.com"), ("no_proxy", "169.254/16, example.com:99999,.example.org")];
    let proxy = from(&variables).unwrap().unwrap();
    assert!(!proxy.applies_to("www.example.org", 443) && proxy.applies_to("example.com", 443));
    let [network, port] = proxy.ignored_exceptions() else { panic!("{:?}", proxy.ignored_exceptions()) };
    assert!(network.starts_with("\"169.254/16\" must be ") && port.starts_with("\"example.com:99999\" must be "));
    let more = proxy.exceptions(ProxyExceptions::parse("example.com:443").unwrap());
    assert!(!more.applies_to("example.com", 443) && more.applies_to("example.com", 444));
}

#[test]
fn an_unusable_proxy_is_an_error() {
    for bad in [
        "socks5://127.0.0.1:1080",
        "ftp://127.0.0.1",
        "http://",
        "http://127.0.0.1:3128/path",
        "://",
        "a b",
        "",
        "http://user@",
        "http://user:pa ss@127.0.0.1:3128",
        "http://127.0.0.1:3128/#x",
    ] {
        assert_eq!(Proxy::new(bad, "").unwrap_err().kind(), Kind::InvalidInput, "{bad}");
    }
    assert_eq!(Proxy::new("http://127.0.0.1", "10.0.0.0/99").unwrap_err().kind(), Kind::InvalidInput);
    assert_eq!(from(&[("ALL_PROXY", "socks5://127.0.0.1:1080")]).unwrap_err().kind(), Kind::InvalidInput);
    assert_eq!(Proxy::new("127.0.0.1:3128", "").unwrap().uri, "http://127.0.0.1:3128/");
}

#[test]
fn at_99_an_invalid_port_of_a_proxy_is_rejected() {
    for url in
        ["http://127.0.0.1:99999", "127.0.0.1:0", "proxy.example.com:http", "http://user:a@127.0.0.1:", "[::1]:65536"]
    {
        let error = Proxy::new(url, "").unwrap_err();
        let expected = "the proxy URL must have a port from 1 to 65535, or none, e.g. http://127.0.0.1:3128";
        assert_eq!((error.kind(), error.detail()), (Kind::InvalidInput, expected), "{url}");
    }
}

#[test]
fn a_proxy_password_is_used_whole_or_rejected() {
    let header = |password: &str| basic_header("user", &Secret::new(password)).unwrap();
    for (written, password) in
        [("p@ss", "p@ss"), ("p@s:s@", "p@s:s@"), ("p%40s%23s%2F%25", "p@s#s/%"), ("", ""), ("p%C3%A4ss", "päss")]
    {
        let proxy = Proxy::new(&format!("http://user:{written}@127.0.0.1:3128"), "").unwrap();
        assert_eq!(
            (proxy.credentials.unwrap(), proxy.uri.to_string()),
            (header(password), "http://127.0.0.1:3128/".into())
        );
    }
    for written in ["p#ss", "12#ss", "p/ss", "12/ss", "p?ss", "12?ss", "100%", "%zz", "%ff", "p%0Ass"] {
        let error = Proxy::new(&format!("http://user:{written}@127.0.0.1:3128"), "").unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidInput, "{written}");
        let text = format!("{error} {error:?}");
        assert!(text.contains("password") && !text.contains(written), "{text}");
    }
}

#[test]
fn credentials_are_one_header_and_never_printed() {
    let basic = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    let by_url = Proxy::new("http://Aladdin:open%20sesame@127.0.0.1:3128", "").unwrap();
    let set =
        Proxy::new("http://127.0.0.1:3128", "").unwrap().credentials("Aladdin", &Secret::new("open sesame")).unwrap();
    for proxy in [by_url, set] {
        assert_eq!(proxy.credentials.as_ref().unwrap(), basic);
        let request = connect_request("2001:db8::1", 443, proxy.credentials.as_ref()).unwrap();
        assert_eq!(request.headers()[PROXY_AUTHORIZATION], basic);
        assert_eq!(
            (request.uri().to_string().as_str(), &request.headers()[HOST]),
            ("[2001:db8::1]:443", &HeaderValue::from_static("[2001:db8::1]:443"))
        );
        let dial = ProxyDial::new(proxy.clone(), Arc::new(super::super::TokioDial::new()));
        let printed = format!("{proxy:?} {dial:?} {request:?}");
        assert!(!printed.contains("QWxh") && !printed.contains("sesame") && !printed.contains("Aladdin"), "{printed}");
    }
    let proxy = Proxy::new("http://127.0.0.1:3128", "").unwrap();
    assert!(proxy.clone().credentials("a:b", &Secret::new("")).is_err());
    assert!(proxy.credentials("", &Secret::new("")).is_err());
}
