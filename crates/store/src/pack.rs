//! Several byte strings as one, each with its length, so that two different lists never have the same bytes.

use jiff::Timestamp;

/// A time as the engines store it.
pub(crate) fn micros(time: Timestamp) -> [u8; 8] {
    time.as_microsecond().to_le_bytes()
}

pub(crate) fn pack(fields: &[&[u8]]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(fields.iter().map(|field| field.len() + 8).sum());
    for field in fields {
        packed.extend((field.len() as u64).to_le_bytes());
        packed.extend(*field);
    }
    packed
}

/// The fields of a packed list, if it has exactly `N`.
pub(crate) fn unpack<const N: usize>(mut packed: &[u8]) -> Option<[&[u8]; N]> {
    let mut fields = [&[][..]; N];
    for field in &mut fields {
        let (length, rest) = packed.split_first_chunk::<8>()?;
        (*field, packed) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    }
    packed.is_empty().then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_survive_and_a_cut_list_is_rejected() {
        let packed = pack(&[b"a", b"", b"bc"]);
        assert_eq!(unpack::<3>(&packed).unwrap(), [&b"a"[..], b"", b"bc"]);
        assert!(unpack::<2>(&packed).is_none() && unpack::<4>(&packed).is_none());
        for end in 0..packed.len() {
            assert!(unpack::<3>(&packed[..end]).is_none(), "cut at {end}");
        }
    }
}
