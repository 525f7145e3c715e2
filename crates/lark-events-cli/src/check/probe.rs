//! Shared by all cases: the webhook, the app's secrets, the event, and the answer to a good one.

use bytes::Bytes;
use http::Request;
use lark_events::event::KnownEvent;
use lark_events::webhook::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};
use lark_events_sim::{
    ANSWER_LIMIT, Document, Platform, PlatformBuilder, PostErrorKind, WebhookUrl,
};
use serde_json::Value;

use super::answer::refused;
use crate::finding::Finding;
use crate::secrets::Secrets;
use crate::webhook::answer::{Answer, Missing, Posted};
use crate::webhook::client::Client;
use crate::{Error, catalogue};

/// The secret of forged requests.
pub(crate) const FORGED: &str = "forged";

pub(crate) struct Probe {
    pub(crate) client: Client,
    pub(crate) key: Option<String>,
    pub(crate) token: Option<String>,
    event: KnownEvent,
    /// The answer to a good event, if two of them get the same answer.
    good: Option<Answer>,
}

impl Probe {
    pub(crate) async fn new(
        url: WebhookUrl,
        secrets: &Secrets,
        event: &str,
    ) -> Result<Self, Error> {
        let known = catalogue::find(event).map(|known| known.event);
        let known = known.ok_or_else(|| catalogue::unknown(event))?;
        let (key, token) = (secrets.key()?, secrets.token()?);
        if key.is_none() && token.is_none() {
            return Err(
                "no secret to check with: set LARK_ENCRYPT_KEY or LARK_VERIFICATION_TOKEN".into(),
            );
        }
        let mut probe = Self {
            client: Client::new(url)?,
            key,
            token,
            event: known,
            good: None,
        };
        let good = match probe.post(probe.event()).await {
            Err(Missing::Failed(error)) if error.kind() == PostErrorKind::Unreachable => {
                let missing = Missing::from(error);
                return Err(missing.to_string().into());
            }
            posted => posted.ok().filter(|answer| answer.status.is_success()),
        };
        if let Some(good) = good {
            let again = probe.post(probe.event()).await;
            probe.good = again.ok().filter(|again| again.is_like(&good));
        }
        Ok(probe)
    }

    /// The app, with the settings of the platform.
    pub(crate) fn app(&self) -> PlatformBuilder {
        let app = self.unsealed_app();
        match &self.key {
            Some(key) => app.encrypt_key(key.as_str()),
            None => app,
        }
    }

    /// The app as if it had no Encrypt Key.
    pub(crate) fn unsealed_app(&self) -> PlatformBuilder {
        let app = Platform::builder();
        match &self.token {
            Some(token) => app.verification_token(token.as_str()),
            None => app,
        }
    }

    /// The sample, as a new event.
    pub(crate) fn sample(&self) -> Document {
        Document::sample_of(&self.event)
    }

    /// The sample, to be changed.
    pub(crate) fn document(&self) -> Value {
        let request = self.unsealed_app().request(self.sample());
        serde_json::from_slice(request.body()).unwrap_or_default()
    }

    /// A good request.
    pub(crate) fn event(&self) -> Request<Bytes> {
        self.app().request(self.sample())
    }

    pub(crate) fn event_type(&self) -> &'static str {
        self.event.info.event_type
    }

    pub(crate) async fn post(&self, request: Request<Bytes>) -> Posted {
        self.client.send(request, ANSWER_LIMIT).await
    }

    /// Whether the webhook rejects a request, and `advice` if it does not.
    pub(crate) async fn refuses(&self, request: Request<Bytes>, advice: &'static str) -> Finding {
        self.judge(&self.post(request).await, advice)
    }

    /// Whether an answer is a rejection, and `advice` if it is not.
    pub(crate) fn judge(&self, posted: &Posted, advice: &'static str) -> Finding {
        refused(posted, self.good.as_ref(), advice)
    }
}

/// A request without its signature.
pub(crate) fn unsigned(mut request: Request<Bytes>) -> Request<Bytes> {
    for name in [
        SIGNATURE_HEADER,
        SIGNATURE_NONCE_HEADER,
        SIGNATURE_TIMESTAMP_HEADER,
    ] {
        request.headers_mut().remove(name);
    }
    request
}
