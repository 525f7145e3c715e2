//! The long-connection side: the endpoint, the open connections, and sending events on them.

mod config;
mod endpoint;
mod link;
mod message;
mod pending;
mod server;
mod ticket;
#[cfg(feature = "tls")]
pub(crate) mod tls;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::warn;

pub use self::config::ClientConfig;
pub(crate) use self::link::CLOSE_LIMIT;
use self::link::{Command, Link};
use self::message::Message;
use self::pending::Pending;
pub(crate) use self::server::{Acceptor, serve, serve_stream};
use self::ticket::Tickets;
use crate::attempt::{Answer, Missing};
use crate::fault::Fault;
use crate::shared::Shared;
use crate::violation::{Violation, ViolationKind};

/// Most long connections that an app may have open.
pub const MAX_CONNECTIONS: usize = 50;
/// Violations kept; further ones are counted only.
pub const MAX_VIOLATIONS: usize = 1000;
/// The service that events come from.
const SERVICE_ID: i32 = 33_554_678;

pub(crate) struct Connections {
    /// `ws://` or `wss://`, and the address.
    origin: String,
    fragment_bytes: usize,
    config: Mutex<ClientConfig>,
    tickets: Mutex<Tickets>,
    links: Mutex<Vec<Arc<Link>>>,
    pending: Mutex<Pending>,
    violations: Mutex<Vec<Violation>>,
    /// Counts connections and frames.
    counter: AtomicU64,
}

impl Connections {
    pub(crate) fn new(origin: String, fragment_bytes: usize, config: ClientConfig) -> Self {
        Self {
            origin,
            fragment_bytes,
            config: Mutex::new(config),
            tickets: Mutex::default(),
            links: Mutex::default(),
            pending: Mutex::default(),
            violations: Mutex::default(),
            counter: AtomicU64::new(1),
        }
    }

    /// How many frames a document takes.
    pub(crate) fn fragments(&self, json: &Bytes) -> usize {
        message::fragments(json, self.fragment_bytes)
    }

    pub(crate) fn set_config(&self, config: ClientConfig) {
        *locked(&self.config) = config;
    }

    fn config(&self) -> ClientConfig {
        *locked(&self.config)
    }

    /// The payload of a pong, unless no setting is to be told.
    fn config_json(&self) -> Option<Vec<u8>> {
        let config = self.config();
        let json = || serde_json::to_vec(&config).expect("numbers can be written");
        (config != ClientConfig::EMPTY).then(json)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        locked(&self.pending)
    }

    pub(crate) fn violations(&self) -> Vec<Violation> {
        locked(&self.violations).clone()
    }

    fn violated(&self, shared: &Shared, link: &Link, kind: ViolationKind) {
        warn!(connection = %link.device_id, %kind, "against the protocol");
        shared.count(|stats| stats.violations += 1);
        let mut violations = locked(&self.violations);
        if violations.len() < MAX_VIOLATIONS {
            violations.push(Violation {
                connection: link.device_id.clone(),
                kind,
            });
        }
    }

    fn remove(&self, number: u64) {
        locked(&self.links).retain(|link| link.number != number);
        self.pending().lost(number);
    }

    /// Cuts all connections, without a Close.
    pub(crate) fn cut_all(&self) {
        for link in &*locked(&self.links) {
            link.cut.cancel();
        }
    }

    /// Closes all connections in due form.
    pub(crate) fn close_all(&self) {
        for link in &*locked(&self.links) {
            // One whose client does not even read is cut.
            if link.commands.try_send(Command::Close).is_err() {
                link.cut.cancel();
            }
        }
    }

    /// Sends a document on a random connection, and waits for the answer.
    pub(crate) async fn send(&self, shared: &Shared, json: &Bytes, faults: &[Fault]) -> Answer {
        let deadline = Instant::now() + shared.answer_limit;
        let random = &shared.random;
        let link = {
            let links = locked(&self.links);
            if links.is_empty() {
                return Missing::NowhereToSend.into();
            }
            Arc::clone(&links[random.below(links.len())])
        };
        if faults.contains(&Fault::HalfOpen) {
            let _ = timeout_at(deadline, link.commands.send(Command::GoSilent)).await;
            sleep_until(deadline).await;
            return Missing::TimedOut.into();
        }

        let seq_ids = self.fragments(json) as u64;
        let first = self.counter.fetch_add(seq_ids, Ordering::Relaxed);
        let millis = shared.clock.millis();
        let mut message = Message::split(json, self.fragment_bytes, millis, first, random);
        message.struck_by(faults, random);
        let answer = self.pending().expect(&message, link.number);
        let command = Command::Send {
            garbage: faults
                .contains(&Fault::GarbageFrame)
                .then(|| message::garbage(random)),
            frames: message.frames,
            then_cut: faults.contains(&Fault::Disconnect),
        };
        let answered = async {
            link.commands.send(command).await.ok()?;
            answer.await.ok()
        };
        match timeout_at(deadline, answered).await {
            Ok(answer) => answer.unwrap_or(Missing::ConnectionLost.into()),
            Err(_) => {
                self.pending().time_out(&message.id);
                Missing::TimedOut.into()
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
