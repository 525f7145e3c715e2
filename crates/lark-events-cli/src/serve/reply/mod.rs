//! What an app replied to a callback: the toast, card or preview that its user sees, and what is wrong with
//! it by the documentation of the callback.

mod check;
mod parts;
#[cfg(test)]
mod tests;

use lark_events::RawJson;
use lark_events_sim::Answer;
use serde::Serialize;

use self::check::Check;
pub(crate) use self::parts::{Card, Preview, Toast};
use crate::document::members::Members;
use crate::document::template::OLD_CARD;
use lark_events_pages::{Layout, lay_out};

/// An answer of the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answered<'a> {
    /// By a webhook.
    Response { status: u16, body: &'a [u8] },
    /// By a long connection.
    Ack { code: i64, reply: Option<&'a [u8]> },
}

impl<'a> Answered<'a> {
    /// `None` if there was no answer.
    pub(crate) fn of(answer: &'a Answer) -> Option<Self> {
        match answer {
            Answer::Response { status, body, .. } => Some(Self::Response {
                status: status.as_u16(),
                body,
            }),
            Answer::Ack { code, reply, .. } => Some(Self::Ack {
                code: *code,
                reply: reply.as_deref(),
            }),
            _ => None,
        }
    }
}

/// A reply, as far as it can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Reply {
    pub(crate) toast: Option<Toast>,
    pub(crate) card: Option<Card>,
    pub(crate) preview: Option<Preview>,
    /// The whole reply, laid out; `None` if there is none, or it is not JSON.
    pub(crate) json: Option<String>,
    /// Sentences: what is wrong, and what is expected.
    pub(crate) problems: Vec<String>,
}

/// The events with a documented reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Callback {
    Card,
    OldCard,
    Preview,
    /// Undocumented.
    Profile,
}

impl Callback {
    fn of(event_type: &str) -> Option<Self> {
        Some(match event_type {
            "card.action.trigger" => Self::Card,
            OLD_CARD => Self::OldCard,
            "url.preview.get" => Self::Preview,
            "profile.view.get" => Self::Profile,
            _ => return None,
        })
    }

    fn is_of_a_card(self) -> bool {
        matches!(self, Self::Card | Self::OldCard)
    }
}

impl Reply {
    /// Reads the answer to an event or callback.
    pub(crate) fn read(event_type: &str, answered: Answered<'_>) -> Self {
        let body = match answered {
            Answered::Response { body, .. } => Some(body),
            Answered::Ack { reply, .. } => reply,
        };
        let json = RawJson::parse(body.unwrap_or_default().to_vec());
        let mut reply = Self {
            json: json.as_ref().ok().map(laid_out),
            ..Self::default()
        };
        let mut check = Check::default();
        match Callback::of(event_type) {
            None => {
                let members = json.ok().and_then(|json| Members::parse(json.as_str()));
                let names = ["toast", "card", "inline"];
                let is_reply = |members: Members| members.names().any(|name| names.contains(&name));
                if members.is_some_and(is_reply) {
                    check.add(format!(
                        "{event_type} is an event, not a callback: the platform ignores the reply \
                         and reads only whether the app accepted the event"
                    ));
                }
            }
            Some(callback) => match status_problem(callback, answered) {
                Some(problem) => check.add(problem),
                None => reply.examine(callback, answered, &mut check),
            },
        }
        reply.problems = check.into_problems();
        reply
    }

    fn examine(&mut self, callback: Callback, answered: Answered<'_>, check: &mut Check) {
        let body = match answered {
            Answered::Ack { reply: None, .. } => return,
            Answered::Ack {
                reply: Some(body), ..
            }
            | Answered::Response { body, .. } => body,
        };
        if callback == Callback::Profile {
            return;
        }
        let error = if callback.is_of_a_card() {
            "; the user sees error 200672"
        } else {
            ""
        };
        if body.trim_ascii().is_empty() {
            check.add(format!(
                "the body is empty: expected a JSON object, which is {{}} for a reply that changes \
                 nothing{error}"
            ));
            return;
        }
        let json = match RawJson::parse(body.to_vec()) {
            Ok(json) => json,
            Err(why) => {
                check.add(format!("the body is {why}: expected a JSON object{error}"));
                return;
            }
        };
        let Some(members) = Members::parse(json.as_str()) else {
            let kind = check::kind(&json);
            check.add(format!("the body is {kind}: expected a JSON object{error}"));
            return;
        };
        match callback {
            Callback::Card => {
                check.members("", &members, &["toast", "card"]);
                self.toast = members
                    .get("toast")
                    .and_then(|json| Toast::read(json, check));
                self.card = members
                    .get("card")
                    .and_then(|json| Card::read(json, false, check));
            }
            Callback::OldCard => {
                self.toast = members
                    .get("toast")
                    .and_then(|json| Toast::read(json, check));
                self.card = Card::read_old(members, check);
            }
            Callback::Preview => {
                check.members("", &members, &["inline", "card"]);
                self.preview = members
                    .get("inline")
                    .and_then(|json| Preview::read(json, check));
                self.card = members
                    .get("card")
                    .and_then(|json| Card::read(json, true, check));
            }
            Callback::Profile => {}
        }
    }
}

/// Why the platform does not read the reply at all.
fn status_problem(callback: Callback, answered: Answered<'_>) -> Option<String> {
    match answered {
        Answered::Response { status: 200, .. } | Answered::Ack { code: 200, .. } => None,
        Answered::Response { status, .. } => {
            let redirect = match (300..400).contains(&status) {
                true => "; a callback may not be redirected",
                false => "",
            };
            let error = match callback.is_of_a_card() {
                true => "; the user sees error 200671",
                false => "",
            };
            Some(format!(
                "expected status 200, got {status}{redirect}{error}"
            ))
        }
        Answered::Ack { code, .. } => Some(format!(
            "expected an acknowledgement with code 200, got {code}; a callback is not sent again, and \
             its user sees an error"
        )),
    }
}

fn laid_out(json: &RawJson) -> String {
    lay_out(json.as_str(), Layout::Pretty)
}
