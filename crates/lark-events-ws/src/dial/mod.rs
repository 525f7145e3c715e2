//! From nothing to an open connection: the call for an address, and the streams that it and the upgrade
//! take.

pub(crate) mod connect;
pub(crate) mod dialer;
pub(crate) mod endpoint;
#[cfg(feature = "tls")]
pub(crate) mod tls;
