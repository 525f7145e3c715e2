//! The wire format of a long connection: frames, their fragments, and the settings in some of them. No
//! I/O.

pub(crate) mod assemble;
pub(crate) mod config;
pub mod frame;
