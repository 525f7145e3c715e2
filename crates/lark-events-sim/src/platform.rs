//! The running platform, as tests and tools use it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::io::DuplexStream;
use tokio::time::timeout;

use crate::api::{ApiCall, ApiMessage};
use crate::attempt::{Answer, Missing, Mode};
use crate::builder::PlatformBuilder;
use crate::connection::{Ack, CLOSE_LIMIT, ClientConfig, Connection, serve_stream};
use crate::document::Document;
use crate::fault::{Fault, InjectedFault};
use crate::push::{Push, PushCallback};
use crate::shared::Shared;
use crate::stats::PlatformStats;
use crate::violation::ProtocolViolation;
use crate::webhook::{Target, WebhookError, WebhookUrl};

/// The buffer of each side of a stream in memory.
const STREAM_BYTES: usize = 64 * 1024;

/// A running simulator of the platform, for one app. Dropping it ends all its connections and deliveries.
#[must_use = "dropping a platform stops it"]
pub struct Platform {
    pub(crate) base_url: String,
    pub(crate) certificate: Option<String>,
    pub(crate) callbacks_by: Mode,
    pub(crate) shared: Arc<Shared>,
}

impl Platform {
    /// Configures a platform.
    pub fn builder() -> PlatformBuilder {
        PlatformBuilder::new()
    }

    /// The URL to set as the client's domain: `http://127.0.0.1:port`, or `https://`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The certificate that clients must trust, in PEM, if the platform serves `https://`.
    #[must_use]
    pub fn certificate_pem(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// The app's id.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.shared.app.id
    }

    /// Delivers an event, and redelivers it until the app acknowledges it or the schedule ends. A callback is
    /// treated like an event. The default schedule takes 7.1 hours: if time is not paused, wait for
    /// [`next_attempt`](Push::next_attempt), or set [another schedule](PlatformBuilder::redeliver_after).
    pub fn push(&self, event: impl Into<Document>) -> Push {
        let schedule = self.shared.redeliver_after.clone();
        self.push_by(self.shared.events_by, event, schedule)
    }

    /// Delivers a callback, once.
    pub fn push_callback(&self, callback: impl Into<Document>) -> PushCallback {
        PushCallback::new(self.push_by(self.callbacks_by, callback, []))
    }

    /// Delivers an event or callback by `mode`, and redelivers it after each of these delays until the app
    /// acknowledges it. Overrides the settings of the platform.
    pub fn push_by(
        &self,
        mode: Mode,
        document: impl Into<Document>,
        redeliver_after: impl IntoIterator<Item = Duration>,
    ) -> Push {
        self.shared.push(mode, document.into(), redeliver_after)
    }

    /// Makes the request that delivers a document to a webhook, encrypted and signed if there is an Encrypt
    /// Key. Tests can change it and [`post`](Self::post) it, or send it themselves. Its URI is `/`.
    #[must_use]
    pub fn request(&self, document: impl Into<Document>) -> Request<Bytes> {
        let Shared {
            app, clock, random, ..
        } = &*self.shared;
        app.request(document.into(), clock, random)
    }

    /// Posts a request to the app's webhook unchanged, once, and waits for the answer; use it for forged
    /// requests. Faults do not apply to it, and no count includes it.
    pub async fn post(&self, request: Request<Bytes>) -> Answer {
        let Some(post) = self.shared.registration.post().await else {
            return Missing::NowhereToSend.into();
        };
        let answered = post.send(request, self.shared.answer_limit).await;
        answered.answer
    }

    /// Sets the app's webhook, at an `http://` or `https://` URL, if it passes the URL check. Later
    /// events for a webhook go there.
    ///
    /// # Errors
    ///
    /// Returns a [`WebhookError`] if the URL is not valid or does not pass the check; the previous
    /// webhook then stays set.
    pub async fn set_webhook(&self, url: &str) -> Result<(), WebhookError> {
        self.check(Target::Url(url.parse::<WebhookUrl>()?)).await
    }

    /// Sets the app's webhook without the URL check, for tools that send events to it in any case.
    ///
    /// # Errors
    ///
    /// Returns a [`WebhookError`] if the URL is not valid, or is `https://` without a TLS configuration; the
    /// previous webhook then stays set.
    pub fn set_webhook_unchecked(&self, url: &str) -> Result<(), WebhookError> {
        let target = Target::Url(url.parse::<WebhookUrl>()?);
        self.shared.registration.set_unchecked(target)
    }

    pub(crate) async fn check(&self, target: Target) -> Result<(), WebhookError> {
        let Shared {
            app,
            random,
            registration,
            ..
        } = &*self.shared;
        registration
            .set(target, app.key.as_ref(), &app.token, random)
            .await
    }

    /// Injects a fault once, at the next opportunity.
    ///
    /// # Panics
    ///
    /// Panics if the fault has an invalid HTTP status.
    #[track_caller]
    pub fn inject(&self, fault: Fault) {
        self.shared.faults.inject(fault);
    }

    /// Injects a fault at every opportunity, with this probability.
    ///
    /// # Panics
    ///
    /// Panics like [`inject`](Self::inject), and if the probability is not from 0 to 1.
    #[track_caller]
    pub fn inject_lasting(&self, fault: Fault, probability: f64) {
        self.shared.faults.inject_lasting(fault, probability);
    }

    /// The faults that have not happened yet, then those that happen at every opportunity, each in the order in
    /// which they were injected.
    #[must_use]
    pub fn faults(&self) -> Vec<InjectedFault> {
        self.shared.faults.injected()
    }

    /// Removes a fault, and returns whether it was there. If it was injected several times, this removes the
    /// first one.
    ///
    /// ```
    /// # use lark_events_sim::{Fault, Platform};
    /// # async fn calm(platform: Platform) {
    /// platform.inject_lasting(Fault::LoseAnswer, 0.1);
    /// for fault in platform.faults() {
    ///     assert_eq!(fault.to_string(), "lose-answer@0.1");
    ///     assert!(platform.remove_fault(&fault));
    /// }
    /// # }
    /// ```
    pub fn remove_fault(&self, fault: &InjectedFault) -> bool {
        self.shared.faults.remove(fault)
    }

    /// Removes all faults, and returns those that were injected once and have not happened.
    pub fn clear_faults(&self) -> Vec<Fault> {
        self.shared.faults.clear()
    }

    /// Changes the configuration for clients of long connections; open ones receive it with their
    /// next pong.
    pub fn set_client_config(&self, config: ClientConfig) {
        self.shared.connections.set_config(config);
    }

    /// The open long connections, the oldest first.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        self.shared.connections.open()
    }

    /// Closes all long connections with a WebSocket Close. Clients may reconnect.
    pub fn close_connections(&self) {
        self.shared.connections.close_all();
    }

    /// Cuts all long connections without a Close. Clients may reconnect. The count of connections
    /// drops a moment later.
    pub fn disconnect(&self) {
        self.shared.connections.cut_all();
    }

    /// Opens a connection to the platform without a socket, for the HTTP and WebSocket of a long
    /// connection in tests with a paused clock. It never uses TLS.
    #[must_use]
    pub fn dial(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(STREAM_BYTES);
        self.shared
            .spawn(serve_stream(Arc::clone(&self.shared), ours));
        theirs
    }

    /// The counts so far.
    #[must_use]
    pub fn stats(&self) -> PlatformStats {
        *self.shared.stats.borrow()
    }

    /// Waits, without a time limit, until the counts satisfy `wanted`. It may miss a state that
    /// lasts only a moment, so wait for counts that only grow. `wanted` must not call the platform.
    ///
    /// ```
    /// # use lark_events_sim::Platform;
    /// # async fn wait(platform: Platform) {
    /// let stats = platform.until(|stats| stats.connections == 2).await;
    /// assert!(stats.upgrades >= 2);
    /// # }
    /// ```
    pub async fn until(&self, wanted: impl FnMut(&PlatformStats) -> bool) -> PlatformStats {
        let mut stats = self.shared.stats.subscribe();
        let stats = stats.wait_for(wanted).await;
        *stats.expect("the platform holds the sender")
    }

    /// The last [`MAX_ACKS`](crate::MAX_ACKS) answers on long connections, including those that did
    /// not count.
    #[must_use]
    pub fn acks(&self) -> Vec<Ack> {
        self.shared.connections.acks()
    }

    /// The first [`MAX_VIOLATIONS`](crate::MAX_VIOLATIONS) violations of the long connection's
    /// protocol by the app's clients.
    #[must_use]
    pub fn violations(&self) -> Vec<ProtocolViolation> {
        self.shared.connections.violations()
    }

    /// The last [`MAX_CALLS`](crate::MAX_CALLS) calls of the API, in the order of their answers.
    #[must_use]
    pub fn api_calls(&self) -> Vec<ApiCall> {
        self.shared.api.calls()
    }

    /// The last [`MAX_MESSAGES`](crate::MAX_MESSAGES) messages that the app has sent through the API. Calls
    /// with the same `uuid` within an hour are one message.
    #[must_use]
    pub fn messages(&self) -> Vec<ApiMessage> {
        self.shared.api.messages()
    }

    /// Makes all tokens of the API invalid, as if they had expired.
    pub fn revoke_tokens(&self) {
        self.shared.api.revoke_tokens();
    }

    /// Sets the content of an image or a file that the app can download, by its key.
    pub fn set_file(&self, key: impl Into<String>, content: impl Into<Bytes>) {
        self.shared.api.set_file(key.into(), content.into());
    }

    /// Sets the `data` of the answer to all further calls of a path, such as `/open-apis/im/v1/chats/oc_1`,
    /// whatever the method and the query are.
    pub fn set_result(&self, path: impl Into<String>, data: serde_json::Value) {
        self.shared.api.set_result(path.into(), data);
    }

    /// Issues a new `app_ticket` of a store app, and returns its event, for [`push_by`](Self::push_by) and
    /// [`request`](Self::request).
    pub fn new_ticket(&self) -> Document {
        self.shared.new_ticket()
    }

    /// Issues a new `app_ticket` of a store app, and sends its event. A call of `app_ticket/resend` does the same.
    pub fn push_ticket(&self) -> Push {
        self.shared.push_ticket()
    }

    /// Closes all long connections with a WebSocket Close, then ends. New connections are rejected meanwhile, and
    /// connections that are still open after two seconds are cut.
    pub async fn shutdown(self) {
        self.shared.connections.take_no_more();
        self.shared.connections.close_all();
        let mut stats = self.shared.stats.subscribe();
        let closed = stats.wait_for(|stats| stats.connections == 0);
        // A connection that is still open then is half-open, or its client does not read.
        let _ = timeout(2 * CLOSE_LIMIT, closed).await;
        self.shared.tasks.stopped().await;
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.shared.tasks.stop();
    }
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Platform")
            .field("base_url", &self.base_url)
            .field("app_id", &self.shared.app.id)
            .finish_non_exhaustive()
    }
}
