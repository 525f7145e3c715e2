//! The client configuration, which the platform sends with the endpoint and in pongs.

use serde::Serialize;

/// The client configuration of a long connection. `None` is omitted. The official Python and Node SDKs accept all
/// settings together, or a pong without any, but not some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClientConfig {
    /// The number of retries after the first attempt; −1 is unlimited.
    #[serde(rename = "ReconnectCount", skip_serializing_if = "Option::is_none")]
    pub reconnect_count: Option<i64>,
    /// The wait between two attempts, in seconds.
    #[serde(rename = "ReconnectInterval", skip_serializing_if = "Option::is_none")]
    pub reconnect_interval: Option<i64>,
    /// The range of the random wait before the first attempt, in seconds.
    #[serde(rename = "ReconnectNonce", skip_serializing_if = "Option::is_none")]
    pub reconnect_nonce: Option<i64>,
    /// The interval between pings, in seconds.
    #[serde(rename = "PingInterval", skip_serializing_if = "Option::is_none")]
    pub ping_interval: Option<i64>,
}

impl ClientConfig {
    /// Creates a configuration without any setting, for a pong without a payload.
    pub const EMPTY: Self = Self {
        reconnect_count: None,
        reconnect_interval: None,
        reconnect_nonce: None,
        ping_interval: None,
    };

    /// Sets the number of retries after the first attempt; −1 is unlimited.
    #[must_use]
    pub fn reconnect_count(mut self, count: i64) -> Self {
        self.reconnect_count = Some(count);
        self
    }

    /// Sets the wait between two attempts.
    #[must_use]
    pub fn reconnect_interval(mut self, seconds: i64) -> Self {
        self.reconnect_interval = Some(seconds);
        self
    }

    /// Sets the range of the random wait before the first attempt.
    #[must_use]
    pub fn reconnect_nonce(mut self, seconds: i64) -> Self {
        self.reconnect_nonce = Some(seconds);
        self
    }

    /// Sets the interval between pings.
    #[must_use]
    pub fn ping_interval(mut self, seconds: i64) -> Self {
        self.ping_interval = Some(seconds);
        self
    }
}

/// The configuration that the platform sends.
impl Default for ClientConfig {
    fn default() -> Self {
        Self::EMPTY
            .reconnect_count(-1)
            .reconnect_interval(120)
            .reconnect_nonce(30)
            .ping_interval(120)
    }
}
