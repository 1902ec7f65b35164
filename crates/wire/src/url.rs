//! URLs of web servers.
//!
//! `http::Uri` has no port if the port in its text is not one, and drops the fragment. A request for
//! `https://example.com:99999` would go to port 443. Every part of the workspace that reads a URL uses this parser,
//! which rejects what it cannot read (AT-99).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{Method, Request, Uri};
use identkit_core::{Error, Kind, Secret};
use percent_encoding::percent_decode_str;

use crate::tolerant::{encode_base64, has_blank_ends};

/// Why a text is not the URL of a web server.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlFault {
    /// It does not begin with `https://` or `http://`.
    Scheme,
    /// It has no host, or a host that is neither a name nor an address.
    Host,
    /// It has a port that is not a number from 1 to 65535.
    Port,
    /// Its user or password is not percent-encoded, or the user is empty.
    Credentials,
    /// Another part has characters that a URL must not have, or a `%` without two hexadecimal digits.
    Syntax,
}

impl UrlFault {
    /// The rule that the text breaks, as the predicate of a sentence.
    pub fn text(self) -> &'static str {
        match self {
            Self::Scheme => "must be a URL that begins with https:// or http://",
            Self::Host => {
                "must have a host: a name of letters, digits, `-`, `_` and `.`, an IPv4 address, or an IPv6 address in \
                 brackets"
            }
            Self::Port => "must have a port from 1 to 65535, or none",
            Self::Credentials => {
                "must have a user, and special characters of user and password must be percent-encoded: %23 for #, \
                 %25 for %, %2F for /, %3A for :, %3F for ?, %40 for @"
            }
            Self::Syntax => {
                "must be a valid URL without blanks around it: special characters must be percent-encoded as UTF-8, e.g. \
                 %C3%A4 for ä, %20 for a space and %25 for %"
            }
        }
    }
}

impl fmt::Display for UrlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// The URL of a web server: scheme, host, optional port, path and query. User and password are separate.
#[derive(Clone)]
pub struct WebUrl {
    uri: Uri,
    credentials: Option<(String, Secret)>,
    fragment: bool,
}

crate::debug_as!(WebUrl, |_url| "WebUrl");

impl WebUrl {
    /// Parses an absolute URL.
    ///
    /// # Errors
    /// The first part that is not valid.
    pub fn parse(text: &str) -> Result<Self, UrlFault> {
        let url = Self::parse_filled(text)?;
        match Parts::new(text) {
            Some(parts) => check_characters(parts.rest).map(|()| url),
            None => Err(UrlFault::Scheme),
        }
    }

    /// Parses a URL whose placeholders were replaced without percent-encoding, so that it can contain a `%` without
    /// digits (AT-20).
    fn parse_filled(text: &str) -> Result<Self, UrlFault> {
        let Parts { scheme, user, place, rest } = Parts::new(text).ok_or(UrlFault::Scheme)?;
        if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err(UrlFault::Scheme);
        }
        // An unencoded `#`, `/` or `?` in a password ends the authority too early.
        let in_password = user.is_none() && rest.contains('@') && !place.ends_with(|last: char| last.is_ascii_digit());
        check_place(place).map_err(|fault| if in_password { UrlFault::Credentials } else { fault })?;
        let credentials = user.map(credentials).transpose()?;
        let (path, fragment) = rest.split_once('#').map_or((rest, false), |(path, _)| (path, true));
        let uri = format!("{scheme}://{place}{path}").parse::<Uri>().map_err(|_| UrlFault::Syntax)?;
        Ok(Self { uri, credentials, fragment })
    }

    /// The URL without user, password and fragment.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// User and password, decoded. The password is empty if there is none.
    pub fn credentials(&self) -> Option<(&str, &Secret)> {
        self.credentials.as_ref().map(|(user, password)| (user.as_str(), password))
    }

    /// Whether the URL has a fragment, which is never sent.
    pub fn has_fragment(&self) -> bool {
        self.fragment
    }
}

/// Creates a request without a body. The URL's user and password become the `Authorization` header.
///
/// # Errors
/// [`Kind::InvalidInput`] if the URL is invalid, or user and password cannot be encoded as a header (RFC 7617). The
/// message begins with `name`.
pub fn request(url: &str, method: &Method, name: &str) -> Result<Request<Bytes>, Error> {
    let refuse = |fault: UrlFault| Error::new(Kind::InvalidInput, format!("{name} {fault}"));
    let url = WebUrl::parse_filled(url).map_err(refuse)?;
    let mut request = Request::new(Bytes::new());
    if let Some((user, password)) = url.credentials() {
        let header = basic_header(user, password).ok_or_else(|| refuse(UrlFault::Credentials))?;
        request.headers_mut().insert(AUTHORIZATION, header);
    }
    (*request.method_mut(), *request.uri_mut()) = (method.clone(), url.uri);
    Ok(request)
}

/// Checks host and port of a URI that was parsed elsewhere.
///
/// # Errors
/// [`Kind::InvalidInput`] if the URI is not absolute, its host or port is invalid, or it contains user or password, which
/// would become part of `Host`. The message begins with `name`.
pub fn check_uri(uri: &Uri, name: &str) -> Result<(), Error> {
    let refuse = |fault: &dyn fmt::Display| Err(Error::new(Kind::InvalidInput, format!("{name} {fault}")));
    match (uri.scheme(), uri.authority()) {
        (Some(_), Some(authority)) if authority.as_str().contains('@') => {
            refuse(&"must not contain a user or a password")
        }
        (Some(_), Some(authority)) => check_place(authority.as_str()).or_else(|fault| refuse(&fault)),
        _ => refuse(&"must have a scheme and a host"),
    }
}

/// Checks port and characters of a URL with any scheme, which another program will call. It is sent unchanged, so it must not
/// have blanks around it. Any other text without `://` is accepted.
///
/// # Errors
/// [`UrlFault::Port`] or [`UrlFault::Syntax`].
pub fn check_any_scheme(text: &str) -> Result<(), UrlFault> {
    match Parts::new(text) {
        Some(parts) if check_place(parts.place) == Err(UrlFault::Port) => Err(UrlFault::Port),
        Some(_) => check_characters(text),
        None if has_blank_ends(text) => Err(UrlFault::Syntax),
        None => Ok(()),
    }
}

/// Checks that a text is ASCII without blanks, and that every `%` begins an escape. Programs would encode other texts in
/// different ways.
fn check_characters(text: &str) -> Result<(), UrlFault> {
    let valid = text.bytes().all(|byte| byte.is_ascii_graphic()) && has_valid_escapes(text);
    if valid { Ok(()) } else { Err(UrlFault::Syntax) }
}

/// Whether two hexadecimal digits follow every `%`.
fn has_valid_escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2)
}

/// Whether a text is a host name or an IPv4 address. A name whose last label is a number is neither: programs read it as
/// different addresses.
pub fn is_host_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let in_label = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_label = |label: &str| (1..64).contains(&label.len()) && label.bytes().all(in_label);
    let numeric = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    match numeric {
        true => text.parse::<Ipv4Addr>().is_ok(),
        false => name.len() < 254 && name.split('.').all(is_label),
    }
}

/// Checks a host with an optional port.
///
/// # Errors
/// [`UrlFault::Host`] or [`UrlFault::Port`].
pub fn check_place(place: &str) -> Result<(), UrlFault> {
    let after = if let Some(bracketed) = place.strip_prefix('[') {
        let (address, after) = bracketed.split_once(']').ok_or(UrlFault::Host)?;
        address.parse::<Ipv6Addr>().map_err(|_| UrlFault::Host)?;
        after
    } else {
        let (host, after) = place.split_at(place.find(':').unwrap_or(place.len()));
        if !is_host_name(host) {
            return Err(UrlFault::Host);
        }
        after
    };
    match after.strip_prefix(':') {
        Some(port) if parse_port(port).is_some() => Ok(()),
        None if after.is_empty() => Ok(()),
        _ => Err(UrlFault::Port),
    }
}

/// Parses a port from 1 to 65535. Other programs give port 0 different meanings.
pub fn parse_port(text: &str) -> Option<u16> {
    // Rust's parser accepts a plus sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
}

/// Returns the header value of HTTP Basic authentication. `None` if the user contains a colon, or either a control
/// character (RFC 7617).
pub fn basic_header(user: &str, password: &Secret) -> Option<HeaderValue> {
    let control = |text: &str| text.chars().any(char::is_control);
    if user.contains(':') || control(user) || control(password.expose()) {
        return None;
    }
    let pair = Secret::new(format!("{user}:{}", password.expose()));
    let encoded = Secret::new(format!("Basic {}", encode_base64(pair.expose().as_bytes())));
    let mut value = HeaderValue::from_str(encoded.expose()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The parts of a URL (RFC 3986, section 3).
struct Parts<'a> {
    scheme: &'a str,
    /// User and password. A host cannot contain an `@`, so the last one ends them.
    user: Option<&'a str>,
    /// Host and port.
    place: &'a str,
    /// Path, query and fragment.
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn new(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user, place) = authority.rsplit_once('@').map_or((None, authority), |(user, place)| (Some(user), place));
        Some(Self { scheme, user, place, rest })
    }
}

/// Decodes `user:password`.
fn credentials(encoded: &str) -> Result<(String, Secret), UrlFault> {
    // Browsers read a backslash as a slash, so the host would be another one.
    if encoded.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(UrlFault::Credentials);
    }
    let decode = |text: &str| {
        let decoded = percent_decode_str(text).decode_utf8().ok().filter(|_| has_valid_escapes(text));
        decoded.map(std::borrow::Cow::into_owned).ok_or(UrlFault::Credentials)
    };
    let (user, password) = encoded.split_once(':').unwrap_or((encoded, ""));
    let (user, password) = (decode(user)?, Secret::new(decode(password)?));
    if user.is_empty() { Err(UrlFault::Credentials) } else { Ok((user, password)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_99_an_invalid_part_of_a_url_is_rejected() {
        use UrlFault::{Credentials, Host, Port, Scheme, Syntax};
        for (text, fault) in [
            ("", Scheme),
            ("example.com", Scheme),
            ("/path", Scheme),
            ("ftp://example.com", Scheme),
            ("https:/example.com", Scheme),
            ("https://", Host),
            ("https:///path", Host),
            ("https://user@/", Host),
            ("https://exam ple.com", Host),
            ("https://example.com\\@example.org", Credentials),
            ("https://a%2fb/", Host),
            ("https://[::1", Host),
            ("https://[::g]/", Host),
            ("https://::1/", Host),
            ("https://example.com:65536", Port),
            ("https://example.com:99999/path", Port),
            ("https://example.com:0/", Port),
            ("https://example.com:-1/", Port),
            ("https://example.com:+443/", Port),
            ("https://example.com: 443/", Port),
            ("https://example.com:443:443/", Port),
            ("https://example.com:https/", Port),
            ("https://example.com:/", Port),
            ("https://[::1]:65536/", Port),
            ("https://[::1]443/", Port),
            ("https://example.com:65536/@", Port),
            ("https://user:pa#ss@example.com/", Credentials),
            ("https://user:pa/ss@example.com/", Credentials),
            ("https://user:100%@example.com/", Credentials),
            ("https://user:%zz@example.com/", Credentials),
            ("https://user:%ff@example.com/", Credentials),
            ("https://:password@example.com/", Credentials),
            ("https://example.com/a b", Syntax),
            ("https://example.com/ä", Syntax),
            ("https://example.com/?ref=ä", Syntax),
            ("https://example.com/#ä", Syntax),
            ("https://example.com/%zz", Syntax),
            ("https://example.com/%+1", Syntax),
            ("https://example.com/?ref=%4", Syntax),
            ("https://example.com/%", Syntax),
            ("https://ä.example.com/", Host),
            ("https://*.example.com/", Host),
            ("https://a..example.com/", Host),
            ("https://.example.com/", Host),
            ("https://999.1.1.1/", Host),
            ("https://1.2.3/", Host),
            ("https://127.0.0.01/", Host),
            ("https://example.1:443/", Host),
            ("https://./", Host),
        ] {
            assert_eq!(WebUrl::parse(text).unwrap_err(), fault, "{text}");
        }
    }

    #[test]
    fn at_99_a_host_name_has_a_maximum_length() {
        let labels = |length: usize| vec!["a".repeat(length); 4].join(".");
        for (name, is_valid) in [
            ("a".repeat(63), true),
            ("a".repeat(64), false),
            (format!("{}.{}", "a".repeat(64), "a"), false),
            (labels(62) + ".a", true),
            // With 254 characters.
            (labels(62) + ".aa", false),
            (labels(63), false),
        ] {
            assert_eq!(is_host_name(&name), is_valid, "{name}");
        }
    }

    #[test]
    fn at_99_a_valid_url_keeps_all_its_parts() {
        for (text, uri, user) in [
            ("https://example.com", "https://example.com/", None),
            ("HTTP://example.com:65535?q=1", "http://example.com:65535/?q=1", None),
            ("https://[2001:db8::1]:1/a/[OrderID]?ref=[Ref]", "https://[2001:db8::1]:1/a/[OrderID]?ref=[Ref]", None),
            ("https://user@example.com/x", "https://example.com/x", Some(("user", ""))),
            ("https://user:a:b@c@example.com:8/x", "https://example.com:8/x", Some(("user", "a:b@c"))),
            ("https://us%40er:%23%25%2F%3f@h/", "https://h/", Some(("us@er", "#%/?"))),
            ("https://127.0.0.1:8443/%C3%a4", "https://127.0.0.1:8443/%C3%a4", None),
            ("https://a_b.xn--4ca-1.example./", "https://a_b.xn--4ca-1.example./", None),
        ] {
            let url = WebUrl::parse(text).unwrap();
            assert_eq!(url.uri(), uri, "{text}");
            assert_eq!(url.credentials().map(|(user, password)| (user, password.expose())), user, "{text}");
            assert!(!format!("{url:?}").contains("user"));
        }
        assert!(WebUrl::parse("https://example.com/#part").unwrap().has_fragment());
    }

    #[test]
    fn at_99_user_and_password_become_basic_credentials() {
        let with = |user: &str| request(&format!("https://{user}@example.com/hook"), &Method::POST, "the URL");
        let request = with("Aladdin:open%20sesame").unwrap();
        assert_eq!(request.uri(), "https://example.com/hook");
        assert_eq!(request.headers()[AUTHORIZATION], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{request:?}").contains("QWxh"), "{request:?}");
        for user in ["user:%0A", "us%3Aer:x", "user:%"] {
            let error = with(user).unwrap_err();
            assert!(error.detail().starts_with("the URL must have a user, and ") && !error.detail().contains(user));
        }
    }

    #[test]
    fn at_99_a_url_of_any_scheme_is_checked() {
        for (text, result) in [
            ("app://done", Ok(())),
            ("app://done:1/x", Ok(())),
            ("app://done:65536/x", Err(UrlFault::Port)),
            ("mailto:x", Ok(())),
            ("https://example.com:99999", Err(UrlFault::Port)),
            ("https://example.com/?id=[OrderID]&ref=%20#x", Ok(())),
            (" https://example.com/", Err(UrlFault::Syntax)),
            ("https://example.com/ ", Err(UrlFault::Syntax)),
            ("https://example.com/\n", Err(UrlFault::Syntax)),
            ("mailto:x ", Err(UrlFault::Syntax)),
            (" ", Err(UrlFault::Syntax)),
            ("", Ok(())),
            ("https://example.com/ä", Err(UrlFault::Syntax)),
            ("mailto:ä", Ok(())),
            ("app://done/%zz", Err(UrlFault::Syntax)),
            ("app://done/a b", Err(UrlFault::Syntax)),
        ] {
            assert_eq!(check_any_scheme(text), result, "{text}");
        }
        let check =
            |text: &str| check_uri(&text.parse().unwrap(), "the URL").map_err(|error| error.detail().to_owned());
        assert_eq!(
            check("https://example.com:65536/"),
            Err("the URL must have a port from 1 to 65535, or none".into())
        );
        assert_eq!(check("https://a@example.com/"), Err("the URL must not contain a user or a password".into()));
        assert_eq!(check("/path"), Err("the URL must have a scheme and a host".into()));
        assert_eq!(check("https://example.com/"), Ok(()));
    }
}
