//! The parts of a local web page that do not depend on its subject: who may read it, its headers, its frame
//! and its live updates.

pub(crate) mod guard;
pub(crate) mod headers;
pub(crate) mod layout;
pub(crate) mod masked;
pub(crate) mod server;
pub(crate) mod sse;
mod writing;
