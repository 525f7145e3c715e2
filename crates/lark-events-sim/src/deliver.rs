//! Delivering one document: attempt after attempt, until the app has acknowledged it or the
//! schedule is over.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

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
            let faults = self
                .shared
                .faults
                .take_each(|fault| self.is_struck_by(fault));
            for fault in &faults {
                if let Fault::Duplicate(after) = *fault {
                    let copied = Arc::clone(&self);
                    self.shared.spawn(async move {
                        sleep(after).await;
                        copied.attempt(number, true, &[]).await;
                    });
                }
            }
            if self.attempt(number, false, &faults).await {
                break;
            }
            let Some(wait) = waits.next() else { break };
            sleep(*wait).await;
        }
        self.tell(Progress::Ended);
    }

    /// Makes one attempt, and says whether the app accepted it.
    async fn attempt(&self, number: usize, copy: bool, faults: &[Fault]) -> bool {
        for fault in faults {
            match fault {
                Fault::Delay(time) => sleep(*time).await,
                Fault::Reorder => {
                    // Either way it is time to send.
                    let _ = timeout(REORDER_LIMIT, self.shared.sent.notified()).await;
                }
                _ => {}
            }
        }
        let sent = Instant::now();
        self.shared.count(|stats| stats.attempts += 1);
        self.shared.sent.notify_waiters();
        let answer = if faults.contains(&Fault::LoseEvent) {
            None
        } else {
            let answer = self.send(faults).await;
            Some(answer).filter(|_| !faults.contains(&Fault::LoseAnswer))
        };
        let answer = match answer {
            Some(answer) => answer,
            None => {
                sleep_until(sent + self.shared.answer_limit).await;
                Answer::Missing(Missing::TimedOut)
            }
        };
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

    async fn send(&self, faults: &[Fault]) -> Answer {
        let Shared {
            app,
            clock,
            random,
            answer_limit,
            ..
        } = &*self.shared;
        if self.mode == Mode::LongConnection {
            let json = &self.document.json;
            return self
                .shared
                .connections
                .send(&self.shared, json, faults)
                .await;
        }
        let key = app.key.as_ref();
        let signed = || Parcel::signed(&self.document.json, key, clock, random);
        let parcel = self.parcel.get_or_init(signed);
        let skew = faults.iter().find_map(|fault| match fault {
            Fault::ClockSkew(seconds) => Some(*seconds),
            _ => None,
        });
        let request = parcel.request(key, skew.unwrap_or(0));
        self.shared.webhook.post(request, *answer_limit).await
    }

    /// Whether a fault can happen to the next attempt.
    fn is_struck_by(&self, fault: Fault) -> bool {
        let webhook = self.mode == Mode::Webhook;
        let fragmented = || self.shared.connections.fragments(&self.document.json) > 1;
        match fault {
            Fault::LoseEvent
            | Fault::LoseAnswer
            | Fault::Delay(_)
            | Fault::Duplicate(_)
            | Fault::Reorder => true,
            Fault::ClockSkew(_) => webhook && self.shared.app.key.is_some(),
            Fault::GarbageFrame | Fault::RepeatFragment | Fault::Disconnect | Fault::HalfOpen => {
                !webhook
            }
            Fault::ShuffleFragments | Fault::LoseFragment => !webhook && fragmented(),
            Fault::AcceptHalfOpen
            | Fault::Endpoint(_)
            | Fault::EndpointStatus(_)
            | Fault::RefuseUpgrade(..) => false,
        }
    }

    /// Nobody may listen any more.
    fn tell(&self, progress: Progress) {
        let _ = self.progress.send(progress);
    }
}
