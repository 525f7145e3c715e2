//! Servers start, fail and end as their tests expect.
#![cfg(unix)]

mod nats;
mod owner;
mod pgbouncer;
mod postgres;
mod standby;
