//! Decodes Base64 in pieces, as leniently as [`decode_base64_lenient`](crate::decode_base64_lenient) (AT-40).

use crate::Base64Error;

/// State of one text.
#[derive(Default)]
pub(super) struct Decoder {
    /// Characters of an incomplete group of four, in the standard alphabet.
    group: Vec<u8>,
    padding: usize,
}

impl Decoder {
    /// Decodes the next run of the text. `escaped`: whether it is a JSON escape, which allows control characters.
    pub(super) fn push(&mut self, run: &[u8], escaped: bool, out: &mut Vec<u8>) -> Result<(), Base64Error> {
        let mut rest = run;
        while let (false, Some((byte, after))) = (self.group.is_empty(), rest.split_first()) {
            self.one(*byte, escaped, out)?;
            rest = after;
        }
        // The fast path: complete groups of the standard alphabet, without white space, padding and `-_`.
        if self.padding == 0
            && let Some((groups, after)) = rest.split_at_checked(rest.len() - rest.len() % 4)
            && base64_simd::STANDARD_NO_PAD.decode_append(groups, out).is_ok()
        {
            rest = after;
        }
        rest.iter().try_for_each(|byte| self.one(*byte, escaped, out))
    }

    fn one(&mut self, byte: u8, escaped: bool, out: &mut Vec<u8>) -> Result<(), Base64Error> {
        match byte {
            b' ' => return Ok(()),
            b'\t' | b'\n' | b'\r' | b'\x0c' if escaped => return Ok(()),
            b'=' if self.padding < 2 => {
                self.padding += 1;
                return Ok(());
            }
            _ if self.padding > 0 => return Err(Base64Error),
            b'-' => self.group.push(b'+'),
            b'_' => self.group.push(b'/'),
            b'+' | b'/' => self.group.push(byte),
            byte if byte.is_ascii_alphanumeric() => self.group.push(byte),
            _ => return Err(Base64Error),
        }
        if self.group.len() == 4 {
            base64_simd::STANDARD_NO_PAD.decode_append(&self.group, out).map_err(|_| Base64Error)?;
            self.group.clear();
        }
        Ok(())
    }

    /// Decodes the rest at the end of the text.
    pub(super) fn finish(self, out: &mut Vec<u8>) -> Result<(), Base64Error> {
        if self.padding > 0 && !(self.group.len() + self.padding).is_multiple_of(4) {
            return Err(Base64Error);
        }
        out.extend(base64_simd::forgiving_decode_to_vec(&self.group).map_err(|_| Base64Error)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode_base64_lenient;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn at_40_pieces_decode_like_the_whole_text(
            text in "[A-Da-d0-3+/_\\-= \n!]{0,24}|[A-Za-z0-9+/]{0,40}={0,3}",
            cut in 0_usize..40,
            pieces in 1_usize..9,
        ) {
            let (first, rest) = text.as_bytes().split_at(cut.min(text.len()));
            let mut decoder = Decoder::default();
            let mut out = Vec::new();
            let read = [first].into_iter().chain(rest.chunks(pieces))
                .try_for_each(|piece| decoder.push(piece, true, &mut out))
                .and_then(|()| decoder.finish(&mut out))
                .map(|()| out);
            prop_assert_eq!(read, decode_base64_lenient(&text), "{:?}", text);
        }
    }
}
