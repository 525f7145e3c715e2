//! What the service needs of an opener. Sealed: the openers of `lark-events` and no others, so
//! that what decides on authenticity stays in one crate.

use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use lark_events::{Admission, Opened, Rejection, Webhook, Webhooks};

/// Opens requests: [`Webhook`], [`Webhooks`] for several apps, or `CardWebhook` with the feature
/// `card-v1`.
pub trait Opener: sealed::Opener {}

impl<O: sealed::Opener> Opener for O {}

pub(crate) mod sealed {
    use super::{Parts, Rejection};

    pub trait Opener: Send + Sync + 'static {
        type Admitted<'h>: super::Admitted;

        fn admit<'h>(&self, request: &'h Parts) -> Result<Self::Admitted<'h>, Rejection>;
    }
}

/// A request whose headers allow its body to be read.
pub trait Admitted: Send {
    fn body_limit(&self) -> usize;
    fn too_large(&self) -> Rejection;
    fn keys(&self) -> usize;
    fn refusal_delay(&self) -> Option<Duration>;
    fn open(self, body: Bytes) -> Result<Opened, Rejection>;
}

macro_rules! opener {
    ($opener:ty, $admission:ident) => {
        impl sealed::Opener for $opener {
            type Admitted<'h> = $admission<'h>;

            fn admit<'h>(&self, request: &'h Parts) -> Result<$admission<'h>, Rejection> {
                <$opener>::admit(self, &request.headers)
            }
        }

        impl Admitted for $admission<'_> {
            fn body_limit(&self) -> usize {
                $admission::body_limit(self)
            }

            fn too_large(&self) -> Rejection {
                $admission::too_large(self)
            }

            fn keys(&self) -> usize {
                $admission::keys(self)
            }

            fn refusal_delay(&self) -> Option<Duration> {
                $admission::refusal_delay(self)
            }

            fn open(self, body: Bytes) -> Result<Opened, Rejection> {
                $admission::open(self, body)
            }
        }
    };
}

opener!(Webhook, Admission);

impl sealed::Opener for Webhooks {
    type Admitted<'h> = Admission<'h>;

    fn admit<'h>(&self, request: &'h Parts) -> Result<Admission<'h>, Rejection> {
        Self::admit(self, request.uri.path(), &request.headers)
    }
}

#[cfg(feature = "card-v1")]
use lark_events::{CardAdmission, CardWebhook};
#[cfg(feature = "card-v1")]
opener!(CardWebhook, CardAdmission);
