//! The documents to push: samples or files, with values set in them.

pub(crate) mod set;
pub(crate) mod template;
