//! A pushed event on its way, as it is shown: in a table, as a line, or as JSON.

use lark_events_sim::{Answer, Attempt, Missing, Mode};
use serde_json::{Value, json};

#[derive(Debug)]
pub(crate) struct Delivery {
    /// Counts from 1.
    pub(crate) number: usize,
    pub(crate) event_type: String,
    pub(crate) event_id: String,
    pub(crate) mode: Mode,
    /// The last one.
    pub(crate) attempt: Option<Attempt>,
    /// Whether no further attempt is to come.
    pub(crate) ended: bool,
}

impl Delivery {
    pub(crate) fn accepted(&self) -> bool {
        self.attempt.as_ref().is_some_and(Attempt::accepted)
    }

    /// As [`heading`] has it.
    pub(crate) fn line(&self) -> String {
        let number = format!("#{}", self.number);
        let (attempt, answer, took) = match &self.attempt {
            None => (String::new(), "on its way".to_owned(), String::new()),
            Some(attempt) => {
                let copy = if attempt.copy { " copy" } else { "" };
                let took = format!("{} ms", attempt.took.as_millis());
                (
                    format!("{}{copy}", attempt.number),
                    answer_text(&attempt.answer),
                    took,
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

    pub(crate) fn json(&self) -> Option<Value> {
        let attempt = self.attempt.as_ref()?;
        Some(json!({
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
            "after_ms": attempt.after.as_secs_f64() * 1e3,
            "took_ms": attempt.took.as_secs_f64() * 1e3,
        }))
    }
}

/// What the columns of a line are.
pub(crate) fn heading() -> String {
    columns(["#", "by", "attempt", "answer", "took", "event"])
}

fn columns([number, by, attempt, answer, took, event]: [&str; 6]) -> String {
    format!("{number:<6} {by:<15} {attempt:<7} {answer:<17} {took:>7}  {event}")
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Webhook => "webhook",
        _ => "long-connection",
    }
}

fn code(answer: &Answer) -> Option<i64> {
    match answer {
        Answer::Response { status, .. } => Some(status.as_u16().into()),
        Answer::Ack { code, .. } => Some(*code),
        _ => None,
    }
}

fn answer_text(answer: &Answer) -> String {
    match answer {
        Answer::Response { status, .. } => status.as_u16().to_string(),
        Answer::Ack { code, .. } => format!("ack {code}"),
        Answer::Missing(Missing::NowhereToSend) => "nowhere to send".to_owned(),
        other => other.to_string(),
    }
}
