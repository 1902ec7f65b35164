//! What a further attempt begins with.

use ::http::header::{HeaderMap, HeaderName, HeaderValue};

/// The headers of an operation for a further attempt. They are few, and kept without memory of their own.
#[derive(Default)]
pub(super) struct Kept {
    few: [Option<(HeaderName, HeaderValue)>; 4],
    many: Option<HeaderMap>,
}

impl Kept {
    pub(super) fn new(headers: &HeaderMap) -> Self {
        let mut kept = Self::default();
        if headers.len() > kept.few.len() {
            kept.many = Some(headers.clone());
            return kept;
        }
        for (place, (name, value)) in kept.few.iter_mut().zip(headers) {
            *place = Some((name.clone(), value.clone()));
        }
        kept
    }

    pub(super) fn again(&self) -> HeaderMap {
        if let Some(headers) = &self.many {
            return headers.clone();
        }
        let mut headers = HeaderMap::new();
        for (name, value) in self.few.iter().flatten() {
            headers.append(name.clone(), value.clone());
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_headers_and_many_come_again_as_they_were() {
        for count in [0, 1, 4, 5, 9] {
            let mut headers = HeaderMap::new();
            for number in 0..count {
                // Every other one of a name that is there already.
                let name = HeaderName::from_bytes(format!("x-{}", number / 2).as_bytes()).unwrap();
                headers.append(name, HeaderValue::from(number));
            }
            assert_eq!(Kept::new(&headers).again(), headers);
        }
    }
}
