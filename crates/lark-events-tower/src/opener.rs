//! The interface of openers. Only the openers of `lark-events` implement it, so that authentication
//! stays in one crate.

use http::request::Parts;
use lark_events::error::Rejection;
use lark_events::webhook::Admission;
use lark_events::{Webhook, Webhooks};

/// Opens requests: [`Webhook`], [`Webhooks`] for several apps, or `OldCardWebhook` with the feature
/// `old-card`.
pub trait Opener: sealed::Opener {}

impl<O: sealed::Opener> Opener for O {}

pub(crate) mod sealed {
    use super::{Admission, Parts, Rejection};

    pub trait Opener: Send + Sync + 'static {
        fn admit<'h>(&self, request: &'h Parts) -> Result<Admission<'h>, Rejection>;
    }
}

impl sealed::Opener for Webhook {
    fn admit<'h>(&self, request: &'h Parts) -> Result<Admission<'h>, Rejection> {
        Self::admit(self, &request.headers)
    }
}

impl sealed::Opener for Webhooks {
    fn admit<'h>(&self, request: &'h Parts) -> Result<Admission<'h>, Rejection> {
        Self::admit(self, request.uri.path(), &request.headers)
    }
}

#[cfg(feature = "old-card")]
impl sealed::Opener for lark_events::webhook::OldCardWebhook {
    fn admit<'h>(&self, request: &'h Parts) -> Result<Admission<'h>, Rejection> {
        Self::admit(self, &request.headers)
    }
}
