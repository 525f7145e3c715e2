//! A platform with an app, and the checks that both transports share.

use http::StatusCode;
use lark_events::BoxError;
use lark_events_sim::{Answer, Attempt, Platform};
use serde_json::Value;

use crate::app::{App, Sdk};
use crate::documents::{Pushed, reply};
use crate::table::{Outcome, Seen, ensure};

pub(crate) struct Scene {
    pub(crate) platform: Platform,
    pub(crate) app: App,
}

impl Scene {
    /// An event reaches its handler unchanged, and is acknowledged at the first attempt.
    pub(crate) async fn takes(&mut self, pushed: Result<Pushed, BoxError>) -> Outcome {
        let pushed = pushed?;
        let push = self.platform.push(pushed.document.clone());
        let event_id = push.event_id().to_owned();
        let report = push.await;
        let seen = shown(&report.attempts);
        let right = report.acknowledged() && report.attempts.len() == 1;
        ensure(right, || seen.clone())?;
        let (event, before) = self.app.until_event(&event_id).await?;
        ensure(before.is_empty(), || {
            format!("before it happened: {} other", before.len())
        })?;
        ensure(pushed.is_in(&event["body"]), not_whole)?;
        let event_type = event["event_type"].as_str().unwrap_or_default();
        Ok(Seen::Right(format!("whole, as {event_type}; {seen}")))
    }

    /// The platform receives the reply that the handler of a callback returns.
    pub(crate) async fn replies(&mut self) -> Outcome {
        let pushed = Pushed::callback()?;
        let got = self.platform.push_callback(pushed.document.clone()).await?;
        let event = self.app.until("event").await?;
        ensure(pushed.is_in(&event["body"]), not_whole)?;
        let right = got.decode::<Value>()? == reply();
        ensure(right, || got.as_str().to_owned())?;
        Ok(Seen::Right(got.as_str().to_owned()))
    }

    /// An event is redelivered if its handler fails, and acknowledged if the handler then succeeds.
    pub(crate) async fn fails_once(&mut self) -> Outcome {
        let pushed = Pushed::event_with("fails_once", true)?;
        let push = self.platform.push(pushed.document);
        let event_id = push.event_id().to_owned();
        let report = push.await;
        let seen = shown(&report.attempts);
        let accepted: Vec<_> = report.attempts.iter().map(Attempt::accepted).collect();
        ensure(accepted == [false, true], || seen.clone())?;
        self.app.until_event(&event_id).await?;
        let (_, between) = self.app.until_event(&event_id).await?;
        Ok(match thrown(&between) {
            Some(error) => Seen::Own(format!("the adapter throws {error}; {seen}")),
            None => Seen::Right(seen),
        })
    }

    /// The right answer to an event without a handler is not documented. The Python SDK fails such an event,
    /// and the Node SDK acknowledges it.
    pub(crate) async fn unhandled(&mut self, sdk: &Sdk) -> Outcome {
        let report = self.platform.push(Pushed::unhandled()?.document).await;
        let seen = shown(&report.attempts);
        let right = report.acknowledged() == sdk.is_node();
        ensure(right, || seen.clone())?;
        Ok(Seen::Right(seen))
    }
}

fn not_whole() -> String {
    "the handler saw something else".to_owned()
}

/// The error that the adapter of the Node SDK threw. The app caught it and answered.
pub(crate) fn thrown(happened: &[Value]) -> Option<String> {
    let mut thrown = happened.iter().filter(|it| it["happened"] == "thrown");
    Some(thrown.next()?["error"].as_str()?.to_owned())
}

/// The answers to all attempts. Equal answers in a row are counted.
pub(crate) fn shown(attempts: &[Attempt]) -> String {
    let mut runs: Vec<(String, usize)> = Vec::new();
    for attempt in attempts {
        let answer = answered(&attempt.answer);
        match runs.last_mut() {
            Some((last, times)) if *last == answer => *times += 1,
            _ => runs.push((answer, 1)),
        }
    }
    let shown = runs.into_iter().map(|(answer, times)| match times {
        1 => answer,
        _ => format!("{times} times {answer}"),
    });
    shown.collect::<Vec<_>>().join(", then ")
}

fn answered(answer: &Answer) -> String {
    match answer {
        Answer::Ack {
            code,
            reply: Some(reply),
            ..
        } => format!("ack {code} {}", String::from_utf8_lossy(reply)),
        Answer::Ack { code, .. } => format!("ack {code}"),
        Answer::Response { status, body, .. } => responded(*status, body),
        other => other.to_string(),
    }
}

pub(crate) fn responded(status: StatusCode, body: &[u8]) -> String {
    let status = status.as_u16();
    match String::from_utf8_lossy(body) {
        body if body.is_empty() => format!("{status} and nothing else"),
        body => format!("{status} {body}"),
    }
}
