//! An object as content.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use http_body::{Body, Frame};
use identkit_core::{Content, Error};
use object_store::GetResult;

use crate::sink::object::fault::storage;

/// Returns the content of an object. If it ends too early, that is an error.
pub(crate) fn content(result: GetResult, location: &str) -> Content {
    let length = result.meta.size;
    Content::new(Some(length), Reader { stream: result.into_stream(), location: location.to_owned() })
}

struct Reader {
    stream: BoxStream<'static, object_store::Result<Bytes>>,
    location: String,
}

impl Body for Reader {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let next = self.stream.as_mut().poll_next(cx);
        let failed = |error| storage("read", &self.location, &error);
        next.map(|next| next.map(|read| read.map(Frame::data).map_err(failed)))
    }
}
