//! What happens to a request, with the state that all clones of a service share. Authentication comes first.

use std::error::Error;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::CONTENT_ENCODING;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use http_body::Body;
use lark_events::error::Rejection;
use lark_events::event::DeliveryKind;
use lark_events::webhook::Admission;
use lark_events::{BoxError, Delivery, LateHandler, Opened, Outcome};
use lark_events_layers::run::{
    Begun, Ended, MAX_INLINE_BYTES, NotStarted, Tasks, Terms, after, off_the_workers,
    unless_rejected,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};
use tower_service::Service;

use crate::answer::Reply;
use crate::body::{self, FREE_BYTES, ReadBody, ReadError};
use crate::name::Name;
use crate::opener::Opener;
use crate::refused::Refused;
use crate::stats::Counters;
use crate::unverified::{HashCost, Unverified};

/// The state that all clones of a service share.
pub(crate) struct Shared<S, O> {
    pub(crate) opener: O,
    /// Locked only to clone it, so that the inner service need not be `Sync`.
    pub(crate) inner: Mutex<S>,
    pub(crate) ack_deadline: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) late: LateHandler,
    pub(crate) in_flight: Arc<Semaphore>,
    pub(crate) tasks: Tasks,
    pub(crate) counters: Counters,
    pub(crate) unverified: Unverified,
}

impl<S, O> Shared<S, O>
where
    S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    O: Opener,
{
    /// The reply to a request. `ran_here` is set if a handler finished in the task of the request.
    pub(crate) async fn reply<B>(
        self: &Arc<Self>,
        parts: &Parts,
        body: Pin<&mut B>,
        arrived: Instant,
        ran_here: &mut bool,
    ) -> Result<Reply, Refused>
    where
        B: Body + Send,
    {
        if parts.method != Method::POST {
            return Err(Refused::Method);
        }
        if is_encoded(&parts.headers) {
            return Err(Refused::Encoded);
        }
        let deadline = after(arrived, self.ack_deadline);
        let admitted = self.opener.admit(parts);
        let admitted = admitted.map_err(Refused::Rejected)?;
        let read = self.read(&admitted, body, arrived).await;
        // The delay starts at the last byte; otherwise a slow sender would have used it up.
        let delay = admitted.refusal_delay();
        let refusal = delay.map(|delay| self.unverified.refusal(delay));
        let read = match read {
            // No room to wait: rejected before anything is decrypted.
            _ if matches!(refusal, Some(None)) => Err(admitted.too_large()),
            Ok(Ok(read)) => Ok(read),
            Ok(Err(ReadError::TooLarge)) => Err(admitted.too_large()),
            Ok(Err(ReadError::Overloaded)) => return Err(Refused::Overloaded),
            Ok(Err(ReadError::Broken)) => return Err(Refused::Broken),
            Err(_) => return Err(Refused::SlowBody),
        };
        let answering = match read {
            Err(rejection) => Err(rejection),
            Ok(read) if read.bytes.len() <= FREE_BYTES => {
                let mut unopened = Some((admitted, read));
                // Done within one poll, because this future would otherwise reserve memory for the
                // delivery.
                let answering = poll_fn(|context| match unopened.take() {
                    Some((admitted, read)) => {
                        Poll::Ready(admitted.open(read.bytes).map(|opened| {
                            self.deliver(opened, read.share, deadline, ran_here, context)
                        }))
                    }
                    None => Poll::Pending,
                });
                answering.await
            }
            Ok(read) => {
                Box::pin(self.open_large(admitted, parts, read, deadline, ran_here)).await?
            }
        };
        match (answering, refusal.flatten()) {
            (Ok(Answering::Now(reply)), _) => reply,
            (Ok(Answering::Later(reply)), _) => reply.await,
            (Err(rejection), None) => Err(Refused::Rejected(rejection)),
            (Err(rejection), Some(refusal)) => {
                Box::pin(refusal.wait()).await;
                Err(Refused::Rejected(rejection))
            }
        }
    }

    /// Reads the body of a request.
    async fn read<B>(
        &self,
        admitted: &Admission<'_>,
        body: Pin<&mut B>,
        arrived: Instant,
    ) -> Result<Result<ReadBody, ReadError>, Elapsed>
    where
        B: Body + Send,
    {
        let mut reading = pin!(body::read(body, admitted.body_limit(), &self.in_flight));
        // Most bodies are there, and need no timer.
        if let Poll::Ready(read) = at_once(reading.as_mut()).await {
            return Ok(read);
        }
        let read_deadline = after(arrived, self.read_timeout.min(self.ack_deadline));
        Box::pin(timeout_at(read_deadline, reading)).await
    }

    /// Opens a large body when it is its turn, and a very large one on another thread, to keep the
    /// runtime's workers available. The thread keeps its turn and its share of the bytes in flight
    /// until it is done, even if the request is cancelled.
    async fn open_large(
        self: &Arc<Self>,
        admitted: Admission<'_>,
        parts: &Parts,
        read: ReadBody,
        deadline: Instant,
        ran_here: &mut bool,
    ) -> Result<Result<Answering<'_>, Rejection>, Refused> {
        let turn = match HashCost::of(read.bytes.len(), admitted.keys()) {
            None => None,
            Some(cost) => {
                let turn = self.unverified.turn(cost, deadline).await;
                Some(turn.ok_or(Refused::Overloaded)?)
            }
        };
        let opened = if read.bytes.len() <= MAX_INLINE_BYTES {
            let _turn = turn;
            let opened = admitted.open(read.bytes);
            opened.map(|opened| (opened, read.share))
        } else {
            let (shared, parts) = (Arc::clone(self), parts.clone());
            let opening = off_the_workers(move || {
                let _turn = turn;
                let opened = shared.opener.admit(&parts)?.open(read.bytes)?;
                Ok((opened, read.share))
            });
            let opened = timeout_at(deadline, opening).await;
            opened.map_err(|_| Refused::Late)?
        };
        let mut opened = match opened {
            Ok(opened) => Some(opened),
            Err(rejection) => return Ok(Err(rejection)),
        };
        let answering = poll_fn(|context| match opened.take() {
            Some((opened, share)) => {
                Poll::Ready(self.deliver(opened, share, deadline, ran_here, context))
            }
            None => Poll::Pending,
        });
        Ok(Ok(answering.await))
    }

    /// Passes an authentic delivery on, and answers with its outcome.
    fn deliver(
        &self,
        opened: Opened,
        share: Option<OwnedSemaphorePermit>,
        deadline: Instant,
        ran_here: &mut bool,
        context: &mut Context<'_>,
    ) -> Answering<'_> {
        let delivery = match opened {
            Opened::Delivery(delivery) => delivery,
            Opened::Challenge(challenge) => {
                return Answering::Now(Ok(Reply::json(challenge.reply())));
            }
            _ => return Answering::Now(Ok(Reply::status(StatusCode::NOT_IMPLEMENTED))),
        };
        let (kind, name) = (delivery.kind, Name::of(&delivery.header));
        let delivered = match self.begin(delivery, share, deadline, context) {
            Ok(Begun::Finished(result)) => {
                *ran_here = true;
                result.map_err(Refused::Failed)
            }
            Ok(Begun::Late) => Err(Refused::Late),
            Ok(Begun::Pending(pending)) => {
                return Answering::Later(Box::pin(async move {
                    let delivered = finished(pending, deadline).await;
                    self.delivered(delivered, kind, &name)
                }));
            }
            Err(refused) => Err(refused),
        };
        Answering::Now(self.delivered(delivered, kind, &name))
    }

    /// The reply to a delivery that came to its end.
    fn delivered(
        &self,
        delivered: Result<Outcome, Refused>,
        kind: DeliveryKind,
        name: &Name,
    ) -> Result<Reply, Refused> {
        let delivered = delivered.or_else(|refused| match refused {
            Refused::Failed(error) => {
                let named = (name.event_type(), name.event_id());
                unless_rejected(kind, named, error).map_err(Refused::Failed)
            }
            refused => Err(refused),
        });
        match delivered {
            Ok(outcome) => {
                if let Outcome::Rejected(_) = outcome {
                    self.counters.rejected_events.add_one();
                }
                Ok(Reply::outcome(outcome))
            }
            Err(refused) => {
                if !refused.is_logged() {
                    let (event_type, event_id) = (name.event_type(), name.event_id());
                    let error = &refused as &dyn Error;
                    tracing::warn!(event_type, event_id, error, "not acknowledged");
                }
                Err(refused)
            }
        }
    }

    fn begin(
        &self,
        delivery: Delivery,
        share: Option<OwnedSemaphorePermit>,
        deadline: Instant,
        context: &mut Context<'_>,
    ) -> Result<Begun<'_>, Refused> {
        let slot = self.tasks.slot(delivery.kind).ok_or(Refused::Overloaded)?;
        let terms = Terms {
            deadline,
            late: self.late,
        };
        let held = (slot, share);
        let begun = self
            .tasks
            .begin(self.clone_inner(), delivery, terms, held, context);
        Ok(begun?)
    }

    fn clone_inner(&self) -> S {
        let inner = self.inner.lock();
        inner.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The reply to a request that is not acknowledged.
    pub(crate) fn refuse(&self, refused: &Refused) -> Reply {
        let status = refused.status();
        match status {
            StatusCode::SERVICE_UNAVAILABLE => self.counters.overloaded.add_one(),
            StatusCode::GATEWAY_TIMEOUT => self.counters.deadline_missed.add_one(),
            _ => {}
        }
        match refused {
            Refused::Rejected(rejection) => {
                self.counters.rejected_requests.add_one();
                let is_authentic = rejection.kind().is_authentic();
                let reason = rejection.kind().as_str();
                #[cfg(feature = "metrics")]
                crate::metrics::rejection(reason);
                if is_authentic {
                    tracing::warn!(reason, "authentic request rejected");
                } else {
                    tracing::debug!(reason, "request rejected");
                }
                Reply::status(status)
            }
            Refused::Method => Reply::method_not_allowed(),
            _ => Reply::status(status),
        }
    }
}

/// The reply to an opened request: here, or after the delivery came to its end.
enum Answering<'s> {
    Now(Result<Reply, Refused>),
    Later(Pin<Box<dyn Future<Output = Result<Reply, Refused>> + Send + 's>>),
}

/// The outcome of a delivery that waits, if it comes by the deadline.
async fn finished(
    pending: impl Future<Output = Result<Ended, NotStarted>>,
    deadline: Instant,
) -> Result<Outcome, Refused> {
    let ended = timeout_at(deadline, pending).await;
    match ended.map_err(|_| Refused::Late)?? {
        Ended::Finished(result) => result.map_err(Refused::Failed),
        Ended::Late => Err(Refused::Late),
        Ended::Drained => Err(Refused::Overloaded),
    }
}

/// The first poll of a future.
async fn at_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

/// Whether the body has an encoding that must be undone before its signature can be checked.
fn is_encoded(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

#[cfg(test)]
mod tests {
    use http::Request;
    use lark_events::webhook::{SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};
    use lark_events::{Dispatcher, EncryptKey, Webhook};
    use tower::ServiceExt as _;

    use super::*;
    use crate::EventService;

    fn events() -> EventService<Dispatcher> {
        let webhook = Webhook::builder().encrypt_key("key").without_freshness();
        let dispatcher = Dispatcher::builder().ignore(["x_v1"]).build().unwrap();
        EventService::new(webhook.build().unwrap(), dispatcher)
    }

    /// The answer to a signed event of the given size.
    async fn post(events: EventService<Dispatcher>, length: usize) -> u16 {
        let event = r#"{"schema":"2.0","header":{"event_type":"x_v1"}}"#;
        let body = event.to_owned() + &" ".repeat(length.saturating_sub(event.len()));
        let signature = EncryptKey::new("key").sign("1", "n", body.as_bytes());
        let request = Request::post("/")
            .header(SIGNATURE_TIMESTAMP_HEADER, "1")
            .header(SIGNATURE_NONCE_HEADER, "n")
            .header(lark_events::webhook::SIGNATURE_HEADER, signature)
            .body(http_body_util::Full::<bytes::Bytes>::from(body));
        let answer = events.oneshot(request.unwrap()).await;
        answer.unwrap().status().as_u16()
    }

    /// All turns at once, if they become free before the deadline.
    async fn all_turns(
        events: &EventService<Dispatcher>,
        deadline: Instant,
    ) -> Option<OwnedSemaphorePermit> {
        let cost = HashCost::of(usize::MAX, 1).unwrap();
        events.shared.unverified.turn(cost, deadline).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_body_waits_for_its_turn_to_be_hashed_and_a_usual_one_does_not() {
        let events = events();
        let post = |length| post(events.clone(), length);
        let (usual, large) = (100, body::FREE_BYTES + 1);
        assert_eq!(post(large).await, 200);

        let all = all_turns(&events, Instant::now()).await;
        let began = Instant::now();
        assert_eq!(post(usual).await, 200);
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(post(large).await, 503);
        assert_eq!(began.elapsed(), crate::DEFAULT_ACK_DEADLINE);
        drop(all);
        assert_eq!(post(large).await, 200);
    }

    #[test]
    fn a_large_body_keeps_its_turn_and_its_bytes_until_it_is_hashed() {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true);
        let runtime = runtime.max_blocking_threads(1).build().unwrap();
        runtime.block_on(async {
            let events = events();
            let in_flight = || events.shared.in_flight.available_permits();
            let all_bytes = in_flight();
            // The only thread that could hash the body is busy.
            let (release, released) = std::sync::mpsc::channel();
            let busy = tokio::task::spawn_blocking(move || released.recv());
            let posted = tokio::spawn(post(events.clone(), MAX_INLINE_BYTES + 1));
            tokio::task::yield_now().await;
            tokio::time::advance(crate::DEFAULT_ACK_DEADLINE).await;
            assert_eq!(posted.await.unwrap(), 504);
            assert!(all_turns(&events, Instant::now()).await.is_none());
            assert!(in_flight() < all_bytes);

            release.send(()).unwrap();
            busy.await.unwrap().unwrap();
            let soon = after(Instant::now(), Duration::from_secs(1));
            assert!(all_turns(&events, soon).await.is_some());
            let all_bytes = u32::try_from(all_bytes).unwrap();
            let returned = events.shared.in_flight.acquire_many(all_bytes);
            assert!(timeout_at(soon, returned).await.unwrap().is_ok());
        });
    }
}
