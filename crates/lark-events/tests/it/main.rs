//! What the crate promises, tested from outside.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apps;
#[cfg(feature = "card-v1")]
mod card_v1;
mod cost;
#[cfg(feature = "derive")]
mod derive;
mod dispatch;
mod event_set;
mod hygiene;
mod kinds;
mod odd_fields;
mod properties;
mod signed;
mod state;
mod support;
#[cfg(feature = "testing")]
mod testing;
mod unread;
mod unsigned;
mod verdicts;
mod webhook;
