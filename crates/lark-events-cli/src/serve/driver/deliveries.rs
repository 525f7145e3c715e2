//! Pushes of the driver, and what comes of them.

use std::io;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use lark_events::RawJson;
use lark_events_sim::{Answer, Attempts, Document, Mode};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Driver, Happened};
use crate::recording::masked;
use crate::serve::control::{Answered, AskError, Ids};
use crate::serve::history::{Delivery, Webhook};
use crate::serve::pushable::Pushable;
use crate::serve::row::Row;

impl Driver {
    /// The transports on which the app is reachable.
    pub(super) fn modes(&self) -> Vec<Mode> {
        let webhook = self.history.webhook().is_set().then_some(Mode::Webhook);
        let connection = (self.stats.connections > 0).then_some(Mode::LongConnection);
        webhook.into_iter().chain(connection).collect()
    }

    fn default_mode(&self) -> Mode {
        match self.webhook {
            Some(_) => Mode::Webhook,
            None => Mode::LongConnection,
        }
    }

    /// Whether a further delivery can begin.
    ///
    /// # Errors
    ///
    /// If too many have not ended.
    pub(super) fn room(&self) -> Result<(), AskError> {
        if !self.history.is_full() {
            return Ok(());
        }
        let text = format!(
            "cannot push: too many deliveries have not ended: {}; wait until some end, or start \
             lark-events serve with --redeliver never or shorter delays",
            self.history.running()
        );
        Err(AskError::Full(text))
    }

    /// Pushes an event on each of these transports; without one, by default to an app that is not there.
    pub(super) fn push_on_each(
        &mut self,
        event: &Pushable,
    ) -> io::Result<Result<Vec<usize>, AskError>> {
        if let Err(full) = self.room() {
            return Ok(Err(full));
        }
        let mut modes = self.modes();
        if modes.is_empty() {
            modes.push(self.default_mode());
        }
        let numbers = modes.into_iter().map(|mode| self.push(event, mode));
        numbers.collect::<io::Result<_>>().map(Ok)
    }

    pub(super) fn push(&mut self, event: &Pushable, mode: Mode) -> io::Result<usize> {
        let document = event.document.clone();
        self.deliver(document, event, mode, None, None)
    }

    /// Sends an event of another platform to the webhook, once. Its attempt goes to `answered`.
    pub(super) fn forward(&mut self, event: &Pushable, answered: Answered) -> io::Result<()> {
        let document = event.document.clone();
        self.deliver(document, event, Mode::Webhook, None, Some(answered))?;
        Ok(())
    }

    /// Pushes the event of a delivery again on its transport; an error if the delivery is not kept, or if it has
    /// no ids that could be new.
    pub(super) fn resend(
        &mut self,
        number: usize,
        ids: Ids,
    ) -> io::Result<Result<usize, AskError>> {
        let Some(first) = self.history.delivery(number) else {
            return Ok(Err(AskError::Unknown(self.unknown(number))));
        };
        if ids == Ids::New && !first.has_ids() {
            return Ok(Err(AskError::WithoutIds(first.without_ids())));
        }
        if let Err(full) = self.room() {
            return Ok(Err(full));
        }
        let event = Pushable {
            event_type: first.event_type,
            document: first.template,
            is_callback: first.is_callback,
        };
        let document = match ids {
            Ids::Same => Document::from(first.document),
            Ids::New => event.document.clone().as_new(),
        };
        self.deliver(document, &event, first.mode, Some(number), None)
            .map(Ok)
    }

    /// Why there is no delivery with a number.
    pub(super) fn unknown(&self, number: usize) -> String {
        let Some((first, last)) = self.history.kept() else {
            return format!("no delivery #{number}: push an event first");
        };
        let forgotten = match self.history.forgotten() {
            0 => String::new(),
            forgotten => format!("; {forgotten} that have ended are no longer kept"),
        };
        format!("expected the number of a delivery from {first} to {last}, got {number}{forgotten}")
    }

    /// Pushes a document, from which `event` makes new events. The first attempt goes to `answered`.
    fn deliver(
        &mut self,
        document: Document,
        event: &Pushable,
        mode: Mode,
        replay_of: Option<usize>,
        answered: Option<Answered>,
    ) -> io::Result<usize> {
        let again: &[Duration] = match event.is_callback {
            true => &[],
            false => &self.redeliver_after,
        };
        let again = again.iter().copied();
        let pushed_at = SystemTime::now();
        let push = self.platform.push_by(mode, document, again);
        self.counts.pushes += 1;
        let number = self.counts.pushes;
        let document: Bytes = push.document().clone();
        self.links.pushed(number, &document);
        let delivery = Delivery {
            number,
            event_type: event.event_type.clone(),
            event_id: push.event_id().to_owned(),
            mode,
            is_callback: event.is_callback,
            replay_of,
            template: event.document.clone(),
            document,
            pushed_at,
            attempts: Vec::new(),
            acknowledged: false,
            ended: false,
            revision: 0,
        };
        let row = Row::of(&delivery);
        self.history.pushed(delivery);
        // The history keeps the attempts.
        let attempts = push.into_attempts();
        let tell = self.tell.clone();
        self.tasks.spawn(follow(attempts, number, tell, answered));
        self.view.row(&row)?;
        Ok(number)
    }

    pub(super) fn push_due(&mut self) -> io::Result<()> {
        let now = Instant::now();
        let modes = self.modes();
        let mut events = Vec::new();
        self.streams.retain_mut(|due| {
            if due.at > now {
                return true;
            }
            events.push(due.stream.event.clone());
            due.go_on(now)
        });
        for event in events {
            if let Err(full) = self.room() {
                self.skip(&full)?;
                continue;
            }
            for mode in &modes {
                self.push(&event, *mode)?;
            }
        }
        Ok(())
    }

    /// Skips the push of a stream, and says so the first time.
    fn skip(&mut self, why: &AskError) -> io::Result<()> {
        if std::mem::replace(&mut self.has_skipped, true) {
            return Ok(());
        }
        let text = format!("--push skips events while it cannot push them: {why}");
        self.view.notice("push-skipped", &text)
    }

    pub(super) fn has_happened(&mut self, happened: Happened) -> io::Result<()> {
        match happened {
            Happened::Attempted(number, attempt) => {
                self.counts.attempts += 1;
                self.counts.redeliveries += usize::from(attempt.number > 1 && !attempt.copy);
                let webhook = self.history.webhook().after(&attempt);
                if let Some(delivery) = self.history.attempted(number, attempt) {
                    let has_failed = self.forwards && lacks_reply(&delivery);
                    let is_acknowledged = delivery.is_newly_acknowledged() && !has_failed;
                    self.counts.acknowledged += usize::from(is_acknowledged);
                    self.record(&delivery)?;
                    self.view.row(&Row::of(&delivery))?;
                    if has_failed {
                        self.counts.given_up += 1;
                        let text = format!(
                            "#{number}: the callback failed, and the user sees an error: expected JSON in the \
                            answer of the webhook, which is {{}} for a reply that changes nothing"
                        );
                        self.view.notice("callback-failed", &text)?;
                    }
                }
                if let Some(webhook) = webhook {
                    match &webhook {
                        Webhook::Lost(_, why) => {
                            let text = format!("the webhook does not answer: {why}");
                            self.view.notice("webhook-lost", &text)?;
                        }
                        _ => self
                            .view
                            .notice("webhook-back", "the webhook answers again")?,
                    }
                    self.history.set_webhook(webhook);
                }
            }
            Happened::Ended(number) => {
                if let Some(delivery) = self.history.ended(number) {
                    self.counts.given_up += usize::from(!delivery.acknowledged);
                    self.view.ended(&Row::of(&delivery));
                }
            }
            Happened::WebhookSet => {
                if let Some(url) = self.webhook.clone() {
                    self.history.set_webhook(Webhook::Set(url));
                }
                self.view
                    .notice("webhook-set", "the webhook has passed the URL check")?;
            }
            Happened::ConsoleFailed(error) => return Err(error),
            Happened::WebhookUnchecked(error) => {
                if let Some(url) = self.webhook.clone() {
                    self.history.set_webhook(Webhook::Set(url));
                }
                let text = format!(
                    "the webhook gets the events though it does not pass the URL check: {error}"
                );
                self.view.notice("webhook-unchecked", &text)?;
            }
            Happened::WebhookRefused(error) => {
                if let Some(url) = self.webhook.clone() {
                    let refused = Webhook::Refused(url, error.to_string());
                    self.history.set_webhook(refused);
                }
                let text = format!("the webhook is not set yet: {error}");
                self.view.notice("webhook-refused", &text)?;
            }
        }
        Ok(())
    }

    /// Records the last attempt of a delivery.
    fn record(&mut self, delivery: &Delivery) -> io::Result<()> {
        let (Some(record), Some(attempt)) = (&mut self.record, delivery.attempts.last()) else {
            return Ok(());
        };
        let is_recorded = match self.records_secrets {
            true => record.attempted(delivery, attempt),
            false => record.attempted(delivery, &masked(attempt, &self.masks)),
        };
        if is_recorded {
            return Ok(());
        }
        let text = "the recording misses attempts: the file cannot be written, or not fast enough";
        self.view.notice("record-lost", text)
    }

    /// Shows the calls of the API that are new, and keeps them.
    pub(super) fn called(&mut self) -> io::Result<()> {
        for call in self.platform.api_calls() {
            if call.number > self.shown_calls {
                self.shown_calls = call.number;
                self.view.call(&call)?;
                let delivery = self.links.delivery_of(&call);
                self.history.called(call, delivery);
            }
        }
        Ok(())
    }
}

/// Whether the answer to a callback of another platform is 200 without a JSON reply. Its user sees an error then.
fn lacks_reply(delivery: &Delivery) -> bool {
    let is_forwarded = delivery.is_callback && delivery.replay_of.is_none();
    match delivery.attempts.last().map(|attempt| &attempt.answer) {
        Some(Answer::Response { status, body, .. }) if is_forwarded && *status == 200 => {
            RawJson::parse(body.clone()).is_err()
        }
        _ => false,
    }
}

/// Reports each attempt of a push.
async fn follow(
    mut attempts: Attempts,
    number: usize,
    tell: mpsc::UnboundedSender<Happened>,
    mut answered: Option<Answered>,
) {
    while let Some(attempt) = attempts.next().await {
        if !attempt.copy
            && let Some(answered) = answered.take()
        {
            // The forwarder has gone if its connection has ended.
            let _ = answered.send(attempt.clone());
        }
        // The receiver is gone at the end.
        let _ = tell.send(Happened::Attempted(number, attempt));
    }
    let _ = tell.send(Happened::Ended(number));
}
