//! Cases of load and malformed requests, which a webhook has to withstand from any sender.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Interval, interval, sleep};

use super::answer::accepted;
use super::authenticity::forge;
use super::delivery::soon;
use super::probe::{Probe, unsigned};
use crate::finding::Finding;
use crate::webhook::answer::{Posted, hangs};

/// More than the threads of a small pool.
const SLOW_SENDERS: usize = 16;
/// The `Content-Length` of a slow sender.
const SLOW_BYTES: u64 = 4000;
const PAUSE: Duration = Duration::from_millis(100);

const OVERSIZE: usize = 8 * 1024 * 1024;
/// Enough time for a large body on a slow line.
const OVERSIZE_LIMIT: Duration = Duration::from_secs(30);

/// Deeper than a recursive parser can go.
const DEPTH: usize = 100_000;

pub(crate) async fn junk(probe: &Probe) -> Finding {
    let deep = "[".repeat(DEPTH);
    let bodies: [(&str, &[u8]); 9] = [
        ("no body", b""),
        ("not JSON", b"{"),
        ("null", b"null"),
        ("a list", b"[]"),
        ("a string", b"\"text\""),
        ("an empty object", b"{}"),
        ("not UTF-8", b"{\"encrypt\":\"\xff\"}"),
        (
            "another type",
            br#"{"encrypt":1,"schema":[],"header":"","type":{}}"#,
        ),
        ("100,000 brackets", deep.as_bytes()),
    ];
    let mut findings = Vec::new();
    for (what, body) in bodies {
        let mut request = unsigned(probe.event());
        *request.body_mut() = Bytes::copy_from_slice(body);
        let advice = "accept only requests with a valid signature or token";
        let posted = probe.post(request).await;
        findings.push(probe.judge(&posted, advice).of(what));
        if hangs(&posted) {
            break;
        }
    }
    Finding::worst("nine bodies", findings)
}

pub(crate) async fn get(probe: &Probe) -> Finding {
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = Method::GET;
    let advice =
        "answer 405: requests of browsers and scanners should not count as errors of the app";
    match probe.post(request).await {
        Ok(answer) if answer.status.is_success() => Finding::warn(answer.to_string(), advice),
        Ok(answer) if answer.status.is_server_error() => Finding::fail(answer.to_string(), advice),
        Ok(answer) => Finding::pass(answer.to_string()),
        Err(missing) => Finding::fail(missing.to_string(), advice),
    }
}

pub(crate) async fn slow_bodies(probe: &Probe) -> Finding {
    let (begun, mut begins) = mpsc::channel(SLOW_SENDERS);
    let mut senders = JoinSet::new();
    for _ in 0..SLOW_SENDERS {
        let request = forge(probe.event()).map(|_| Trickle(interval(PAUSE)));
        let (client, begun) = (probe.client.clone(), begun.clone());
        senders.spawn(async move {
            let connected = client.connect().await;
            let _ = begun.send(connected.is_ok()).await;
            // Until the webhook answers or cuts it off, or this case ends.
            if let Ok(connection) = connected {
                let _ = connection.send(request).await;
            }
        });
    }
    let mut connected = 0;
    for _ in 0..SLOW_SENDERS {
        connected += usize::from(begins.recv().await.unwrap_or_default());
    }
    // Time for the first bytes to arrive, so that the webhook waits for the rest.
    sleep(PAUSE).await;
    let posted = probe.post(probe.event()).await;
    senders.shutdown().await;
    beside(connected, &posted)
}

/// A body that comes byte by byte.
struct Trickle(Interval);

impl Body for Trickle {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        ready!(self.0.poll_tick(cx));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"{")))))
    }

    /// Sets the `Content-Length`.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(SLOW_BYTES)
    }
}

/// Judges the answer to an event while as many slow bodies are being sent.
fn beside(connected: usize, posted: &Posted) -> Finding {
    let advice = "serve requests concurrently, and bound the time to read a body, in the app or \
        in a proxy";
    let which = format!("an event beside {connected} slow bodies");
    match posted {
        Ok(answer) if answer.status == StatusCode::OK => {
            let finding = soon(answer.took, &which, advice);
            if connected < SLOW_SENDERS {
                let advice = "run the case again: not all slow senders could connect";
                return Finding::warn(finding.seen, advice);
            }
            finding
        }
        posted => accepted(posted, advice).of(&which),
    }
}

pub(crate) async fn oversize(probe: &Probe) -> Finding {
    let mut document = probe.document();
    if let Some(members) = document.as_object_mut() {
        members.insert("padding".to_owned(), "x".repeat(OVERSIZE).into());
    }
    let request = probe.app().request(document);
    let advice = "limit the size of bodies that the app reads; otherwise any sender chooses it";
    match probe.client.send(request, OVERSIZE_LIMIT).await {
        Ok(answer) if answer.status.is_success() => Finding::warn(answer.to_string(), advice),
        Ok(answer) => Finding::pass(answer.to_string()),
        Err(missing) if missing.is_closed() => Finding::pass(missing.to_string()),
        Err(missing) => Finding::fail(missing.to_string(), advice),
    }
}

pub(crate) async fn still_serves(probe: &Probe) -> Finding {
    let advice = "one of the cases above stopped the webhook: run them one by one with --only";
    accepted(&probe.post(probe.event()).await, advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Verdict;
    use crate::webhook::answer::Answer;

    #[test]
    fn slow_bodies_that_could_not_connect_show_nothing() {
        let posted = Ok(Answer {
            status: StatusCode::OK,
            content_type: String::new(),
            body: Bytes::new(),
            took: Duration::ZERO,
        });
        assert_eq!(beside(SLOW_SENDERS, &posted).verdict, Verdict::Pass);
        for connected in [0, SLOW_SENDERS - 1] {
            assert_eq!(beside(connected, &posted).verdict, Verdict::Warn);
        }
    }
}
