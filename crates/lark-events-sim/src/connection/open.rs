//! An open long connection, as tests and tools see it.

use tokio::time::Instant;

/// An open long connection: [`Platform::connections`](crate::Platform::connections).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// The `device_id` of its URL.
    pub id: String,
    /// The start of the `User-Agent` of its upgrade request, if it has one.
    pub user_agent: Option<String>,
    /// The moment of its upgrade.
    pub since: Instant,
    /// Whether the platform neither sends nor reads on it any more, by
    /// [`Fault::HalfOpen`](crate::Fault::HalfOpen) or
    /// [`Fault::AcceptHalfOpen`](crate::Fault::AcceptHalfOpen), while its client still sees an open
    /// connection.
    pub is_half_open: bool,
    /// Pings of its client.
    pub pings: usize,
    /// The moment of the last ping.
    pub last_ping: Option<Instant>,
    /// Events and callbacks that were sent on it, including redeliveries and copies; each counts with its last
    /// fragment.
    pub messages: usize,
    /// Answers to them, including late and lost ones.
    pub acks: usize,
    /// Violations of the protocol on it.
    pub violations: usize,
}

impl Connection {
    pub(super) fn new(id: String, user_agent: Option<String>, is_half_open: bool) -> Self {
        Self {
            id,
            user_agent,
            since: Instant::now(),
            is_half_open,
            pings: 0,
            last_ping: None,
            messages: 0,
            acks: 0,
            violations: 0,
        }
    }
}
