//! Delivering one document: attempt after attempt, until the app has acknowledged it or the
//! schedule is over.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::debug;

use crate::attempt::{Answer, Attempt, Missing, Mode};
use crate::document::Written;
use crate::fault::Fault;
use crate::push::Progress;
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

impl Deliver {
    pub(crate) async fn run(self: Arc<Self>) {
        let mut waits = self.redeliver_after.iter();
        for number in 1.. {
            let faults = &self.shared.faults;
            let faults = faults.take_each(|fault| self.is_struck_by(fault));
            if self.attempt(number, &faults).await {
                break;
            }
            let Some(wait) = waits.next() else { break };
            sleep(*wait).await;
        }
        self.tell(Progress::Ended);
    }

    /// Makes one attempt, and returns whether the app accepted it.
    async fn attempt(self: &Arc<Self>, number: usize, faults: &[Fault]) -> bool {
        for fault in faults {
            match fault {
                Fault::Delay(time) => sleep(*time).await,
                // Send in either case.
                Fault::Reorder => drop(timeout(REORDER_LIMIT, self.another_is_sent()).await),
                _ => {}
            }
        }
        for fault in faults {
            if let Fault::Duplicate(after) = *fault {
                let copied = Arc::clone(self);
                self.shared.spawn(async move {
                    sleep(after).await;
                    copied.send_and_tell(number, true, &[]).await;
                });
            }
        }
        self.send_and_tell(number, false, faults).await
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

    async fn send_and_tell(&self, number: usize, copy: bool, faults: &[Fault]) -> bool {
        let (sent, answer) = self.send(faults).await;
        if let Some(token) = &self.document.card_token {
            self.shared.api.answered_card(token);
        }
        let attempt = Attempt {
            number,
            copy,
            mode: self.mode,
            after: sent - self.pushed,
            took: sent.elapsed(),
            answer,
        };
        let accepted = attempt.accepted();
        if accepted {
            self.shared.count(|stats| stats.accepted += 1);
        }
        debug!(
            event_type = %self.document.event_type, event_id = %self.document.event_id,
            number, copy, answer = %attempt.answer, "delivered"
        );
        self.tell(Progress::Attempted(attempt));
        accepted
    }

    /// Sends the document, and returns the moment at which all of it is sent, and the answer.
    async fn send(&self, faults: &[Fault]) -> (Instant, Answer) {
        let Shared {
            registration,
            connections,
            answer_limit,
            ..
        } = &*self.shared;
        let loses_answer = faults.contains(&Fault::LoseAnswer);
        let (sent, answer) = if self.mode == Mode::LongConnection {
            if faults.contains(&Fault::LoseEvent) {
                self.count_sent();
                (Instant::now(), None)
            } else {
                let (sent, answer) = connections.send(self, faults).await;
                (sent, Some(answer))
            }
        } else {
            let Some(post) = registration.post().await else {
                return (Instant::now(), Missing::NowhereToSend.into());
            };
            let sent = Instant::now();
            self.count_sent();
            if faults.contains(&Fault::LoseEvent) {
                (sent, None)
            } else {
                let answer = post.send(self.request(faults), *answer_limit).await;
                self.tell_others();
                (sent, Some(answer).filter(|_| !loses_answer))
            }
        };
        let answer = match answer {
            Some(answer) => answer,
            None => {
                sleep_until(sent + *answer_limit).await;
                Missing::TimedOut.into()
            }
        };
        (sent, answer)
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
