//! The parts of a local web page that do not depend on its subject, besides those of `lark-events-pages`: its
//! server, its live updates, and text without secrets.

pub(crate) mod assets;
pub(crate) mod masked;
pub(crate) mod server;
pub(crate) mod sse;
mod writing;
