//! HTTP below the calls: the seam for tests and other clients, and the client that is used otherwise.

mod client;
mod seam;

pub(crate) use self::client::HttpClient;
pub(crate) use self::seam::Kind;
pub use self::seam::{Transport, TransportError};
