//! Work that is done side by side: one lane for each core.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Number of lanes.
pub(crate) fn count() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Does all the work, the first first. `run` gets the number of its lane, from 0. Returns the results in any order.
///
/// # Errors
/// The first error; the other lanes end their current piece of work.
pub(crate) fn run_all<T: Send, R: Send>(
    work: impl IntoIterator<Item = T>,
    run: impl Fn(usize, T) -> Result<R, String> + Sync,
) -> Result<Vec<R>, String> {
    let left: Mutex<VecDeque<T>> = Mutex::new(work.into_iter().collect());
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let lane = |lane| {
        let mut results = Vec::new();
        while let Some(piece) = next() {
            match run(lane, piece) {
                Ok(result) => results.push(result),
                Err(error) => {
                    left.lock().unwrap_or_else(PoisonError::into_inner).clear();
                    return Err(error);
                }
            }
        }
        Ok(results)
    };
    let lanes = thread::scope(|scope| {
        let lanes: Vec<_> = (0..count()).map(|number| scope.spawn(move || lane(number))).collect();
        let panicked = |_| Err("a thread of the checks panicked".to_owned());
        lanes.into_iter().map(|lane| lane.join().unwrap_or_else(panicked)).collect::<Result<Vec<_>, _>>()
    })?;
    Ok(lanes.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_piece_of_work_is_done_once() {
        let mut done = run_all(1..=100, |lane, piece| Ok((lane < count()).then_some(piece))).unwrap();
        done.sort_unstable();
        assert_eq!(done, (1..=100).map(Some).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_stops_all_lanes() {
        let began = Mutex::new(0);
        let run = |_, piece| {
            *began.lock().unwrap() += 1;
            if piece == 0 { Err("broken".to_owned()) } else { Ok(piece) }
        };
        assert_eq!(run_all(std::iter::repeat_n(0, 1000), run), Err("broken".to_owned()));
        assert!(*began.lock().unwrap() <= count());
    }
}
