//! Posting to the webhook under test, and its answers, for `push` and `check`.

pub(crate) mod answer;
pub(crate) mod client;
