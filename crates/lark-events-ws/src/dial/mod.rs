//! Connecting: the address request, the upgrade, and the streams for both.

pub(crate) mod connect;
pub(crate) mod dialer;
pub(crate) mod endpoint;
#[cfg(feature = "tls")]
pub(crate) mod tls;
