//! One connection as a state machine: messages, outcomes and the time go in, what to do comes out.
//! It does nothing itself, so that every order of things can be tested.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use lark_events::{LateHandler, Outcome};
use tokio::time::Instant;
use tracing::warn;

use crate::assemble::{Assembler, Joined, Place};
use crate::config::ClientConfig;
use crate::frame::{Frame, Method, header};
use crate::stats::Counters;

/// How much longer than two ping intervals a connection may be silent before it counts as dead.
const SILENCE_GRACE: Duration = Duration::from_secs(5);

/// What may be used at once, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_running: usize,
    pub(crate) max_bytes_in_flight: usize,
    pub(crate) ack_deadline: Duration,
    pub(crate) late: LateHandler,
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send a binary message.
    Send(Bytes),
    /// Start the handler of an event.
    Start { key: u64, payload: Bytes },
    /// Cancel a handler.
    Cancel { key: u64 },
    /// Give the connection up: nothing was heard for too long.
    GiveUp,
}

/// How a handler ended.
#[derive(Debug)]
pub(crate) enum Done {
    Outcome(Outcome),
    Failed,
    /// It was cancelled: nothing is said any more.
    Cancelled,
}

/// The handlers that run. They outlive the connection that brought their events.
#[derive(Debug, Default)]
pub(crate) struct Running {
    /// By key, with the size of their events.
    handlers: HashMap<u64, usize>,
    bytes: usize,
    last_key: u64,
}

impl Running {
    pub(crate) fn remove(&mut self, key: u64) {
        self.bytes -= self.handlers.remove(&key).unwrap_or(0);
    }
}

#[derive(Debug)]
pub(crate) struct Session {
    service: i32,
    limits: Limits,
    counters: Arc<Counters>,
    config: ClientConfig,
    running: Running,
    assembler: Assembler,
    /// What is still to be answered.
    open: HashMap<u64, Open>,
    /// Events that wait for a handler to end.
    queue: VecDeque<Queued>,
    queued_bytes: usize,
    deadlines: BTreeSet<(Instant, u64)>,
    next_ping: Instant,
    last_heard: Instant,
    draining: bool,
    actions: VecDeque<Action>,
}

#[derive(Debug)]
struct Open {
    /// The frame to answer with, without its payload.
    answer: Frame,
    deadline: Instant,
    started: Option<Instant>,
}

#[derive(Debug)]
struct Queued {
    key: u64,
    payload: Bytes,
}

impl Session {
    /// Begins a connection of `service`, while `running` handlers of former ones may go on.
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

    /// Ends the connection: what is not answered will not be.
    pub(crate) fn end(self) -> (Running, ClientConfig) {
        self.counters.unsent.add(self.open.len());
        (self.running, self.config)
    }

    /// What is to be done next.
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

    /// Takes no more events; those that wait are left to be delivered again.
    pub(crate) fn drain(&mut self) {
        self.draining = true;
        for queued in std::mem::take(&mut self.queue) {
            self.queued_bytes -= queued.payload.len();
            self.counters.overloaded.add(1);
            self.answer(queued.key, &Done::Failed, None);
        }
    }

    /// Whether nothing runs any more.
    pub(crate) fn is_idle(&self) -> bool {
        self.running.handlers.is_empty()
    }

    /// Something came that is no frame, such as a WebSocket's own ping: the peer is alive.
    pub(crate) fn on_sign_of_life(&mut self, now: Instant) {
        self.last_heard = now;
    }

    /// A text came, where all messages are binary.
    pub(crate) fn on_text(&mut self, now: Instant) {
        self.last_heard = now;
        self.ignore("a text message");
    }

    pub(crate) fn on_message(&mut self, message: Bytes, now: Instant) {
        self.last_heard = now;
        let mut frame = match Frame::decode(message) {
            Ok(frame) => frame,
            Err(error) => {
                warn!(%error, "a message is dropped");
                self.counters.ignored.add(1);
                return;
            }
        };
        self.counters.frames.add(1);
        let kind = frame.header(header::TYPE);
        match (frame.method(), kind) {
            (Some(Method::Control), Some(header::PONG)) => self.on_pong(&frame, now),
            (Some(Method::Data), Some(header::EVENT)) => {
                let payload = frame.payload.take().unwrap_or_default();
                self.on_event(frame, payload, now);
            }
            (Some(Method::Data), Some(header::CARD)) => self.ignore("a card of the old scheme"),
            _ => self.ignore("a frame of another kind"),
        }
    }

    fn ignore(&self, what: &'static str) {
        warn!(what, "a message is dropped");
        self.counters.ignored.add(1);
    }

    fn on_pong(&mut self, pong: &Frame, now: Instant) {
        let Some(payload) = pong.payload.as_deref().filter(|json| !json.is_empty()) else {
            return;
        };
        match serde_json::from_slice(payload) {
            Ok(config) => {
                self.config.update(&config);
                self.next_ping = self.next_ping.min(now + self.config.ping_interval);
            }
            Err(_) => self.ignore("the settings of a pong"),
        }
    }

    fn on_event(&mut self, frame: Frame, payload: Bytes, now: Instant) {
        let number = |key, default| match frame.header(key) {
            Some(number) => number.parse().unwrap_or(usize::MAX),
            None => default,
        };
        let (sum, seq) = (number(header::SUM, 1), number(header::SEQ, 0));
        if sum == 1 && seq == 0 {
            self.on_whole(frame, payload, now, now);
            return;
        }
        let place = Place {
            message_id: frame.header(header::MESSAGE_ID).unwrap_or_default(),
            sum,
            seq,
        };
        let free = self.free_bytes() + self.assembler.bytes();
        let (joined, dropped) = self.assembler.take(place, payload, free, now);
        self.counters.fragments_dropped.add(dropped);
        match joined {
            Joined::Waiting => {}
            Joined::Whole { payload, began } => self.on_whole(frame, payload, began, now),
            Joined::Dropped(why) => warn!(why, dropped, "fragments are dropped"),
        }
    }

    /// Takes an event whose first fragment came at `began`.
    fn on_whole(&mut self, answer: Frame, payload: Bytes, began: Instant, now: Instant) {
        self.counters.events.add(1);
        self.running.last_key += 1;
        let key = self.running.last_key;
        let fits = payload.len() <= self.free_bytes();
        let deadline = began + self.limits.ack_deadline;
        self.deadlines.insert((deadline, key));
        let open = Open {
            answer,
            deadline,
            started: None,
        };
        self.open.insert(key, open);
        if self.draining || !fits {
            self.counters.overloaded.add(1);
            self.answer(key, &Done::Failed, None);
            return;
        }
        self.queued_bytes += payload.len();
        self.queue.push_back(Queued { key, payload });
        self.start_what_can(now);
    }

    fn free_bytes(&self) -> usize {
        let in_flight = self.running.bytes + self.queued_bytes + self.assembler.bytes();
        self.limits.max_bytes_in_flight.saturating_sub(in_flight)
    }

    fn start_what_can(&mut self, now: Instant) {
        while self.running.handlers.len() < self.limits.max_running {
            let Some(Queued { key, payload }) = self.queue.pop_front() else {
                return;
            };
            self.queued_bytes -= payload.len();
            self.running.bytes += payload.len();
            self.running.handlers.insert(key, payload.len());
            if let Some(open) = self.open.get_mut(&key) {
                open.started = Some(now);
            }
            self.actions.push_back(Action::Start { key, payload });
        }
    }

    /// A handler ended, of this connection or of a former one.
    pub(crate) fn on_done(&mut self, key: u64, done: &Done, now: Instant) {
        self.running.remove(key);
        self.answer(key, done, Some(now));
        self.start_what_can(now);
    }

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
            warn!(
                dropped,
                "fragments of events that never got whole are dropped"
            );
            self.counters.fragments_dropped.add(dropped);
        }
        while let Some(&(deadline, key)) = self.deadlines.first() {
            if now < deadline {
                break;
            }
            self.miss_deadline(key);
        }
    }

    fn miss_deadline(&mut self, key: u64) {
        let started = self
            .open
            .get(&key)
            .is_some_and(|open| open.started.is_some());
        self.counters.deadline_missed.add(1);
        self.answer(key, &Done::Failed, None);
        if !started {
            let place = self.queue.iter().position(|queued| queued.key == key);
            if let Some(queued) = place.and_then(|place| self.queue.remove(place)) {
                self.queued_bytes -= queued.payload.len();
            }
        } else if self.limits.late == LateHandler::Cancel {
            self.actions.push_back(Action::Cancel { key });
        }
    }

    fn ping(&mut self, now: Instant) {
        let ping = Frame::control(self.service).with_header(header::TYPE, header::PING);
        self.actions.push_back(Action::Send(ping.encode()));
        self.next_ping = now + self.config.ping_interval;
    }

    fn dead_at(&self) -> Instant {
        self.last_heard + 2 * self.config.ping_interval + SILENCE_GRACE
    }

    /// Answers an event, unless it has been answered.
    fn answer(&mut self, key: u64, done: &Done, now: Option<Instant>) {
        let Some(open) = self.open.remove(&key) else {
            return;
        };
        self.deadlines.remove(&(open.deadline, key));
        let payload = match done {
            Done::Outcome(Outcome::Handled | Outcome::Unhandled) => r#"{"code":200}"#.to_owned(),
            Done::Outcome(Outcome::Replied(reply)) => {
                let reply = STANDARD.encode(reply.as_bytes());
                format!(r#"{{"code":200,"data":"{reply}"}}"#)
            }
            // Whatever other outcome there may be one day, it is not known to be a success.
            Done::Outcome(_) | Done::Failed | Done::Cancelled => r#"{"code":500}"#.to_owned(),
        };
        match payload.as_bytes() {
            br#"{"code":500}"# => self.counters.failed.add(1),
            _ => self.counters.acked.add(1),
        }
        let took = open
            .started
            .zip(now)
            .map_or(Duration::ZERO, |(from, to)| to - from);
        let answer = open
            .answer
            .with_header(header::BIZ_RT, took.as_millis().to_string());
        let answer = answer.with_payload(payload).encode();
        self.actions.push_back(Action::Send(answer));
    }
}
