//! An attempt: what was sent, what came back, and what went wrong.

use http::HeaderMap;
use lark_events_sim::{Answer, Attempt, Sent};
use serde::Serialize;

use super::{Content, Moment};
use crate::console::filter::transport_name;
use crate::console::web::masked::{Masked, Masks};
use crate::serve::history::Delivery;
use crate::serve::row::{code, missing};

#[derive(Debug, Serialize)]
pub(crate) struct AttemptShown {
    pub(crate) number: usize,
    pub(crate) copy: bool,
    pub(crate) transport: &'static str,
    pub(crate) sent_at: Moment,
    pub(crate) after_ms: f64,
    pub(crate) took_ms: f64,
    pub(crate) accepted: bool,
    pub(crate) faults: Vec<String>,
    pub(crate) sent: Option<SentShown>,
    /// A text of the answer, also if there is none.
    pub(crate) answer: String,
    /// The status of a response, or the code of an acknowledgement.
    pub(crate) code: Option<i64>,
    /// The stable name of the reason why there is no answer.
    pub(crate) missing: Option<&'static str>,
    pub(crate) headers: Option<Vec<Header>>,
    /// The body of a response, or the reply in an acknowledgement.
    pub(crate) body: Option<Content>,
    /// The time of the handler as the app reports it.
    pub(crate) biz_rt: Option<i64>,
    pub(crate) error: Option<Masked>,
    #[serde(skip)]
    pub(crate) took: std::time::Duration,
}

/// What was sent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SentShown {
    Request {
        url: Masked,
        headers: Vec<Header>,
        body: Content,
    },
    Message {
        connection: Masked,
        message_id: Masked,
        fragments: usize,
    },
}

/// The name of a header, and one of its values.
#[derive(Debug, Serialize)]
pub(crate) struct Header(pub(crate) String, pub(crate) Masked);

impl AttemptShown {
    pub(crate) fn new(attempt: &Attempt, delivery: &Delivery, masks: &Masks) -> Self {
        let (mut headers, mut body, mut biz_rt) = (None, None, None);
        match &attempt.answer {
            Answer::Response {
                headers: of_response,
                body: bytes,
                ..
            } => {
                headers = Some(shown(of_response, masks));
                body = Some(Content::any(bytes, masks));
            }
            Answer::Ack {
                reply,
                biz_rt: time,
                ..
            } => {
                body = reply.as_ref().map(|reply| Content::any(reply, masks));
                biz_rt = *time;
            }
            _ => {}
        }
        Self {
            number: attempt.number,
            copy: attempt.copy,
            transport: transport_name(attempt.mode),
            sent_at: Moment::from(delivery.pushed_at).after(attempt.after),
            after_ms: attempt.after.as_secs_f64() * 1e3,
            took_ms: attempt.took.as_secs_f64() * 1e3,
            accepted: attempt.accepted(),
            faults: attempt.faults.iter().map(ToString::to_string).collect(),
            sent: attempt
                .sent
                .as_ref()
                .and_then(|sent| SentShown::new(sent, masks)),
            answer: attempt.answer.to_string(),
            code: code(&attempt.answer),
            missing: missing(&attempt.answer),
            headers,
            body,
            biz_rt,
            error: attempt.error.as_ref().map(|error| masks.short(error)),
            took: attempt.took,
        }
    }
}

impl SentShown {
    fn new(sent: &Sent, masks: &Masks) -> Option<Self> {
        match sent {
            Sent::Request {
                url, headers, body, ..
            } => Some(Self::Request {
                url: masks.short(url),
                headers: shown(headers, masks),
                body: Content::document(body, masks),
            }),
            Sent::Message {
                connection,
                message_id,
                fragments,
                ..
            } => Some(Self::Message {
                connection: masks.short(connection),
                message_id: masks.short(message_id),
                fragments: *fragments,
            }),
            _ => None,
        }
    }
}

fn shown(headers: &HeaderMap, masks: &Masks) -> Vec<Header> {
    let headers = headers.iter().map(|(name, value)| {
        let name = masks.short(name.as_str()).to_string();
        Header(
            name,
            masks.short(&String::from_utf8_lossy(value.as_bytes())),
        )
    });
    headers.collect()
}
