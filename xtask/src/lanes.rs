//! Work that is done side by side, in lanes.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Number of cores.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Does all the work in `count` lanes, the first first. Returns the results in any order.
///
/// # Errors
/// The first error; the other lanes end their current piece of work.
pub(crate) fn run_all<T: Send, R: Send>(
    count: usize,
    work: impl IntoIterator<Item = T>,
    run: impl Fn(T) -> Result<R, String> + Sync,
) -> Result<Vec<R>, String> {
    let left: Mutex<VecDeque<T>> = Mutex::new(work.into_iter().collect());
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let lane = || {
        let mut results = Vec::new();
        while let Some(piece) = next() {
            match run(piece) {
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
        let lanes: Vec<_> = (0..count).map(|_| scope.spawn(lane)).collect();
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
        let mut done = run_all(3, 1..=100, Ok).unwrap();
        done.sort_unstable();
        assert_eq!(done, (1..=100).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_stops_all_lanes() {
        let began = Mutex::new(0);
        let run = |piece| {
            *began.lock().unwrap() += 1;
            if piece == 0 { Err("broken".to_owned()) } else { Ok(piece) }
        };
        assert_eq!(run_all(3, std::iter::repeat_n(0, 1000), run), Err("broken".to_owned()));
        assert!(*began.lock().unwrap() <= 3);
    }
}
