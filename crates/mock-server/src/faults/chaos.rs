//! The profile `chaos`: faults by themselves, seeded, at rates that a client with repeats gets through.

use std::time::Duration;

use super::{Fault, Middle};

/// Of a hundred calls so many meet a fault.
const FAULTS: u32 = 8;

/// Of a hundred calls so many are answered in another shape.
const SHAPES: u32 = 30;

/// What goes wrong with a call, if anything does.
pub(super) fn draw(random: &mut fastrand::Rng, result: bool) -> Option<Fault> {
    let drawn = random.u32(..100);
    if drawn >= FAULTS + SHAPES {
        return None;
    }
    if drawn >= FAULTS {
        return Some(Fault::ShapeVariant { variant: None });
    }
    let faults = [
        Fault::Status { status: 500, retry_after: None, committed: false },
        Fault::Status { status: 502, retry_after: None, committed: true },
        Fault::Status { status: 503, retry_after: Some(1), committed: false },
        Fault::Latency { by: Duration::from_millis(200) },
        Fault::Bandwidth { bytes_per_second: 256 * 1024 },
        Fault::ResetBeforeCommit,
        Fault::ResetInCommit { at: Middle::Request },
        Fault::ResetInCommit { at: Middle::Answer },
        Fault::ResetAfterCommit,
        Fault::TruncatedBody,
        Fault::MissingLength,
        Fault::WrongLength { by: 7 },
        Fault::WrongContentType { content_type: "text/html".into() },
        Fault::InvalidJson,
        Fault::DuplicateKeys,
        Fault::Redirect { status: 307, location: "https://redirected.invalid/".into() },
        Fault::SlowDrip { bytes: 4096, pause: Duration::from_millis(1) },
        Fault::InformationalFlood { count: 20 },
        Fault::RateLimit { retry_after: Some(1) },
        // Last, since not every vendor has it.
        Fault::ResultFalse,
    ];
    let fitting = if result { faults.len() } else { faults.len() - 1 };
    faults.into_iter().nth(random.usize(..fitting))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_rates_are_moderate_and_every_fault_of_the_list_comes() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut drawn: BTreeMap<&str, u32> = BTreeMap::new();
        for _ in 0..20_000 {
            let name = draw(&mut random, true).map_or("none", |fault| fault.name());
            *drawn.entry(name).or_default() += 1;
        }
        for fault in Fault::all() {
            assert!(drawn.contains_key(fault.name()), "{} never comes", fault.name());
        }
        assert!((11_000..14_000).contains(&drawn["none"]), "{drawn:?}");
        assert!((5_000..7_000).contains(&drawn["shape-variant"]), "{drawn:?}");
        let mut random = fastrand::Rng::with_seed(7);
        assert!((0..20_000).all(|_| draw(&mut random, false) != Some(Fault::ResultFalse)), "only where there is one");
    }
}
