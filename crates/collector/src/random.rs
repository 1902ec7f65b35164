//! Random names and waits.

use identkit_core::{Error, Kind};

fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    let filled = getrandom::fill(&mut bytes);
    filled.map_err(|_| Error::new(Kind::Storage, "the operating system has no random numbers"))?;
    Ok(bytes)
}

/// A name of 128 random bits in 32 hexadecimal digits.
pub(crate) fn name() -> Result<String, Error> {
    Ok(bytes::<16>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Any number, for the jitter of waits.
pub(crate) fn number() -> u16 {
    bytes().map_or(0, u16::from_le_bytes)
}
