//! The form in which two journals of the same seed and script are the same bytes.

use serde_json::{Value, json};

use super::{Entry, Journal, Secrets, StoredBody, What};

/// Headers that tell of the client's machine and of the wire, not of the script.
const OMITTED: [&str; 5] = ["connection", "content-length", "date", "host", "user-agent"];

const LOOPBACK: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

impl Journal {
    /// One line of JSON for each entry that is kept, oldest first. It has no ports of loopback URLs, no `Host`,
    /// `User-Agent`, `Date`, `Connection` and `Content-Length`, and no real durations, and secrets are masked: the same
    /// seed and the same script give the same bytes.
    ///
    /// That holds while time stands still or is moved by the script, receivers answer within the sandbox's patience
    /// ([`receiver_guard`](crate::SandboxBuilder::receiver_guard)), and the script itself does one thing after the other.
    pub fn canonical(&self) -> String {
        let lines = self.since(0).map(|entry| entry.canonical() + "\n");
        lines.collect()
    }
}

impl Entry {
    /// Its line in [`Journal::canonical`], without the end of the line.
    pub fn canonical(&self) -> String {
        let mut told = self.to_json(Secrets::Masked);
        if let (What::Call(call), Some(told)) = (&self.what, told.as_object_mut()) {
            for part in ["headers", "answer_headers"] {
                if let Some(Value::Object(headers)) = told.get_mut(part) {
                    OMITTED.iter().for_each(|name| {
                        headers.remove(*name);
                    });
                }
            }
            for (part, kept) in [("body", &call.body), ("answer", &call.answer)] {
                if told.get(part).is_some_and(is_told_by_its_length) {
                    told.insert(part.to_owned(), summary(kept));
                }
            }
        }
        if let (What::Attempt(_), Some(told)) = (&self.what, told.as_object_mut()) {
            // How a connection failed is told in words of the system, and how long it took is real time.
            told.remove("error");
        }
        without_ports(&told.to_string())
    }
}

fn is_told_by_its_length(body: &Value) -> bool {
    body.as_object().is_some_and(|body| body.len() == 1 && body.contains_key("bytes"))
}

/// A body that cannot be written out: how long it is, and a checksum (FNV-1a) of what is kept of it.
fn summary(kept: &StoredBody) -> Value {
    let sum = kept
        .bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    json!({ "bytes": kept.len, "checksum": format!("{sum:016x}") })
}

/// The text with `*` for every port of this machine, also where a URL stands percent-encoded in another.
fn without_ports(text: &str) -> String {
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let places = LOOPBACK.iter().flat_map(|host| [":", "%3A", "%3a"].map(|colon| (host, colon)));
        let next = places
            .filter_map(|(host, colon)| {
                let whole = format!("{host}{colon}");
                rest.match_indices(whole.as_str()).find_map(|(at, _)| {
                    let end = at + whole.len();
                    let digits = rest.get(end..)?.bytes().take_while(u8::is_ascii_digit).count();
                    (digits > 0).then_some((end, end + digits))
                })
            })
            .min();
        let Some((end, after)) = next else { break };
        told.push_str(rest.get(..end).unwrap_or_default());
        told.push('*');
        rest = rest.get(after..).unwrap_or_default();
    }
    told.push_str(rest);
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_of_this_machine_are_left_out_and_nothing_else() {
        for (given, told) in [
            ("http://127.0.0.1:41234/a", "http://127.0.0.1:*/a"),
            ("http://[::1]:1/ http://localhost:65535", "http://[::1]:*/ http://localhost:*"),
            ("?back=http%3A%2F%2F127.0.0.1%3A8080%2Fa", "?back=http%3A%2F%2F127.0.0.1%3A*%2Fa"),
            (
                "http://192.0.2.1:41234/ 12:00:00 127.0.0.1:x 127.0.0.1",
                "http://192.0.2.1:41234/ 12:00:00 127.0.0.1:x 127.0.0.1",
            ),
        ] {
            assert_eq!(without_ports(given), told);
        }
    }
}
