//! Cases of what a webhook has to stand, whoever sends it.

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
use super::finding::Finding;
use super::probe::{Probe, unsigned};
use crate::webhook::answer::{Posted, hangs};

/// More than a small pool of threads has.
const SLOW_SENDERS: usize = 16;
/// What a slow sender says that it will send.
const SLOW_BYTES: u64 = 4000;
const PAUSE: Duration = Duration::from_millis(100);

const OVERSIZE: usize = 8 * 1024 * 1024;
/// Enough for that to go over a slow line.
const OVERSIZE_LIMIT: Duration = Duration::from_secs(30);

/// Deeper than a parser that calls itself can go.
const DEPTH: usize = 100_000;

pub(crate) async fn junk(probe: &Probe) -> Finding {
    let deep = "[".repeat(DEPTH);
    let bodies: [(&str, &[u8]); 9] = [
        ("no body", b""),
        ("no JSON", b"{"),
        ("null", b"null"),
        ("a list", b"[]"),
        ("a text", b"\"text\""),
        ("an empty object", b"{}"),
        ("no UTF-8", b"{\"encrypt\":\"\xff\"}"),
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
        let advice =
            "let in what the signature or the token shows to be the platform's, and nothing else";
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
        "answer 405: browsers and scanners come by, and an error of theirs is none of yours";
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
    // Time for the first bytes to arrive and to be waited on.
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

    /// Which is what the head of the request says.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(SLOW_BYTES)
    }
}

/// Judges the answer to an event while as many slow bodies are being sent.
fn beside(connected: usize, posted: &Posted) -> Finding {
    let advice = "serve requests at once with a bound on the time to read a body, here or in a proxy before it";
    let which = format!("an event beside {connected} slow bodies");
    match posted {
        Ok(answer) if answer.status == StatusCode::OK => {
            let finding = soon(answer.took, &which, advice);
            if connected < SLOW_SENDERS {
                let advice = "try again: not all of them could connect, and more may be too many";
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
    let advice = "bound what is read of a body: whoever sends decides on its size otherwise";
    match probe.client.send(request, OVERSIZE_LIMIT).await {
        Ok(answer) if answer.status.is_success() => Finding::warn(answer.to_string(), advice),
        Ok(answer) => Finding::pass(answer.to_string()),
        Err(missing) if missing.is_closed() => Finding::pass(missing.to_string()),
        Err(missing) => Finding::fail(missing.to_string(), advice),
    }
}

pub(crate) async fn still_serves(probe: &Probe) -> Finding {
    let advice = "one of the cases above has brought it down: run them one by one with --only";
    accepted(&probe.post(probe.event()).await, advice)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;
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
