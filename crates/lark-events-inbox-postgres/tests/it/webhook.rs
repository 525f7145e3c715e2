//! A webhook with an inbox: what the sender is answered, and what the log says.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use lark_events::{BoxError, Delivery, Outcome};
use lark_events_inbox::{Inbox, Store};
use lark_events_sim::Document;
use lark_events_tower::EventService;
use serde_json::json;
use tokio::time::{sleep, timeout};
use tower::util::BoxCloneSyncService;
use tracing::subscriber::DefaultGuard;

use crate::app::{Record, SECOND, running, taking};
use crate::logs::{Log, logged};
use crate::support::{posted, status, webhook};

/// Between two looks at the store, or two deliveries of an event.
const WAIT: Duration = Duration::from_millis(50);

/// Longer than a server takes to recover and a lease lasts.
const PATIENCE: Duration = Duration::from_secs(120);

/// Its events have the lane `t`.
pub(crate) struct App<S> {
    pub(crate) store: Arc<S>,
    pub(crate) record: Arc<Record>,
    pub(crate) log: Log,
    service: EventService<BoxCloneSyncService<Delivery, Outcome, BoxError>>,
    acknowledged: BTreeSet<String>,
    _worker: Box<dyn Any>,
    _guard: DefaultGuard,
}

impl<S: Store> App<S> {
    pub(crate) async fn with(store: S) -> Self {
        let (log, guard) = logged();
        let store = Arc::new(store);
        let (service, record) = taking(Duration::ZERO);
        // A failure is that of the store, however slow this machine is.
        let builder = Inbox::builder(Arc::clone(&store) as _).append_timeout(60 * SECOND);
        // A claim whose answer is lost holds its event until its lease ends.
        let builder = builder.lane_by_tenant().lease(10 * SECOND);
        let worked = running(builder, service).await;
        let inbox = BoxCloneSyncService::new(worked.inbox.clone());
        let service = EventService::builder(webhook(), inbox).ack_deadline(60 * SECOND);
        Self {
            store,
            record,
            log,
            service: service.build().unwrap(),
            acknowledged: BTreeSet::new(),
            _worker: Box::new(worked),
            _guard: guard,
        }
    }

    /// Posts an event with a text of this length, which no server compresses. Returns the status of the answer.
    pub(crate) async fn push(&mut self, id: &str, bytes: usize) -> u16 {
        let mut random = fastrand::Rng::with_seed(7);
        let text: String = (0..bytes).map(|_| random.alphanumeric()).collect();
        let body = json!({"text": text});
        let document = Document::v2("testing.server_v1", &body).unwrap();
        let document = document.event_id(id).tenant_key("t");
        let status = status(&self.service, posted(document)).await;
        if status == 200 {
            self.acknowledged.insert(id.to_owned());
        }
        status
    }

    /// Redelivers an event until it is acknowledged.
    pub(crate) async fn redeliver(&mut self, id: &str, bytes: usize) {
        let acknowledged = async {
            while self.push(id, bytes).await != 200 {
                sleep(WAIT).await;
            }
        };
        let acknowledged = timeout(PATIENCE, acknowledged).await;
        assert!(acknowledged.is_ok(), "{}", self.log.text());
    }

    /// Waits until every acknowledged event is handled, and its settlement stored. A status may be older than the
    /// last event.
    pub(crate) async fn all_handled(&self) {
        let handled = async {
            loop {
                let status = self.store.status().await;
                let is_empty =
                    status.is_ok_and(|status| status.ready + status.leased + status.waiting == 0);
                let ids: BTreeSet<_> = self.record.ids().into_iter().collect();
                if is_empty && ids.is_superset(&self.acknowledged) {
                    return;
                }
                sleep(WAIT).await;
            }
        };
        let handled = timeout(PATIENCE, handled).await;
        let ids = self.record.ids();
        assert!(handled.is_ok(), "{ids:?}: {}", self.log.text());
    }

    /// Checks that each consequence of a failure is one line of the log, and that the one of the sender has all
    /// `parts`.
    pub(crate) fn has_logged(&self, parts: &[&str]) {
        let log = self.log.text();
        let lines: Vec<_> = log.lines().filter(|line| line.contains("ERROR")).collect();
        let of = |part: &str| -> Vec<&str> {
            let lines = lines.iter().copied();
            lines.filter(|line| line.contains(part)).collect()
        };
        let [line] = of("events are not acknowledged")[..] else {
            panic!("one line: {log}");
        };
        for part in parts {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert!(of("no events are claimed").len() <= 1, "{log}");
        assert!(
            of("handled events may be handled again").len() <= 1,
            "{log}"
        );
    }

    /// Checks the log as [`has_logged`](Self::has_logged), and that all works again.
    pub(crate) async fn is_healthy_after(&self, parts: &[&str]) {
        self.all_handled().await;
        self.has_logged(parts);
        let log = self.log.text();
        let (began, ended) = (
            log.matches("the store fails"),
            log.matches("the store works again"),
        );
        // A worker that waits may not have claimed again yet.
        assert!((1..=began.count()).contains(&ended.count()), "{log}");
    }
}
