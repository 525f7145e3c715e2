//! Recordings: what `serve` and `listen` write with `--record`, and what `replay`, `explain` and `inspect` read.

mod source;

pub(crate) use self::source::{failed, open};
