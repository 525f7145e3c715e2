//! A delivery as a row of the table, a line, or JSON.

use std::time::Duration;

use lark_events_sim::{Answer, ApiCall, Attempt, Missing, Mode};
use serde_json::{Value, json};

use super::history::Delivery;
use crate::console::web::masked::Masks;
use crate::figures::time;

/// The length of the longest answer text.
const ANSWER_WIDTH: usize = 17;

/// A delivery after its last attempt.
#[derive(Debug)]
pub(crate) struct Row {
    /// Counts from 1.
    pub(crate) number: usize,
    pub(crate) event_type: String,
    pub(crate) event_id: String,
    pub(crate) mode: Mode,
    /// The delivery that this one repeats.
    pub(crate) replay_of: Option<usize>,
    /// The last one.
    pub(crate) attempt: Option<Attempt>,
    /// The delay before the event is sent again, counted from the end of its last attempt.
    pub(crate) again: Option<Duration>,
    pub(crate) acknowledged: bool,
    /// Whether the delivery has ended.
    pub(crate) ended: bool,
}

impl Row {
    pub(crate) fn of(delivery: &Delivery) -> Self {
        Self {
            number: delivery.number,
            event_type: delivery.event_type.clone(),
            event_id: delivery.event_id.clone(),
            mode: delivery.mode,
            replay_of: delivery.replay_of,
            attempt: delivery.attempts.last().cloned(),
            again: delay(delivery),
            acknowledged: delivery.acknowledged,
            ended: delivery.ended,
        }
    }

    /// The line, in the columns of [`heading`].
    pub(crate) fn line(&self) -> String {
        let number = format!("#{}", self.number);
        let (attempt, answer, took) = match &self.attempt {
            None => (String::new(), "pending".to_owned(), String::new()),
            Some(attempt) => {
                let copy = if attempt.copy { " copy" } else { "" };
                (
                    format!("{}{copy}", attempt.number),
                    answer_text(&attempt.answer),
                    time(attempt.took),
                )
            }
        };
        columns([
            &number,
            mode_name(self.mode),
            &attempt,
            &answer,
            &took,
            &self.event_type,
        ])
    }

    /// What follows the line of a delivery that repeats another one.
    pub(crate) fn remark(&self) -> Option<String> {
        self.replay_of.map(|number| format!("replay of #{number}"))
    }

    pub(crate) fn json(&self) -> Option<Value> {
        let attempt = self.attempt.as_ref()?;
        let mut row = json!({
            "kind": "delivery",
            "push": self.number,
            "event_type": self.event_type,
            "event_id": self.event_id,
            "transport": mode_name(self.mode),
            "attempt": attempt.number,
            "redelivery": attempt.number > 1,
            "copy": attempt.copy,
            "accepted": attempt.accepted(),
            "answer": answer_text(&attempt.answer),
            "code": code(&attempt.answer),
            "missing": missing(&attempt.answer),
            "after_ms": attempt.after.as_secs_f64() * 1e3,
            "took_ms": attempt.took.as_secs_f64() * 1e3,
        });
        if let Some(number) = self.replay_of {
            row["replay_of"] = number.into();
        }
        Some(row)
    }
}

fn delay(delivery: &Delivery) -> Option<Duration> {
    delivery.next_attempt()?;
    let last = delivery.attempts.iter().rfind(|attempt| !attempt.copy)?;
    Some(last.next?.saturating_sub(last.after + last.took))
}

/// A call of the API as a line of the table.
pub(crate) fn call_line(call: &ApiCall, masks: &Masks) -> String {
    let what = format!("{} {}", call.method, masks.text(&call.path));
    columns(["", "API call", "", &call_answer(call), "", &what])
}

/// The answer to a call of the API, at most as wide as its column.
pub(super) fn call_answer(call: &ApiCall) -> String {
    match (call.is_answered, call.code, call.status) {
        (false, ..) => "no answer".to_owned(),
        (_, Some(code), _) => format!("code {code}"),
        (_, None, Some(status)) => status.as_u16().to_string(),
        (_, None, None) => String::new(),
    }
}

pub(crate) fn call_json(call: &ApiCall, masks: &Masks) -> Value {
    json!({
        "kind": "api-call",
        "method": call.method.as_str(),
        "path": masks.text(&call.path),
        "status": call.status.map(|status| status.as_u16()),
        "code": call.code,
        "answered": call.is_answered,
        "message_id": call.message_id,
        "message": message(call, masks),
    })
}

/// The message that a call sends: its type and content. Other bodies may contain secrets.
fn message(call: &ApiCall, masks: &Masks) -> Option<Value> {
    call.message_id.as_ref()?;
    let sent = call.json();
    let content = masks.json(sent.get("content")?.as_str()?, |_| false);
    let content: Value = serde_json::from_str(content.as_str()).ok()?;
    Some(json!({"type": sent.get("msg_type"), "content": content}))
}

/// The titles of the columns.
pub(crate) fn heading() -> String {
    columns(["#", "by", "attempt", "answer", "took", "event"])
}

fn columns([number, by, attempt, answer, took, event]: [&str; 6]) -> String {
    format!("{number:<6} {by:<15} {attempt:<7} {answer:<ANSWER_WIDTH$} {took:>7}  {event}")
}

pub(super) fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Webhook => "webhook",
        _ => "long-connection",
    }
}

/// The status of a response, or the code of an acknowledgement.
pub(crate) fn code(answer: &Answer) -> Option<i64> {
    match answer {
        Answer::Response { status, .. } => Some(status.as_u16().into()),
        Answer::Ack { code, .. } => Some(*code),
        _ => None,
    }
}

/// The stable name of the reason why there is no code.
pub(crate) fn missing(answer: &Answer) -> Option<&'static str> {
    let Answer::Missing(missing) = answer else {
        return None;
    };
    Some(match missing {
        Missing::TimedOut => "timed-out",
        Missing::NowhereToSend => "nowhere-to-send",
        Missing::ConnectionLost => "connection-lost",
        Missing::Unreachable => "unreachable",
        Missing::TooLarge => "too-large",
        _ => "other",
    })
}

/// The answer, at most as wide as its column.
pub(super) fn answer_text(answer: &Answer) -> String {
    match answer {
        Answer::Response { status, .. } => status.as_u16().to_string(),
        Answer::Ack { code, .. } => format!("ack {code}"),
        Answer::Missing(Missing::NowhereToSend) => "nowhere to send".to_owned(),
        Answer::Missing(Missing::ConnectionLost) => "connection lost".to_owned(),
        Answer::Missing(Missing::Unreachable) => "unreachable".to_owned(),
        Answer::Missing(Missing::TooLarge) => "answer too large".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_an_answer_fits_its_column_and_has_a_name() {
        for reason in [
            Missing::TimedOut,
            Missing::NowhereToSend,
            Missing::ConnectionLost,
            Missing::Unreachable,
            Missing::TooLarge,
        ] {
            let answer = Answer::Missing(reason);
            let text = answer_text(&answer);
            assert!(text.chars().count() <= ANSWER_WIDTH, "{text}");
            assert!(
                missing(&answer).is_some_and(|name| name != "other"),
                "{text}"
            );
        }
    }
}
