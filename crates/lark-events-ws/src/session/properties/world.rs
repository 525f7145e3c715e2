//! The platform, the driver and the handlers of a session: what they do, and what they may expect.

use std::collections::BTreeMap;

use lark_events::RawJson;

use super::*;
use crate::frame::Header;

/// A whole event, as the platform and the app know it.
#[derive(Debug)]
struct Delivery {
    /// The frame that made it whole: an answer is that of any of its frames.
    last_frame: Frame,
    deadline: Instant,
    payload: String,
    /// How much of the bytes in flight it is.
    bytes: usize,
    started: bool,
    succeeded: bool,
    answered: bool,
}

/// A message in fragments, as the platform sends it.
#[derive(Debug)]
struct Large {
    id: String,
    parts: Vec<String>,
    /// When the first of those came that are there, unless something may have dropped them.
    began: Option<Instant>,
    whole: bool,
}

/// The platform, the driver and the handlers of a session.
pub(super) struct World {
    pub(super) now: Instant,
    limits: Limits,
    counters: Arc<Counters>,
    pub(super) session: Session,
    frames: u64,
    /// Those of this connection, by key.
    deliveries: BTreeMap<u64, Delivery>,
    /// The handlers that run, with the bytes of their events; also those of former connections.
    running: Vec<(u64, usize)>,
    large: Vec<Large>,
    opened: Instant,
    pub(super) last_heard: Instant,
    pings: u64,
    draining: bool,
    pub(super) given_up: bool,
    answers: u64,
    unanswered: u64,
}

impl World {
    pub(super) fn new(limits: Limits) -> Self {
        let now = Instant::now();
        let counters = Arc::new(Counters::default());
        let session = Session::begin(
            7,
            ClientConfig::default(),
            limits,
            Running::default(),
            Arc::clone(&counters),
            now,
        );
        let mut world = Self {
            now,
            limits,
            counters,
            session,
            frames: 0,
            deliveries: BTreeMap::new(),
            running: Vec::new(),
            large: Vec::new(),
            opened: now,
            last_heard: now,
            pings: 0,
            draining: false,
            given_up: false,
            answers: 0,
            unanswered: 0,
        };
        world.act();
        world
    }

    /// A frame that no other is like.
    fn frame(&mut self, payload: String) -> Frame {
        self.frames += 1;
        let mut frame = Frame::data(7)
            .with_header(header::TRACE_ID, self.frames.to_string())
            .with_payload(payload);
        frame.seq_id = self.frames;
        frame.log_id = u64::MAX - self.frames;
        frame.log_id_new = Some(self.frames.to_string());
        frame
    }

    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Event { len, says_sum } => {
                let mut payload = format!("{:x<len$}", self.frames);
                payload.truncate(len);
                let mut frame = self
                    .frame(payload.clone())
                    .with_header(header::TYPE, header::EVENT);
                if says_sum {
                    frame = frame
                        .with_header(header::SUM, "1")
                        .with_header(header::SEQ, "0");
                }
                assert!(
                    self.takes(frame, self.now, payload),
                    "an event is not taken"
                );
            }
            Step::Fragment { of, seq } => self.fragment(of, seq),
            Step::Any { method, headers } => {
                let mut frame = self.frame(String::new());
                frame.method = method;
                for (key, value) in headers {
                    frame = frame.with_header(key, value);
                }
                // It may contradict a fragment.
                self.forget_when_large_began();
                self.takes(frame, self.now, String::new());
            }
            Step::Pong { settings } => {
                let pong = Frame::control(7).with_header(header::TYPE, header::PONG);
                self.hears(pong.with_payload(settings).encode());
            }
            Step::Garbage { message } => {
                self.forget_when_large_began();
                let events = self.events();
                self.hears(message.into());
                assert_eq!(self.events(), events);
            }
            Step::Text => {
                self.last_heard = self.now;
                self.session.on_text(self.now);
            }
            Step::SignOfLife => {
                self.last_heard = self.now;
                self.session.on_sign_of_life(self.now);
            }
            Step::Ends { which, how } => self.ends(which, how),
            Step::Wait { ms, told } => {
                self.now += Duration::from_millis(ms);
                if told {
                    self.tell_time();
                }
            }
            Step::Drain => {
                self.draining = true;
                self.session.drain(self.now);
            }
            Step::Lost => self.begin_another(),
            Step::LostAtEvent => {
                let frame = self.frame(String::new());
                let frame = frame.with_header(header::TYPE, header::EVENT);
                self.takes(frame, self.now, String::new());
                while !matches!(
                    self.session.actions.front(),
                    None | Some(Action::Start { .. })
                ) {
                    self.act_once();
                }
                self.begin_another();
            }
        }
        self.act();
        self.check();
        if self.given_up {
            self.begin_another();
            self.act();
        }
    }

    fn events(&self) -> u64 {
        self.counters.stats().events
    }

    fn hears(&mut self, message: Bytes) {
        self.last_heard = self.now;
        self.session.on_message(message, self.now);
    }

    /// Has the session take a frame that may make an event whole, whose first frame came at `began`,
    /// and says whether it does.
    fn takes(&mut self, frame: Frame, began: Instant, payload: String) -> bool {
        let events = self.events();
        let message = frame.clone().encode();
        let sum = frame.header(header::SUM).and_then(|sum| sum.parse().ok());
        let is_joined = sum.is_some_and(|sum: usize| sum > 1);
        let bytes = message.len() + if is_joined { payload.len() } else { 0 };
        self.hears(message);
        if self.events() == events {
            return false;
        }
        assert_eq!(self.events(), events + 1);
        let delivery = Delivery {
            last_frame: frame,
            deadline: began + self.limits.ack_deadline,
            payload,
            bytes,
            started: false,
            succeeded: false,
            answered: false,
        };
        let former = self
            .deliveries
            .insert(self.session.running.last_key, delivery);
        assert!(former.is_none(), "two events of one key");
        true
    }

    fn fragment(&mut self, of: usize, seq: usize) {
        while self.large.len() <= of {
            self.new_large(self.large.len());
        }
        // Of a whole message only one fragment comes again, which makes no other whole.
        if self.large[of].whole && seq > 0 {
            self.new_large(of);
        }
        let (now, sum) = (self.now, self.large[of].parts.len());
        let seq = seq % sum;
        let frame = self.frame(self.large[of].parts[seq].clone());
        let large = &mut self.large[of];
        let frame = frame
            .with_header(header::TYPE, header::EVENT)
            .with_header(header::MESSAGE_ID, &*large.id)
            .with_header(header::SUM, sum.to_string())
            .with_header(header::SEQ, seq.to_string());
        let began = *large.began.get_or_insert(now);
        let payload = large.parts.concat();
        let dropped = self.counters.stats().fragments_dropped;
        if self.takes(frame, began, payload) {
            self.large[of].whole = true;
        }
        if self.counters.stats().fragments_dropped > dropped {
            self.forget_when_large_began();
        }
    }

    fn new_large(&mut self, of: usize) {
        self.frames += 1;
        let id = format!("large-{of}-{}", self.frames);
        let parts = (0..2 + of % 3).map(|seq| format!("{id}-{seq}.")).collect();
        let large = Large {
            id,
            parts,
            began: None,
            whole: false,
        };
        if of < self.large.len() {
            self.large[of] = large;
        } else {
            self.large.push(large);
        }
    }

    /// All messages in fragments are given up by the platform, which sends others.
    fn forget_when_large_began(&mut self) {
        self.large.clear();
    }

    fn ends(&mut self, which: Index, how: usize) {
        if self.running.is_empty() {
            return;
        }
        let (key, _) = self.running.swap_remove(which.index(self.running.len()));
        let done = match how {
            0 => Done::Outcome(Outcome::Handled),
            1 => Done::Outcome(Outcome::Unhandled),
            2 => Done::Outcome(Outcome::Replied(RawJson::parse(r#"{"a":1}"#).unwrap())),
            3 => Done::Failed,
            4 => Done::NotStarted,
            _ => Done::Cancelled,
        };
        if let Some(delivery) = self.deliveries.get_mut(&key) {
            delivery.succeeded = matches!(done, Done::Outcome(_));
        }
        self.session.on_done(key, &done, self.now);
    }

    pub(super) fn tell_time(&mut self) {
        let dropped = self.counters.stats().fragments_dropped;
        self.session.on_time(self.now);
        self.act();
        if self.counters.stats().fragments_dropped > dropped {
            self.forget_when_large_began();
        }
        if self.given_up {
            return;
        }
        assert!(self.session.next_time() > self.now, "a busy loop");
        assert!(self.now - self.last_heard < LONGEST_SILENCE, "not given up");
        for delivery in self.deliveries.values() {
            assert!(
                delivery.answered || self.now < delivery.deadline,
                "not answered by its deadline: {delivery:?}"
            );
        }
    }

    fn begin_another(&mut self) {
        let (running, config) = take_end(&mut self.session, self.limits, &self.counters, self.now);
        let open = self.deliveries.values().filter(|one| !one.answered);
        self.unanswered += open.count() as u64;
        self.session = Session::begin(
            7,
            config,
            self.limits,
            running,
            Arc::clone(&self.counters),
            self.now,
        );
        self.deliveries.clear();
        self.large.clear();
        (self.opened, self.last_heard) = (self.now, self.now);
        (self.pings, self.draining, self.given_up) = (0, false, false);
    }

    /// Does what is to be done, and looks at it.
    fn act(&mut self) {
        while self.act_once() {}
    }

    fn act_once(&mut self) -> bool {
        let Some(action) = self.session.next_action() else {
            return false;
        };
        match action {
            Action::Send(message) => self.sent(Frame::decode(message).unwrap()),
            Action::Start {
                key,
                payload,
                deadline,
            } => self.start(key, &payload, deadline),
            Action::GiveUp => {
                let interval = self.session.config.ping_interval;
                let silent = self.now - self.last_heard;
                assert!(silent >= 2 * interval + SILENCE_GRACE, "given up too early");
                self.given_up = true;
            }
        }
        true
    }

    fn start(&mut self, key: u64, payload: &Bytes, deadline: Instant) {
        let delivery = self.deliveries.get_mut(&key).expect("no such event");
        assert!(!self.draining && !delivery.answered && !delivery.started);
        assert!(self.now < deadline, "started after its deadline");
        assert!(deadline <= delivery.deadline, "has too much time");
        assert_eq!(payload, &delivery.payload);
        delivery.started = true;
        self.running.push((key, delivery.bytes));
        assert!(self.running.len() <= self.limits.max_running);
    }

    fn sent(&mut self, frame: Frame) {
        if frame.method() == Some(Method::Control) {
            let ping = Frame::control(7).with_header(header::TYPE, header::PING);
            assert_eq!(frame, ping);
            self.pings += 1;
            let open = (self.now - self.opened).as_millis();
            assert!(u128::from(self.pings - 1) * SHORTEST_INTERVAL.as_millis() <= open);
            return;
        }
        let mut of = self.deliveries.values_mut();
        let delivery = of.find(|delivery| delivery.last_frame.seq_id == frame.seq_id);
        let delivery = delivery.expect("an answer to nothing");
        assert!(!delivery.answered, "answered twice");
        delivery.answered = true;
        self.answers += 1;

        let payload = frame.payload.clone().unwrap();
        match &payload[..] {
            br#"{"code":500}"# => {}
            br#"{"code":200}"# | br#"{"code":200,"data":"eyJhIjoxfQ=="}"# => {
                assert!(delivery.succeeded, "200 without success");
            }
            other => panic!("answered {}", other.escape_ascii()),
        }
        let mut expected = delivery.last_frame.clone().with_payload(payload);
        let took = frame
            .headers
            .last()
            .map(|Header { value, .. }| value.clone());
        assert!(
            took.as_ref()
                .is_some_and(|took| took.parse::<u64>().is_ok())
        );
        expected = expected.with_header(header::BIZ_RT, took.unwrap_or_default());
        assert_eq!(frame, expected, "not the frame's own headers");
    }

    /// What holds at all times.
    fn check(&self) {
        let session = &self.session;
        let running: usize = self.running.iter().map(|(_, bytes)| bytes).sum();
        let waits = |one: &&Delivery| !one.started && !one.answered;
        let waiting: usize = self
            .deliveries
            .values()
            .filter(waits)
            .map(|one| one.bytes)
            .sum();
        let in_flight = running + waiting + session.assembler.bytes();
        assert!(in_flight <= self.limits.max_bytes_in_flight);
        assert_eq!(
            (session.running.bytes, session.queued_bytes),
            (running, waiting)
        );
        assert!(self.running.len() <= self.limits.max_running);
        assert!(session.queue.len() <= MAX_QUEUED);
        session.assembler.check();
        assert_eq!(session.is_idle(), self.running.is_empty());
        if self.draining {
            assert_eq!(waiting, 0);
            assert!(session.queue.is_empty(), "an event waits for nothing");
        }
        let stats = self.counters.stats();
        assert_eq!(
            (stats.acked + stats.failed, stats.unsent),
            (self.answers, self.unanswered)
        );
        assert_eq!(session.deadlines.len(), session.open.len());
    }
}

/// Ends a session in its place.
fn take_end(
    session: &mut Session,
    limits: Limits,
    counters: &Arc<Counters>,
    now: Instant,
) -> (Running, ClientConfig) {
    let (config, none) = (ClientConfig::default(), Running::default());
    let other = Session::begin(7, config, limits, none, Arc::clone(counters), now);
    std::mem::replace(session, other).end()
}
