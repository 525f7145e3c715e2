//! The documents that are pushed: samples or files, with values set in them.

pub(crate) mod set;
pub(crate) mod template;

/// The app that documents are for, where nobody names one: a made-up id.
pub(crate) const APP_ID: &str = "cli_a1b2c3d4e5f60718";
