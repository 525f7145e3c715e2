//! Messages that were sent, and what came back for them.

use std::collections::{HashMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use lark_events_ws::frame::{Frame, Header, header};
use serde::Deserialize;
use tokio::sync::oneshot;

use super::message::Message;
use crate::attempt::{Answer, Missing};
use crate::violation::ViolationKind;

/// Messages remembered after their end, to tell a late answer from one to nothing.
const MAX_REMEMBERED: usize = 4096;

#[derive(Default)]
pub(crate) struct Pending {
    messages: HashMap<String, Sent>,
    ended: VecDeque<String>,
}

struct Sent {
    connection: u64,
    frames: Vec<Ids>,
    /// How often the client may answer: as often as it had the message as a whole.
    answers_left: usize,
    waiter: Option<oneshot::Sender<Answer>>,
    timed_out: bool,
}

/// What an answer repeats of a frame.
struct Ids {
    seq_id: u64,
    log_id: u64,
    service: i32,
    headers: Vec<Header>,
}

/// What an answer meant.
pub(crate) enum Acked {
    InTime,
    /// The message had timed out.
    Late,
}

impl Pending {
    /// Waits for the answer to a message from now on.
    pub(crate) fn expect(
        &mut self,
        message: &Message,
        connection: u64,
    ) -> oneshot::Receiver<Answer> {
        let (waiter, answer) = oneshot::channel();
        let ids = |frame: &Frame| Ids {
            seq_id: frame.seq_id,
            log_id: frame.log_id,
            service: frame.service,
            headers: frame.headers.clone(),
        };
        let frames: Vec<_> = message.frames.iter().map(ids).collect();
        let whole = message
            .frames
            .iter()
            .all(|frame| frame.header(header::SUM) == Some("1"));
        let sent = Sent {
            connection,
            // A message of one frame that comes twice is two; of a fragment, only one is.
            answers_left: if whole { frames.len() } else { 1 },
            frames,
            waiter: Some(waiter),
            timed_out: false,
        };
        self.messages.insert(message.id.clone(), sent);
        answer
    }

    /// Nobody waits for the answer any more.
    pub(crate) fn time_out(&mut self, id: &str) {
        if let Some(sent) = self.messages.get_mut(id) {
            sent.waiter = None;
            sent.timed_out = true;
            self.remember(id.to_owned());
        }
    }

    /// Ends all that waits for answers of a connection.
    pub(crate) fn lost(&mut self, connection: u64) {
        self.messages.retain(|_, sent| {
            let lost = sent.connection == connection;
            if let Some(waiter) = sent.waiter.take_if(|_| lost) {
                let _ = waiter.send(Missing::ConnectionLost.into());
            }
            !lost
        });
    }

    /// Takes an answer.
    pub(crate) fn acked(&mut self, connection: u64, ack: &Frame) -> Result<Acked, ViolationKind> {
        let id = ack
            .header(header::MESSAGE_ID)
            .ok_or(ViolationKind::NoMessageId)?;
        let sent = self
            .messages
            .get_mut(id)
            .filter(|sent| sent.connection == connection);
        let sent = sent.ok_or_else(|| ViolationKind::UnknownMessage(id.to_owned()))?;
        if !sent.frames.iter().any(|ids| ids.are_in(ack)) {
            return Err(ViolationKind::Altered(id.to_owned()));
        }
        let (code, reply) = read(ack).ok_or_else(|| ViolationKind::BadAnswer(id.to_owned()))?;
        let left = sent.answers_left.checked_sub(1);
        sent.answers_left = left.ok_or_else(|| ViolationKind::AnsweredTwice(id.to_owned()))?;

        let biz_rt = ack
            .header(header::BIZ_RT)
            .and_then(|time| time.parse().ok());
        let late = sent.timed_out;
        if let Some(waiter) = sent.waiter.take() {
            let _ = waiter.send(Answer::Ack {
                code,
                reply,
                biz_rt,
            });
            self.remember(id.to_owned());
        }
        if code == 200 && biz_rt.is_none() {
            return Err(ViolationKind::NoHandlerTime(id.to_owned()));
        }
        Ok(if late { Acked::Late } else { Acked::InTime })
    }

    /// Keeps an ended message for a while.
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
