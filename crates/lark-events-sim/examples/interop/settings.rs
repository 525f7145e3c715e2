//! Settings that the platform and the apps share.

use std::time::Duration;

use lark_events_sim::{ClientConfig, Platform, PlatformBuilder};

/// In the form that the Node SDK requires.
pub(crate) const APP_ID: &str = "cli_9f5343c580712544";
pub(crate) const APP_SECRET: &str = "app-secret";
pub(crate) const ENCRYPT_KEY: &str = "encrypt-key";
pub(crate) const VERIFICATION_TOKEN: &str = "verification-token";

/// Five fragments for the largest event.
const FRAGMENT_BYTES: usize = 64 * 1024;

/// The settings that clients receive: ping every second, and reconnect at once.
pub(crate) fn client_config() -> ClientConfig {
    ClientConfig::default()
        .ping_interval(1)
        .reconnect_interval(1)
        .reconnect_nonce(0)
}

/// A platform that redelivers an event twice, 50 ms after each failure.
pub(crate) fn platform() -> PlatformBuilder {
    Platform::builder()
        .app(APP_ID, APP_SECRET)
        .verification_token(VERIFICATION_TOKEN)
        .redeliver_after([Duration::from_millis(50); 2])
        .fragment_above(FRAGMENT_BYTES)
        .client_config(client_config())
        .seed(7)
}
