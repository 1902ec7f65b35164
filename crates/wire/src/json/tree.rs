//! A JSON text as a tree that loses nothing: numbers as they were printed, repeated names with all values.
//!
//! It is built only if a text cannot be read as documented.

use std::borrow::Cow;

use serde::de::IgnoredAny;

/// Maximum nesting depth, the same as serde_json's.
pub(super) const DEPTH: usize = 128;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Node<'de> {
    /// `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number as it was printed.
    Number(&'de str),
    /// A text.
    Text(Cow<'de, str>),
    /// An array.
    List(Vec<Node<'de>>),
    /// An object, in its sequence. Each name occurs once.
    Map(Vec<(Cow<'de, str>, Node<'de>)>),
    /// All values of a name that occurs more than once in its object (AT-95).
    Repeated(Vec<Node<'de>>),
}

impl<'de> Node<'de> {
    /// Parses a complete text. A number of any size is valid, e.g. `1e400`.
    pub(super) fn parse(text: &'de str) -> Result<Self, Unparsable> {
        let mut parser = Parser { text, at: 0, too_deep: false };
        let node = parser.value(DEPTH);
        parser.skip_space();
        let unparsable = Unparsable { at: parser.at, too_deep: parser.too_deep };
        node.filter(|_| parser.at == text.len()).ok_or(unparsable)
    }

    /// The members, if it is an object.
    pub fn members(&mut self) -> Option<&mut Vec<(Cow<'de, str>, Self)>> {
        match self {
            Self::Map(members) => Some(members),
            _ => None,
        }
    }

    /// The line and the column of a name that occurs more than once in its object, in this text; 0 if the name has escapes.
    pub(super) fn repeated_name(&self, text: &str) -> Option<(usize, usize)> {
        let place = |name: &Cow<'_, str>| {
            let Cow::Borrowed(name) = name else { return (0, 0) };
            let before = (name.as_ptr() as usize).checked_sub(text.as_ptr() as usize);
            place_after(before.and_then(|length| text.as_bytes().get(..length)).unwrap_or_default())
        };
        match self {
            Self::Map(members) => members.iter().find_map(|(name, value)| match value {
                Self::Repeated(_) => Some(place(name)),
                value => value.repeated_name(text),
            }),
            Self::List(many) => many.iter().find_map(|one| one.repeated_name(text)),
            _ => None,
        }
    }

    /// Whether it can be read as a whole number that is not negative: printed as digits, or as a text of digits.
    pub fn is_whole_number(&self) -> bool {
        match self {
            Self::Number(digits) => is_digits(digits),
            Self::Text(digits) => is_digits(digits),
            _ => false,
        }
    }

    /// Whether it is an object with the keys 0, 1, 2, …: a list, as PHP writes one with gaps.
    pub(super) fn is_numbered(members: &[(Cow<'_, str>, Self)]) -> bool {
        !members.is_empty() && members.iter().all(|(key, _)| is_digits(key))
    }

    /// The values of an object whose names are numbers, by number. A gap is one `null`: the position of a value can say
    /// what it is, e.g. which document (AT-35).
    pub(super) fn numbered<'n>(members: &'n [(Cow<'_, str>, Self)]) -> Vec<&'n Self> {
        let mut sorted: Vec<_> =
            members.iter().map(|(key, value)| (key.parse::<u64>().unwrap_or(u64::MAX), value)).collect();
        sorted.sort_by_key(|(number, _)| *number);
        let mut values = Vec::with_capacity(sorted.len());
        let mut next = 0;
        for (number, value) in sorted {
            if number != next {
                values.push(&Self::Null);
            }
            values.push(value);
            next = number.saturating_add(1);
        }
        values
    }
}

/// The line and the column of the byte after these bytes.
fn place_after(before: &[u8]) -> (usize, usize) {
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    (line, before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1)
}

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A text that is not valid JSON, or is nested too deeply.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unparsable {
    /// Offset in bytes.
    pub(super) at: usize,
    pub(super) too_deep: bool,
}

struct Parser<'de> {
    text: &'de str,
    at: usize,
    /// Whether a list or an object is nested deeper than [`DEPTH`].
    too_deep: bool,
}

impl<'de> Parser<'de> {
    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips space and this byte; `None` if another byte follows.
    fn take(&mut self, byte: u8) -> Option<()> {
        self.skip_space();
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn word(&mut self, word: &str, node: Node<'de>) -> Option<Node<'de>> {
        self.text.get(self.at..)?.starts_with(word).then(|| self.at += word.len())?;
        Some(node)
    }

    fn value(&mut self, depth: usize) -> Option<Node<'de>> {
        self.skip_space();
        match self.peek()? {
            b'n' => self.word("null", Node::Null),
            b't' => self.word("true", Node::Bool(true)),
            b'f' => self.word("false", Node::Bool(false)),
            b'"' => self.string().map(Node::Text),
            b'[' => self.below(depth).and_then(|depth| self.list(depth)),
            b'{' => self.below(depth).and_then(|depth| self.map(depth)),
            _ => {
                let rest = self.text.get(self.at..)?;
                let length =
                    rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)).count();
                let number = rest.get(..length)?;
                // Unlike `Number`, it has no limit.
                serde_json::from_str::<IgnoredAny>(number).ok()?;
                self.at += length;
                Some(Node::Number(number))
            }
        }
    }

    fn below(&mut self, depth: usize) -> Option<usize> {
        self.too_deep |= depth == 0;
        depth.checked_sub(1)
    }

    /// A text at its opening quote.
    fn string(&mut self) -> Option<Cow<'de, str>> {
        let from = self.at;
        let mut escaped = false;
        loop {
            self.at += 1;
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 1;
                }
                0..0x20 => return None,
                _ => {}
            }
        }
        self.at += 1;
        let quoted = self.text.get(from..self.at)?;
        if escaped {
            return serde_json::from_str(quoted).ok().map(Cow::Owned);
        }
        quoted.get(1..quoted.len() - 1).map(Cow::Borrowed)
    }

    fn list(&mut self, depth: usize) -> Option<Node<'de>> {
        self.take(b'[')?;
        let mut many = Vec::new();
        if self.take(b']').is_some() {
            return Some(Node::List(many));
        }
        loop {
            many.push(self.value(depth)?);
            if self.take(b',').is_none() {
                return self.take(b']').map(|()| Node::List(many));
            }
        }
    }

    fn map(&mut self, depth: usize) -> Option<Node<'de>> {
        self.take(b'{')?;
        let mut members: Vec<(Cow<'de, str>, Node<'de>)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        if self.take(b'}').is_some() {
            return Some(Node::Map(members));
        }
        loop {
            self.skip_space();
            (self.peek()? == b'"').then_some(())?;
            let key = self.string()?;
            self.take(b':')?;
            let value = self.value(depth)?;
            let place = *places.entry(key.clone()).or_insert(members.len());
            match members.get_mut(place) {
                None => members.push((key, value)),
                Some((_, Node::Repeated(values))) => values.push(value),
                Some((_, first)) => {
                    let before = std::mem::replace(first, Node::Null);
                    *first = Node::Repeated(vec![before, value]);
                }
            }
            if self.take(b',').is_none() {
                return self.take(b'}').map(|()| Node::Map(members));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn at_92_nesting_is_limited() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Node::parse(&nested(DEPTH)).is_ok() && Node::parse(&nested(DEPTH + 1)).unwrap_err().too_deep);
        assert!(!Node::parse("[1").unwrap_err().too_deep);
    }

    #[test]
    fn only_plain_digits_are_a_whole_number() {
        for (text, expected) in [("6", true), ("\"6\"", true), ("6.0", false), ("\"-6\"", false), ("true", false)] {
            assert_eq!(Node::parse(text).unwrap().is_whole_number(), expected, "{text}");
        }
        assert!(matches!(Node::parse("true"), Ok(Node::Bool(true))), "a word is not a number");
    }

    #[test]
    fn an_escaped_quote_does_not_end_a_text() {
        assert!(matches!(Node::parse(r#""a\"b""#), Ok(Node::Text(text)) if text == "a\"b"));
    }

    #[test]
    fn only_an_object_has_members() {
        assert_eq!(Node::parse("{\"a\": 1, \"b\": 2}").unwrap().members().unwrap().len(), 2);
        assert!(Node::parse("[1]").unwrap().members().is_none());
    }

    proptest! {
        #[test]
        fn at_92_a_tree_accepts_what_serde_json_accepts(text in "[\\[\\]{},:\"a0-9.eE+ \\\\ntrufls-]{0,24}") {
            // Unlike `Value`, without a limit of numbers.
            let parsed = serde_json::from_str::<IgnoredAny>(&text);
            prop_assert_eq!(Node::parse(&text).is_ok(), parsed.is_ok(), "{}", text);
        }
    }
}
