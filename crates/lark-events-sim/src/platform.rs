//! The running platform: what a test or a tool does with it.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::attempt::{Answer, Missing, Mode};
use crate::builder::PlatformBuilder;
use crate::connection::{Ack, CLOSE_LIMIT, ClientConfig, serve_stream};
use crate::deliver::Deliver;
use crate::document::Document;
use crate::fault::Fault;
use crate::push::{Push, PushCallback};
use crate::shared::Shared;
use crate::stats::PlatformStats;
use crate::violation::ProtocolViolation;
use crate::webhook::{Target, WebhookError, WebhookUrl};

/// What each side of a stream in memory may have on its way.
const STREAM_BYTES: usize = 64 * 1024;

/// The event side of the platform, for one app. It ends, with all its connections and what it still
/// delivers, when this is dropped.
#[must_use = "a platform ends when it is dropped"]
pub struct Platform {
    pub(crate) base_url: String,
    pub(crate) certificate: Option<String>,
    pub(crate) events_by: Mode,
    pub(crate) callbacks_by: Mode,
    pub(crate) shared: Arc<Shared>,
}

impl Platform {
    /// Configures a platform.
    pub fn builder() -> PlatformBuilder {
        PlatformBuilder::new()
    }

    /// What clients take for the platform's domain: `http://127.0.0.1:port`, or `https://`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The certificate that clients have to trust, where it serves `https://`.
    #[must_use]
    pub fn certificate_pem(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// The app's id.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.shared.app.id
    }

    /// Delivers an event, or a callback as if it were one, and again by the schedule until the app has acknowledged it. By the
    /// platform's own schedule that goes on for 7.1 hours: where time is not paused, wait for
    /// [`next_attempt`](Push::next_attempt), or set [another](PlatformBuilder::redeliver_after).
    pub fn push(&self, event: impl Into<Document>) -> Push {
        let schedule = self.shared.redeliver_after.clone();
        self.push_by(self.events_by, event, schedule)
    }

    /// Delivers a callback, once.
    pub fn push_callback(&self, callback: impl Into<Document>) -> PushCallback {
        PushCallback::new(self.push_by(self.callbacks_by, callback, []))
    }

    /// Delivers an event or callback by `mode`, and again after each of these waits until the app has
    /// acknowledged it, whatever the platform is set to.
    pub fn push_by(
        &self,
        mode: Mode,
        document: impl Into<Document>,
        redeliver_after: impl IntoIterator<Item = Duration>,
    ) -> Push {
        let (progress, receiver) = mpsc::unbounded_channel();
        let Shared {
            app, clock, random, ..
        } = &*self.shared;
        let document = document.into().written(app, clock, random);
        let event_id = document.event_id.clone();
        let deliver = Deliver {
            shared: Arc::clone(&self.shared),
            number: self.shared.pushes.fetch_add(1, Ordering::Relaxed),
            document,
            mode,
            redeliver_after: redeliver_after.into_iter().collect(),
            progress,
            pushed: Instant::now(),
            parcel: OnceLock::new(),
        };
        self.shared.spawn(Arc::new(deliver).run());
        Push::new(event_id, receiver)
    }

    /// The request by which a webhook would get a document, sealed and signed if there is an
    /// Encrypt Key, for tests that change it and [`post`](Self::post) it, or send it themselves. Its
    /// URI is `/`.
    #[must_use]
    pub fn request(&self, document: impl Into<Document>) -> Request<Bytes> {
        let Shared {
            app, clock, random, ..
        } = &*self.shared;
        app.request(document.into(), clock, random)
    }

    /// Posts a request to the app's webhook as it is, once, and waits for the answer: what somebody
    /// else might send. No fault happens to it, and it is counted nowhere.
    pub async fn post(&self, request: Request<Bytes>) -> Answer {
        let Some(post) = self.shared.registration.post().await else {
            return Missing::NowhereToSend.into();
        };
        post.send(request, self.shared.answer_limit).await
    }

    /// Sets the app's webhook, at an `http://` or `https://` URL, if it passes the URL check: events go there
    /// from then on if they go to webhooks at all.
    ///
    /// # Errors
    ///
    /// [`WebhookError`] when the URL is not valid or does not pass the check; then the former one
    /// stays.
    pub async fn set_webhook(&self, url: &str) -> Result<(), WebhookError> {
        self.check(Target::Url(url.parse::<WebhookUrl>()?)).await
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

    /// Has something go wrong, once: the next time that it can.
    ///
    /// # Panics
    ///
    /// When the fault has an HTTP status that is none.
    #[track_caller]
    pub fn inject(&self, fault: Fault) {
        self.shared.faults.inject(fault);
    }

    /// Has something go wrong again and again: each time that it can, with this probability.
    ///
    /// # Panics
    ///
    /// As [`inject`](Self::inject), and when the probability is not one of 0 to 1.
    #[track_caller]
    pub fn inject_lasting(&self, fault: Fault, probability: f64) {
        self.shared.faults.inject_lasting(fault, probability);
    }

    /// Forgets all faults, and says which ones were to happen once and have not yet.
    pub fn clear_faults(&self) -> Vec<Fault> {
        self.shared.faults.clear()
    }

    /// Changes what clients of the long connection are told: open ones with their next pong.
    pub fn set_client_config(&self, config: ClientConfig) {
        self.shared.connections.set_config(config);
    }

    /// Has all long connections closed, in due form. Clients come again if they can.
    pub fn close_connections(&self) {
        self.shared.connections.close_all();
    }

    /// Has all long connections cut, without a Close. Clients come again if they can. They are still
    /// counted as connections for a moment.
    pub fn disconnect(&self) {
        self.shared.connections.cut_all();
    }

    /// A connection to the platform that needs no socket: what a client of the long connection
    /// speaks HTTP and WebSocket on, for tests with a paused clock. It is never encrypted.
    #[must_use]
    pub fn dial(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(STREAM_BYTES);
        self.shared
            .spawn(serve_stream(Arc::clone(&self.shared), ours));
        theirs
    }

    /// What happened so far.
    #[must_use]
    pub fn stats(&self) -> PlatformStats {
        *self.shared.stats.borrow()
    }

    /// Waits until what happened is as wanted, for as long as that takes. What is so for a moment
    /// only may be missed: wait for counts that only grow. `wanted` must not ask the platform.
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

    /// The answers on long connections, the last [`MAX_ACKS`](crate::MAX_ACKS) of them: those that
    /// counted and those that did not.
    #[must_use]
    pub fn acks(&self) -> Vec<Ack> {
        self.shared.connections.acks()
    }

    /// What the app's clients did against the protocol of the long connection, the first
    /// [`MAX_VIOLATIONS`](crate::MAX_VIOLATIONS) of it.
    #[must_use]
    pub fn violations(&self) -> Vec<ProtocolViolation> {
        self.shared.connections.violations()
    }

    /// Closes all long connections in due form, then ends. No new one is opened meanwhile, and what
    /// is still open after two seconds is cut.
    pub async fn shutdown(self) {
        self.shared.connections.take_no_more();
        self.shared.connections.close_all();
        let mut stats = self.shared.stats.subscribe();
        let closed = stats.wait_for(|stats| stats.connections == 0);
        // What is still open then is half-open, or its client does not read.
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
