//! One connection as a state machine: messages, outcomes and the time go in, actions come out. It does
//! no I/O, so that tests can cover every order of events.

mod purpose;
mod running;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use lark_events::limits::MAX_EVENT_BYTES;
use lark_events::{Delivery, Outcome, Transport};
use lark_events_layers::run::{CALLBACK_SLOTS, MAX_INLINE_BYTES};
use tokio::time::Instant;
use tracing::warn;

use self::purpose::Purpose;
pub(crate) use self::running::Running;
use crate::stats::Counters;
use crate::wire::assemble::{Assembler, Joined, Part, Place};
use crate::wire::config::ClientConfig;
use crate::wire::frame::{Frame, header};

/// How much longer than two ping intervals a connection may be silent before it counts as dead.
const SILENCE_GRACE: Duration = Duration::from_secs(5);

/// The maximum number of events that wait for a handler slot, whatever their size: many more than are
/// handled by their deadline.
pub(crate) const MAX_QUEUED: usize = 4096;

/// The longest id of an event in fragments; the platform's have 36 characters.
const MAX_MESSAGE_ID: usize = 256;

/// The limits of a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_running: usize,
    pub(crate) max_bytes_in_flight: usize,
    pub(crate) ack_deadline: Duration,
}

/// An action for the driver.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send a binary message.
    Send(Bytes),
    /// Start the handler of an event, which must be answered by the deadline.
    Start {
        key: u64,
        payload: Bytes,
        deadline: Instant,
    },
    /// Give up the connection, which was silent for too long.
    GiveUp,
}

/// How a handler ended.
#[derive(Debug)]
pub(crate) enum Done {
    Outcome(Outcome),
    Failed,
    /// The handler was not run: the service was not ready by the deadline, or before a drain began.
    NotStarted,
    /// The handler was cancelled; no answer is sent.
    Cancelled,
}

#[derive(Debug)]
pub(crate) struct Session {
    service: i32,
    limits: Limits,
    counters: Arc<Counters>,
    config: ClientConfig,
    running: Running,
    assembler: Assembler,
    /// The unanswered events.
    open: HashMap<u64, Open>,
    /// Events that wait for a handler slot.
    queue: VecDeque<Queued>,
    /// Callbacks that wait for a handler slot; they start before events.
    callbacks: VecDeque<Queued>,
    queued_bytes: usize,
    deadlines: BTreeSet<(Instant, u64)>,
    next_ping: Instant,
    last_heard: Instant,
    draining: bool,
    actions: VecDeque<Action>,
}

#[derive(Debug)]
struct Open {
    /// The frame of the answer, without its payload.
    answer: Frame,
    deadline: Instant,
    /// When the event was complete; later, when its handler started.
    since: Instant,
}

#[derive(Debug)]
struct Queued {
    key: u64,
    payload: Bytes,
    /// The size of the whole message.
    bytes: usize,
}

impl Session {
    /// Begins a connection of `service`. `running` may hold handlers of former connections.
    pub(crate) fn begin(
        service: i32,
        config: ClientConfig,
        limits: Limits,
        running: Running,
        counters: Arc<Counters>,
        now: Instant,
    ) -> Self {
        let mut session = Self {
            service,
            limits,
            counters,
            config,
            running,
            assembler: Assembler::default(),
            open: HashMap::new(),
            queue: VecDeque::new(),
            callbacks: VecDeque::new(),
            queued_bytes: 0,
            deadlines: BTreeSet::new(),
            next_ping: now,
            last_heard: now,
            draining: false,
            actions: VecDeque::new(),
        };
        session.ping(now);
        session
    }

    /// Ends the connection; unanswered events stay unanswered.
    pub(crate) fn end(mut self) -> (Running, ClientConfig) {
        self.counters.unsent.add(self.open.len());
        for action in self.actions {
            if let Action::Start { key, .. } = action {
                self.running.remove(key);
            }
        }
        (self.running, self.config)
    }

    /// The next action.
    pub(crate) fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`on_time`](Self::on_time) is to be called.
    pub(crate) fn next_time(&self) -> Instant {
        let times = [
            Some(self.next_ping),
            Some(self.dead_at()),
            self.deadlines.first().map(|(deadline, _)| *deadline),
            self.assembler.next_expiry(),
        ];
        times.into_iter().flatten().min().unwrap_or(self.next_ping)
    }

    /// Accepts no further events. Waiting events stay unanswered, so that the platform redelivers them.
    #[expect(clippy::arithmetic_side_effects, reason = "counted when it was added")]
    pub(crate) fn drain(&mut self, now: Instant) {
        self.draining = true;
        let callbacks = std::mem::take(&mut self.callbacks);
        for queued in callbacks.into_iter().chain(std::mem::take(&mut self.queue)) {
            self.queued_bytes -= queued.bytes;
            self.refuse(queued.key, "draining", now);
        }
    }

    /// When the platform last sent a message.
    pub(crate) fn last_heard(&self) -> Instant {
        self.last_heard
    }

    /// Whether no handler is running.
    pub(crate) fn is_idle(&self) -> bool {
        self.running.handlers.is_empty()
    }

    /// Records a message that is not a frame, such as a WebSocket ping: the peer is alive.
    pub(crate) fn on_sign_of_life(&mut self, now: Instant) {
        self.last_heard = now;
    }

    /// Handles a text message, which is invalid: all messages are binary.
    pub(crate) fn on_text(&mut self, now: Instant) {
        self.last_heard = now;
        self.ignore("a text message");
    }

    pub(crate) fn on_message(&mut self, message: Bytes, now: Instant) {
        self.last_heard = now;
        let bytes = message.len();
        let mut frame = match Frame::decode(message) {
            Ok(frame) => frame,
            Err(error) => {
                warn!(%error, "message dropped");
                self.counters.ignored.add(1);
                return;
            }
        };
        self.counters.frames.add(1);
        match Purpose::of(&frame) {
            Ok(Purpose::Pong) => self.on_pong(&frame, now),
            Ok(Purpose::Event) => {
                let payload = frame.payload.take().unwrap_or_default();
                self.on_event(frame, payload, bytes, now);
            }
            Err(what) => self.ignore(what),
        }
    }

    fn ignore(&self, what: &'static str) {
        warn!(what, "message dropped");
        self.counters.ignored.add(1);
    }

    #[expect(clippy::arithmetic_side_effects, reason = "within MAX_INTERVAL")]
    fn on_pong(&mut self, pong: &Frame, now: Instant) {
        let Some(payload) = pong.payload.as_deref().filter(|json| !json.is_empty()) else {
            return;
        };
        match serde_json::from_slice(payload) {
            Ok(config) => {
                self.config.update(&config);
                self.next_ping = self.next_ping.min(now + self.config.ping_interval);
            }
            Err(_) => self.ignore("a pong with invalid settings"),
        }
    }

    /// Takes an event or a fragment of one, in a message of `message_bytes` bytes.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "no more than may be in flight, or than is in memory"
    )]
    fn on_event(&mut self, frame: Frame, payload: Bytes, bytes: usize, now: Instant) {
        let number = |key, default| match frame.header(key) {
            Some(number) => number.parse().unwrap_or(usize::MAX),
            None => default,
        };
        let (sum, seq) = (number(header::SUM, 1), number(header::SEQ, 0));
        if sum <= 1 {
            self.on_whole(frame, payload, bytes, now, now);
            return;
        }
        let possible = |id: &&str| (1..=MAX_MESSAGE_ID).contains(&id.len());
        let Some(message_id) = frame.header(header::MESSAGE_ID).filter(possible) else {
            self.counters.fragments_dropped.add(1);
            self.ignore("a fragment without a message id");
            return;
        };
        let place = Place {
            message_id,
            sum,
            seq,
        };
        let free = self.free_bytes() + self.assembler.bytes();
        let part = Part { payload, bytes };
        let (joined, dropped) = self.assembler.take(place, part, free, now);
        self.counters.fragments_dropped.add(dropped);
        match joined {
            Joined::Waiting => {}
            Joined::Whole { payload, began } => {
                let bytes = bytes + payload.len();
                self.on_whole(frame, payload, bytes, began, now);
            }
            Joined::Dropped(why) => {
                warn!(message_id, why, dropped, "fragments dropped");
            }
        }
    }

    /// Takes an event whose first fragment came at `began`.
    #[expect(clippy::arithmetic_side_effects, reason = "the deadline is within MAX_WAIT")]
    fn on_whole(
        &mut self,
        answer: Frame,
        payload: Bytes,
        bytes: usize,
        began: Instant,
        now: Instant,
    ) {
        self.counters.events.add(1);
        let key = self.running.next_key();
        let deadline = began + self.limits.ack_deadline;
        self.deadlines.insert((deadline, key));
        let open = Open {
            answer,
            deadline,
            since: now,
        };
        self.open.insert(key, open);
        let fits =
            bytes <= self.free_bytes() && self.callbacks.len() + self.queue.len() < MAX_QUEUED;
        if payload.len() > MAX_EVENT_BYTES {
            self.log(key, "the event is too large");
            self.answer(key, &Done::Failed, now);
            return;
        }
        if self.draining || !fits {
            let why = if fits {
                "draining"
            } else {
                "too many bytes in flight"
            };
            self.refuse(key, why, now);
            return;
        }
        self.queued_bytes += bytes;
        // Checked only when needed, because the check reads the whole payload.
        let is_full = self.running.handlers.len() >= self.limits.max_running;
        let queue = if is_full && is_callback(&payload) {
            &mut self.callbacks
        } else {
            &mut self.queue
        };
        queue.push_back(Queued {
            key,
            payload,
            bytes,
        });
        self.start_what_can(now);
    }

    #[expect(clippy::arithmetic_side_effects, reason = "all of it is in memory")]
    fn free_bytes(&self) -> usize {
        let in_flight = self.running.bytes + self.queued_bytes + self.assembler.bytes();
        self.limits.max_bytes_in_flight.saturating_sub(in_flight)
    }

    #[expect(clippy::arithmetic_side_effects, reason = "counted when it was added")]
    fn start_what_can(&mut self, now: Instant) {
        loop {
            let running = self.running.handlers.len();
            let max = self.limits.max_running;
            let callback = match running < max.saturating_add(CALLBACK_SLOTS) {
                true => self.callbacks.pop_front(),
                false => None,
            };
            let event = || match running < max {
                true => self.queue.pop_front(),
                false => None,
            };
            let Some(queued) = callback.or_else(event) else {
                return;
            };
            let Queued {
                key,
                payload,
                bytes,
            } = queued;
            self.queued_bytes -= bytes;
            // Redelivery without handling is better than handling twice.
            let Some(open) = self.open.get_mut(&key).filter(|open| now < open.deadline) else {
                self.miss_deadline(key, now);
                continue;
            };
            open.since = now;
            let deadline = open.deadline;
            self.running.add(key, bytes);
            self.actions.push_back(Action::Start {
                key,
                payload,
                deadline,
            });
        }
    }

    /// Records the end of a handler, of this connection or a former one.
    pub(crate) fn on_done(&mut self, key: u64, done: &Done, now: Instant) {
        self.running.remove(key);
        let is_late = || self.open.get(&key).is_some_and(|open| now >= open.deadline);
        match done {
            Done::Cancelled | Done::NotStarted if is_late() => self.miss_deadline(key, now),
            Done::NotStarted => self.refuse(key, "draining", now),
            _ => self.answer(key, done, now),
        }
        self.start_what_can(now);
    }

    #[expect(clippy::arithmetic_side_effects, reason = "counted when it was added")]
    pub(crate) fn on_time(&mut self, now: Instant) {
        if now >= self.dead_at() {
            self.actions.push_back(Action::GiveUp);
            return;
        }
        if now >= self.next_ping {
            self.ping(now);
        }
        let dropped = self.assembler.expire(now);
        if dropped > 0 {
            warn!(dropped, "fragments of incomplete events dropped");
            self.counters.fragments_dropped.add(dropped);
        }
        while let Some(&(deadline, key)) = self.deadlines.first() {
            if now < deadline {
                break;
            }
            self.miss_deadline(key, now);
            for queue in [&mut self.callbacks, &mut self.queue] {
                if let Some(place) = queue.iter().position(|queued| queued.key == key) {
                    let queued = queue.remove(place);
                    self.queued_bytes -= queued.map_or(0, |queued| queued.bytes);
                }
            }
        }
    }

    /// Answers an event that has no outcome by its deadline.
    fn miss_deadline(&mut self, key: u64, now: Instant) {
        self.log(key, "no outcome by the ack deadline");
        self.counters.deadline_missed.add(1);
        self.answer(key, &Done::Failed, now);
    }

    /// Answers an event that is not handled because of the load, unless it has been answered already.
    fn refuse(&mut self, key: u64, why: &'static str, now: Instant) {
        if self.open.contains_key(&key) {
            self.log(key, why);
            self.counters.overloaded.add(1);
            self.answer(key, &Done::Failed, now);
        }
    }

    /// Logs why an event is not acknowledged, with the ids of its frame: its payload was not parsed.
    fn log(&self, key: u64, why: &'static str) {
        let answer = self.open.get(&key).map(|open| &open.answer);
        let id = |name| answer.and_then(|answer| answer.header(name));
        let (message_id, trace_id) = (id(header::MESSAGE_ID), id(header::TRACE_ID));
        warn!(message_id, trace_id, why, "not acknowledged");
    }

    #[expect(clippy::arithmetic_side_effects, reason = "within MAX_INTERVAL")]
    fn ping(&mut self, now: Instant) {
        let ping = Frame::control(self.service).with_header(header::TYPE, header::PING);
        self.actions.push_back(Action::Send(ping.encode()));
        self.next_ping = now + self.config.ping_interval;
    }

    #[expect(clippy::arithmetic_side_effects, reason = "within three times MAX_INTERVAL")]
    fn dead_at(&self) -> Instant {
        self.last_heard + 2 * self.config.ping_interval + SILENCE_GRACE
    }

    /// Answers an event, unless it has been answered already.
    fn answer(&mut self, key: u64, done: &Done, now: Instant) {
        let Some(open) = self.open.remove(&key) else {
            return;
        };
        self.deadlines.remove(&(open.deadline, key));
        let (payload, counter) = match done {
            Done::Outcome(
                Outcome::Handled | Outcome::Unhandled | Outcome::Rejected(_) | Outcome::Queued,
            ) => (r#"{"code":200}"#.to_owned(), &self.counters.acked),
            Done::Outcome(Outcome::Replied(reply)) => {
                let reply = STANDARD.encode(reply.as_bytes());
                let payload = format!(r#"{{"code":200,"data":"{reply}"}}"#);
                (payload, &self.counters.acked)
            }
            // Future outcomes are not known to be a success.
            Done::Outcome(_) | Done::Failed | Done::NotStarted | Done::Cancelled => {
                (r#"{"code":500}"#.to_owned(), &self.counters.failed)
            }
        };
        counter.add(1);
        if let Done::Outcome(Outcome::Rejected(_)) = done {
            self.counters.rejected_events.add_one();
        }
        let took = now.duration_since(open.since).as_millis();
        let answer = open.answer.with_header(header::BIZ_RT, took.to_string());
        let answer = answer.with_payload(payload).encode();
        self.actions.push_back(Action::Send(answer));
    }
}

/// Whether a payload is a callback. A large payload is not parsed and counts as an event.
fn is_callback(payload: &Bytes) -> bool {
    if payload.len() > MAX_INLINE_BYTES {
        return false;
    }
    let (payload, by) = (payload.clone(), Transport::LongConnection);
    let delivery = Delivery::parse_unauthenticated(payload, by, SystemTime::UNIX_EPOCH);
    delivery.is_ok_and(|delivery| delivery.is_callback())
}

#[cfg(any(test, feature = "internals"))]
pub mod model;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
