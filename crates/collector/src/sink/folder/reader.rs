//! A file as content.

use std::fs::File;
use std::io::{self, Read as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use identkit_core::{Content, Error};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::sink::folder::block::BLOCK;
use crate::sink::folder::fault::{storage, task_failed};

/// Returns the content of a file of this length. Each block is read on a blocking thread when it is needed, so that a
/// content that is not read occupies no thread.
pub(crate) fn content(file: File, length: u64, location: &str) -> Content {
    Content::new(Some(length), Reader { state: State::Idle(file), location: location.to_owned() })
}

struct Reader {
    state: State,
    location: String,
}

enum State {
    Idle(File),
    Reads(JoinHandle<(File, io::Result<Vec<u8>>)>),
    Ended,
}

impl Body for Reader {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Poll::Ready(None),
                State::Idle(file) => self.state = State::Reads(spawn_blocking(move || read_block(file))),
                State::Reads(mut task) => {
                    let polled = Pin::new(&mut task).poll(cx);
                    if polled.is_pending() {
                        self.state = State::Reads(task);
                    }
                    return Poll::Ready(match ready!(polled) {
                        Err(_) => Some(Err(task_failed())),
                        Ok((_, Err(error))) => Some(Err(storage("read", &self.location, &error))),
                        Ok((_, Ok(block))) if block.is_empty() => None,
                        Ok((file, Ok(block))) => {
                            self.state = State::Idle(file);
                            Some(Ok(Frame::data(block.into())))
                        }
                    });
                }
            }
        }
    }
}

fn read_block(file: File) -> (File, io::Result<Vec<u8>>) {
    let mut block = Vec::new();
    let read = (&file).take(BLOCK as u64).read_to_end(&mut block).map(|_| block);
    (file, read)
}
