//! The documents to push: samples or files, with values set in them.

pub(crate) mod envelope;
mod fields;
pub(crate) mod members;
pub(crate) mod set;
pub(crate) mod template;
