//! Bodies: reading a request body within its limits, and the body of responses.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use pin_project_lite::pin_project;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The size that every request may hold without a share of the bytes in flight: enough for all but the
/// largest events, so that large forged bodies, which may use up the shares, cannot keep typical events
/// out. The server's connections and the service's running handlers limit how many requests hold this
/// much.
pub(crate) const FREE_BYTES: usize = 16 * 1024;

/// A complete body, and its share of the bytes in flight if it has one.
#[derive(Debug)]
pub(crate) struct ReadBody {
    pub(crate) bytes: Bytes,
    pub(crate) share: Option<OwnedSemaphorePermit>,
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadError {
    /// The body is, or claims to be, longer than the limit.
    TooLarge,
    /// The limit of bytes in flight is reached.
    Overloaded,
    /// The sender closed the connection early.
    Broken,
}

/// Reads at most `limit` bytes. Bytes beyond [`FREE_BYTES`] take their share of `in_flight` before they
/// are kept.
pub(crate) async fn read<B: Body>(
    mut body: Pin<&mut B>,
    limit: usize,
    in_flight: &Arc<Semaphore>,
) -> Result<ReadBody, ReadError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(ReadError::TooLarge);
    }
    let mut share: Option<OwnedSemaphorePermit> = None;
    let mut whole = Whole::Empty;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ReadError::Broken)?;
        let Ok(mut data) = frame.into_data() else {
            continue; // trailers
        };
        let length = whole.len().saturating_add(data.remaining());
        if length > limit {
            return Err(ReadError::TooLarge);
        }
        let owed = length.saturating_sub(FREE_BYTES);
        if owed > 0 {
            match &mut share {
                Some(share) => {
                    let owed = owed.saturating_sub(share.num_permits());
                    share.merge(reserve(in_flight, owed)?);
                }
                None => share = Some(reserve(in_flight, owed)?),
            }
        }
        let chunk = data.copy_to_bytes(data.remaining());
        whole = whole.append(chunk, announced.min(FREE_BYTES));
    }
    Ok(ReadBody {
        bytes: whole.into_bytes(),
        share,
    })
}

fn reserve(in_flight: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, ReadError> {
    let bytes = u32::try_from(bytes).map_err(|_| ReadError::TooLarge)?;
    Arc::clone(in_flight)
        .try_acquire_many_owned(bytes)
        .map_err(|_| ReadError::Overloaded)
}

/// The bytes read so far. A body that arrives in one piece, as most do, is never copied.
enum Whole {
    Empty,
    One(Bytes),
    Many(BytesMut),
}

impl Whole {
    fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::One(bytes) => bytes.len(),
            Self::Many(bytes) => bytes.len(),
        }
    }

    fn append(self, chunk: Bytes, capacity: usize) -> Self {
        let mut joined = match self {
            Self::Empty => return Self::One(chunk),
            Self::One(first) => {
                let mut joined = BytesMut::with_capacity(capacity);
                joined.extend_from_slice(&first);
                joined
            }
            Self::Many(joined) => joined,
        };
        joined.extend_from_slice(&chunk);
        Self::Many(joined)
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::Empty => Bytes::new(),
            Self::One(bytes) => bytes,
            Self::Many(bytes) => bytes.freeze(),
        }
    }
}

pin_project! {
    /// The body of a response: of an [`EventService`](crate::EventService), or, with
    /// [`EventLayer`](crate::EventLayer), of the wrapped service.
    #[derive(Debug)]
    pub struct ResponseBody<B = Never> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = KindProjection]
    enum Kind<B> {
        Ours { ours: Full<Bytes> },
        Theirs { #[pin] theirs: B },
    }
}

/// The body type of a service that is not wrapped: it has no values.
#[derive(Debug)]
pub enum Never {}

impl Body for Never {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match *self {}
    }
}

impl<B> ResponseBody<B> {
    pub(crate) fn new(bytes: impl Into<Bytes>) -> Self {
        Self {
            kind: Kind::Ours {
                ours: Full::new(bytes.into()),
            },
        }
    }

    pub(crate) fn theirs(theirs: B) -> Self {
        Self {
            kind: Kind::Theirs { theirs },
        }
    }
}

impl ResponseBody {
    /// The same body, converted to the type of a layer over a service with other bodies.
    pub(crate) fn beside<B>(self) -> ResponseBody<B> {
        let Kind::Ours { ours } = self.kind;
        ResponseBody {
            kind: Kind::Ours { ours },
        }
    }
}

impl<B: Body<Data = Bytes>> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            KindProjection::Theirs { theirs } => theirs.poll_frame(context),
            KindProjection::Ours { ours } => Pin::new(ours).poll_frame(context).map(|frame| {
                let never = |never: Infallible| match never {};
                frame.map(|frame| frame.map_err(never))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Ours { ours } => ours.is_end_stream(),
            Kind::Theirs { theirs } => theirs.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Ours { ours } => ours.size_hint(),
            Kind::Theirs { theirs } => theirs.size_hint(),
        }
    }
}
