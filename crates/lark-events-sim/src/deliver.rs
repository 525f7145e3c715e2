//! Delivering one document: attempt after attempt, until the app has acknowledged it or the
//! schedule is over.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::debug;

use crate::attempt::{Answered, Attempt, Missing, Mode};
use crate::builder::MAX_WAIT;
use crate::document::Written;
use crate::fault::Fault;
use crate::push::Progress;
use crate::sent::Sent;
use crate::shared::Shared;
use crate::webhook::Parcel;

/// How long [`Fault::Reorder`] waits for another attempt.
const REORDER_LIMIT: Duration = Duration::from_secs(1);

pub(crate) struct Deliver {
    pub(crate) shared: Arc<Shared>,
    /// Counts pushes.
    pub(crate) number: u64,
    pub(crate) document: Written,
    pub(crate) mode: Mode,
    /// The waits before each redelivery.
    pub(crate) redeliver_after: Vec<Duration>,
    pub(crate) progress: mpsc::UnboundedSender<Progress>,
    pub(crate) pushed: Instant,
    pub(crate) parcel: OnceLock<Parcel>,
}

/// The end of one sending.
pub(crate) struct Outcome {
    /// The moment at which all of it was sent.
    pub(crate) at: Instant,
    pub(crate) sent: Option<Sent>,
    pub(crate) answered: Answered,
}

impl Outcome {
    pub(crate) fn nowhere() -> Self {
        Self {
            at: Instant::now(),
            sent: None,
            answered: Missing::NowhereToSend.into(),
        }
    }
}

impl Deliver {
    pub(crate) async fn run(self: Arc<Self>) {
        let mut waits = self.redeliver_after.iter().copied();
        for number in 1.. {
            let faults = self.shared.take_faults(|fault| self.is_struck_by(fault));
            // Boxed, so that a push which waits for hours does not keep the room of an exchange.
            let attempt = Box::pin(self.attempt(number, faults, waits.next()));
            let Some(next) = attempt.await else { break };
            sleep_until(next).await;
        }
        self.tell(Progress::Ended);
    }

    /// Makes one attempt, and returns the moment of the next one: after `wait`, unless the app accepted this
    /// one.
    async fn attempt(
        self: &Arc<Self>,
        number: usize,
        faults: Vec<Fault>,
        wait: Option<Duration>,
    ) -> Option<Instant> {
        for fault in &faults {
            match fault {
                Fault::Delay(time) => sleep(*time).await,
                // Send in either case.
                Fault::Reorder => drop(timeout(REORDER_LIMIT, self.another_is_sent()).await),
                _ => {}
            }
        }
        for fault in &faults {
            if let Fault::Duplicate(after) = *fault {
                let copied = Arc::clone(self);
                self.shared.spawn(async move {
                    sleep(after).await;
                    copied.send_and_tell(number, true, Vec::new(), None).await;
                });
            }
        }
        self.send_and_tell(number, false, faults, wait).await
    }

    /// Waits until an attempt of another push is sent.
    async fn another_is_sent(&self) {
        let mut sent = self.shared.sent.subscribe();
        while sent.changed().await.is_ok() {
            if *sent.borrow_and_update() != self.number {
                return;
            }
        }
    }

    async fn send_and_tell(
        &self,
        number: usize,
        copy: bool,
        faults: Vec<Fault>,
        wait: Option<Duration>,
    ) -> Option<Instant> {
        let Outcome { at, sent, answered } = self.send(&faults).await;
        if let Some(token) = &self.document.card_token {
            self.shared.api.answered_card(token);
        }
        let wait = wait.filter(|_| !answered.answer.accepted());
        let next = wait.map(|wait| Instant::now() + wait.min(MAX_WAIT));
        let attempt = Attempt {
            number,
            copy,
            mode: self.mode,
            after: at - self.pushed,
            took: at.elapsed(),
            answer: answered.answer,
            error: answered.error,
            sent,
            faults,
            next: next.map(|next| next - self.pushed),
        };
        if attempt.accepted() {
            self.shared.count(|stats| stats.accepted += 1);
        }
        debug!(
            event_type = %self.document.event_type, event_id = %self.document.event_id,
            number, copy, answer = %attempt.answer, error = attempt.error, "delivered"
        );
        self.tell(Progress::Attempted(Box::new(attempt)));
        next
    }

    /// Sends the document, and waits for the answer.
    async fn send(&self, faults: &[Fault]) -> Outcome {
        let Shared {
            registration,
            connections,
            answer_limit,
            ..
        } = &*self.shared;
        if self.mode == Mode::LongConnection {
            return connections.send(self, faults).await;
        }
        let Some(post) = registration.post().await else {
            return Outcome::nowhere();
        };
        let at = Instant::now();
        self.count_sent();
        let request = self.request(faults);
        let sent = Some(post.sent(&request));
        let answered = if faults.contains(&Fault::LoseEvent) {
            drop(post);
            None
        } else {
            let answered = post.send(request, *answer_limit).await;
            self.tell_others();
            let loses_answer = faults.contains(&Fault::LoseAnswer);
            Some(answered).filter(|_| !loses_answer)
        };
        let answered = match answered {
            Some(answered) => answered,
            None => {
                sleep_until(at + *answer_limit).await;
                Missing::TimedOut.into()
            }
        };
        Outcome { at, sent, answered }
    }

    fn request(&self, faults: &[Fault]) -> Request<Bytes> {
        let Shared {
            app, clock, random, ..
        } = &*self.shared;
        let key = app.key.as_ref();
        let signed = || Parcel::signed(&self.document.json, key, clock, random);
        let skew = faults.iter().find_map(|fault| match fault {
            Fault::ClockSkew(seconds) => Some(*seconds),
            _ => None,
        });
        self.parcel
            .get_or_init(signed)
            .request(key, skew.unwrap_or(0))
    }

    pub(crate) fn count_sent(&self) {
        self.shared.count(|stats| stats.attempts += 1);
    }

    /// Wakes attempts that wait for another one.
    pub(crate) fn tell_others(&self) {
        self.shared.sent.send_replace(self.number);
    }

    /// Whether a fault can happen to the next attempt.
    fn is_struck_by(&self, fault: Fault) -> bool {
        let Shared {
            app,
            registration,
            connections,
            ..
        } = &*self.shared;
        let by_webhook = self.mode == Mode::Webhook;
        let fragmented = || connections.fragments(&self.document.json) > 1;
        let somewhere = if by_webhook {
            registration.is_set()
        } else {
            connections.is_any()
        };
        somewhere
            && match fault {
                Fault::LoseEvent
                | Fault::LoseAnswer
                | Fault::Delay(_)
                | Fault::Duplicate(_)
                | Fault::Reorder => true,
                Fault::ClockSkew(_) => by_webhook && app.key.is_some(),
                Fault::GarbageFrame
                | Fault::RepeatFragment
                | Fault::Disconnect
                | Fault::Close
                | Fault::HalfOpen => !by_webhook,
                Fault::ShuffleFragments | Fault::SpreadFragments(_) | Fault::LoseFragment => {
                    !by_webhook && fragmented()
                }
                Fault::AcceptHalfOpen
                | Fault::Endpoint(_)
                | Fault::EndpointStatus(_)
                | Fault::EndpointSilent
                | Fault::RefuseUpgrade(..)
                | Fault::UpgradeStatus(_)
                | Fault::UpgradeSilent
                | Fault::Api(..)
                | Fault::ApiLimit(..)
                | Fault::ApiStatus(_)
                | Fault::ApiReset
                | Fault::ApiLoseAnswer
                | Fault::ApiSilent => false,
            }
    }

    /// The receiver may be gone.
    fn tell(&self, progress: Progress) {
        let _ = self.progress.send(progress);
    }
}
