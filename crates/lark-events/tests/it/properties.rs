//! Whatever is sent: what the openers make of it, beside a slow parser that reads the same rules one
//! by one, and what no change of a signed request gets past.

mod again;
mod cloud_event;
mod document;
mod envelope;
mod json;
mod opening;
mod reference;
mod signing;

use proptest::test_runner::Config;

/// Without a file of former failures: what fails becomes a test of its own. `times` as many cases as
/// proptest's own default, or as `PROPTEST_CASES` says.
fn config(times: u32) -> Config {
    let config = Config::default();
    Config {
        cases: config.cases.saturating_mul(times),
        failure_persistence: None,
        ..config
    }
}
