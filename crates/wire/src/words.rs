//! Looking for bytes eight at a time: most texts have none of those that are looked for, and are short.

const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGH: u64 = ONES << 7;

/// Eight bytes that are looked at together.
#[derive(Clone, Copy, Debug)]
pub struct Word(u64);

/// Which of eight bytes were found, each by its highest bit; the other bits mean nothing. Whether there are any is exact,
/// and so is the first; those after it may be wrong.
#[derive(Clone, Copy, Debug)]
pub struct Found(u64);

impl Word {
    /// Bytes below a limit of at most 0x80.
    #[must_use]
    pub const fn below(self, limit: u8) -> Found {
        // A byte below the limit borrows from its highest bit. It may borrow from its neighbour too, which is then found
        // as well; where no byte is below, none is found.
        Found(self.0.wrapping_sub(ONES * limit as u64) & !self.0)
    }

    /// Bytes that are this one.
    #[must_use]
    pub const fn is(self, byte: u8) -> Found {
        Self(self.0 ^ (ONES * byte as u64)).below(1)
    }

    /// Bytes that are no ASCII.
    #[must_use]
    pub const fn beyond_ascii(self) -> Found {
        Found(self.0)
    }
}

impl Found {
    /// These, and those.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Whether `odd` finds a byte. Some bytes are looked at twice.
pub fn any(bytes: &[u8], odd: impl Fn(Word) -> Found) -> bool {
    let word = |eight: &[u8; 8]| odd(Word(u64::from_le_bytes(*eight)));
    let found = if let Some(last) = bytes.last_chunk() {
        // The last eight overlap the ones before, so that nothing is left over.
        bytes.as_chunks().0.iter().fold(word(last), |found, eight| found.or(word(eight)))
    } else if let (Some(&[a, b, c, d]), Some(&[e, f, g, h])) = (bytes.first_chunk(), bytes.last_chunk()) {
        word(&[a, b, c, d, e, f, g, h])
    } else {
        match *bytes {
            [a, b, c] => word(&[a, b, c, c, c, c, c, c]),
            [a, b] => word(&[a, b, b, b, b, b, b, b]),
            [a] => word(&[a; 8]),
            _ => return false,
        }
    };
    found.0 & HIGH != 0
}

/// Where a byte stands first.
pub fn position(bytes: &[u8], byte: u8) -> Option<usize> {
    let (words, rest) = bytes.as_chunks();
    for (index, word) in words.iter().enumerate() {
        let found = Word(u64::from_le_bytes(*word)).is(byte).0 & HIGH;
        if found != 0 {
            return Some(index * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    rest.iter().position(|other| *other == byte).map(|place| words.len() * 8 + place)
}

/// How often a byte stands there that is rare.
pub fn count(mut bytes: &[u8], byte: u8) -> usize {
    let mut count = 0;
    while let Some(place) = position(bytes, byte) {
        count += 1;
        bytes = bytes.get(place + 1..).unwrap_or_default();
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_wherever_it_stands_and_no_other() {
        for length in 0..=20 {
            for byte in 0..=u8::MAX {
                for place in 0..length {
                    for rest in [b'x', 0x21, 0xff] {
                        let mut text = vec![rest; length];
                        text[place] = byte;
                        let has = |like: fn(u8) -> bool| text.iter().any(|byte| like(*byte));
                        assert_eq!(any(&text, |word| word.below(0x21)), has(|byte| byte < 0x21), "{text:?}");
                        assert_eq!(any(&text, |word| word.is(0)), has(|byte| byte == 0), "{text:?}");
                        assert_eq!(any(&text, |word| word.is(0xc2)), has(|byte| byte == 0xc2), "{text:?}");
                        assert_eq!(any(&text, Word::beyond_ascii), has(|byte| byte > 0x7f), "{text:?}");
                        let either = |word: Word| word.is(b'"').or(word.is(0x7f));
                        assert_eq!(position(&text, byte), text.iter().position(|other| *other == byte), "{text:?}");
                        assert_eq!(count(&text, byte), text.iter().filter(|other| **other == byte).count(), "{text:?}");
                        assert_eq!(any(&text, either), has(|byte| byte == b'"' || byte == 0x7f), "{text:?}");
                    }
                }
            }
            assert!(!any(&vec![b'x'; length], |word| word.below(0x20)));
        }
    }
}
