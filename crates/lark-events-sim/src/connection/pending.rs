//! Sent messages and their answers.

use std::collections::{HashMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use lark_events_ws::frame::{Frame, Header, header};
use serde::Deserialize;
use tokio::sync::oneshot;

use super::message::Message;
use crate::attempt::{Answer, Missing};
use crate::violation::{ProtocolViolationKind, shown};

/// The messages kept after their end, to distinguish a late answer from one to an unknown message.
const MAX_REMEMBERED: usize = 4096;
/// The maximum number of answers that are kept; older ones are dropped.
pub const MAX_ACKS: usize = 4096;

/// An answer on a long connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ack {
    /// The id of the event; empty if its document has none.
    pub event_id: String,
    /// 200, or 500 for a failure.
    pub code: i64,
    /// How it counted.
    pub fate: AckFate,
}

/// How an answer counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AckFate {
    /// It was the answer to an attempt.
    Counted,
    /// It came after the limit.
    Late,
    /// It was lost on the way: [`Fault::LoseAnswer`](crate::Fault::LoseAnswer).
    Lost,
    /// It was the second answer to a message of one frame that was sent twice.
    Repeated,
}

#[derive(Default)]
pub(crate) struct Pending {
    messages: HashMap<String, Sent>,
    ended: VecDeque<String>,
    acks: VecDeque<Ack>,
}

struct Sent {
    event_id: String,
    connection: u64,
    frames: Vec<Ids>,
    /// How often the client may answer: as often as the whole message was sent.
    answers_left: usize,
    waiter: Option<oneshot::Sender<Answer>>,
    loses_answer: bool,
    timed_out: bool,
}

/// The values of a frame that an answer repeats.
struct Ids {
    seq_id: u64,
    log_id: u64,
    service: i32,
    headers: Vec<Header>,
}

/// An answer that counts, and a violation in it, if any.
pub(crate) struct Taken {
    pub(crate) fate: AckFate,
    pub(crate) violation: Option<ProtocolViolationKind>,
}

impl Pending {
    /// Registers a message of an event, to wait for its answer.
    pub(crate) fn expect(
        &mut self,
        message: &Message,
        event_id: &str,
        connection: u64,
        loses_answer: bool,
    ) -> oneshot::Receiver<Answer> {
        let (waiter, answer) = oneshot::channel();
        let ids = |frame: &Frame| Ids {
            seq_id: frame.seq_id,
            log_id: frame.log_id,
            service: frame.service,
            headers: frame.headers.clone(),
        };
        let times = |seq: usize| {
            let seq = seq.to_string();
            let frames = message.frames.iter();
            frames
                .filter(|frame| frame.header(header::SEQ) == Some(&seq))
                .count()
        };
        let sent = Sent {
            event_id: event_id.to_owned(),
            connection,
            answers_left: (0..message.sum).map(times).min().unwrap_or(0),
            frames: message.frames.iter().map(ids).collect(),
            waiter: Some(waiter),
            loses_answer,
            timed_out: false,
        };
        self.messages.insert(message.id.clone(), sent);
        answer
    }

    /// The attempt no longer waits for the answer.
    pub(crate) fn time_out(&mut self, id: &str) {
        let sent = self.messages.get_mut(id);
        if let Some(sent) = sent.filter(|sent| sent.waiter.is_some()) {
            sent.waiter = None;
            sent.timed_out = true;
            self.remember(id.to_owned());
        }
    }

    /// The message was never sent.
    pub(crate) fn forget(&mut self, id: &str) {
        self.messages.remove(id);
    }

    /// Ends all waits for answers on a connection.
    pub(crate) fn lost(&mut self, connection: u64) {
        self.messages.retain(|_, sent| {
            let lost = sent.connection == connection;
            if let Some(waiter) = sent.waiter.take_if(|_| lost) {
                let _ = waiter.send(Missing::ConnectionLost.into());
            }
            !lost
        });
        let messages = &self.messages;
        self.ended.retain(|id| messages.contains_key(id));
    }

    /// The answers kept.
    pub(crate) fn acks(&self) -> Vec<Ack> {
        self.acks.iter().cloned().collect()
    }

    /// Handles an answer.
    pub(crate) fn take(
        &mut self,
        connection: u64,
        ack: &Frame,
    ) -> Result<Taken, ProtocolViolationKind> {
        let id = ack
            .header(header::MESSAGE_ID)
            .ok_or(ProtocolViolationKind::NoMessageId)?;
        let sent = self
            .messages
            .get_mut(id)
            .filter(|sent| sent.connection == connection);
        let sent = sent.ok_or_else(|| ProtocolViolationKind::UnknownMessage(shown(id)))?;
        if !sent.frames.iter().any(|ids| ids.are_in(ack)) {
            return Err(ProtocolViolationKind::Altered(shown(id)));
        }
        let (code, reply) = read(ack).ok_or_else(|| ProtocolViolationKind::BadAnswer(shown(id)))?;
        let left = sent.answers_left.checked_sub(1);
        sent.answers_left = left.ok_or_else(|| ProtocolViolationKind::AnsweredTwice(shown(id)))?;

        let biz_rt = ack
            .header(header::BIZ_RT)
            .and_then(|time| time.parse().ok());
        let fate = match sent.waiter.take() {
            // The message stays, so that the attempt times out.
            Some(waiter) if sent.loses_answer => {
                sent.waiter = Some(waiter);
                AckFate::Lost
            }
            Some(waiter) => match waiter.send(Answer::Ack {
                code,
                reply,
                biz_rt,
            }) {
                Ok(()) => AckFate::Counted,
                // The attempt has just timed out.
                Err(_) => AckFate::Late,
            },
            None if sent.timed_out => AckFate::Late,
            None => AckFate::Repeated,
        };
        let event_id = sent.event_id.clone();
        if matches!(fate, AckFate::Counted) || matches!(fate, AckFate::Late) && !sent.timed_out {
            sent.timed_out = fate == AckFate::Late;
            self.remember(id.to_owned());
        }
        self.acks.push_back(Ack {
            event_id,
            code,
            fate,
        });
        if self.acks.len() > MAX_ACKS {
            self.acks.pop_front();
        }
        let untimed = code == 200 && biz_rt.is_none();
        let violation = untimed.then(|| ProtocolViolationKind::NoHandlerTime(shown(id)));
        Ok(Taken { fate, violation })
    }

    /// Keeps an ended message among the last ones.
    fn remember(&mut self, id: String) {
        self.ended.push_back(id);
        if self.ended.len() > MAX_REMEMBERED {
            let oldest = self.ended.pop_front().unwrap_or_default();
            self.messages.remove(&oldest);
        }
    }
}

impl Ids {
    fn are_in(&self, ack: &Frame) -> bool {
        let numbers = (self.seq_id, self.log_id, self.service, 1);
        numbers == (ack.seq_id, ack.log_id, ack.service, ack.method)
            && self
                .headers
                .iter()
                .all(|header| ack.headers.contains(header))
    }
}

/// The code of an answer, and a callback's reply.
fn read(ack: &Frame) -> Option<(i64, Option<Bytes>)> {
    #[derive(Deserialize)]
    struct Payload {
        code: i64,
        data: Option<String>,
    }
    let payload: Payload = serde_json::from_slice(ack.payload.as_deref()?).ok()?;
    let reply = payload.data.map(|data| STANDARD.decode(data)).transpose();
    Some((payload.code, reply.ok()?.map(Bytes::from)))
}
