//! What goes up and comes down, on a terminal: a bar on standard error that quick calls never show.
//!
//! It watches a [`Transport`] from outside, so that no command needs to know of it. Where nobody looks (no terminal, or
//! JSON for a program) the transport is left as it is.

use std::io::{self, IsTerminal, Read};
use std::sync::Arc;
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

/// The progress of one command: one bar, for one thing after another.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Needs a tokio runtime.
    pub(crate) fn new(format: Format) -> Self {
        let is_visible = format == Format::Table && io::stderr().is_terminal();
        Self(is_visible.then(|| late(ProgressDrawTarget::stderr())))
    }

    /// The same transport, with its progress bar.
    pub(crate) fn watch(&self, transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
        match &self.0 {
            Some(bar) => Arc::new(WatchedTransport { inner: transport, bar: bar.clone() }),
            None => transport,
        }
    }

    /// What stands before everything else from now on.
    pub(crate) fn describe(&self, what: &str) {
        if let Some(bar) = &self.0 {
            bar.set_prefix(format!("{what}, "));
        }
    }
}

/// A bar that is drawn nowhere until the command has taken long enough.
fn late(target: ProgressDrawTarget) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    let (shown, clock) = (bar.clone(), SystemClock::new());
    tokio::spawn(async move {
        drop(clock.sleep_until(clock.now().plus(DELAY)).await);
        shown.set_draw_target(target);
    });
    bar
}

/// Begins with the next thing; `length` in bytes, where it is known.
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

/// Takes the bar away when what it was about is over, or given up.
struct BarGuard(ProgressBar);

impl Drop for BarGuard {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A transport that is looked at.
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
        let request = if length < WATCHED_SIZE {
            begin(&self.bar, WAITING, None);
            request
        } else {
            begin(&self.bar, SENDING, Some(length));
            let source = |body| CountedSource { body, bar: self.bar.clone() };
            request.map(|body| Body::from_parts(vec![Part::Raw(Arc::new(source(body)))]))
        };
        let answered = self.inner.send(request, context).await?;
        Ok(answered.map(|content| {
            let length = content.len();
            begin(&self.bar, if length.is_some() { RECEIVING } else { RECEIVING_SO_FAR }, length);
            // With the end of the body goes what counts it, and the bar with that.
            let counted = content.map_frame(move |frame| {
                guard.0.inc(frame.data_ref().map_or(0, Bytes::len) as u64);
                frame
            });
            Content::new(length, counted)
        }))
    }
}

/// A request body that tells how much of it was taken, in pieces: a document in memory would otherwise go in one.
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
        // A file that is missing is told before anything is sent, as it would be without being watched.
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

    /// Reads the request and answers after a while.
    #[derive(Debug)]
    struct After(Duration);

    #[async_trait]
    impl Transport for After {
        async fn send(&self, request: Request<Body>, _: &AttemptContext) -> Result<Response<Content>, Failure> {
            let came: Vec<Bytes> = request.body().read().map(Result::unwrap).collect();
            assert!(came.iter().all(|piece| piece.len() <= 64 * 1024) && came.concat() == SENT);
            let clock = SystemClock::new();
            drop(clock.sleep_until(clock.now().plus(self.0)).await);
            Ok(Response::new(Content::from_bytes("all of it")))
        }
    }

    static SENT: [u8; 100_000] = [7; 100_000];

    async fn send(after: Duration) -> (ProgressBar, Narrow, Content) {
        let narrow = Narrow::default();
        let bar = late(ProgressDrawTarget::term_like(Box::new(narrow.clone())));
        let watched = Progress(Some(bar.clone())).watch(Arc::new(After(after)));
        let request = Request::new(Body::from(SENT.to_vec()));
        let answer = watched.send(request, &AttemptContext::new(false, Instant::NEVER)).await.unwrap();
        (bar, narrow, answer.into_body())
    }

    #[tokio::test]
    async fn what_is_answered_at_once_is_never_shown_and_what_takes_longer_is() {
        let (bar, narrow, content) = send(Duration::ZERO).await;
        assert!(!bar.is_finished());
        assert_eq!(content.collect(100).await.unwrap(), "all of it");
        assert!(narrow.lines().is_empty(), "{narrow:?}");
        let (bar, narrow, content) = send(DELAY * 2).await;
        assert!(!narrow.lines().is_empty() && !bar.is_finished(), "{narrow:?}");
        assert_eq!((bar.position(), bar.length()), (0, Some(9)), "now it is about the answer");
        assert_eq!(content.collect(100).await.unwrap(), "all of it");
        assert!(bar.is_finished(), "it is taken away with the end of the answer");
        let (bar, _, content) = send(Duration::ZERO).await;
        drop(content);
        assert!(bar.is_finished(), "and when the answer is given up");
    }

    /// A terminal of 80 columns that keeps what is written on it.
    #[derive(Clone, Debug, Default)]
    struct Narrow(Arc<Mutex<Vec<String>>>);

    impl Narrow {
        fn lines(&self) -> Vec<String> {
            self.0.lock().unwrap().clone()
        }
    }

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
            let narrow = Narrow::default();
            let target = ProgressDrawTarget::term_like(Box::new(narrow.clone()));
            let bar = ProgressBar::with_draw_target(None, target);
            Progress(Some(bar.clone())).describe("100000 orders, 1000 pages");
            begin(&bar, template, length);
            bar.inc(123_456_789);
            bar.force_draw();
            let lines = narrow.lines();
            assert!(lines.iter().any(|line| line.contains("100000 orders, 1000 pages, ")), "{lines:?}");
            assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:?}");
        }
    }
}
