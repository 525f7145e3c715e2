//! Bodies: reading the form of a request within a limit, and the body of responses.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use http_body::{Body, Frame, SizeHint};

/// The largest form: the body of the largest event, percent-encoded.
const MAX_FORM_BYTES: usize = 8 * 1024 * 1024;

/// Why a form was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadError {
    TooLarge,
    Broken,
}

/// Reads a form.
pub(super) async fn read<B: Body>(body: B) -> Result<Vec<u8>, ReadError> {
    let mut body = pin!(body);
    let mut read = Vec::new();
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let frame = frame.map_err(|_| ReadError::Broken)?;
        let Ok(mut data) = frame.into_data() else {
            continue; // trailers
        };
        if read.len().saturating_add(data.remaining()) > MAX_FORM_BYTES {
            return Err(ReadError::TooLarge);
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            read.extend_from_slice(chunk);
            let length = chunk.len();
            data.advance(length);
        }
    }
    Ok(read)
}

/// The body of a response of a [`Console`](super::Console).
#[derive(Debug, Default)]
pub struct ConsoleBody {
    bytes: Option<Bytes>,
    /// Of a response to HEAD, which has another length than that of GET.
    is_head: bool,
}

impl ConsoleBody {
    pub(super) fn new(bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: Some(bytes.into()).filter(|bytes: &Bytes| !bytes.is_empty()),
            is_head: false,
        }
    }

    pub(super) fn of_head() -> Self {
        Self {
            bytes: None,
            is_head: true,
        }
    }
}

impl Body for ConsoleBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(
            self.get_mut()
                .bytes
                .take()
                .map(|bytes| Ok(Frame::data(bytes))),
        )
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.is_head {
            return SizeHint::default();
        }
        let length = self.bytes.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
    }
}
