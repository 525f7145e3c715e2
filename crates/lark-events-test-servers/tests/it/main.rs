//! Servers start, fail and end as their tests expect.
#![cfg(unix)]

mod owner;
mod pgbouncer;
mod postgres;
mod standby;
