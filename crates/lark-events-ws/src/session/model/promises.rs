//! The invariants of a session, checked after every action and at all times.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::world::{FAILURE, LONGEST_SILENCE, World};
use crate::session::{Action, MAX_QUEUED, SILENCE_GRACE};
use crate::wire::frame::{Frame, Method, header};

/// The shortest silence that counts as dead under any setting: two of the shortest intervals.
const SHORTEST_SILENCE: Duration = Duration::from_secs(2 + 5);
/// The shortest ping interval under any setting.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
impl World {
    /// Carries out the next actions, and checks them.
    pub(super) fn act(&mut self) {
        while self.act_once() {}
    }

    pub(super) fn act_once(&mut self) -> bool {
        let Some(action) = self.session.next_action() else {
            return false;
        };
        match action {
            Action::Send(message) => {
                let frame = Frame::decode(message).expect("a frame is sent");
                self.told.push(format!("{frame:?} {:?}", frame.payload));
                self.sent(&frame);
            }
            Action::Start {
                key,
                payload,
                deadline,
            } => {
                let at = deadline.duration_since(self.began);
                self.told.push(format!("{key} {at:?} {}", payload.len()));
                self.start(key, &payload, deadline);
            }
            Action::GiveUp => {
                let interval = self.session.config.ping_interval;
                let silent = self.now - self.last_heard;
                assert!(silent >= SHORTEST_SILENCE, "given up too early");
                assert!(silent >= 2 * interval + SILENCE_GRACE, "given up too early");
                self.given_up = true;
            }
        }
        true
    }

    fn start(&mut self, key: u64, payload: &Bytes, deadline: Instant) {
        let latest = self.now + self.limits.ack_deadline;
        let delivery = self.connection.deliveries.get_mut(&key);
        let delivery = delivery.expect("a handler for an event");
        assert!(!self.draining, "started in a drain");
        assert!(!delivery.answered, "started after its answer");
        assert!(!delivery.started, "started twice");
        assert!(self.now < deadline, "started after its deadline");
        assert!(deadline <= latest, "has too much time");
        assert!(deadline <= delivery.deadline, "has too much time");
        if let Some(known) = &delivery.payload {
            assert_eq!(payload, known);
        }
        delivery.started = true;
        let is_new = self.running.iter().all(|(other, _)| *other != key);
        assert!(is_new, "started twice");
        self.running.push((key, delivery.bytes));
        assert!(self.running.len() <= self.limits.max_running);
        let bytes: usize = self.running.iter().map(|(_, bytes)| bytes).sum();
        assert!(
            bytes <= self.limits.max_bytes_in_flight,
            "{bytes} in flight"
        );
    }

    fn sent(&mut self, frame: &Frame) {
        if frame.method() == Some(Method::Control) {
            let ping = Frame::control(7).with_header(header::TYPE, header::PING);
            assert_eq!(*frame, ping);
            let others = self.connection.pings;
            let open = self.now - self.connection.opened;
            assert!(others * SHORTEST_INTERVAL <= open, "too many pings");
            self.connection.pings += 1;
            self.connection.last_ping = self.now;
            return;
        }
        let mut deliveries = self.connection.deliveries.iter_mut();
        let of = deliveries.find(|(_, delivery)| delivery.last_frame.seq_id == frame.seq_id);
        let (key, delivery) = of.expect("an answer to an event");
        assert!(!delivery.answered, "answered twice");
        delivery.answered = true;
        self.connection.answers += 1;
        self.answers += 1;

        let payload = frame.payload.as_deref().unwrap_or_default();
        let due = self.due.take_if(|(due, _)| due == key);
        // An answer without a handler that has just ended is a failure.
        let expected = due.map_or(FAILURE, |(_, answer)| answer);
        assert_eq!(
            payload.escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );

        let took = frame.headers.last();
        let took = took.filter(|header| header.key == header::BIZ_RT);
        let took = took.map(|header| header.value.clone()).unwrap_or_default();
        assert!(took.parse::<u64>().is_ok(), "{took:?}");
        let mut like = delivery.last_frame.clone();
        like = like.with_header(header::BIZ_RT, took);
        like.payload.clone_from(&frame.payload);
        assert_eq!(*frame, like, "not the frame's own headers");
    }

    /// Checks the invariants that always hold.
    pub(super) fn check(&self) {
        let session = &self.session;
        let running: usize = self.running.iter().map(|(_, bytes)| bytes).sum();
        let deliveries = || self.connection.deliveries.values();
        let waiting = || deliveries().filter(|one| !one.started && !one.answered);
        let waiting_bytes: usize = waiting().map(|one| one.bytes).sum();
        let in_flight = running + waiting_bytes + session.assembler.bytes();
        assert!(
            in_flight <= self.limits.max_bytes_in_flight,
            "{in_flight} in flight"
        );
        assert_eq!(
            (session.running.bytes, session.queued_bytes),
            (running, waiting_bytes)
        );
        assert!(self.running.len() <= self.limits.max_running);
        assert!(session.queue.len() <= MAX_QUEUED);
        session.assembler.check();
        assert_eq!(session.is_idle(), self.running.is_empty());
        if self.draining || self.running.len() < self.limits.max_running {
            assert_eq!(waiting().count(), 0, "an event waits for nothing");
            assert!(session.queue.is_empty(), "an event waits for nothing");
        }
        let stats = self.counters.stats();
        assert_eq!(
            (stats.acked + stats.failed, stats.unsent),
            (self.answers, self.unanswered)
        );
        assert_eq!(session.deadlines.len(), session.open.len());
    }

    /// Checks the invariants that hold once the session knows the time.
    pub(super) fn check_time(&self) {
        assert!(self.session.next_time() > self.now, "a busy loop");
        let silent = self.now - self.last_heard;
        assert!(silent < LONGEST_SILENCE, "not given up");
        let quiet = self.now - self.connection.last_ping;
        assert!(quiet <= LONGEST_SILENCE / 2, "no ping");
        for delivery in self.connection.deliveries.values() {
            assert!(
                delivery.answered || self.now < delivery.deadline,
                "not answered by its deadline: {delivery:?}"
            );
        }
        // By then even the last event is late.
        if silent >= self.limits.ack_deadline {
            assert_eq!(
                self.connection.answers,
                self.connection_events(),
                "late and not answered"
            );
        }
    }
}
