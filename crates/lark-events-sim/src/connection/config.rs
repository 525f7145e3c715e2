//! What the platform tells a client to do: with the endpoint, and anew in any pong.

use serde::Serialize;

/// The settings of a long connection, in seconds. What is `None` is left out; the official Python and
/// Node SDKs take all of them, or a pong without any, and nothing between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClientConfig {
    /// How often to try again after the first time; −1 is for ever.
    #[serde(rename = "ReconnectCount", skip_serializing_if = "Option::is_none")]
    pub reconnect_count: Option<i64>,
    /// How long to wait between two tries.
    #[serde(rename = "ReconnectInterval", skip_serializing_if = "Option::is_none")]
    pub reconnect_interval: Option<i64>,
    /// Within which time, at random, to try for the first time.
    #[serde(rename = "ReconnectNonce", skip_serializing_if = "Option::is_none")]
    pub reconnect_nonce: Option<i64>,
    /// How often to ping.
    #[serde(rename = "PingInterval", skip_serializing_if = "Option::is_none")]
    pub ping_interval: Option<i64>,
}

impl ClientConfig {
    /// No setting at all: a pong with this has no payload.
    pub const EMPTY: Self = Self {
        reconnect_count: None,
        reconnect_interval: None,
        reconnect_nonce: None,
        ping_interval: None,
    };

    /// Sets how often to try again after the first time; −1 is for ever.
    #[must_use]
    pub fn reconnect_count(mut self, count: i64) -> Self {
        self.reconnect_count = Some(count);
        self
    }

    /// Sets how long to wait between two tries.
    #[must_use]
    pub fn reconnect_interval(mut self, seconds: i64) -> Self {
        self.reconnect_interval = Some(seconds);
        self
    }

    /// Sets within which time, at random, to try for the first time.
    #[must_use]
    pub fn reconnect_nonce(mut self, seconds: i64) -> Self {
        self.reconnect_nonce = Some(seconds);
        self
    }

    /// Sets how often to ping.
    #[must_use]
    pub fn ping_interval(mut self, seconds: i64) -> Self {
        self.ping_interval = Some(seconds);
        self
    }
}

/// What the platform itself sends.
impl Default for ClientConfig {
    fn default() -> Self {
        Self::EMPTY
            .reconnect_count(-1)
            .reconnect_interval(120)
            .reconnect_nonce(30)
            .ping_interval(120)
    }
}
