//! Posting to the webhook under test, and its answers, for `push`, `check` and `inbox`.

pub(crate) mod answer;
pub(crate) mod client;
pub(crate) mod pushed;
