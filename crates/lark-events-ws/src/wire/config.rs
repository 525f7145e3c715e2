//! The platform's settings for a client, within limits.

use std::time::Duration;

use serde_json::Value;

/// The limits of every interval, whatever the platform sets.
const MIN_INTERVAL: Duration = Duration::from_secs(1);
const MAX_INTERVAL: Duration = Duration::from_secs(10 * 60);

/// The settings of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientConfig {
    /// The number of retries before giving up; `None` is unlimited.
    pub(crate) reconnect_count: Option<u64>,
    pub(crate) reconnect_interval: Duration,
    /// The time within which the first retry happens, at random.
    pub(crate) reconnect_nonce: Duration,
    pub(crate) ping_interval: Duration,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            reconnect_count: None,
            reconnect_interval: Duration::from_secs(120),
            reconnect_nonce: Duration::from_secs(30),
            ping_interval: Duration::from_secs(120),
        }
    }
}

impl ClientConfig {
    /// Applies a `ClientConfig`, which may have any of its members or none.
    pub(crate) fn update(&mut self, config: &Value) {
        let member = |name: &str| config.get(name).and_then(Value::as_i64);
        let seconds = |name| {
            let seconds = u64::try_from(member(name)?).unwrap_or(0);
            Some(Duration::from_secs(seconds).clamp(MIN_INTERVAL, MAX_INTERVAL))
        };
        if let Some(count) = member("ReconnectCount") {
            self.reconnect_count = u64::try_from(count).ok();
        }
        for (setting, name) in [
            (&mut self.reconnect_interval, "ReconnectInterval"),
            (&mut self.reconnect_nonce, "ReconnectNonce"),
            (&mut self.ping_interval, "PingInterval"),
        ] {
            if let Some(interval) = seconds(name) {
                *setting = interval;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn any_members_are_taken_over_and_others_stay() {
        let mut config = ClientConfig::default();
        config.update(&json!({"PingInterval": 30, "Other": 1}));
        let expected = ClientConfig {
            ping_interval: Duration::from_secs(30),
            ..ClientConfig::default()
        };
        assert_eq!(config, expected);
        for nothing in [
            json!({}),
            json!(null),
            json!([1]),
            json!({"PingInterval": "x"}),
        ] {
            config.update(&nothing);
            assert_eq!(config, expected);
        }
        config.update(&json!({"ReconnectCount": 3, "ReconnectNonce": 2, "ReconnectInterval": 9}));
        assert_eq!(config.reconnect_count, Some(3));
        assert_eq!(config.reconnect_nonce, Duration::from_secs(2));
        assert_eq!(config.reconnect_interval, Duration::from_secs(9));
        config.update(&json!({"ReconnectCount": -1}));
        assert_eq!(config.reconnect_count, None);
    }

    #[test]
    fn nothing_makes_a_busy_loop_or_a_client_that_sleeps_for_ever() {
        let mut config = ClientConfig::default();
        for (seconds, clamped) in [(0, 1), (-1, 1), (i64::MIN, 1), (601, 600), (i64::MAX, 600)] {
            config.update(
                &json!({"ReconnectInterval": seconds, "ReconnectNonce": seconds,
                "PingInterval": seconds}),
            );
            let clamped = Duration::from_secs(clamped);
            for setting in [
                config.reconnect_interval,
                config.reconnect_nonce,
                config.ping_interval,
            ] {
                assert_eq!(setting, clamped, "{seconds}");
            }
        }
    }
}
