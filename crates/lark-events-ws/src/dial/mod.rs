//! Connecting: the address request, and the upgrade.

pub(crate) mod connect;
pub(crate) mod endpoint;
