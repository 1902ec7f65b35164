//! The streams of the process. Standard output is written at once, standard error by a thread of its own.
//!
//! Nothing that must happen waits for standard error: a pipe that no program reads blocks its writer, and a terminal can
//! be stopped. A command waits a short time for its lines, so that they appear in order; after that it goes on without
//! them. A line that could not be written before the process ends is lost: what must not be lost is in the records.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use identkit_core::Clock as _;
use identkit_transport::SystemClock;

/// How long all lines of a command together may delay it, in microseconds.
const BUDGET: u64 = 250_000;

/// How long the thread may write nothing before a line that is needed, or the end of the process, no longer waits for it.
const STALLED: Duration = Duration::from_millis(500);

/// Maximum number of lines that wait to be written. Further lines are lost.
const MAX_WAITING: usize = 1024;

/// Number of bytes that are written in one step: as many as a pipe takes at once.
const STEP: usize = 4096;

/// Microseconds that lines have delayed the command.
static SPENT: AtomicU64 = AtomicU64::new(0);

/// Number of steps that the thread has written.
static STEPS: AtomicU64 = AtomicU64::new(0);

/// The thread that writes to standard error; `None` if the system does not allow it.
static WRITER: OnceLock<Option<SyncSender<Job>>> = OnceLock::new();

/// Bytes for standard error.
struct Job {
    bytes: Vec<u8>,
    receipt: Arc<Receipt>,
}

/// The result of a job, for the thread that waits for it.
struct Receipt {
    result: Mutex<Option<io::Result<()>>>,
    waiting: Thread,
}

impl Receipt {
    fn set(&self, result: io::Result<()>) {
        *self.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        self.waiting.unpark();
    }

    /// Waits for the result. Returns `None` after this time; with `or_progress`, after this time without a step.
    fn wait(&self, limit: Duration, or_progress: bool) -> Option<io::Result<()>> {
        let clock = SystemClock::new();
        let (mut steps, mut until) = (STEPS.load(Ordering::SeqCst), clock.now().plus(limit));
        loop {
            if let Some(result) = self.result.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Some(result);
            }
            let (now, written) = (clock.now(), STEPS.load(Ordering::SeqCst));
            if or_progress && written != steps {
                (steps, until) = (written, now.plus(limit));
            }
            if now >= until {
                return None;
            }
            thread::park_timeout(until.since(now));
        }
    }
}

/// Writes bytes to standard error and waits for it as long as the [`BUDGET`] allows. Errors are ignored.
pub(crate) fn write_note(bytes: Vec<u8>) {
    let Ok(receipt) = start(bytes) else { return };
    let clock = SystemClock::new();
    let begun = clock.now();
    let left = BUDGET.saturating_sub(SPENT.load(Ordering::SeqCst));
    let _ = receipt.wait(Duration::from_micros(left), false);
    let spent = u64::try_from(clock.now().since(begun).as_micros()).unwrap_or(BUDGET);
    SPENT.fetch_add(spent.min(BUDGET), Ordering::SeqCst);
}

/// Writes bytes to standard error and waits until they are written, for a thread that does nothing else. Errors are
/// ignored.
pub(crate) fn write_blocking(bytes: Vec<u8>) {
    let Ok(receipt) = start(bytes) else { return };
    let _ = receipt.wait(Duration::MAX, false);
}

/// Writes bytes to standard error without waiting. Errors are ignored.
pub(crate) fn write_later(bytes: Vec<u8>) {
    drop(start(bytes));
}

/// Writes bytes to standard error that are needed there.
///
/// # Errors
/// If standard error is closed or cannot be written, or if it takes no bytes for a while.
pub(crate) fn write_needed(bytes: Vec<u8>) -> io::Result<()> {
    let written = start(bytes)?.wait(STALLED, true);
    written.unwrap_or_else(|| Err(io::Error::new(io::ErrorKind::TimedOut, "standard error takes no bytes")))
}

/// Waits until all lines are written, before the process ends. Gives up if standard error takes no bytes for a while.
pub(crate) fn finish() {
    if !matches!(WRITER.get(), Some(Some(_))) {
        return;
    }
    let steps = STEPS.load(Ordering::SeqCst);
    if let Err(error) = write_needed(Vec::new())
        && error.kind() == io::ErrorKind::WouldBlock
    {
        // No place in the queue: it is being written, or standard error is blocked.
        thread::park_timeout(STALLED);
        if steps != STEPS.load(Ordering::SeqCst) {
            finish();
        }
    }
}

/// Gives bytes to the thread.
fn start(bytes: Vec<u8>) -> io::Result<Arc<Receipt>> {
    let receipt = Arc::new(Receipt { result: Mutex::new(None), waiting: thread::current() });
    let Some(writer) = WRITER.get_or_init(start_thread) else {
        receipt.set(write_to(io::stderr().lock(), 2, &bytes));
        return Ok(receipt);
    };
    let job = Job { bytes, receipt: Arc::clone(&receipt) };
    writer.try_send(job).map_err(|_| io::Error::from(io::ErrorKind::WouldBlock))?;
    Ok(receipt)
}

fn start_thread() -> Option<SyncSender<Job>> {
    let (sender, jobs) = sync_channel::<Job>(MAX_WAITING);
    let write = move |bytes: &[u8]| -> io::Result<()> {
        bytes.chunks(STEP).try_for_each(|step| {
            write_to(io::stderr().lock(), 2, step)?;
            STEPS.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    };
    let work = move || jobs.iter().for_each(|job| job.receipt.set(write(&job.bytes)));
    thread::Builder::new().spawn(work).is_ok().then_some(sender)
}

/// Writes bytes to standard output.
///
/// # Errors
/// If standard output is closed or cannot be written.
pub(crate) fn write_result(bytes: &[u8]) -> io::Result<()> {
    write_to(io::stdout().lock(), 1, bytes)
}

/// Writes bytes to a locked stream of the process, through a duplicate of its descriptor: the standard library reports
/// no error if a stream is closed or open for reading only.
#[cfg(unix)]
fn write_to(stream: impl std::os::fd::AsFd, number: u8, bytes: &[u8]) -> io::Result<()> {
    const NOT_OPEN_FOR_WRITING: i32 = 9; // EBADF
    if is_closed(number) {
        return Err(io::Error::new(io::ErrorKind::NotConnected, "the stream is closed"));
    }
    let file = stream.as_fd().try_clone_to_owned().map(std::fs::File::from);
    file.and_then(|mut file| file.write_all(bytes)).map_err(|error| match error.raw_os_error() {
        // The standard library has no kind for it.
        Some(NOT_OPEN_FOR_WRITING) => io::Error::new(io::ErrorKind::PermissionDenied, error),
        _ => error,
    })
}

#[cfg(not(unix))]
fn write_to(mut stream: impl Write, _: u8, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).and_then(|()| stream.flush())
}

/// Whether the program was started without this stream, e.g. without standard output (`>&-`). Rust's runtime then opens
/// `/dev/null` for reading and writing in its place, while `> /dev/null` opens it for writing only. False on systems
/// without `/proc`.
#[cfg(unix)]
fn is_closed(stream: u8) -> bool {
    const ACCESS_MODE: u32 = 0o3;
    const READ_WRITE: u32 = 0o2;
    let is_null = || {
        std::fs::read_link(format!("/proc/self/fd/{stream}"))
            .is_ok_and(|path| path == std::path::Path::new("/dev/null"))
    };
    let flags = || {
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{stream}")).ok()?;
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
        u32::from_str_radix(flags.trim(), 8).ok()
    };
    is_null() && flags().is_some_and(|flags| flags & ACCESS_MODE == READ_WRITE)
}
