//! Bodies, as far as they are kept.

use std::fmt;

use bytes::Bytes;
use serde_json::Value;

/// How much of one body is kept.
pub(super) const BODY: usize = 64 * 1024;

/// Up to which length a body is read to keep its outline: reading takes time, in which the world waits.
const READ: usize = 8 * 1024 * 1024;

/// From how many characters on a text is shortened in an outline.
const LONG: usize = 1_024;

/// How much of a long text an outline keeps, in characters.
const BEGINNING: usize = 64;

/// What is kept of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// All of it.
    #[default]
    Whole,
    /// JSON that was too long, with its long texts (documents in Base64, above all) shortened.
    Outline,
    /// Its first bytes.
    Beginning,
}

/// A body, as far as it is kept.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredBody {
    /// What is kept of it: 64 KiB at most.
    pub bytes: Bytes,
    /// How many bytes it had.
    pub len: u64,
    /// What that is.
    pub form: Form,
}

impl StoredBody {
    /// What is kept of a body.
    pub fn of(body: &Bytes) -> Self {
        let len = body.len() as u64;
        if body.len() <= BODY {
            return Self { bytes: body.clone(), len, form: Form::Whole };
        }
        if let Some(outline) = outline(body) {
            return Self { bytes: outline, len, form: Form::Outline };
        }
        // A copy, so that the rest of a large body does not stay in memory with it.
        let bytes = Bytes::copy_from_slice(body.get(..BODY).unwrap_or_default());
        Self { bytes, len, form: Form::Beginning }
    }

    /// A body that was not looked at.
    pub fn unseen(len: Option<u64>) -> Self {
        Self { bytes: Bytes::new(), len: len.unwrap_or(0), form: Form::Beginning }
    }

    /// Whether all of it is kept.
    pub fn is_whole(&self) -> bool {
        self.form == Form::Whole
    }

    /// It, read as JSON; of an outline what it holds.
    pub fn json(&self) -> Option<Value> {
        if self.form == Form::Beginning || self.bytes.is_empty() {
            return None;
        }
        serde_json::from_slice(&self.bytes).ok()
    }
}

impl fmt::Debug for StoredBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len)
    }
}

/// JSON without its long texts; `None` for what is no JSON or stays too long.
fn outline(body: &Bytes) -> Option<Bytes> {
    if body.len() > READ {
        return None;
    }
    let mut value: Value = serde_json::from_slice(body).ok()?;
    shorten(&mut value);
    let outline = serde_json::to_vec(&value).ok()?;
    (outline.len() <= BODY).then(|| outline.into())
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > LONG => {
            let all = text.chars().count();
            *text = text.chars().take(BEGINNING).collect();
            text.push_str(&format!("… ({all} characters)"));
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(members) => members.values_mut().for_each(shorten),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_long_json_everything_is_kept_but_its_long_texts() {
        let document = "A".repeat(BODY);
        let body = format!(r#"{{"Product":15,"eSignPDF":[{{"Data":"{document}","Filename":"contract.pdf"}}]}}"#);
        let kept = StoredBody::of(&body.clone().into());
        assert_eq!((kept.form, kept.len), (Form::Outline, body.len() as u64));
        let told = kept.json().unwrap();
        assert_eq!((&told["Product"], &told["eSignPDF"][0]["Filename"]), (&15.into(), &"contract.pdf".into()));
        let data = told["eSignPDF"][0]["Data"].as_str().unwrap();
        assert_eq!(data, format!("{}… (65536 characters)", "A".repeat(64)));
    }

    #[test]
    fn of_long_bodies_that_are_no_json_or_have_many_elements_the_beginning_is_kept() {
        let many = serde_json::to_vec(&vec!["Erika Mustermann"; 10_000]).unwrap();
        for body in [vec![b'%'; BODY + 1], many] {
            let kept = StoredBody::of(&body.clone().into());
            assert_eq!((kept.form, kept.bytes.len(), kept.len), (Form::Beginning, BODY, body.len() as u64));
            assert_eq!((&kept.bytes[..], kept.json()), (&body[..BODY], None));
        }
        assert!(StoredBody::of(&vec![b'%'; BODY].into()).is_whole());
    }
}
