//! What the service needs of an opener. Sealed: the openers of `lark-events` and no others, so
//! that what decides on authenticity stays in one crate.

use http::request::Parts;
use lark_events::{Admission, Rejection, Webhook, Webhooks};

/// Opens requests: [`Webhook`], [`Webhooks`] for several apps, or `CardWebhook` with the feature
/// `card-v1`.
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

#[cfg(feature = "card-v1")]
impl sealed::Opener for lark_events::CardWebhook {
    fn admit<'h>(&self, request: &'h Parts) -> Result<Admission<'h>, Rejection> {
        Self::admit(self, &request.headers)
    }
}
