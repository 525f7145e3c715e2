//! Publishing events, and copies of them.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, SystemTime};

use async_nats::HeaderMap;
use async_nats::jetstream::message::PublishMessage;
use futures_util::future::join_all;
use lark_events_inbox::{Appended, Entry, MAX_ERROR_BYTES, Refused, Settlement, StoreError};

use crate::failure::not_published;
use crate::held::Event;
use crate::link::Link;
use crate::{batch, message, subject};

/// A message that is ready to be published.
pub(crate) struct Outgoing {
    pub(crate) subject: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: bytes::Bytes,
    lane: Option<String>,
    consumer: usize,
}

/// The room for the headers of a copy: most of it is the error of a dead letter, of which each byte takes three.
const COPY_HEADERS: usize = 3 * MAX_ERROR_BYTES + 1024;

impl Outgoing {
    /// On the wire, or more.
    fn size(&self) -> usize {
        message::size(&self.headers).saturating_add(self.body.len())
    }
}

impl Link {
    /// Appends a batch. The messages are sent in their order, which is that of each lane, and the size of the batch
    /// bounds those that wait for their answer.
    pub(crate) async fn append(&self, batch: &[Entry]) -> Result<Vec<Appended>, StoreError> {
        self.connected()?;
        let largest = self.client.server_info().max_payload;
        let messages: Vec<_> = batch.iter().map(|entry| self.outgoing(entry)).collect();
        let fits = |one: &Outgoing| one.size().saturating_add(COPY_HEADERS) <= largest;
        let fit: Vec<_> = messages.iter().map(fits).collect();
        let consumers: Vec<_> = messages.iter().map(|one| one.consumer).collect();
        let sent = messages.into_iter().zip(&fit);
        let sent: Vec<_> = sent
            .filter(|(_, fits)| **fits)
            .map(|(one, _)| one)
            .collect();
        let stored = match self.streams.is_atomic && sent.len() > 1 {
            true => match batch::publish(self, &sent).await? {
                Some(stored) => stored,
                // Nothing of it is stored: one of the events is a duplicate.
                None => self.publish_all(sent).await?,
            },
            false => self.publish_all(sent).await?,
        };
        let mut stored = stored.into_iter();
        let appended = fit.iter().map(|fits| match fits {
            true => stored.next(),
            false => Some(Appended::Refused(Refused::TooLarge)),
        });
        // One for each entry.
        let appended: Vec<_> = appended.flatten().collect();
        let new = appended.iter().zip(consumers);
        let new = new.filter(|(appended, _)| **appended == Appended::New);
        let new: BTreeSet<_> = new.map(|(_, consumer)| consumer).collect();
        if !new.is_empty() {
            self.wake_all(new).await;
        }
        Ok(appended)
    }

    /// Publishes messages. Of one lane, none is sent before the one before is stored: if a server or a connection fails in
    /// between, it could be stored alone.
    async fn publish_all(&self, messages: Vec<Outgoing>) -> Result<Vec<Appended>, StoreError> {
        let mut all = vec![None; messages.len()];
        let mut left: Vec<_> = messages.into_iter().enumerate().collect();
        while !left.is_empty() {
            let mut lanes = HashSet::new();
            let (now, later) = left.into_iter().partition(|(_, one)| match &one.lane {
                Some(lane) => lanes.insert(lane.clone()),
                None => true,
            });
            left = later;
            for (index, appended) in self.publish_at_once(now).await? {
                if let Some(place) = all.get_mut(index) {
                    *place = Some(appended);
                }
            }
        }
        // One for each message.
        Ok(all.into_iter().flatten().collect())
    }

    async fn publish_at_once(
        &self,
        messages: Vec<(usize, Outgoing)>,
    ) -> Result<Vec<(usize, Appended)>, StoreError> {
        let mut sent = Vec::with_capacity(messages.len());
        for (index, one) in messages {
            let publish = PublishMessage::build()
                .headers(one.headers)
                .payload(one.body);
            let answer = self.context.send_publish(one.subject, publish).await;
            sent.push(async move {
                let answer = answer.map_err(|error| not_published(&error))?.await;
                let answer = answer.map_err(|error| not_published(&error))?;
                let appended = match answer.duplicate {
                    true => Appended::Duplicate,
                    false => Appended::New,
                };
                Ok((index, appended))
            });
        }
        // All are awaited: an error leaves none behind that counts as in flight.
        join_all(sent).await.into_iter().collect()
    }

    fn outgoing(&self, entry: &Entry) -> Outgoing {
        self.address(entry, message::headers(entry))
    }

    /// The message of an event with these headers and those of CloudEvents.
    fn address(&self, entry: &Entry, mut headers: HeaderMap) -> Outgoing {
        let partitions = self.streams.partitions;
        let lane = entry.lane.as_deref();
        let partition = lane.map(|lane| subject::partition(lane, partitions));
        let (header, names) = (&entry.delivery.header, &self.setup.names);
        let app = header.app_id.as_deref();
        let event = entry.delivery.to_cloud_event();
        for (name, value) in event.nats_headers() {
            headers.insert(name, &*value);
        }
        Outgoing {
            subject: names.event(app, partition, &header.event_type),
            headers,
            body: event.data.into_bytes(),
            lane: entry.lane.clone(),
            consumer: usize::from(partition.unwrap_or(partitions)),
        }
    }

    /// Puts a copy of an event into the queue. With the same id it is put there once.
    pub(crate) async fn append_copy(
        &self,
        entry: &Entry,
        id: Option<String>,
    ) -> Result<(), StoreError> {
        let headers = message::copy(entry, id);
        self.append_to_lane(entry, headers).await
    }

    async fn append_to_lane(&self, entry: &Entry, headers: HeaderMap) -> Result<(), StoreError> {
        let copy = self.address(entry, headers);
        let consumer = copy.consumer;
        self.publish(copy.subject, copy.headers, copy.body).await?;
        self.wake_all(BTreeSet::from([consumer])).await;
        Ok(())
    }

    /// Copies a dead letter before it leaves the stream of events.
    pub(crate) async fn append_dead(
        &self,
        event: &Event,
        settlement: &Settlement,
    ) -> Result<(), StoreError> {
        let id = format!("dead {}", event.name());
        let mut headers = message::copy(&event.entry, Some(id));
        message::fail(&mut headers, event.attempt, settlement);
        let letter = self.address(&event.entry, headers);
        let subject = self.setup.names.dead(event.name());
        self.publish(subject, letter.headers, letter.body).await
    }

    /// Copies an event that leaves its lane.
    pub(crate) async fn append_aside(
        &self,
        event: &Event,
        delay: Duration,
    ) -> Result<(), StoreError> {
        let mut entry = Entry::clone(&event.entry);
        entry.lane = None;
        let not_before = SystemTime::now().checked_add(delay);
        let not_before = not_before.filter(|_| !delay.is_zero());
        let id = format!("aside {}", event.name());
        let mut headers = message::copy(&entry, Some(id));
        // This attempt does not count.
        message::postpone(&mut headers, event.attempt.saturating_sub(1), not_before);
        self.append_to_lane(&entry, headers).await
    }

    /// Publishes one message, and waits until the stream has it.
    pub(crate) async fn publish(
        &self,
        subject: String,
        headers: HeaderMap,
        body: bytes::Bytes,
    ) -> Result<(), StoreError> {
        let published = self
            .context
            .publish_with_headers(subject, headers, body)
            .await;
        let acknowledged = published.map_err(|error| not_published(&error))?.await;
        acknowledged.map_err(|error| not_published(&error))?;
        Ok(())
    }
}
