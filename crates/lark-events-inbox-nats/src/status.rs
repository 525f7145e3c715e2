//! The state of the queue, from what the consumers report.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::Info;
use async_nats::jetstream::context::ConsumerInfoErrorKind;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::Stream;
use futures_util::future::try_join_all;
use futures_util::{StreamExt as _, TryStreamExt as _};
use lark_events_inbox::{Monitor, Status, StoreError, StoreErrorKind, WorkerId, WorkerState};

use crate::failure::failed;
use crate::link::Link;
use crate::log::or_none;
use crate::{message, subject};

/// The position of a consumer.
#[derive(Debug)]
pub(crate) struct Position {
    /// All messages up to this number are finished.
    pub(crate) done: u64,
    /// All messages up to this number were given at least once.
    pub(crate) given: u64,
    /// The messages that were given and are not finished.
    pub(crate) unfinished: u64,
    /// Those that were not given yet.
    pub(crate) left: u64,
}

impl Position {
    fn of(info: &Info) -> Self {
        Self {
            done: info.ack_floor.stream_sequence,
            given: info.delivered.stream_sequence,
            unfinished: u64::try_from(info.num_ack_pending).unwrap_or(u64::MAX),
            left: info.num_pending,
        }
    }
}

/// The consumers by their index: `None` for one that does not exist.
pub(crate) async fn infos(
    events: &Stream,
    partitions: u16,
) -> Result<Vec<(usize, Option<Info>)>, StoreError> {
    let listed: Vec<Info> = events
        .consumers()
        .try_collect()
        .await
        .map_err(|error| failed(&error))?;
    let listed = listed.into_iter().filter_map(|info| {
        let index = subject::index(&info.name, partitions)?;
        Some((index, info))
    });
    let mut listed: HashMap<_, _> = listed.collect();
    let mut infos = Vec::new();
    for (partition, index) in (0..partitions).map(Some).chain([None]).zip(0_usize..) {
        let info = match listed.remove(&index) {
            Some(info) => Some(info),
            // The list lacks those that have no leader at the moment.
            None => match events.consumer_info(subject::consumer(partition)).await {
                Ok(info) => Some(info),
                Err(error) => match error.kind() {
                    ConsumerInfoErrorKind::NotFound => None,
                    ConsumerInfoErrorKind::JetStream(answer) if answer.code() == 404 => None,
                    _ => return Err(failed(&error)),
                },
            },
        };
        infos.push((index, info));
    }
    Ok(infos)
}

impl Link {
    /// The positions of the consumers, by their index.
    pub(crate) async fn positions(&self) -> Result<Vec<(usize, Position)>, StoreError> {
        let infos = infos(&self.streams.events, self.streams.partitions).await?;
        let positions = infos.into_iter().map(|(index, info)| match info {
            Some(info) => Ok((index, Position::of(&info))),
            None => {
                let partition = subject::partition_at(index, self.streams.partitions);
                let name = subject::consumer(partition);
                let text = format!("the consumer {name} does not exist");
                Err(StoreError::with_source(StoreErrorKind::Version, text))
            }
        });
        positions.collect()
    }

    pub(crate) async fn status(&self) -> Result<Status, StoreError> {
        let any = usize::from(self.streams.partitions);
        self.connected()?;
        self.quiet().await;
        let positions = self.positions().await?;
        let mut status = Status::default();
        let (retries, unclaimed) = {
            let holdings = self.holdings();
            (holdings.retries(), holdings.unclaimed())
        };
        for (index, position) in &positions {
            let (left, unfinished) = (position.left, position.unfinished);
            let retries = retries.get(index).copied().unwrap_or_default();
            let waiting = retries.waiting.min(unfinished);
            let again = retries.ready.min(unfinished.saturating_sub(waiting));
            let leased = unfinished.saturating_sub(waiting).saturating_sub(again);
            // One event of a partition at a time.
            let ready = match *index == any {
                true => left,
                false => u64::from(unfinished == 0 && left > 0),
            };
            status.ready = status.ready.saturating_add(ready).saturating_add(again);
            let left = left.saturating_sub(ready);
            status.waiting = status.waiting.saturating_add(left).saturating_add(waiting);
            status.leased = status.leased.saturating_add(leased);
            if *index != any {
                status.blocked_lanes = status.blocked_lanes.saturating_add(waiting);
            }
        }
        // The events that this process was given and has not claimed.
        let unclaimed = u64::try_from(unclaimed).unwrap_or(u64::MAX);
        let unclaimed = unclaimed.min(status.leased);
        status.ready = status.ready.saturating_add(unclaimed);
        status.leased = status.leased.saturating_sub(unclaimed);
        let dead = self.streams.dead.get_info().await;
        status.dead = dead.map_err(|error| failed(&error))?.state.messages;
        let now = SystemTime::now();
        let age = |time: SystemTime| now.duration_since(time).unwrap_or_default();
        for (oldest, ready) in self.oldest(&positions).await? {
            status.oldest = status.oldest.max(oldest.map(age));
            status.lag = status.lag.max(ready.map(age));
        }
        for (is_running, age) in self.workers().await? {
            let seen = status.worker_seen.map_or(age, |seen| seen.min(age));
            status.worker_seen = Some(seen);
            if is_running && age <= Monitor::MAX_ALONE {
                status.workers = status.workers.saturating_add(1);
            }
        }
        Ok(status)
    }

    /// Of each consumer with unfinished events, when the oldest was received, and the one that can be claimed next.
    async fn oldest(
        &self,
        positions: &[(usize, Position)],
    ) -> Result<Vec<(Option<SystemTime>, Option<SystemTime>)>, StoreError> {
        let any = usize::from(self.streams.partitions);
        let has_some = |position: &Position| position.unfinished > 0 || position.left > 0;
        let found = positions.iter().filter(|(_, position)| has_some(position));
        let found = found.map(|(index, position)| async move {
            // They may have been finished meanwhile.
            let first = self.next_of(*index, position.done).await?;
            let ready = match position.left > 0 && (*index == any || position.unfinished == 0) {
                true => self.next_of(*index, position.given).await?,
                false => None,
            };
            let time =
                |message: StreamMessage| message::received(&message.headers, message.time.into());
            Ok::<_, StoreError>((first.map(time), ready.map(time)))
        });
        try_join_all(found).await
    }

    /// The last heartbeats of the workers: whether each runs, and when it was sent.
    async fn workers(&self) -> Result<Vec<(bool, Duration)>, StoreError> {
        let (workers, now) = (&self.streams.workers, SystemTime::now());
        let subjects = workers
            .info_with_subjects(self.setup.names.all_workers())
            .await;
        let mut subjects = subjects.map_err(|error| failed(&error))?;
        let mut seen = Vec::new();
        while let Some(subject) = subjects.next().await {
            let (subject, _) = subject.map_err(|error| failed(&error))?;
            let last = workers.get_last_raw_message_by_subject(&subject).await;
            // It may have stopped meanwhile.
            let Some(last) = or_none(last)? else {
                continue;
            };
            let age = now.duration_since(last.time.into()).unwrap_or_default();
            seen.push((last.payload == RUNNING, age));
        }
        Ok(seen)
    }

    pub(crate) async fn heartbeat(
        &self,
        worker: WorkerId,
        state: WorkerState,
    ) -> Result<(), StoreError> {
        let subject = self.setup.names.worker(worker.get());
        if state == WorkerState::Stopped {
            let purged = self.streams.workers.purge().filter(subject).await;
            return purged.map(|_| ()).map_err(|error| failed(&error));
        }
        let state = match state {
            WorkerState::Running => RUNNING,
            _ => STOPPING,
        };
        self.publish(subject, HeaderMap::new(), state.into()).await
    }
}

const RUNNING: &str = "running";
const STOPPING: &str = "stopping";
