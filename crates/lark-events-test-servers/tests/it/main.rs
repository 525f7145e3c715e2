//! Servers start, fail and end as their tests expect.
#![cfg(unix)]

#[cfg(feature = "browser")]
mod browser;
mod nats;
mod owner;
mod pgbouncer;
mod postgres;
mod redis;
mod standby;
