//! Header fields of a call, copied into one block.

use bytes::Bytes;
use http::HeaderMap;

/// Header fields in their order, each as `name:value` and a line feed, which neither can contain. A copy: each value of a
/// received [`HeaderMap`] is a slice of the connection's buffer and would keep all of it in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(pub(super) Bytes);

impl From<&HeaderMap> for Headers {
    fn from(map: &HeaderMap) -> Self {
        let mut block = Vec::with_capacity(map.iter().map(|(name, value)| name.as_str().len() + value.len() + 2).sum());
        for (name, value) in map {
            block.extend_from_slice(name.as_str().as_bytes());
            block.push(b':');
            block.extend_from_slice(value.as_bytes());
            block.push(b'\n');
        }
        Self(block.into())
    }
}

impl Headers {
    /// Names, in lower case, and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.split(|byte| *byte == b'\n').filter_map(|line| {
            let (name, value) = line.split_at_checked(line.iter().position(|byte| *byte == b':')?)?;
            Some((std::str::from_utf8(name).ok()?, value.get(1..)?))
        })
    }

    /// The values of the header of this name in any case.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_back_with_repeats_and_any_bytes() {
        let mut map = HeaderMap::new();
        for (name, value) in [("x-a", &b"1: 2"[..]), ("x-b", b""), ("x-a", b"\xe4\t")] {
            map.append(name, http::HeaderValue::from_bytes(value).unwrap());
        }
        let headers = Headers::from(&map);
        let read: Vec<_> = headers.iter().collect();
        assert_eq!(read, [("x-a", &b"1: 2"[..]), ("x-a", b"\xe4\t"), ("x-b", b"")]);
        assert_eq!((headers.get_all("X-A").count(), headers.get_all("x").count()), (2, 0));
        assert_eq!(Headers::default().iter().count(), 0);
    }
}
