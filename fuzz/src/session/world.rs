//! The platform, the handlers and the clock of a session: what they do, and what they can expect.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use lark_events::{MAX_EVENT_BYTES, Outcome, RawJson};
use lark_events_ws::frame::{Frame, Method, header};
use lark_events_ws::internals::{Do, End, Machine};

use super::step::{MESSAGES, Step};

/// No setting makes a connection count as alive for longer: two of the longest intervals, and grace.
const LONGEST_SILENCE: Duration = Duration::from_secs(20 * 60 + 5);
/// No setting makes it count as dead sooner: two of the shortest.
const SHORTEST_SILENCE: Duration = Duration::from_secs(2 + 5);
/// Of the largest, which are slow, so many fragments.
const MAX_HALVES: usize = 2;
/// What the payloads begin with whose frames are known by them.
const OWN: &[u8] = b"event ";
/// Crowds end where there are as many frames.
const MAX_FRAMES: u64 = 300;

static ZEROS: LazyLock<Bytes> = LazyLock::new(|| vec![b'0'; MAX_EVENT_BYTES / 2 + 1].into());

pub(super) struct World {
    machine: Machine,
    now: Duration,
    max_running: usize,
    max_bytes: usize,
    ack_deadline: Duration,
    /// The events in one frame that no handler has been started for, by their sequence ids, and when
    /// they are late.
    waiting: BTreeMap<u64, Duration>,
    /// The frames of this connection by their sequence ids, and whether they have been answered.
    asked: BTreeMap<u64, (Frame, bool)>,
    /// The handlers that run: keys, with the frame of their event if it is known, and its bytes.
    running: Vec<(u64, Option<u64>, usize)>,
    frames: u64,
    halves: usize,
    connection: Connection,
    draining: bool,
    given_up: bool,
    /// All that was sent and started.
    told: Vec<String>,
}

/// What has happened on this connection.
#[derive(Default)]
struct Connection {
    opened: Duration,
    last_heard: Duration,
    last_ping: Duration,
    pings: u32,
    /// The events of all connections before.
    events_before: u64,
    answers: u64,
}

/// What the answers may be to what has just happened.
#[derive(Clone, Copy, PartialEq)]
enum Expected {
    Failures,
    /// One success, to this frame if that is known.
    Success(Option<u64>),
}

impl World {
    pub(super) fn new(max_running: usize, max_bytes: usize, ack_deadline: Duration) -> Self {
        let mut world = Self {
            machine: Machine::begin(max_running, max_bytes, ack_deadline),
            now: Duration::ZERO,
            max_running,
            max_bytes,
            ack_deadline,
            waiting: BTreeMap::new(),
            asked: BTreeMap::new(),
            running: Vec::new(),
            frames: 0,
            halves: 0,
            connection: Connection::default(),
            draining: false,
            given_up: false,
            told: Vec::new(),
        };
        world.act(Expected::Failures);
        world
    }

    pub(super) fn step(&mut self, step: Step<'_>) {
        match step {
            Step::Event { len } => {
                let frame = self.frame().with_header(header::TYPE, header::EVENT);
                // By its payload the handler's event is known.
                let mut payload = [OWN, self.frames.to_string().as_bytes(), b"."].concat();
                payload.resize(payload.len() + usize::from(len), b'.');
                self.waiting
                    .insert(self.frames, self.now + self.ack_deadline);
                self.send(frame.with_payload(payload));
            }
            Step::Fragment { of, sum, seq, len } => {
                let payload = Bytes::from(vec![b'-'; len.into()]);
                self.fragment(of, sum, seq, payload);
            }
            Step::Run {
                of,
                sum,
                first,
                count,
            } => {
                for at in first..first + count {
                    self.fragment(of, sum, at % sum, Bytes::from_static(b"-"));
                }
            }
            Step::Half { of, seq, more } => {
                self.halves += 1;
                if self.halves <= MAX_HALVES {
                    let end = MAX_EVENT_BYTES / 2 + usize::from(more % 2);
                    self.fragment(of, 2, seq, ZEROS.slice(..end));
                }
            }
            Step::Crowd { count } => {
                for _ in 0..u64::from(count).min(MAX_FRAMES.saturating_sub(self.frames)) {
                    let id = format!("crowd-{}", self.frames);
                    let frame = self.frame().with_header(header::TYPE, header::EVENT);
                    let frame = frame.with_header(header::MESSAGE_ID, id);
                    self.send(frame.with_header(header::SUM, "2"));
                }
            }
            Step::Frame { method, headers } => {
                let mut frame = self.frame();
                frame.method = i32::from(method) - 1;
                for (key, value) in headers {
                    frame = frame.with_header(key, value);
                }
                self.send(frame);
            }
            Step::Message(message) => self.message(message),
            Step::Pong { settings } => {
                let pong = Frame::control(7).with_header(header::TYPE, header::PONG);
                self.hear(pong.with_payload(settings.to_vec()).encode());
            }
            Step::Sign { is_text } => {
                self.connection.last_heard = self.now;
                if is_text {
                    self.machine.on_text(self.now);
                } else {
                    self.machine.on_sign_of_life(self.now);
                }
                self.act(Expected::Failures);
            }
            Step::Ends { which, how } => self.end(which.into(), how),
            Step::Wait { ms, is_told } => {
                self.now += Duration::from_millis(ms.into());
                if is_told {
                    self.tell_time();
                }
            }
            Step::Sleep => {
                self.now = self.now.max(self.machine.next_time());
                self.tell_time();
            }
            Step::Drain => self.drain(),
            Step::Lost => self.begin_another(),
        }
        if self.given_up {
            self.begin_another();
        }
        self.is_at_work();
        assert_eq!(self.machine.is_idle(), self.running.is_empty());
    }

    /// While a handler is free, no event waits that is not late.
    fn is_at_work(&mut self) {
        self.waiting.retain(|_, late| self.now < *late);
        let is_free = self.running.len() < self.max_running && self.max_bytes == usize::MAX;
        if is_free && !self.draining {
            assert_eq!(self.waiting, BTreeMap::new());
        }
    }

    /// A shutdown: what runs ends, and then there is nothing that is not answered.
    pub(super) fn finish(mut self) -> Vec<String> {
        self.drain();
        while !self.running.is_empty() {
            self.end(0, 0);
        }
        assert!(self.machine.is_idle());
        assert_eq!(
            self.connection.answers,
            self.events(),
            "not all are answered"
        );
        let stats = self.machine.stats();
        assert!(
            stats.acked + stats.failed + stats.unsent == stats.events,
            "{stats:?}"
        );
        self.told
    }

    /// The events of this connection.
    fn events(&self) -> u64 {
        self.machine.stats().events - self.connection.events_before
    }

    /// A frame that no other is like.
    fn frame(&mut self) -> Frame {
        self.frames += 1;
        let mut frame = Frame::data(7).with_header(header::TRACE_ID, self.frames.to_string());
        frame.seq_id = self.frames;
        frame.log_id = u64::MAX - self.frames;
        frame
    }

    fn fragment(&mut self, of: u8, sum: u8, seq: u8, payload: Bytes) {
        let frame = self.frame().with_header(header::TYPE, header::EVENT);
        let frame = frame
            .with_header(header::MESSAGE_ID, format!("large-{}", of % MESSAGES))
            .with_header(header::SUM, sum.to_string())
            .with_header(header::SEQ, seq.to_string());
        self.send(frame.with_payload(payload));
    }

    fn send(&mut self, frame: Frame) {
        let message = frame.clone().encode();
        self.asked.insert(frame.seq_id, (frame, false));
        self.hear(message);
    }

    /// Any bytes, with the id of a frame behind them: if they are one, the id is its own.
    fn message(&mut self, message: &[u8]) {
        self.frames += 1;
        let mut id = Frame::control(0);
        id.seq_id = self.frames;
        let id = id.encode();
        // The field that comes first, and no other.
        let end = 1 + id[1..].iter().take_while(|byte| **byte >= 0x80).count() + 1;
        let message = Bytes::from([message, &id[..end]].concat());
        if let Ok(frame) = Frame::decode(message.clone()) {
            let payload = frame.payload.as_deref().unwrap_or_default();
            if frame.seq_id != self.frames || payload.starts_with(OWN) {
                return;
            }
            self.asked.insert(frame.seq_id, (frame, false));
        }
        self.hear(message);
    }

    fn hear(&mut self, message: Bytes) {
        let before = self.events();
        self.connection.last_heard = self.now;
        self.machine.on_message(message, self.now);
        assert!(self.events() <= before + 1, "two events in a message");
        self.act(Expected::Failures);
    }

    fn end(&mut self, which: usize, how: u8) {
        if self.running.is_empty() {
            return;
        }
        let (key, frame, _) = self.running.swap_remove(which % self.running.len());
        let end = match how % 6 {
            0 => End::Outcome(Outcome::Handled),
            1 => End::Outcome(Outcome::Unhandled),
            2 => End::Outcome(Outcome::Replied(RawJson::default())),
            3 => End::Failed,
            4 => End::NotStarted,
            _ => End::Cancelled,
        };
        let expected = match end {
            End::Outcome(_) => Expected::Success(frame),
            _ => Expected::Failures,
        };
        let is_asked = |id| self.asked.get(&id).is_some_and(|(_, answered)| !answered);
        let is_due = expected != Expected::Failures && frame.is_some_and(is_asked);
        self.machine.on_done(key, end, self.now);
        let left = self.act(expected);
        assert!(!is_due || left == Expected::Failures, "a success is lost");
    }

    fn tell_time(&mut self) {
        self.machine.on_time(self.now);
        self.act(Expected::Failures);
        if self.given_up {
            return;
        }
        assert!(self.machine.next_time() > self.now, "a busy loop");
        let silent = self.now - self.connection.last_heard;
        assert!(silent < LONGEST_SILENCE, "not given up");
        let quiet = self.now - self.connection.last_ping;
        assert!(quiet <= LONGEST_SILENCE / 2, "no ping");
        // Then even the last event is late.
        if silent >= self.ack_deadline {
            assert_eq!(
                self.connection.answers,
                self.events(),
                "late and not answered"
            );
        }
    }

    fn drain(&mut self) {
        self.draining = true;
        self.machine.drain(self.now);
        self.act(Expected::Failures);
    }

    fn begin_another(&mut self) {
        self.machine.begin_another(self.now);
        self.asked.clear();
        self.waiting.clear();
        self.connection = Connection {
            opened: self.now,
            last_heard: self.now,
            last_ping: self.now,
            events_before: self.machine.stats().events,
            ..Connection::default()
        };
        (self.draining, self.given_up) = (false, false);
        for (_, frame, _) in &mut self.running {
            // Nobody is waiting for its answer any more.
            *frame = Some(0);
        }
        self.act(Expected::Failures);
    }

    /// Does what is to be done, and looks at it. Returns what is still expected.
    fn act(&mut self, mut expected: Expected) -> Expected {
        while let Some(action) = self.machine.next_action() {
            match action {
                Do::Send(message) => {
                    let frame = Frame::decode(message).expect("a frame is sent");
                    self.told.push(format!("{frame:?} {:?}", frame.payload));
                    self.sent(&frame, &mut expected);
                }
                Do::Start {
                    key,
                    payload,
                    deadline,
                } => {
                    self.told
                        .push(format!("{key} {deadline:?} {}", payload.len()));
                    self.start(key, &payload, deadline);
                }
                Do::GiveUp => {
                    let silent = self.now - self.connection.last_heard;
                    assert!(silent >= SHORTEST_SILENCE, "given up too early");
                    self.given_up = true;
                }
            }
        }
        expected
    }

    fn start(&mut self, key: u64, payload: &Bytes, deadline: Duration) {
        assert!(!self.draining, "started in a drain");
        assert!(self.now < deadline, "started after its deadline");
        assert!(
            deadline <= self.now + self.ack_deadline,
            "has too much time"
        );
        assert!(
            self.running.iter().all(|(other, ..)| *other != key),
            "started twice"
        );
        let own = payload.strip_prefix(OWN);
        let frame = own.and_then(|own| {
            let number = own.split(|byte| *byte == b'.').next().unwrap_or_default();
            let id = str::from_utf8(number)
                .ok()?
                .parse()
                .expect("made of a number");
            let (_, is_answered) = self.asked.get(&id).expect("its frame has come");
            assert!(!is_answered, "started after its answer");
            self.waiting.remove(&id);
            Some(id)
        });
        self.running.push((key, frame, payload.len()));
        assert!(self.running.len() <= self.max_running);
        let bytes: usize = self.running.iter().map(|(.., bytes)| bytes).sum();
        assert!(bytes <= self.max_bytes, "{bytes} in flight");
    }

    fn sent(&mut self, frame: &Frame, expected: &mut Expected) {
        if frame.method() == Some(Method::Control) {
            assert_eq!(
                *frame,
                Frame::control(7).with_header(header::TYPE, header::PING)
            );
            self.connection.pings += 1;
            self.connection.last_ping = self.now;
            let open = self.now - self.connection.opened;
            let others = self.connection.pings - 1;
            assert!(Duration::from_secs(others.into()) <= open, "too many pings");
            return;
        }
        let asked = self.asked.get_mut(&frame.seq_id);
        let (asked, is_answered) = asked.expect("an answer to a frame");
        assert!(!*is_answered, "answered twice");
        *is_answered = true;
        self.waiting.remove(&frame.seq_id);
        self.connection.answers += 1;

        let mut like = asked.clone();
        let took = frame
            .headers
            .last()
            .filter(|header| header.key == header::BIZ_RT);
        let took = took.map(|header| header.value.clone()).unwrap_or_default();
        assert!(took.parse::<u64>().is_ok(), "{took:?}");
        like = like.with_header(header::BIZ_RT, took);
        like.payload.clone_from(&frame.payload);
        assert_eq!(*frame, like, "not the frame's own headers");

        let payload = frame.payload.as_deref().unwrap_or_default();
        if payload == br#"{"code":500}"# {
            return;
        }
        let successes = [&br#"{"code":200}"#[..], br#"{"code":200,"data":"e30="}"#];
        assert!(successes.contains(&payload), "{}", payload.escape_ascii());
        let Expected::Success(id) = *expected else {
            panic!("a success without a handler's");
        };
        assert!(
            id.is_none_or(|id| id == frame.seq_id),
            "the success of another"
        );
        *expected = Expected::Failures;
    }
}
