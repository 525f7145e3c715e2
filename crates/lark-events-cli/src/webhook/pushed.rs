//! The result of posting one event: for machines, and as a line for people.

use std::borrow::Cow;
use std::io;

use http::StatusCode;
use serde::Serialize;

use super::answer::Posted;
use crate::figures::time;
use crate::output::{BAD, FAINT, GOOD, Output};
use crate::text::Text;

/// The result, for machines.
#[derive(Serialize)]
pub(crate) struct Pushed<'a> {
    pub(crate) accepted: bool,
    event_type: &'a str,
    event_id: &'a str,
    signed: bool,
    status: Option<u16>,
    millis: Option<f64>,
    body: Option<Cow<'a, str>>,
    error: Option<String>,
}

impl<'a> Pushed<'a> {
    /// The result of a request that was `signed` or not.
    pub(crate) fn new(
        event_type: &'a str,
        event_id: &'a str,
        signed: bool,
        posted: &'a Posted,
    ) -> Self {
        let answer = posted.as_ref().ok();
        Self {
            accepted: answer.is_some_and(|answer| answer.status == StatusCode::OK),
            event_type,
            event_id,
            signed,
            status: answer.map(|answer| answer.status.as_u16()),
            millis: answer.map(|answer| answer.took.as_secs_f64() * 1e3),
            body: answer.map(|answer| String::from_utf8_lossy(&answer.body)),
            error: posted.as_ref().err().map(ToString::to_string),
        }
    }

    pub(crate) fn show(&self, posted: &Posted, output: Output) -> io::Result<()> {
        if output.json {
            return output.print_json(self);
        }
        output.print(self.line(posted))?;
        match self.body.as_deref().unwrap_or_default() {
            "" => Ok(()),
            body => output.print(Text::lines(body.trim_end())),
        }
    }

    /// `accepted: 200 OK in 3.12 ms (im.message.receive_v1, 6f0d…, signed)`
    pub(crate) fn line(&self, posted: &Posted) -> Text {
        let verdict = if self.accepted {
            Text::painted(GOOD, "accepted")
        } else {
            Text::painted(BAD, "not accepted")
        };
        let what = match posted {
            Ok(answer) => format!("{} in {}", answer.status, time(answer.took)),
            Err(missing) => missing.to_string(),
        };
        let signed = if self.signed { "signed" } else { "unsigned" };
        let facts = [self.event_type, self.event_id, signed];
        let facts: Vec<_> = facts.into_iter().filter(|fact| !fact.is_empty()).collect();
        let facts = Text::painted(FAINT, format_args!("({})", facts.join(", ")));
        verdict.then(format!(": {what} ")).then(facts)
    }
}
