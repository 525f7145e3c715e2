//! Starts servers of PostgreSQL, PgBouncer, NATS and Redis for tests, examples, benchmarks and `cargo xtask`: real
//! ones, on loopback, each in a temporary folder. With the feature `browser`, starts Chromium too, and opens pages in
//! it.
//!
//! A server never outlives the process that started it, not even if that process is killed. A server can
//! therefore be in a `static`, for all tests of a program:
//!
//! ```no_run
//! # #[cfg(unix)] {
//! use std::sync::OnceLock;
//!
//! use lark_events_test_servers::Postgres;
//!
//! fn postgres() -> Option<&'static Postgres> {
//!     static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
//!     SERVER.get_or_init(|| Postgres::start_or_skip("the inbox on PostgreSQL")).as_ref()
//! }
//!
//! let Some(postgres) = postgres() else { return };
//! let url = postgres.create_database("one_test");
//! # }
//! ```
//!
//! Where an engine is not installed, `start_or_skip` prints what is skipped, which `cargo test` shows. With the environment variable
//! `LARK_EVENTS_ENGINES=required`, as in `.ci/run`, it panics instead.
//!
//! The functions panic where a server fails, with the end of its log: they are for tests. Examples use
//! [`Database`], which reports errors and takes the URL of a database instead. The rest is only on Unix.

#[cfg(unix)]
mod account;
#[cfg(all(unix, feature = "browser"))]
mod browser;
mod database;
#[cfg(unix)]
mod frozen;
#[cfg(unix)]
mod guard;
#[cfg(unix)]
mod nats;
#[cfg(unix)]
mod pgbouncer;
#[cfg(unix)]
mod ports;
#[cfg(unix)]
mod postgres;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod program;
#[cfg(unix)]
mod redis;
mod skip;

#[cfg(all(unix, feature = "browser"))]
pub use self::browser::{Axe, Browser, BrowserProgram, Entry, Looks, Tab, View};
pub use self::database::Database;
#[cfg(unix)]
pub use self::nats::{Nats, NatsCluster, NatsProgram, NatsSettings};
#[cfg(unix)]
pub use self::pgbouncer::PgBouncer;
#[cfg(unix)]
pub use self::postgres::{Installation, Postgres};
#[cfg(unix)]
pub use self::redis::{Redis, RedisProgram};
pub use self::skip::{or_skip, skipped};
/// What [`Tab`] dereferences to, its locators and its keys.
#[cfg(all(unix, feature = "browser"))]
pub use fantoccini;
