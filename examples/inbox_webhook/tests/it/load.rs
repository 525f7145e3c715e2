//! Senders of events, each of which sends the next event once the one before is acknowledged.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lark_events_sim::{Document, Platform, PlatformBuilder};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::process::{PATIENCE, message};

const CHATS: usize = 12;
/// The senders of events without a chat, which share the lane of the tenant.
const OTHERS: usize = 4;
/// The redeliveries of an event, for longer than a process takes to start.
const REDELIVERIES: usize = 1_200;
const REDELIVERED_AFTER: Duration = Duration::from_millis(50);

/// A platform that redelivers until an event is acknowledged.
pub(crate) fn patient(platform: PlatformBuilder) -> PlatformBuilder {
    platform.redeliver_after(std::iter::repeat_n(REDELIVERED_AFTER, REDELIVERIES))
}

/// The acknowledgements of all senders.
pub(crate) struct Acknowledged {
    /// When the last one came, and the longest time between two.
    last: Mutex<(Instant, Duration)>,
    /// Odd while nothing may be acknowledged.
    phase: AtomicUsize,
}

impl Acknowledged {
    fn new() -> Self {
        Self {
            last: Mutex::new((Instant::now(), Duration::ZERO)),
            phase: AtomicUsize::new(0),
        }
    }

    pub(crate) fn longest_pause(&self) -> Duration {
        self.last.lock().unwrap().1
    }

    /// From now on until [`allow`](Self::allow), nothing that is sent may be acknowledged.
    pub(crate) fn forbid(&self) {
        assert_eq!(self.phase.fetch_add(1, Ordering::SeqCst) % 2, 0);
    }

    pub(crate) fn allow(&self) {
        assert_eq!(self.phase.fetch_add(1, Ordering::SeqCst) % 2, 1);
    }

    fn add(&self, sent_in: usize, event_id: &str) {
        let phase = self.phase.load(Ordering::SeqCst);
        assert!(
            phase.is_multiple_of(2) || phase != sent_in,
            "acknowledged while the standby had not written it: {event_id}"
        );
        let (last, longest) = &mut *self.last.lock().unwrap();
        *longest = last.elapsed().max(*longest);
        *last = Instant::now();
    }
}

/// What was sent and acknowledged.
#[derive(Default)]
pub(crate) struct Sent {
    pub(crate) all: HashSet<String>,
    /// The events of each chat, in their order.
    pub(crate) chats: BTreeMap<String, Vec<String>>,
}

impl Sent {
    pub(crate) fn add(&mut self, chat: Option<String>, ids: Vec<String>) {
        self.all.extend(ids.iter().cloned());
        if let Some(chat) = chat {
            self.chats.insert(chat, ids);
        }
    }
}

/// The running senders.
pub(crate) struct Load {
    pub(crate) acknowledged: Arc<Acknowledged>,
    stop: Arc<AtomicBool>,
    sending: JoinSet<(Option<String>, Vec<String>)>,
    pause: Duration,
}

impl Load {
    pub(crate) fn start(platform: &Arc<Platform>) -> Self {
        Self::paced(platform, Duration::ZERO)
    }

    /// Each sender pauses before the next event.
    pub(crate) fn paced(platform: &Arc<Platform>, pause: Duration) -> Self {
        let mut load = Self {
            acknowledged: Arc::new(Acknowledged::new()),
            stop: Arc::default(),
            sending: JoinSet::new(),
            pause,
        };
        for chat in 0..CHATS {
            let chat = format!("oc_{chat}");
            let named = chat.clone();
            let event = move |number| message(&named, &format!("{named}: {number}"));
            load.send(platform, Some(chat), event);
        }
        for _ in 0..OTHERS {
            let event = |_| Document::v2("contact.user.updated_v3", &json!({})).unwrap();
            load.send(platform, None, event);
        }
        load
    }

    fn send(
        &mut self,
        platform: &Arc<Platform>,
        chat: Option<String>,
        mut event: impl FnMut(usize) -> Document + Send + 'static,
    ) {
        let platform = Arc::clone(platform);
        let acknowledged = Arc::clone(&self.acknowledged);
        let (stop, pause) = (Arc::clone(&self.stop), self.pause);
        self.sending.spawn(async move {
            let mut sent = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let phase = acknowledged.phase.load(Ordering::SeqCst);
                let report = platform.push(event(sent.len())).await;
                assert!(report.acknowledged(), "never acknowledged: {report:?}");
                acknowledged.add(phase, &report.event_id);
                sent.push(report.event_id);
                sleep(pause).await;
            }
            (chat, sent)
        });
    }

    /// Stops the senders once their last events are acknowledged.
    pub(crate) async fn stop(self) -> Sent {
        self.stop.store(true, Ordering::Relaxed);
        let sending = timeout(PATIENCE, self.sending.join_all()).await;
        let mut sent = Sent::default();
        for (chat, ids) in sending.expect("all events come to their end") {
            sent.add(chat, ids);
        }
        sent
    }
}
