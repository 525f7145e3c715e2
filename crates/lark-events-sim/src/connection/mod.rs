//! The long-connection side: the endpoint, the open connections, and the events on them.

mod config;
mod endpoint;
mod link;
mod message;
mod open;
mod pending;
mod server;
mod ticket;
#[cfg(feature = "tls")]
pub(crate) mod tls;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use lark_events_ws::frame::Frame;
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::warn;

pub use self::config::ClientConfig;
pub(crate) use self::link::CLOSE_LIMIT;
use self::link::{Command, Ending, Link};
use self::message::Message;
pub use self::open::Connection;
use self::pending::Pending;
pub use self::pending::{Ack, AckFate, MAX_ACKS};
pub(crate) use self::server::{Acceptor, serve, serve_stream};
use self::ticket::Tickets;
use crate::attempt::Missing;
use crate::builder::MAX_WAIT;
use crate::deliver::{Deliver, Outcome};
use crate::fault::Fault;
use crate::random::Random;
use crate::sent::Sent;
use crate::shared::{Shared, locked};
use crate::violation::{ProtocolViolation, ProtocolViolationKind};

/// The maximum number of open long connections of an app.
pub const MAX_CONNECTIONS: usize = 50;
/// The maximum number of violations that are kept; further ones are only counted.
pub const MAX_VIOLATIONS: usize = 1000;
/// The service id of events.
const SERVICE_ID: i32 = 33_554_678;

pub(crate) struct Connections {
    /// `ws://` or `wss://`, and the address.
    origin: String,
    fragment_bytes: usize,
    fragment_gap: Duration,
    config: Mutex<ClientConfig>,
    tickets: Mutex<Tickets>,
    links: Mutex<Vec<Arc<Link>>>,
    pending: Mutex<Pending>,
    violations: Mutex<Vec<ProtocolViolation>>,
    connections_opened: AtomicU64,
    frames_sent: AtomicU64,
    /// Whether new connections are rejected.
    closing: AtomicBool,
}

impl Connections {
    pub(crate) fn new(
        origin: String,
        fragment_bytes: usize,
        fragment_gap: Duration,
        config: ClientConfig,
    ) -> Self {
        Self {
            origin,
            fragment_bytes,
            fragment_gap,
            config: Mutex::new(config),
            tickets: Mutex::default(),
            links: Mutex::default(),
            pending: Mutex::default(),
            violations: Mutex::default(),
            connections_opened: AtomicU64::new(1),
            frames_sent: AtomicU64::new(1),
            closing: AtomicBool::new(false),
        }
    }

    /// The number of frames of a document.
    pub(crate) fn fragments(&self, json: &Bytes) -> usize {
        message::fragments(json, self.fragment_bytes)
    }

    pub(crate) fn set_config(&self, config: ClientConfig) {
        *locked(&self.config) = config;
    }

    fn config(&self) -> ClientConfig {
        *locked(&self.config)
    }

    /// The payload of a pong; `None` without settings.
    fn config_json(&self) -> Option<Vec<u8>> {
        let config = self.config();
        let json = || serde_json::to_vec(&config).expect("numbers can be written");
        (config != ClientConfig::EMPTY).then(json)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        locked(&self.pending)
    }

    pub(crate) fn violations(&self) -> Vec<ProtocolViolation> {
        locked(&self.violations).clone()
    }

    pub(crate) fn acks(&self) -> Vec<Ack> {
        self.pending().acks()
    }

    fn violated(&self, shared: &Shared, link: &Link, kind: ProtocolViolationKind) {
        warn!(connection = %link.device_id, %kind, "protocol violation");
        let mut violations = locked(&self.violations);
        if violations.len() < MAX_VIOLATIONS {
            violations.push(ProtocolViolation {
                connection: link.device_id.clone(),
                kind,
            });
        }
        drop(violations);
        link.seen().violations += 1;
        shared.count(|stats| stats.violations += 1);
    }

    /// The open connections, the oldest first.
    pub(crate) fn open(&self) -> Vec<Connection> {
        let links = locked(&self.links);
        links.iter().map(|link| link.seen().clone()).collect()
    }

    fn unlist(&self, number: u64) {
        locked(&self.links).retain(|link| link.number != number);
    }

    /// Whether any connection is open.
    pub(crate) fn is_any(&self) -> bool {
        !locked(&self.links).is_empty()
    }

    /// Rejects new connections from now on.
    pub(crate) fn take_no_more(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Cuts all connections, without a Close.
    pub(crate) fn cut_all(&self) {
        for link in &*locked(&self.links) {
            link.cut.cancel();
        }
    }

    /// Closes all connections with a Close.
    pub(crate) fn close_all(&self) {
        for link in &*locked(&self.links) {
            // A connection with a client that does not read is cut.
            if link.commands.try_send(Command::Close).is_err() {
                link.cut.cancel();
            }
        }
    }

    /// Sends a document on a random connection, and waits for the answer. The time limit starts when the last
    /// fragment is sent.
    pub(crate) async fn send(&self, deliver: &Deliver, faults: &[Fault]) -> Outcome {
        let shared = &*deliver.shared;
        let (json, random) = (&deliver.document.json, &shared.random);
        let now = Instant::now();
        let link = {
            let links = locked(&self.links);
            if links.is_empty() {
                return Outcome::nowhere();
            }
            Arc::clone(&links[random.below(links.len())])
        };
        deliver.count_sent();
        let seq_ids = self.fragments(json) as u64;
        let first = self.frames_sent.fetch_add(seq_ids, Ordering::Relaxed);
        let millis = shared.clock.millis();
        let mut message = Message::split(json, self.fragment_bytes, millis, first, random);
        let (id, fragments) = (message.id.clone(), message.sum);
        let outcome = |at, answered| Outcome {
            at,
            sent: Some(Sent::Message {
                connection: link.device_id.clone(),
                message_id: id.clone(),
                fragments,
            }),
            answered,
        };
        if faults.contains(&Fault::HalfOpen) || faults.contains(&Fault::LoseEvent) {
            let deadline = now + shared.answer_limit;
            if faults.contains(&Fault::HalfOpen) {
                let _ = timeout_at(deadline, link.commands.send(Command::GoSilent)).await;
            }
            sleep_until(deadline).await;
            return outcome(now, Missing::TimedOut.into());
        }

        message.struck_by(faults, random);
        let answer = {
            let loses_answer = faults.contains(&Fault::LoseAnswer);
            let event_id = &deliver.document.event_id;
            self.pending()
                .expect(&message, event_id, link.number, loses_answer)
        };
        let (gap, commands) = commands(message, self.fragment_gap, faults, random);
        let gaps = u32::try_from(commands.len() - 1).unwrap_or(u32::MAX);
        let sent = now + gap.saturating_mul(gaps).min(MAX_WAIT);
        let answered = async {
            for (place, command) in (0..).zip(commands) {
                // Counted from the first one, as each separate sleep would be rounded up.
                sleep_until(now + gap.saturating_mul(place)).await;
                link.commands.send(command).await.ok()?;
            }
            deliver.tell_others();
            answer.await.ok()
        };
        let answer = match timeout_at(sent + shared.answer_limit, answered).await {
            Ok(Some(answer)) => answer,
            Ok(None) => {
                self.pending().forget(&id);
                Missing::ConnectionLost.into()
            }
            Err(_) => {
                self.pending().time_out(&id);
                Missing::TimedOut.into()
            }
        };
        // The connection may be lost before.
        outcome(sent.min(Instant::now()), answer.into())
    }
}

/// The commands to send a message, in order, and the time between two.
fn commands(
    message: Message,
    gap: Duration,
    faults: &[Fault],
    random: &Random,
) -> (Duration, Vec<Command>) {
    let mut garbage = faults
        .contains(&Fault::GarbageFrame)
        .then(|| message::garbage(random));
    let spread = faults.iter().find_map(|fault| match fault {
        Fault::SpreadFragments(gap) => Some(*gap),
        _ => None,
    });
    let mut ending = faults.iter().find_map(|fault| match fault {
        Fault::Disconnect => Some(Ending::Cut),
        Fault::Close => Some(Ending::Close),
        _ => None,
    });
    let gap = spread.unwrap_or(gap);
    let parts: Vec<Vec<Frame>> = if gap.is_zero() {
        vec![message.frames]
    } else {
        let frames = message.frames.into_iter();
        frames.map(|frame| vec![frame]).collect()
    };
    let last = parts.len() - 1;
    let command = |(place, frames)| Command::Send {
        garbage: garbage.take(),
        frames,
        is_last: place == last,
        then: ending.take_if(|_| place == last),
    };
    let commands = parts.into_iter().enumerate().map(command).collect();
    (gap, commands)
}
