//! The app's webhook: checks it and posts to it.

use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use lark_events::EncryptKey;
use serde::Deserialize;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::error::{WebhookError, WebhookErrorKind};
use super::poster::Poster;
use super::request::Parcel;
use super::target::Target;
use crate::attempt::{Answer, Answered, Missing};
use crate::random::Random;
use crate::sent::Sent;
use crate::shared::locked;

/// The most concurrent requests: each holds a socket, and a process has about 1,000.
const MAX_CONCURRENT_REQUESTS: usize = 256;

/// The app's webhook, if one is set.
pub(crate) struct Registration {
    target: Mutex<Option<Target>>,
    poster: Poster,
    check_limit: Duration,
    slots: Semaphore,
}

/// A webhook with a permit for one request.
pub(crate) struct Post<'a> {
    target: Target,
    poster: &'a Poster,
    _slot: Option<SemaphorePermit<'a>>,
}

impl Registration {
    pub(crate) fn new(poster: Poster, check_limit: Duration) -> Self {
        Self {
            target: Mutex::new(None),
            poster,
            check_limit,
            slots: Semaphore::new(MAX_CONCURRENT_REQUESTS),
        }
    }

    pub(crate) fn is_set(&self) -> bool {
        locked(&self.target).is_some()
    }

    /// Waits until a request can be posted; `None` if no webhook is set.
    pub(crate) async fn post(&self) -> Option<Post<'_>> {
        let target = locked(&self.target).clone()?;
        let _slot = match target {
            Target::Url(_) => self.slots.acquire().await.ok(),
            Target::Local { .. } => None,
        };
        let poster = &self.poster;
        Some(Post {
            target,
            poster,
            _slot,
        })
    }

    /// Checks a URL as the developer console does, then sets it.
    pub(crate) async fn set(
        &self,
        target: Target,
        key: Option<&EncryptKey>,
        token: &str,
        random: &Random,
    ) -> Result<(), WebhookError> {
        self.check_tls(&target)?;
        let challenge = random.uuid();
        let check = serde_json::json!({
            "challenge": challenge, "token": token, "type": "url_verification",
        });
        let check = Parcel::unsigned(&check.to_string().into(), key, random);
        let posted = target.clone().post(check.request(key, 0), &self.poster);
        let answered = timeout(self.check_limit, posted).await;
        let Answered { answer, error } = answered.unwrap_or(Missing::TimedOut.into());
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
            return Err(WebhookError::url_check(answer, error));
        }
        *locked(&self.target) = Some(target);
        Ok(())
    }

    /// Sets a URL without the check.
    pub(crate) fn set_unchecked(&self, target: Target) -> Result<(), WebhookError> {
        self.check_tls(&target)?;
        *locked(&self.target) = Some(target);
        Ok(())
    }

    fn check_tls(&self, target: &Target) -> Result<(), WebhookError> {
        match target {
            Target::Url(url) if !self.poster.takes(url) => {
                Err(WebhookError::new(WebhookErrorKind::NoTls))
            }
            _ => Ok(()),
        }
    }
}

impl Post<'_> {
    /// What [`send`](Self::send) sends.
    pub(crate) fn sent(&self, request: &Request<Bytes>) -> Sent {
        self.target.sent(request)
    }

    /// Posts a request and waits for the answer, within `limit`.
    pub(crate) async fn send(self, request: Request<Bytes>, limit: Duration) -> Answered {
        let answered = timeout(limit, self.target.post(request, self.poster)).await;
        answered.unwrap_or(Missing::TimedOut.into())
    }
}
