//! Streams to Feishu/Lark: TCP, through an HTTP proxy if there is one, and TLS.
//!
//! `lark-events-ws` and `lark-events-api` are built on this crate, and re-export [`Domain`]. Its other
//! items are not a stable API: any version may change them.

// docs.rs shows the required feature of each item.
#![cfg_attr(docsrs, feature(doc_cfg))]
// Input from the network must not cause a panic or an overflow.
#![cfg_attr(
    not(test),
    warn(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable
    )
)]

mod base_url;
mod dialer;
mod domain;
mod proxy;
mod tls;

pub use self::base_url::{BaseUrl, BaseUrlError};
pub use self::dialer::{
    BoxError, BoxStream, Connecting, Connector, Dialer, Stream, connector, is_secure,
};
pub use self::domain::Domain;
pub use self::proxy::{InvalidProxy, Proxies, Proxy};
pub use self::tls::{NoTls, Tls};
#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;
