//! Recordings: what `serve` and `listen` write with `--record`, and what `replay`, `explain` and `inspect` read.

mod attempt;
mod masked;
mod record;
mod source;

pub(crate) use self::masked::masked;
pub(crate) use self::record::{Record, RecordArgs};
pub(crate) use self::source::{failed, is_recording};
