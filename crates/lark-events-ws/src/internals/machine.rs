//! A session alone: whoever has it is its socket, its handlers and its clock.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "its user keeps time going on for days at most"
)]

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lark_events::Outcome;
use tokio::time::Instant;

use crate::Stats;
use crate::config::ClientConfig;
use crate::session::{Action, Done, Limits, Running, Session};
use crate::stats::Counters;

/// One connection after another. Moments are those since the first was begun.
#[derive(Debug)]
pub struct Machine {
    session: Session,
    limits: Limits,
    counters: Arc<Counters>,
    began: Instant,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Do {
    /// A binary message is sent.
    Send(Bytes),
    /// A handler is started.
    Start {
        /// What it is called when it ends.
        key: u64,
        /// Its event.
        payload: Bytes,
        /// By when it is to have ended.
        deadline: Duration,
    },
    /// The connection is given up.
    GiveUp,
}

/// How a handler ended.
#[derive(Debug)]
pub enum End {
    /// With an outcome.
    Outcome(Outcome),
    /// With an error.
    Failed,
    /// Before it was run.
    NotStarted,
    /// Before its end.
    Cancelled,
}

impl Machine {
    /// Begins the first connection.
    pub fn begin(max_running: usize, max_bytes_in_flight: usize, ack_deadline: Duration) -> Self {
        let limits = Limits {
            max_running,
            max_bytes_in_flight,
            ack_deadline,
        };
        let (counters, began) = (Arc::<Counters>::default(), Instant::now());
        let (config, running) = (ClientConfig::default(), Running::default());
        Self {
            session: Session::begin(7, config, limits, running, Arc::clone(&counters), began),
            limits,
            counters,
            began,
        }
    }

    /// Loses the connection, and begins another.
    pub fn begin_another(&mut self, at: Duration) {
        let (limits, now) = (self.limits, self.began + at);
        let begin =
            |config, running, counters| Session::begin(7, config, limits, running, counters, now);
        let in_its_place = begin(ClientConfig::default(), Running::default(), Arc::default());
        let (running, config) = mem::replace(&mut self.session, in_its_place).end();
        self.session = begin(config, running, Arc::clone(&self.counters));
    }

    /// A binary message has come.
    pub fn on_message(&mut self, message: Bytes, at: Duration) {
        self.session.on_message(message, self.began + at);
    }

    /// A text has come.
    pub fn on_text(&mut self, at: Duration) {
        self.session.on_text(self.began + at);
    }

    /// Something else has come.
    pub fn on_sign_of_life(&mut self, at: Duration) {
        self.session.on_sign_of_life(self.began + at);
    }

    /// A handler has ended.
    pub fn on_done(&mut self, key: u64, end: End, at: Duration) {
        let done = match end {
            End::Outcome(outcome) => Done::Outcome(outcome),
            End::Failed => Done::Failed,
            End::NotStarted => Done::NotStarted,
            End::Cancelled => Done::Cancelled,
        };
        self.session.on_done(key, &done, self.began + at);
    }

    /// Time has gone by.
    pub fn on_time(&mut self, at: Duration) {
        self.session.on_time(self.began + at);
    }

    /// A shutdown has begun.
    pub fn drain(&mut self, at: Duration) {
        self.session.drain(self.began + at);
    }

    /// What is to be done next.
    pub fn next_action(&mut self) -> Option<Do> {
        Some(match self.session.next_action()? {
            Action::Send(message) => Do::Send(message),
            Action::Start {
                key,
                payload,
                deadline,
            } => Do::Start {
                key,
                payload,
                deadline: deadline.duration_since(self.began),
            },
            Action::GiveUp => Do::GiveUp,
        })
    }

    /// When it is to be told of the time.
    pub fn next_time(&self) -> Duration {
        self.session.next_time().duration_since(self.began)
    }

    /// Whether nothing runs any more.
    pub fn is_idle(&self) -> bool {
        self.session.is_idle()
    }

    /// What has happened.
    pub fn stats(&self) -> Stats {
        self.counters.stats()
    }
}
