//! The bytes of a long connection: frames, the fragments that they carry, and the settings in some of them. No
//! I/O.

pub(crate) mod assemble;
pub(crate) mod config;
pub mod frame;
