//! What goes up and comes down, on a terminal: a bar on standard error that quick calls never show.
//!
//! It watches a [`Transport`] from outside, so that no command needs to know of it. Where nobody looks (no terminal, or
//! JSON for a program) the transport is left as it is.

use std::fmt;
use std::io::{self, IsTerminal, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Buf, Bytes};
use http::{Request, Response};
use http_body::Frame;
use identkit_core::{BoxFuture, Clock, Content, Error, Instant, WorkGuard};
use identkit_transport::{AttemptContext, Failure, SystemClock, Transport};
use identkit_wire::{Body, BodyReader, Part, Source};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Format;

/// A command takes longer than this before it shows anything.
const DELAY: Duration = Duration::from_millis(400);

/// How often the bar is drawn anew.
const TICK: Duration = Duration::from_millis(80);

/// A request of fewer bytes is on its way before anybody could look.
const WATCHED_SIZE: u64 = 64 * 1024;

// The bar takes what the rest leaves of the line: a line that wraps could not be wiped.
const WAITING: &str = "{spinner} {prefix}waiting for the answer";
const SENDING: &str = "{prefix}sending   {wide_bar} {bytes} of {total_bytes}";
const RECEIVING: &str = "{prefix}receiving {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}";
const RECEIVING_SO_FAR: &str = "{spinner} {prefix}receiving {bytes}, {bytes_per_sec}";

/// The progress of one command.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Option<Arc<ProgressLine>>);

impl Progress {
    pub(crate) fn new(format: Format) -> Self {
        let is_visible = format == Format::Table && io::stderr().is_terminal();
        Self(is_visible.then(|| Arc::new(ProgressLine::new(ProgressDrawTarget::stderr))))
    }

    /// The same transport, with its progress line.
    pub(crate) fn watch(&self, transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
        match &self.0 {
            Some(line) => Arc::new(WatchedTransport { inner: transport, line: Arc::clone(line) }),
            None => transport,
        }
    }

    /// What stands before everything else from now on.
    pub(crate) fn describe(&self, what: &str) {
        if let Some(line) = &self.0 {
            line.bar.set_prefix(format!("{what}, "));
        }
    }
}

/// One bar, for one thing after another.
struct ProgressLine {
    bar: ProgressBar,
    target: fn() -> ProgressDrawTarget,
    clock: SystemClock,
    due: Instant,
    visible: AtomicBool,
}

impl fmt::Debug for ProgressLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProgressLine")
    }
}

impl ProgressLine {
    fn new(target: fn() -> ProgressDrawTarget) -> Self {
        let clock = SystemClock::new();
        let due = clock.now().plus(DELAY);
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self { bar, target, clock, due, visible: AtomicBool::new(false) }
    }

    /// Begins with the next thing; `length` in bytes, where it is known.
    fn begin(&self, template: &str, length: Option<u64>) {
        self.bar.reset();
        match length {
            Some(length) => self.bar.set_length(length),
            None => self.bar.unset_length(),
        }
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        self.tick();
    }

    fn tick(&self) {
        if self.visible.load(Ordering::SeqCst) {
            self.bar.enable_steady_tick(TICK);
        }
    }

    /// To be awaited beside the work: ready when it has taken long enough to be shown.
    fn delay(&self) -> Option<BoxFuture<'static, WorkGuard>> {
        (!self.visible.load(Ordering::SeqCst)).then(|| self.clock.sleep_until(self.due))
    }

    fn show(&self) {
        if !self.visible.swap(true, Ordering::SeqCst) {
            self.bar.set_draw_target((self.target)());
        }
        self.tick();
    }
}

/// Takes the bar away when what it was about is over, or given up.
struct LineGuard(Arc<ProgressLine>);

impl Drop for LineGuard {
    fn drop(&mut self) {
        self.0.bar.finish_and_clear();
    }
}

/// A transport that is looked at.
#[derive(Debug)]
struct WatchedTransport {
    inner: Arc<dyn Transport>,
    line: Arc<ProgressLine>,
}

#[async_trait]
impl Transport for WatchedTransport {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let line = &self.line;
        let guard = LineGuard(Arc::clone(line));
        let length = request.body().len();
        let request = if length < WATCHED_SIZE {
            line.begin(WAITING, None);
            request
        } else {
            line.begin(SENDING, Some(length));
            let source = |body| CountedSource { body, line: Arc::clone(line) };
            request.map(|body| Body::from_parts(vec![Part::Raw(Arc::new(source(body)))]))
        };
        let mut sending = self.inner.send(request, context);
        let answered = match line.delay() {
            None => sending.await,
            Some(delay) => tokio::select! {
                biased;
                answered = &mut sending => answered,
                _ = delay => {
                    line.show();
                    sending.await
                }
            },
        };
        Ok(answered?.map(|content| {
            let length = content.len();
            line.begin(if length.is_some() { RECEIVING } else { RECEIVING_SO_FAR }, length);
            Content::new(length, CountedBody { content, delay: line.delay(), guard: Some(guard) })
        }))
    }
}

/// A request body that tells how much of it was taken, in pieces: a document in memory would otherwise go in one.
#[derive(Debug)]
struct CountedSource {
    body: Body,
    line: Arc<ProgressLine>,
}

impl Source for CountedSource {
    fn len(&self) -> u64 {
        self.body.len()
    }

    fn in_memory(&self) -> bool {
        self.body.in_memory()
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        // A file that is missing is told before anything is sent, as it would be without being watched.
        self.body.openable()?;
        self.line.bar.set_position(0);
        Ok(Box::new(CountingReader { chunks: self.body.read(), rest: Bytes::new(), line: Arc::clone(&self.line) }))
    }
}

struct CountingReader {
    chunks: BodyReader,
    rest: Bytes,
    line: Arc<ProgressLine>,
}

impl Read for CountingReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.chunks.next().transpose()? {
                Some(chunk) => self.rest = chunk,
                None => {
                    self.line.begin(WAITING, None);
                    return Ok(0);
                }
            }
        }
        let count = self.rest.as_ref().read(into)?;
        self.rest.advance(count);
        self.line.bar.inc(count as u64);
        Ok(count)
    }
}

/// An answer that tells how much of it came.
struct CountedBody {
    content: Content,
    delay: Option<BoxFuture<'static, WorkGuard>>,
    guard: Option<LineGuard>,
}

impl http_body::Body for CountedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.content).poll_frame(cx);
        let ended = matches!(polled, Poll::Ready(None | Some(Err(_))));
        if let (Poll::Ready(Some(Ok(frame))), Some(line)) = (&polled, &self.guard) {
            line.0.bar.inc(frame.data_ref().map_or(0, Bytes::len) as u64);
        }
        if ended {
            self.guard = None;
        } else if let Some(delay) = &mut self.delay
            && delay.as_mut().poll(cx).is_ready()
        {
            self.delay = None;
            if let Some(line) = &self.guard {
                line.0.show();
            }
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the request and answers after a while.
    #[derive(Debug)]
    struct After(Duration);

    #[async_trait]
    impl Transport for After {
        async fn send(&self, request: Request<Body>, _: &AttemptContext) -> Result<Response<Content>, Failure> {
            let came: Vec<Bytes> = request.body().read().map(Result::unwrap).collect();
            assert!(came.iter().all(|piece| piece.len() <= 64 * 1024) && came.concat() == SENT);
            if !self.0.is_zero() {
                let clock = SystemClock::new();
                clock.sleep_until(clock.now().plus(self.0)).await;
            }
            Ok(Response::new(Content::from_bytes("all of it")))
        }
    }

    static SENT: [u8; 100_000] = [7; 100_000];

    async fn send(after: Duration) -> (Arc<ProgressLine>, Content) {
        let line = Arc::new(ProgressLine::new(ProgressDrawTarget::hidden));
        let progress = Progress(Some(Arc::clone(&line)));
        let watched = progress.watch(Arc::new(After(after)));
        let request = Request::new(Body::from(SENT.to_vec()));
        let answer = watched.send(request, &AttemptContext::new(false, Instant::NEVER)).await.unwrap();
        (line, answer.into_body())
    }

    #[tokio::test]
    async fn what_is_answered_at_once_is_never_shown_and_what_takes_longer_is() {
        let (line, content) = send(Duration::ZERO).await;
        assert_eq!(content.collect(100).await.unwrap(), "all of it");
        assert!(!line.visible.load(Ordering::SeqCst) && line.due.0 >= DELAY);
        let (line, content) = send(DELAY * 2).await;
        assert!(line.visible.load(Ordering::SeqCst) && !line.bar.is_finished());
        assert_eq!((line.bar.position(), line.bar.length()), (0, Some(9)), "now it is about the answer");
        assert_eq!(content.collect(100).await.unwrap(), "all of it");
        assert!(line.bar.is_finished(), "it is taken away with the end of the answer");
    }

    /// A terminal of 80 columns that keeps what is written on it.
    #[derive(Clone, Debug, Default)]
    struct Narrow(Arc<std::sync::Mutex<Vec<String>>>);

    impl indicatif::TermLike for Narrow {
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
    fn what_is_shown_fits_on_a_line_of_80_columns() {
        for (template, length) in
            [(WAITING, None), (SENDING, Some(1 << 29)), (RECEIVING, Some(1 << 29)), (RECEIVING_SO_FAR, None)]
        {
            let line = Arc::new(ProgressLine::new(ProgressDrawTarget::hidden));
            Progress(Some(Arc::clone(&line))).describe("100000 orders, 1000 pages");
            let narrow = Narrow::default();
            line.bar.set_draw_target(ProgressDrawTarget::term_like(Box::new(narrow.clone())));
            line.begin(template, length);
            line.bar.inc(123_456_789);
            line.bar.force_draw();
            let lines = narrow.0.lock().unwrap();
            assert!(lines.iter().any(|line| line.contains("100000 orders, 1000 pages, ")), "{lines:?}");
            assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:?}");
        }
    }

    #[tokio::test]
    async fn what_is_given_up_is_not_shown_any_longer() {
        let (line, content) = send(Duration::ZERO).await;
        assert!(!line.bar.is_finished());
        drop(content);
        assert!(line.bar.is_finished());
    }
}
