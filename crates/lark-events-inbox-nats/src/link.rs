//! The conversation with the servers: answers of consumers come in, progress of held events goes out.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_nats::connection;
use async_nats::jetstream::consumer::pull::BatchConfig;
use async_nats::jetstream::{AckKind, Context, Message};
use async_nats::{Client, Request, StatusCode, Subscriber};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use lark_events_inbox::{StoreError, StoreErrorKind};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use crate::failure::failed;
use crate::held::{Event, Holdings};
use crate::look::{EXPIRES, EXPLORE_PAUSE, LOOK_TIMEOUT, Looks};
use crate::message;
use crate::setup::{Setup, Streams};
use crate::subject;

/// How long a call waits for the answer of the server.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);
/// A look is answered with these when a consumer has no leader, or is deleted.
const UNSERVED: [StatusCode; 2] = [StatusCode::NO_RESPONDERS, StatusCode::REQUEST_TERMINATED];
/// The minimum time between two wake-ups of other processes.
const WAKE_PAUSE: Duration = Duration::from_millis(5);

/// What a store shares with its tasks.
pub(crate) struct Link {
    pub(crate) client: Client,
    pub(crate) context: Context,
    pub(crate) setup: Setup,
    pub(crate) streams: Streams,
    /// The answers of the consumers come to this subject and a number.
    inbox: String,
    looks: Mutex<Looks>,
    holdings: Mutex<Holdings>,
    wakes: Mutex<Wakes>,
    /// Events are given back one call at a time.
    giving: tokio::sync::Mutex<()>,
    /// A look was answered.
    answered: Notify,
    /// There may be an event to claim.
    woken: Notify,
    /// The keeper has something else to wait for.
    kept: Notify,
}

/// The consumers whose events other processes are to hear of.
struct Wakes {
    consumers: BTreeSet<usize>,
    sent_at: Option<Instant>,
}

impl Link {
    pub(crate) fn new(client: Client, context: Context, setup: Setup, streams: Streams) -> Self {
        let mut looks = Looks::new(streams.partitions);
        for (consumer, index) in streams.consumers.iter().zip(0..) {
            let info = consumer.cached_info();
            if info.num_pending > 0 || info.num_ack_pending > 0 {
                looks.suppose(index);
            }
        }
        Self {
            inbox: client.new_inbox(),
            looks: Mutex::new(looks),
            holdings: Mutex::new(Holdings::new(streams.ack_wait)),
            wakes: Mutex::new(Wakes {
                consumers: BTreeSet::new(),
                sent_at: None,
            }),
            giving: tokio::sync::Mutex::default(),
            answered: Notify::new(),
            woken: Notify::new(),
            kept: Notify::new(),
            client,
            context,
            setup,
            streams,
        }
    }

    fn looks(&self) -> MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn holdings(&self) -> MutexGuard<'_, Holdings> {
        self.holdings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wakes(&self) -> MutexGuard<'_, Wakes> {
        self.wakes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The subscriptions of this process.
    pub(crate) async fn subscribe(&self) -> Result<(Subscriber, Subscriber), StoreError> {
        let answers = self.client.subscribe(format!("{}.*", self.inbox)).await;
        let answers = answers.map_err(|error| failed(&error))?;
        let wakes = self.client.subscribe(self.setup.names.wake()).await;
        Ok((answers, wakes.map_err(|error| failed(&error))?))
    }

    /// Fails at once while there is no connection, instead of after a time-out.
    pub(crate) fn connected(&self) -> Result<(), StoreError> {
        match self.client.connection_state() {
            connection::State::Connected => Ok(()),
            _ => Err(StoreError::with_source(
                StoreErrorKind::Unavailable,
                "no connection to a NATS server",
            )),
        }
    }

    /// Notes that a consumer probably has an event, and wakes the workers of this process.
    pub(crate) fn suppose(&self, consumers: impl IntoIterator<Item = usize>) {
        let mut looks = self.looks();
        for consumer in consumers {
            looks.suppose(consumer);
        }
        drop(looks);
        self.wake();
    }

    fn wake(&self) {
        self.woken.notify_waiters();
        self.woken.notify_one();
    }

    pub(crate) fn keep_on(&self) {
        self.kept.notify_one();
    }

    /// Waits until there may be an event to claim.
    pub(crate) async fn woken(&self) {
        loop {
            let woken = self.woken.notified();
            if self.holdings().ready() > 0 || timeout(EXPLORE_PAUSE, woken).await.is_ok() {
                return;
            }
            // An error shows in the next claim.
            let _ = self.explore(1).await;
        }
    }

    /// Wakes the workers of all processes.
    pub(crate) async fn wake_all(&self, consumers: BTreeSet<usize>) {
        self.suppose(consumers.iter().copied());
        let is_due = {
            let mut wakes = self.wakes();
            wakes.consumers.extend(consumers);
            wakes
                .sent_at
                .is_none_or(|sent_at| sent_at.elapsed() >= WAKE_PAUSE)
        };
        if is_due {
            self.send_wakes().await;
        } else {
            self.keep_on();
        }
    }

    async fn send_wakes(&self) {
        let consumers = {
            let mut wakes = self.wakes();
            if wakes.consumers.is_empty() {
                return;
            }
            wakes.sent_at = Some(Instant::now());
            std::mem::take(&mut wakes.consumers)
        };
        let partitions = self.streams.partitions;
        let names = consumers.into_iter();
        let names = names.map(|index| subject::consumer(subject::partition_at(index, partitions)));
        let names = names.collect::<Vec<_>>().join(" ");
        // A lost wake-up delays events until the next poll.
        let _ = self
            .client
            .publish(self.setup.names.wake(), names.into())
            .await;
    }

    /// Listens to the wake-ups of all processes.
    pub(crate) async fn listen(self: Arc<Self>, mut wakes: Subscriber) {
        let partitions = self.streams.partitions;
        while let Some(wake) = wakes.next().await {
            let names = String::from_utf8_lossy(&wake.payload);
            let names = names.split(' ');
            self.suppose(names.filter_map(|name| subject::index(name, partitions)));
        }
    }

    /// Asks the consumers that probably have events, until `max` are there or all have answered. Asks some others
    /// too, whose events wake the workers when they come.
    pub(crate) async fn fill(&self, max: usize) -> Result<(), StoreError> {
        self.connected()?;
        self.give_back().await;
        self.looks().forget(self.streams.ack_wait);
        if self.looks().are_lost() && !self.is_answered().await? {
            let text = "the consumers do not answer";
            return Err(StoreError::with_source(StoreErrorKind::TimedOut, text));
        }
        let began = Instant::now();
        let (mut before, mut is_first) = (self.holdings().ready(), true);
        while self.step(max, is_first).await? {
            let ready = self.holdings().ready();
            // Other processes may take event after event of the partitions that are asked.
            if (ready == before && ready > 0) || began.elapsed() >= LOOK_TIMEOUT {
                break;
            }
            (before, is_first) = (ready, false);
        }
        if self.holdings().ready() == 0 && self.looks().are_unserved() {
            let text = "no server has the consumers at the moment";
            return Err(StoreError::with_source(StoreErrorKind::Unavailable, text));
        }
        Ok(())
    }

    /// Whether there may be more to ask for.
    async fn step(&self, max: usize, is_first: bool) -> Result<bool, StoreError> {
        let missing = max.saturating_sub(self.holdings().ready());
        if missing == 0 {
            return Ok(false);
        }
        let plan = {
            let (mut looks, holdings) = (self.looks(), self.holdings());
            looks.plan(missing, |one| holdings.has_of(one))
        };
        let is_idle = plan.asks.is_empty() && plan.under_way.is_empty();
        let mut waited_for = plan.under_way;
        waited_for.extend(self.look(plan.asks).await?);
        if is_first {
            self.explore(missing).await?;
        }
        if is_idle {
            return Ok(false);
        }
        // Those that have not answered are asked again by a later claim.
        Ok(self.answers(&waited_for, max).await)
    }

    /// Waits until these looks are answered or `max` events are there. `false` if they are not in time.
    async fn answers(&self, looks: &[u64], max: usize) -> bool {
        let is_over = || {
            let has_enough = {
                let holdings = self.holdings();
                holdings.ready() >= max && holdings.has_next()
            };
            has_enough || !self.looks().wait(looks)
        };
        self.answered(is_over).await
    }

    /// Waits for answers to looks until the condition holds. `false` if it does not in time.
    async fn answered(&self, is_over: impl Fn() -> bool) -> bool {
        let answered = async {
            loop {
                let answered = self.answered.notified();
                tokio::pin!(answered);
                answered.as_mut().enable();
                if is_over() {
                    return;
                }
                answered.await;
            }
        };
        timeout(LOOK_TIMEOUT, answered).await.is_ok()
    }

    /// Whether a consumer answers, none of which has for a while.
    async fn is_answered(&self) -> Result<bool, StoreError> {
        self.explore(1).await?;
        Ok(self.answered(|| !self.looks().are_lost()).await)
    }

    /// Waits until no look of this process is under way, whose event would count as that of another.
    pub(crate) async fn quiet(&self) {
        let looks = self.looks().under_way();
        self.answers(&looks, usize::MAX).await;
    }

    /// Looks at some consumers without a sign of an event. Their answers wake the workers.
    async fn explore(&self, missing: usize) -> Result<(), StoreError> {
        // The client would send it once it is connected again, and the event would be too old for this process.
        self.connected()?;
        let others = {
            let (mut looks, holdings) = (self.looks(), self.holdings());
            looks.explore(missing, |one| holdings.has_of(one))
        };
        self.look(others).await?;
        Ok(())
    }

    /// Begins looks, and names them.
    async fn look(&self, asks: Vec<(usize, usize)>) -> Result<Vec<u64>, StoreError> {
        let mut names = Vec::with_capacity(asks.len());
        for (consumer, events) in asks {
            let name = self.looks().begin(consumer, events);
            self.ask(name, consumer, events).await?;
            names.push(name);
        }
        Ok(names)
    }

    async fn ask(&self, name: u64, consumer: usize, events: usize) -> Result<(), StoreError> {
        let is_partition = consumer < usize::from(self.streams.partitions);
        let Some(consumer) = self.streams.consumers.get(consumer) else {
            return Ok(());
        };
        let batch = BatchConfig {
            batch: events,
            expires: is_partition.then_some(EXPIRES),
            no_wait: !is_partition,
            ..BatchConfig::default()
        };
        let asked = consumer
            .request_batch(batch, format!("{}.{name}", self.inbox).into())
            .await;
        asked.map_err(|error| failed(&error))
    }

    /// Reads the answers of the consumers.
    pub(crate) async fn read(self: Arc<Self>, mut answers: Subscriber) {
        while let Some(answer) = answers.next().await {
            if answer.status.is_some() {
                let name = answer.subject.rsplit('.').next();
                if let Some(name) = name.and_then(|name| name.parse().ok()) {
                    let is_served = !UNSERVED.contains(&answer.status.unwrap_or(StatusCode::OK));
                    self.looks().end(name, is_served);
                }
            } else {
                let context = self.context.clone();
                let message = Message {
                    message: answer,
                    context,
                };
                self.take(message).await;
            }
            self.answered.notify_waiters();
        }
    }

    /// Takes an event that the server has given to this process.
    async fn take(&self, message: Message) {
        let Ok(info) = message.info() else {
            return;
        };
        let Some(consumer) = subject::index(info.consumer, self.streams.partitions) else {
            return;
        };
        // One that came too late goes to another process.
        let Some(asked_at) = self.looks().came(consumer) else {
            return;
        };
        let seq = info.stream_sequence;
        let delivered = u32::try_from(info.delivered).unwrap_or(u32::MAX);
        let (is_followed, published) = (info.pending > 0, SystemTime::from(info.published));
        let Message { message, .. } = message;
        let Some(reply) = message.reply else {
            return;
        };
        let headers = message.headers.as_ref();
        let wait = message::not_before(headers)
            .and_then(|time| time.duration_since(SystemTime::now()).ok());
        if let Some(wait) = wait {
            // Lost, it comes again after the ack_wait.
            let nak = AckKind::Nak(Some(wait));
            let _ = self.client.publish(reply, nak.into()).await;
            self.holdings().retry(seq, consumer, wait);
            self.keep_on();
            return;
        }
        let entry = match message::entry(headers, message.payload.clone(), published) {
            Ok(entry) => Arc::new(entry),
            Err(error) => {
                let error: &(dyn std::error::Error + Send + Sync + 'static) = &error;
                tracing::error!(
                    seq,
                    error = error as &(dyn std::error::Error + 'static),
                    "a message of the stream is not an event: it is skipped"
                );
                let _ = self.client.publish(reply, AckKind::Term.into()).await;
                return;
            }
        };
        let event = Event {
            seq,
            attempt: message::attempt(headers, delivered),
            entry,
            consumer,
            is_followed,
            published,
            reply,
        };
        self.holdings().add(event, asked_at);
        self.keep_on();
        self.wake();
    }

    /// Tells the server what becomes of an event, and waits until it has heard.
    pub(crate) async fn say(&self, event: &Event, kind: AckKind) -> Result<(), StoreError> {
        // The client would send it once it is connected again, when the event may be another process's.
        self.connected()?;
        let said_at = Instant::now();
        let patience = self.streams.ack_wait.checked_div(6).unwrap_or(TIMEOUT);
        let request = Request::new()
            .payload(kind.into())
            .timeout(Some(patience.min(TIMEOUT)));
        let said = self.client.send_request(event.reply.clone(), request).await;
        said.map_err(|error| failed(&error))?;
        self.looks().heard();
        self.holdings().heard(event.seq, said_at);
        Ok(())
    }

    /// Gives back what is no longer claimed, and notes what the server gives again. An event of which the server did
    /// not hear is given again when its time is over.
    async fn give_back(&self) {
        // A claim asks after the server has heard of all that was given back.
        let _giving = self.giving.lock().await;
        let ended = self.holdings().ended();
        let said = ended
            .iter()
            .map(|event| self.say(event, AckKind::Nak(None)));
        join_all(said).await;
        let consumers = self.holdings().retried();
        if !consumers.is_empty() {
            self.suppose(consumers);
        }
    }

    /// Keeps the held events: reports their progress to the server, and gives back those that were claimed for
    /// too long.
    pub(crate) async fn keep(self: Arc<Self>) {
        loop {
            let wakes = {
                let wakes = self.wakes();
                let after = wakes.sent_at.and_then(|at| at.checked_add(WAKE_PAUSE));
                after.filter(|_| !wakes.consumers.is_empty())
            };
            let next = self.holdings().next();
            let next = [wakes, next].into_iter().flatten().min();
            let due = async {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = self.kept.notified() => continue,
            }
            if wakes.is_some_and(|wakes| wakes <= Instant::now()) {
                self.send_wakes().await;
            }
            let due = self.holdings().due();
            let said = due.iter().map(|event| self.say(event, AckKind::Progress));
            // An error shows when the time of an event is over.
            tokio::join!(join_all(said), self.give_back());
            if self.holdings().ready() > 0 {
                self.wake();
            }
        }
    }
}
