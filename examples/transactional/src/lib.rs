//! Handlers that write to their own table and finish the event in one commit, with two drivers.
//!
//! After a crash, both the row of the handler and the completion of the event are there, or neither is. A handler
//! that commits its row first, and returns, is called again if its process dies in between: then the row is there
//! twice, unless a unique key prevents it.
//!
//! The program of this package shows this: `cargo run -p transactional`.

mod crash;
#[cfg(feature = "sqlx")]
pub mod with_sqlx;
pub mod with_tokio_postgres;

pub use self::crash::Crash;

/// The table of the handlers. Without a unique key, so that an event that is handled twice has two rows.
pub const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS reply (event_id text NOT NULL, body text NOT NULL)";
