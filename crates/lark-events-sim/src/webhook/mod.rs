//! The webhook side: checking the URL, sealing, signing and posting.

mod request;
mod target;

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use lark_events::EncryptKey;
use serde::Deserialize;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

pub(crate) use self::request::Parcel;
pub(crate) use self::target::Target;
use crate::attempt::{Answer, Missing};
use crate::random::Random;
use crate::shared::locked;

/// How long an app may take to answer a URL check.
const URL_CHECK_LIMIT: Duration = Duration::from_secs(1);
/// Requests on their way at once: each holds a socket, and a process has about 1,000 of them.
const MAX_CONCURRENT_REQUESTS: usize = 256;

/// An app's webhook, if it has one.
pub(crate) struct Webhook {
    target: Mutex<Option<Target>>,
    slots: Semaphore,
}

/// A webhook that a request can be posted to now.
pub(crate) struct Post<'a> {
    target: Target,
    _slot: Option<SemaphorePermit<'a>>,
}

impl Webhook {
    pub(crate) fn new() -> Self {
        Self {
            target: Mutex::new(None),
            slots: Semaphore::new(MAX_CONCURRENT_REQUESTS),
        }
    }

    pub(crate) fn is_set(&self) -> bool {
        locked(&self.target).is_some()
    }

    /// Waits until a request can be posted; `None` if there is nowhere to post it.
    pub(crate) async fn post(&self) -> Option<Post<'_>> {
        let target = locked(&self.target).clone()?;
        let _slot = match target {
            Target::Url { .. } => self.slots.acquire().await.ok(),
            Target::Local { .. } => None,
        };
        Some(Post { target, _slot })
    }

    /// Checks a URL as the developer console does when it is saved, and saves it.
    pub(crate) async fn set(
        &self,
        target: Target,
        key: Option<&EncryptKey>,
        token: &str,
        random: &Random,
    ) -> Result<(), WebhookError> {
        let challenge = random.uuid();
        let check = serde_json::json!({
            "challenge": challenge, "token": token, "type": "url_verification",
        });
        let check = Parcel::unsigned(&check.to_string().into(), key, random);
        let answer = timeout(URL_CHECK_LIMIT, target.clone().post(check.request(key, 0))).await;
        let answer = answer.unwrap_or(Missing::TimedOut.into());
        #[derive(Deserialize)]
        struct Passed {
            challenge: String,
        }
        let passed = match &answer {
            Answer::Response { body, .. } if answer.accepted() => {
                serde_json::from_slice::<Passed>(body).is_ok_and(|it| it.challenge == challenge)
            }
            _ => false,
        };
        if !passed {
            return Err(WebhookError::UrlCheck(answer));
        }
        *locked(&self.target) = Some(target);
        Ok(())
    }
}

impl Post<'_> {
    /// Posts a request and waits for the answer, within `limit`.
    pub(crate) async fn send(self, request: Request<Bytes>, limit: Duration) -> Answer {
        let answer = timeout(limit, self.target.post(request)).await;
        answer.unwrap_or(Missing::TimedOut.into())
    }
}

/// Why a webhook was not set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookError {
    /// Its URL is not one of `http://`, with a host and no user.
    InvalidUrl,
    /// Its [path](crate::PlatformBuilder::path) does not begin with `/`, has a fragment or a character
    /// that a path cannot have, or is set without a service.
    InvalidPath,
    /// The URL check was not answered with status 200 and its challenge within a second.
    UrlCheck(Answer),
}

impl fmt::Display for WebhookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidUrl => f.write_str("the webhook is no http:// URL"),
            Self::InvalidPath => f.write_str("the path is no path of a webhook service"),
            Self::UrlCheck(answer) if answer.accepted() => {
                f.write_str("the URL check was not answered with its challenge")
            }
            Self::UrlCheck(answer) => write!(f, "the URL check failed: {answer}"),
        }
    }
}

impl std::error::Error for WebhookError {}
