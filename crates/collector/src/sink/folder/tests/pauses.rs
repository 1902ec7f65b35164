//! Two workers, each of which can be stopped for any time between two operations of the disk.

use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use identkit_core::Error;
use identkit_files::Disk;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{ONE, OTHER, PLAIN, files, folder, open, recover, store};
use crate::sink::port::SavedArtifact;

/// A worker that stops at one point of its disk operations.
struct Worker {
    /// A message when it stops; closed when it has ended without a stop.
    stopped: Receiver<()>,
    resume: Sender<()>,
    task: JoinHandle<Result<SavedArtifact, Error>>,
}

impl Worker {
    /// Starts an attempt. It stops at the point with this number: before or after an operation.
    async fn start(root: &Path, fence: u64, content: &'static [u8], point: usize) -> (Self, bool) {
        let (stops, stopped) = channel();
        let (resume, resumed) = channel();
        let (left, resumed) = (Mutex::new(point), Mutex::new(resumed));
        let disk = Disk::with_hook(move |_, _, _| {
            let mut left = left.lock().unwrap();
            if *left == 0 {
                stops.send(()).unwrap();
                // A closed channel resumes too.
                let _ = resumed.lock().unwrap().recv();
            }
            *left = left.wrapping_sub(1);
            Ok(())
        });
        let sink = open(disk, root);
        let task = tokio::spawn(async move { store(&sink, fence, content).await });
        let mut worker = Self { stopped, resume, task };
        let stopped = std::mem::replace(&mut worker.stopped, channel().1);
        let has_stopped = spawn_blocking(move || stopped.recv().is_ok()).await.unwrap();
        (worker, has_stopped)
    }

    async fn complete(self) -> SavedArtifact {
        let _ = self.resume.send(());
        self.task.await.unwrap().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_that_stop_at_any_step_never_overwrite() {
    let mut count = 0;
    for second in [ONE, OTHER] {
        for point in 0.. {
            let mut first_stops = false;
            for pause in 0.. {
                let (root, _dir) = folder();
                let (one, stops) = Worker::start(&root, 1, ONE, point).await;
                let (other, second_stops) = Worker::start(&root, 2, second, pause).await;
                first_stops = stops;
                let (one, other) = if (point + pause) % 2 == 0 {
                    let other = other.complete().await;
                    (one.complete().await, other)
                } else {
                    (one.complete().await, other.complete().await)
                };
                let case = format!("{point} {pause}");
                let mut expected =
                    vec![(one.location.clone(), ONE.to_vec()), (other.location.clone(), second.to_vec())];
                expected.sort();
                expected.dedup();
                assert_eq!(files(&root), expected, "{case}");
                assert_eq!(expected.len(), if second == ONE { 1 } else { 2 }, "{case}");
                assert!(one.location == PLAIN || other.location == PLAIN, "{case}");
                // A recovery costs as much as both attempts.
                if (point + 3 * pause) % 8 == 0 {
                    recover(&root, &case).await;
                }
                count += 1;
                if !second_stops {
                    break;
                }
            }
            if !first_stops {
                break;
            }
        }
    }
    assert!(count > 500, "{count}");
}
