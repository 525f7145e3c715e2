//! Server-Sent Events: changes in batches, from a position on, so that a client that reconnects gets each
//! change once.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::unfold;
use http::header::CONTENT_TYPE;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

/// The time from a change until it is sent, so that a busy source makes few events.
const BATCH: Duration = Duration::from_millis(100);
/// The longest silence: proxies and browsers close connections that seem dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// When to reconnect, in milliseconds.
const START: &str = "retry: 1000\n\n";

/// The most open streams, so that they leave places for other connections.
pub(crate) const MAX_STREAMS: usize = 32;

/// The places of streams.
#[derive(Clone)]
pub(crate) struct Places(Arc<Semaphore>);

/// The place of one stream.
pub(crate) struct Place(
    #[expect(dead_code, reason = "free when it is dropped")] OwnedSemaphorePermit,
);

impl Places {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(MAX_STREAMS)))
    }

    /// A place, unless all are taken.
    pub(crate) fn take(&self) -> Option<Place> {
        let permit = Arc::clone(&self.0).try_acquire_owned().ok()?;
        Some(Place(permit))
    }
}

/// A place in the changes of one run of a server: the `id` of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) run: u64,
    pub(crate) revision: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.run, self.revision)
    }
}

impl FromStr for Position {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('-').and_then(|(run, revision)| {
            Some(Self {
                run: run.parse().ok()?,
                revision: revision.parse().ok()?,
            })
        });
        parsed.ok_or_else(|| {
            "expected the id of an event, such as 1764500000000000-12, as the position after which to \
             resume"
                .to_owned()
        })
    }
}

/// An event as it is sent.
pub(crate) fn event(name: &str, position: Position, data: &str) -> String {
    let mut event = format!("event: {name}\nid: {position}\n");
    for line in data.split(['\n', '\r']) {
        event.push_str("data: ");
        event.push_str(line);
        event.push('\n');
    }
    event.push('\n');
    event
}

/// Sends what `changes` returns: at once, and after each change of `revisions`. The place is free again when the
/// response is dropped.
pub(crate) fn stream(
    place: Place,
    mut revisions: watch::Receiver<u64>,
    changes: impl FnMut() -> Option<String> + Send + 'static,
) -> Response {
    revisions.mark_changed();
    let source = Source {
        revisions,
        changes,
        is_started: false,
        _place: place,
    };
    let events = unfold(source, |mut source| async {
        let bytes = source.next().await?;
        Some((Ok::<_, Infallible>(bytes), source))
    });
    let headers = [(CONTENT_TYPE, "text/event-stream")];
    (headers, Body::from_stream(events)).into_response()
}

struct Source<F> {
    revisions: watch::Receiver<u64>,
    changes: F,
    is_started: bool,
    _place: Place,
}

impl<F: FnMut() -> Option<String>> Source<F> {
    async fn next(&mut self) -> Option<Bytes> {
        if !self.is_started {
            self.is_started = true;
            return Some(Bytes::from_static(START.as_bytes()));
        }
        loop {
            match timeout(KEEP_ALIVE, self.revisions.changed()).await {
                Err(_) => return Some(Bytes::from_static(b":\n\n")),
                Ok(changed) => changed.ok()?,
            }
            sleep(BATCH).await;
            self.revisions.mark_unchanged();
            if let Some(events) = (self.changes)() {
                return Some(events.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[test]
    fn a_position_is_read_as_it_is_written() {
        let position = Position {
            run: 1_764_500_000_000_000,
            revision: 12,
        };
        assert_eq!(position.to_string().parse(), Ok(position));
        for text in ["", "1", "1-", "-1", "1-2-3", "a-b", "1--2"] {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
    }

    #[test]
    fn no_data_ends_its_event() {
        let position = Position {
            run: 1,
            revision: 2,
        };
        let event = event("update", position, "a\n\nevent: b\rid: 3");
        let expected = "event: update\nid: 1-2\ndata: a\ndata: \ndata: event: b\ndata: id: 3\n\n";
        assert_eq!(event, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn changes_come_in_batches_and_silence_is_filled() {
        let (sender, revisions) = watch::channel(0_u64);
        let latest = revisions.clone();
        let places = Places::new();
        let others: Vec<_> = (1..MAX_STREAMS).map(|_| places.take().unwrap()).collect();
        let place = places.take().unwrap();
        assert!(places.take().is_none());
        let mut body =
            stream(place, revisions, move || Some(latest.borrow().to_string())).into_body();
        let mut next = async || {
            let frame = body.frame().await?.unwrap();
            Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
        };
        assert_eq!(next().await.unwrap(), START);
        assert_eq!(next().await.unwrap(), "0");
        assert_eq!(next().await.unwrap(), ":\n\n");
        for revision in 1..=3 {
            sender.send_replace(revision);
        }
        assert_eq!(next().await.unwrap(), "3");
        assert_eq!(next().await.unwrap(), ":\n\n");
        drop(sender);
        assert_eq!(next().await, None);
        drop(body);
        assert!(places.take().is_some());
        drop(others);
    }
}
