//! A webhook that is posted to, and what it answers: for the commands that send of themselves.

pub(crate) mod answer;
pub(crate) mod client;
