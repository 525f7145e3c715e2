//! For this project's benchmarks, fuzzing and soak test: a connection without a socket, and times that
//! apps cannot set. Not part of the API: it may change in any version.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lark_events::{Dispatcher, LateHandler};
use lark_events_layers::run::{
    DEFAULT_ACK_DEADLINE, DEFAULT_MAX_BYTES_IN_FLIGHT, DEFAULT_MAX_RUNNING, Terms,
};
use tokio::time::Instant;

use crate::builder::LongConnectionBuilder;
use crate::run::handlers::Handlers;
use crate::session::{Action, Limits, Running, Session};
use crate::stats::Counters;
use crate::wire::config::ClientConfig;

pub use crate::session::model;

/// Makes a connection count as stable after this time, for tests that cannot wait a minute.
pub fn stable_after(mut builder: LongConnectionBuilder, time: Duration) -> LongConnectionBuilder {
    builder.stable_after = time;
    builder
}

/// The app of the documented samples.
const APP_ID: &str = "cli_9f5343c580712544";

/// A session and its handlers: messages in, messages out.
#[expect(missing_debug_implementations, reason = "no part of the API")]
pub struct Socketless {
    session: Session,
    handlers: Handlers,
}

impl Socketless {
    /// A connection that has just been opened.
    pub fn new(service: Dispatcher) -> Self {
        let counters = Arc::<Counters>::default();
        let mut session = Session::begin(
            1,
            ClientConfig::default(),
            Limits {
                max_running: DEFAULT_MAX_RUNNING,
                max_bytes_in_flight: DEFAULT_MAX_BYTES_IN_FLIGHT,
                ack_deadline: DEFAULT_ACK_DEADLINE,
            },
            Running::default(),
            Arc::clone(&counters),
            Instant::now(),
        );
        let _first_ping = session.next_action();
        Self {
            session,
            handlers: Handlers::new(service, APP_ID.into(), Arc::clone(&counters.tasks)),
        }
    }

    /// Takes one message and, if it starts a handler, waits until the handler has ended. Returns the
    /// first message sent.
    pub async fn exchange(&mut self, message: Bytes) -> Option<Bytes> {
        self.session.on_message(message, Instant::now());
        loop {
            match self.session.next_action()? {
                Action::Send(message) => return Some(message),
                Action::Start {
                    key,
                    payload,
                    deadline,
                } => {
                    let late = LateHandler::default();
                    self.handlers.start(key, payload, Terms { deadline, late });
                    let (key, done) = self.handlers.next().await;
                    self.session.on_done(key, &done, Instant::now());
                }
                Action::GiveUp => return None,
            }
        }
    }
}
