//! Progress bar of uploads and downloads on standard error. Short calls never show it.
//!
//! The bar wraps a [`Transport`], so commands do not depend on it. Without a terminal, or with JSON output, the
//! transport is not wrapped.

use std::io::{self, IsTerminal, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Buf, Bytes};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use identkit_core::{Clock, Content};
use identkit_transport::{AttemptContext, Failure, SystemClock, Transport};
use identkit_wire::{Body, BodyReader, Part, Source};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Format;
use crate::streams;
use crate::text::plain;

/// How long a command runs before the bar appears.
const DELAY: Duration = Duration::from_millis(400);

/// How often the bar is redrawn.
const TICK: Duration = Duration::from_millis(80);

/// Minimum size in bytes of a request whose upload is shown.
const MIN_UPLOAD_SIZE: u64 = 64 * 1024;

// The bar takes the rest of the line: a line that wraps could not be cleared.
const WAITING: &str = "{spinner} {prefix}waiting for the response";
const SENDING: &str = "{prefix}sending   {wide_bar} {bytes} of {total_bytes}";
const RECEIVING: &str = "{prefix}receiving {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}";
const COUNTING: &str = "{spinner} {prefix}{human_pos} read";
const DESCRIBED: &str = "{spinner} {wide_msg}";
const RECEIVING_SO_FAR: &str = "{spinner} {prefix}receiving {bytes}, {bytes_per_sec}";

/// The progress bar of a command, which shows one transfer after another.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// # Panics
    /// Outside a tokio runtime.
    pub(crate) fn new(format: Format) -> Self {
        let is_visible = format == Format::Table && io::stderr().is_terminal();
        Self(is_visible.then(|| delayed(Screen::target())))
    }

    /// Wraps the transport with the progress bar.
    pub(crate) fn watch(&self, transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
        match &self.0 {
            Some(bar) => Arc::new(WatchedTransport { inner: transport, bar: bar.clone() }),
            None => transport,
        }
    }

    /// Shows a number of things that the command reads, from 0 on.
    pub(crate) fn count(&self, what: &str) -> Counter {
        self.describe(what);
        Counter(self.0.as_ref().map(|bar| {
            begin(bar, COUNTING, None);
            BarGuard(bar.clone())
        }))
    }

    /// Shows a text while the command waits.
    pub(crate) fn wait(&self) -> Wait {
        Wait(self.0.as_ref().map(|bar| {
            begin(bar, DESCRIBED, None);
            BarGuard(bar.clone())
        }))
    }

    /// Sets the text at the start of the line.
    pub(crate) fn describe(&self, what: &str) {
        if let Some(bar) = &self.0 {
            bar.set_prefix(format!("{}, ", plain(what)));
        }
    }
}

/// Shows a number on the bar until it is dropped.
pub(crate) struct Counter(Option<BarGuard>);

impl Counter {
    /// Adds to the number.
    pub(crate) fn add(&self, number: u64) {
        if let Some(BarGuard(bar)) = &self.0 {
            bar.inc(number);
        }
    }
}

/// Shows a text on the bar until it is dropped.
#[derive(Debug)]
pub(crate) struct Wait(Option<BarGuard>);

impl Wait {
    /// Sets the text.
    pub(crate) fn describe(&self, what: &str) {
        if let Some(BarGuard(bar)) = &self.0 {
            bar.set_message(plain(what));
        }
    }

    /// Writes something else while the bar is hidden.
    pub(crate) fn hidden_while<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(BarGuard(bar)) => bar.suspend(write),
            None => write(),
        }
    }
}

/// The terminal of standard error, which a bar must not wait for: a terminal can be stopped.
#[derive(Debug, Default)]
pub(crate) struct Screen(Mutex<String>);

impl Screen {
    /// Width in characters if the terminal does not say it.
    const WIDTH: u16 = 80;

    pub(crate) fn target() -> ProgressDrawTarget {
        ProgressDrawTarget::term_like_with_hz(Box::new(Self::default()), 20)
    }

    fn add(&self, text: &str) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
        Ok(())
    }

    /// Moves the cursor: the last letter of the control sequence says in which direction.
    fn move_cursor(&self, count: usize, direction: char) -> io::Result<()> {
        if count == 0 { Ok(()) } else { self.add(&format!("\u{1b}[{count}{direction}")) }
    }
}

impl indicatif::TermLike for Screen {
    fn width(&self) -> u16 {
        let mut table = comfy_table::Table::new();
        table.use_stderr().width().filter(|width| *width > 0).unwrap_or(Self::WIDTH)
    }

    fn move_cursor_up(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'A')
    }

    fn move_cursor_down(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'B')
    }

    fn move_cursor_right(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'C')
    }

    fn move_cursor_left(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.add(text)?;
        self.add("\n")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.add(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.add("\r\u{1b}[2K")
    }

    fn flush(&self) -> io::Result<()> {
        let text = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if !text.is_empty() {
            streams::write_later(text.into_bytes());
        }
        Ok(())
    }
}

/// A bar that is hidden for [`DELAY`].
fn delayed(target: ProgressDrawTarget) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    let (shown, clock) = (bar.clone(), SystemClock::new());
    tokio::spawn(async move {
        drop(clock.sleep_until(clock.now().plus(DELAY)).await);
        shown.set_draw_target(target);
    });
    bar
}

/// Starts the next transfer; `length` is in bytes, if it is known.
fn begin(bar: &ProgressBar, template: &str, length: Option<u64>) {
    bar.reset();
    match length {
        Some(length) => bar.set_length(length),
        None => bar.unset_length(),
    }
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
}

/// Clears the bar on drop: the transfer has ended or was given up.
#[derive(Debug)]
struct BarGuard(ProgressBar);

impl Drop for BarGuard {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A transport with a progress bar.
#[derive(Debug)]
struct WatchedTransport {
    inner: Arc<dyn Transport>,
    bar: ProgressBar,
}

#[async_trait]
impl Transport for WatchedTransport {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let guard = BarGuard(self.bar.clone());
        let length = request.body().len();
        let request = if length < MIN_UPLOAD_SIZE {
            begin(&self.bar, WAITING, None);
            request
        } else {
            begin(&self.bar, SENDING, Some(length));
            let source = |body| CountedSource { body, bar: self.bar.clone() };
            request.map(|body| Body::from_parts(vec![Part::Raw(Arc::new(source(body)))]))
        };
        let response = self.inner.send(request, context).await?;
        Ok(response.map(|content| {
            let length = content.len();
            begin(&self.bar, if length.is_some() { RECEIVING } else { RECEIVING_SO_FAR }, length);
            // The guard moves into the closure: the bar is cleared when the body is dropped.
            let counted = content.map_frame(move |frame| {
                guard.0.inc(frame.data_ref().map_or(0, Bytes::len) as u64);
                frame
            });
            Content::new(length, counted)
        }))
    }
}

/// A request body that counts the bytes read. It is read in chunks, so that an in-memory document shows progress.
#[derive(Debug)]
struct CountedSource {
    body: Body,
    bar: ProgressBar,
}

impl Source for CountedSource {
    fn len(&self) -> u64 {
        self.body.len()
    }

    fn in_memory(&self) -> bool {
        self.body.in_memory()
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        // A missing file must fail before anything is sent, as without a progress bar.
        self.body.openable()?;
        self.bar.set_position(0);
        Ok(Box::new(CountingReader { chunks: self.body.read(), rest: Bytes::new(), bar: self.bar.clone() }))
    }
}

struct CountingReader {
    chunks: BodyReader,
    rest: Bytes,
    bar: ProgressBar,
}

impl Read for CountingReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.chunks.next().transpose()? {
                Some(chunk) => self.rest = chunk,
                None => {
                    begin(&self.bar, WAITING, None);
                    return Ok(0);
                }
            }
        }
        let count = self.rest.as_ref().read(into)?;
        self.rest.advance(count);
        self.bar.inc(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use identkit_core::Instant;

    use super::*;

    /// Reads the request and responds after a delay.
    #[derive(Debug)]
    struct Delayed(Duration);

    #[async_trait]
    impl Transport for Delayed {
        async fn send(&self, request: Request<Body>, _: &AttemptContext) -> Result<Response<Content>, Failure> {
            let chunks: Vec<Bytes> = request.body().read().map(Result::unwrap).collect();
            assert!(chunks.iter().all(|chunk| chunk.len() <= 64 * 1024) && chunks.concat() == SENT);
            let clock = SystemClock::new();
            drop(clock.sleep_until(clock.now().plus(self.0)).await);
            Ok(Response::new(Content::from_bytes("all of it")))
        }
    }

    static SENT: [u8; 100_000] = [7; 100_000];

    async fn send(delay: Duration) -> (ProgressBar, FakeTerminal, Content) {
        let terminal = FakeTerminal::default();
        let bar = delayed(ProgressDrawTarget::term_like(Box::new(terminal.clone())));
        let watched = Progress(Some(bar.clone())).watch(Arc::new(Delayed(delay)));
        let request = Request::new(Body::from(SENT.to_vec()));
        let answer = watched.send(request, &AttemptContext::new(false, Instant::NEVER)).await.unwrap();
        (bar, terminal, answer.into_body())
    }

    #[tokio::test]
    async fn only_a_call_longer_than_the_delay_shows_the_bar() {
        let (bar, terminal, content) = send(Duration::ZERO).await;
        assert!(!bar.is_finished());
        assert_eq!(content.collect(100).await.unwrap(), "all of it");
        assert!(terminal.lines().is_empty(), "{terminal:?}");
        let (bar, terminal, content) = send(DELAY * 2).await;
        assert!(!terminal.lines().is_empty() && !bar.is_finished(), "{terminal:?}");
        assert_eq!((bar.position(), bar.length()), (0, Some(9)), "the bar shows the response");
        assert_eq!(content.collect(100).await.unwrap(), "all of it");
        assert!(bar.is_finished(), "the end of the response clears the bar");
        let (bar, _, content) = send(Duration::ZERO).await;
        drop(content);
        assert!(bar.is_finished(), "dropping the response clears the bar");
    }

    /// A terminal of 80 columns that records the lines written to it.
    #[derive(Clone, Debug, Default)]
    struct FakeTerminal(Arc<Mutex<Vec<String>>>);

    impl FakeTerminal {
        fn lines(&self) -> Vec<String> {
            self.0.lock().unwrap().clone()
        }
    }

    impl indicatif::TermLike for FakeTerminal {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push(text.to_owned());
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_bar_fits_on_a_line_of_80_columns() {
        for (template, length) in [
            (WAITING, None),
            (COUNTING, None),
            (SENDING, Some(1 << 29)),
            (RECEIVING, Some(1 << 29)),
            (RECEIVING_SO_FAR, None),
        ] {
            let terminal = FakeTerminal::default();
            let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
            let bar = ProgressBar::with_draw_target(None, target);
            Progress(Some(bar.clone())).describe("100000 orders, 1000 pages");
            begin(&bar, template, length);
            bar.inc(123_456_789);
            bar.force_draw();
            let lines = terminal.lines();
            assert!(lines.iter().any(|line| line.contains("100000 orders, 1000 pages, ")), "{lines:?}");
            assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:?}");
        }
    }
}
