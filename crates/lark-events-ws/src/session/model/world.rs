//! The platform, the driver and the handlers of a session: their actions, and their expectations.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use lark_events::limits::MAX_EVENT_BYTES;
use lark_events::{Outcome, RawJson};
use tokio::time::Instant;

use super::large::LargeMessages;
use super::step::Step;
use crate::session::{Action, Done, Limits, Running, Session};
use crate::stats::Counters;
use crate::wire::config::ClientConfig;
use crate::wire::frame::{Frame, header};

/// The longest silence of a live connection under any setting: two of the longest intervals, and the
/// grace.
pub(in crate::session) const LONGEST_SILENCE: Duration = Duration::from_secs(20 * 60 + 5);
/// The number of largest fragments, which are slow.
const MAX_HALVES: usize = 2;
/// The number of frames at which crowds end.
const MAX_FRAMES: u64 = 300;
/// The reply of a handler, and the answer for it.
const REPLY: &str = r#"{"a":1}"#;
const ANSWER: &[u8] = br#"{"code":200}"#;
const ANSWER_WITH_REPLY: &[u8] = br#"{"code":200,"data":"eyJhIjoxfQ=="}"#;
pub(super) const FAILURE: &[u8] = br#"{"code":500}"#;

static ZEROS: LazyLock<Bytes> = LazyLock::new(|| vec![b'0'; MAX_EVENT_BYTES / 2 + 1].into());

/// A complete event, as the platform and the app know it.
#[derive(Debug)]
pub(super) struct Delivery {
    /// The frame that completed it; an answer may repeat the headers of any of its frames.
    pub(super) last_frame: Frame,
    /// The latest possible deadline.
    pub(super) deadline: Instant,
    /// The payload, if it is known.
    pub(super) payload: Option<Bytes>,
    /// Its share of the bytes in flight.
    pub(super) bytes: usize,
    pub(super) started: bool,
    pub(super) answered: bool,
}

/// The state of a connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) opened: Instant,
    pub(super) last_ping: Instant,
    pub(super) pings: u32,
    pub(super) events_before: u64,
    pub(super) answers: u64,
    /// The deliveries, by the keys of their handlers.
    pub(super) deliveries: BTreeMap<u64, Delivery>,
}

/// The platform, the driver and the handlers of a session. Panics if the session breaks an invariant.
#[derive(Debug)]
pub struct World {
    pub(in crate::session) now: Instant,
    pub(super) began: Instant,
    pub(super) limits: Limits,
    pub(super) counters: Arc<Counters>,
    pub(in crate::session) session: Session,
    pub(super) frames: u64,
    pub(super) halves: usize,
    /// The running handlers, with the sizes of their events, including those of former connections.
    pub(super) running: Vec<(u64, usize)>,
    pub(super) large: LargeMessages,
    /// Whether fragments of arbitrary bytes have arrived, which may be parts of others.
    pub(super) has_foreign_fragments: bool,
    pub(super) connection: Connection,
    pub(in crate::session) last_heard: Instant,
    pub(super) draining: bool,
    pub(in crate::session) given_up: bool,
    /// The expected answer of the handler that has just ended, and its key.
    pub(super) due: Option<(u64, &'static [u8])>,
    pub(super) answers: u64,
    pub(super) unanswered: u64,
    /// Everything that was sent and started.
    pub(super) told: Vec<String>,
}

impl Connection {
    fn opened(now: Instant, events_before: u64) -> Self {
        Self {
            opened: now,
            last_ping: now,
            pings: 0,
            events_before,
            answers: 0,
            deliveries: BTreeMap::new(),
        }
    }
}

impl World {
    /// Creates a world with a new session.
    #[must_use]
    pub fn new(max_running: usize, max_bytes_in_flight: usize, ack_deadline: Duration) -> Self {
        let limits = Limits {
            max_running,
            max_bytes_in_flight,
            ack_deadline,
        };
        let (counters, now) = (Arc::<Counters>::default(), Instant::now());
        let (config, running) = (ClientConfig::default(), Running::default());
        let session = Session::begin(7, config, limits, running, Arc::clone(&counters), now);
        let mut world = Self {
            now,
            began: now,
            limits,
            counters,
            session,
            frames: 0,
            halves: 0,
            running: Vec::new(),
            large: LargeMessages::default(),
            has_foreign_fragments: false,
            connection: Connection::opened(now, 0),
            last_heard: now,
            draining: false,
            given_up: false,
            due: None,
            answers: 0,
            unanswered: 0,
            told: Vec::new(),
        };
        world.act();
        world
    }

    /// Performs a step.
    pub fn step(&mut self, step: Step) {
        self.happen(step);
        self.act();
        self.check();
        if self.given_up {
            self.begin_another();
            self.act();
            self.check();
        }
    }

    fn happen(&mut self, step: Step) {
        match step {
            Step::Event { len, says_sum } => self.event(len, says_sum),
            Step::Fragment { of, sum, seq, len } => {
                let id = self.large.id("large", of);
                let payload = format!("{id}/{seq}{}", "-".repeat(len));
                self.fragment(&id, sum, seq, payload.into());
            }
            Step::Run {
                of,
                sum,
                first,
                count,
            } => {
                for at in first..first + count {
                    let id = self.large.id("large", of);
                    let seq = at % sum.max(1);
                    self.fragment(&id, sum, seq, format!("{id}/{seq}.").into());
                }
            }
            Step::Half { of, seq, more } => {
                self.halves += 1;
                if self.halves <= MAX_HALVES {
                    let id = self.large.id("half", of);
                    let end = MAX_EVENT_BYTES / 2 + more % 2;
                    self.fragment(&id, 2, seq, ZEROS.slice(..end));
                }
            }
            Step::Crowd { count } => self.crowd(count),
            Step::Frame { method, headers } => {
                let mut frame = self.frame(Bytes::new());
                frame.method = method;
                for (key, value) in headers {
                    frame = frame.with_header(key, value);
                }
                let is_known = !is_joined(&frame) || !self.has_foreign_fragments;
                self.takes(frame, self.now, is_known.then(Bytes::new));
            }
            Step::Message(message) => self.message(&message),
            Step::Pong { settings } => {
                let pong = Frame::control(7).with_header(header::TYPE, header::PONG);
                self.hears_no_event(pong.with_payload(settings).encode());
            }
            Step::Text => {
                self.last_heard = self.now;
                self.session.on_text(self.now);
            }
            Step::SignOfLife => {
                self.last_heard = self.now;
                self.session.on_sign_of_life(self.now);
            }
            Step::Ends { which, how } => self.end(which, how),
            Step::Wait { time, is_told } => {
                self.now += time;
                if is_told {
                    self.tell_time();
                }
            }
            Step::Sleep => {
                self.now = self.now.max(self.session.next_time());
                self.tell_time();
            }
            Step::Drain => self.drain(),
            Step::Lost => self.begin_another(),
            Step::LostAtEvent => self.lose_at_event(),
        }
    }

    /// Lets time pass until every open event is answered, or its connection given up.
    pub fn let_deadlines_pass(&mut self) {
        self.now += self.limits.ack_deadline;
        self.tell_time();
    }

    /// Shuts down: running handlers end, and every event must be answered. Returns everything that was
    /// sent and started.
    #[must_use]
    pub fn finish(mut self) -> Vec<String> {
        self.drain();
        self.act();
        while !self.running.is_empty() {
            self.end(0, 0);
            self.check();
        }
        assert!(self.session.is_idle());
        assert_eq!(
            self.connection.answers,
            self.connection_events(),
            "not all are answered"
        );
        let stats = self.counters.stats();
        assert!(
            stats.acked + stats.failed + stats.unsent == stats.events,
            "{stats:?}"
        );
        self.told
    }

    fn events(&self) -> u64 {
        self.counters.stats().events
    }

    pub(super) fn connection_events(&self) -> u64 {
        self.events() - self.connection.events_before
    }

    /// A unique frame.
    fn frame(&mut self, payload: Bytes) -> Frame {
        self.frames += 1;
        let mut frame = Frame::data(7)
            .with_header(header::TRACE_ID, self.frames.to_string())
            .with_payload(payload);
        frame.seq_id = self.frames;
        frame.log_id = u64::MAX - self.frames;
        frame.log_id_new = Some(self.frames.to_string());
        frame
    }

    fn event_frame(&mut self, payload: Bytes) -> Frame {
        self.frame(payload).with_header(header::TYPE, header::EVENT)
    }

    fn event(&mut self, len: usize, says_sum: bool) {
        let mut payload = format!("{:x<len$}", self.frames);
        payload.truncate(len);
        let payload = Bytes::from(payload);
        let mut frame = self.event_frame(payload.clone());
        if says_sum {
            frame = frame
                .with_header(header::SUM, "1")
                .with_header(header::SEQ, "0");
        }
        let is_taken = self.takes(frame, self.now, Some(payload));
        assert!(is_taken, "an event is not taken");
    }

    fn fragment(&mut self, id: &str, sum: usize, seq: usize, payload: Bytes) {
        let frame = self
            .event_frame(payload.clone())
            .with_header(header::MESSAGE_ID, id)
            .with_header(header::SUM, sum.to_string())
            .with_header(header::SEQ, seq.to_string());
        if sum <= 1 {
            self.takes(frame, self.now, Some(payload));
            return;
        }
        let (began, is_known, whole) = self.large.add(id, sum, seq, payload, self.now);
        let dropped = self.counters.stats().fragments_dropped;
        let is_whole = whole.is_some();
        if self.takes(frame, began, whole) {
            assert!(
                is_whole || !is_known,
                "an event without one of its fragments"
            );
            self.large.end(id);
        } else {
            let is_dropped = self.counters.stats().fragments_dropped > dropped;
            assert!(
                is_dropped || !is_whole,
                "an event that is whole is not taken"
            );
        }
    }

    fn crowd(&mut self, count: u64) {
        for _ in 0..count.min(MAX_FRAMES.saturating_sub(self.frames)) {
            let id = format!("crowd-{}", self.frames);
            let frame = self.event_frame(Bytes::new());
            let frame = frame.with_header(header::MESSAGE_ID, id);
            let is_taken = self.takes(frame.with_header(header::SUM, "2"), self.now, None);
            assert!(!is_taken, "one of two fragments is an event");
        }
    }

    /// Any bytes; if they are a frame, with a unique id behind them.
    fn message(&mut self, message: &[u8]) {
        if Frame::decode(Bytes::copy_from_slice(message)).is_err() {
            self.hears_no_event(Bytes::copy_from_slice(message));
            return;
        }
        self.frames += 1;
        let mut id = Frame::control(0);
        id.seq_id = self.frames;
        let id = id.encode();
        // Only the first field.
        let is_more = |byte: &&u8| **byte >= 0x80;
        let field = 2 + id.iter().skip(1).take_while(is_more).count();
        let message = Bytes::from([message, &id.slice(..field)].concat());
        let frame = Frame::decode(message.clone()).expect("a frame with another id");
        assert_eq!(frame.seq_id, self.frames);
        if is_joined(&frame) {
            // The frame may be part of another event, or contradict it.
            self.has_foreign_fragments = true;
            self.large.forget();
            self.takes_message(message, frame, self.now, None);
        } else {
            let payload = frame.payload.clone().unwrap_or_default();
            self.takes_message(message, frame, self.now, Some(payload));
        }
    }

    fn hears_no_event(&mut self, message: Bytes) {
        let is_event = self.hears(message);
        assert!(!is_event, "an event of nothing");
    }

    /// Whether a message completes an event.
    fn hears(&mut self, message: Bytes) -> bool {
        let before = self.counters.stats();
        self.last_heard = self.now;
        self.session.on_message(message, self.now);
        let after = self.counters.stats();
        assert!(after.events <= before.events + 1, "two events in a message");
        if after.fragments_dropped > before.fragments_dropped {
            self.large.forget();
        }
        after.events > before.events
    }

    /// Passes a frame that may complete an event, whose first frame arrived at `began` at the latest,
    /// to the session, and returns whether it does.
    fn takes(&mut self, frame: Frame, began: Instant, payload: Option<Bytes>) -> bool {
        let message = frame.clone().encode();
        let is_event = self.takes_message(message, frame, began, payload);
        self.act();
        is_event
    }

    fn takes_message(
        &mut self,
        message: Bytes,
        frame: Frame,
        began: Instant,
        payload: Option<Bytes>,
    ) -> bool {
        let message_bytes = message.len();
        if !self.hears(message) {
            return false;
        }
        let key = self.session.running.last_key;
        let bytes = match &payload {
            Some(payload) if is_joined(&frame) => message_bytes + payload.len(),
            Some(_) => message_bytes,
            None => self.bytes_of(key),
        };
        let delivery = Delivery {
            last_frame: frame,
            deadline: began + self.limits.ack_deadline,
            payload,
            bytes,
            started: false,
            answered: false,
        };
        let former = self.connection.deliveries.insert(key, delivery);
        assert!(former.is_none(), "two events of one key");
        true
    }

    /// The size that the session counts for an event, or `None` if it has no room for it.
    fn bytes_of(&self, key: u64) -> usize {
        let mut queue = self.session.queue.iter();
        let queued = queue.find(|queued| queued.key == key);
        let queued = queued.map(|queued| queued.bytes);
        let running = self.session.running.handlers.get(&key).copied();
        queued.or(running).unwrap_or_default()
    }

    fn end(&mut self, which: usize, how: usize) {
        if self.running.is_empty() {
            return;
        }
        let (key, _) = self.running.swap_remove(which % self.running.len());
        let reply = || RawJson::parse(REPLY).expect("it is JSON");
        let (done, answer) = match how % 7 {
            0 => (Done::Outcome(Outcome::Handled), ANSWER),
            1 => (Done::Outcome(Outcome::Unhandled), ANSWER),
            2 => (Done::Outcome(Outcome::Replied(reply())), ANSWER_WITH_REPLY),
            3 => (Done::Failed, FAILURE),
            4 => (Done::NotStarted, FAILURE),
            5 => (Done::Outcome(Outcome::Queued), ANSWER),
            _ => (Done::Cancelled, FAILURE),
        };
        let delivery = self.connection.deliveries.get(&key);
        let is_open = delivery.is_some_and(|delivery| !delivery.answered);
        self.due = is_open.then_some((key, answer));
        self.session.on_done(key, &done, self.now);
        self.act();
        assert_eq!(self.due, None, "the end of a handler is not answered");
    }

    pub(in crate::session) fn tell_time(&mut self) {
        let dropped = self.counters.stats().fragments_dropped;
        self.session.on_time(self.now);
        self.act();
        if self.counters.stats().fragments_dropped > dropped {
            self.large.forget();
        }
        if self.given_up {
            return;
        }
        self.check_time();
    }

    fn drain(&mut self) {
        self.draining = true;
        self.session.drain(self.now);
    }

    fn begin_another(&mut self) {
        let (limits, now) = (self.limits, self.now);
        let begin =
            |config, running, counters| Session::begin(7, config, limits, running, counters, now);
        let in_its_place = begin(ClientConfig::default(), Running::default(), Arc::default());
        let (running, config) = mem::replace(&mut self.session, in_its_place).end();
        let deliveries = self.connection.deliveries.values();
        self.unanswered += deliveries.filter(|one| !one.answered).count() as u64;
        self.session = begin(config, running, Arc::clone(&self.counters));
        self.connection = Connection::opened(self.now, self.events());
        self.large.clear();
        self.last_heard = self.now;
        (self.draining, self.given_up) = (false, false);
    }

    fn lose_at_event(&mut self) {
        let frame = self.event_frame(Bytes::new());
        let message = frame.clone().encode();
        self.takes_message(message, frame, self.now, Some(Bytes::new()));
        while !matches!(
            self.session.actions.front(),
            None | Some(Action::Start { .. })
        ) {
            self.act_once();
        }
        self.begin_another();
    }
}

/// Whether a frame holds a fragment.
fn is_joined(frame: &Frame) -> bool {
    let sum = frame.header(header::SUM).and_then(|sum| sum.parse().ok());
    sum.is_some_and(|sum: usize| sum > 1)
}
