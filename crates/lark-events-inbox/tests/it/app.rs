//! A service that records what it is called with, and an inbox that runs around it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lark_events::{BoxError, Delivery, EventHeader, Outcome, RawJson};
use lark_events_inbox::{Attempt, Inbox, InboxBuilder, InboxError, Store, VolatileStore};
use lark_events_layers::{LayerError, LayerErrorKind};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tower::{Service, ServiceExt as _};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// One call of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Called {
    pub(crate) id: String,
    pub(crate) attempt: u32,
    pub(crate) at: Instant,
}

/// What a service was called with.
#[derive(Debug, Default)]
pub(crate) struct Record {
    called: Mutex<Vec<Called>>,
    running: Mutex<(usize, usize)>,
}

impl Record {
    pub(crate) fn called(&self) -> Vec<Called> {
        self.called.lock().unwrap().clone()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.called().into_iter().map(|called| called.id).collect()
    }

    pub(crate) fn attempts(&self) -> Vec<(String, u32)> {
        let called = self.called().into_iter();
        called.map(|called| (called.id, called.attempt)).collect()
    }

    pub(crate) fn running(&self) -> usize {
        self.running.lock().unwrap().0
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.running.lock().unwrap().1
    }
}

/// Counts as running until it is dropped.
struct Running(Arc<Record>);

impl Running {
    fn begin(record: Arc<Record>, delivery: &Delivery) -> Self {
        let attempt = delivery.extensions.get::<Attempt>();
        record.called.lock().unwrap().push(Called {
            id: delivery.header.event_id.clone().unwrap_or_default(),
            attempt: attempt.map_or(0, Attempt::number),
            at: Instant::now(),
        });
        {
            let (running, most) = &mut *record.running.lock().unwrap();
            *running += 1;
            *most = (*most).max(*running);
        }
        Self(record)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.lock().unwrap().0 -= 1;
    }
}

/// A service that records its deliveries and handles each by `handle`.
pub(crate) fn recording<F>(
    handle: impl Fn(Delivery) -> F + Clone + Send + 'static,
) -> (
    impl Service<Delivery, Response = Outcome, Error = BoxError, Future: Send> + Clone + Send + 'static,
    Arc<Record>,
)
where
    F: Future<Output = Result<Outcome, BoxError>> + Send + 'static,
{
    let record = Arc::new(Record::default());
    let recorded = Arc::clone(&record);
    let service = tower::service_fn(move |delivery: Delivery| {
        let running = Running::begin(Arc::clone(&recorded), &delivery);
        let handled = handle(delivery);
        async move {
            let _running = running;
            handled.await
        }
    });
    (service, record)
}

/// A service that takes so long for each delivery.
pub(crate) fn taking(
    time: Duration,
) -> (
    impl Service<Delivery, Response = Outcome, Error = BoxError, Future: Send> + Clone + Send + 'static,
    Arc<Record>,
) {
    recording(move |_| async move {
        sleep(time).await;
        Ok(Outcome::Handled)
    })
}

/// An event, of a tenant if one is given.
pub(crate) fn event(tenant: Option<&str>, id: impl ToString) -> Delivery {
    let mut header = EventHeader::new("testing.thing.happened_v1");
    header.event_id = Some(id.to_string());
    header.tenant_key = tenant.map(ToOwned::to_owned);
    Delivery::new(header, RawJson::default())
}

/// An inbox that runs, and how to stop it.
pub(crate) struct Worked<S> {
    pub(crate) inbox: Inbox<S>,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), InboxError>>,
}

/// Builds an inbox and runs it, until it waits for events.
pub(crate) async fn running<S>(builder: InboxBuilder, service: S) -> Worked<S>
where
    S: Service<Delivery, Response = Outcome, Error = BoxError, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
{
    let inbox = builder.build(service).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = inbox.clone();
    let ended = tokio::spawn(async move {
        let shutdown = async { stopped.await.unwrap_or_default() };
        worker.run(shutdown).await
    });
    tokio::task::yield_now().await;
    Worked { inbox, stop, ended }
}

impl<S> Worked<S> {
    pub(crate) async fn stop(self) -> Result<(), InboxError> {
        self.stop.send(()).unwrap();
        self.ended.await.unwrap()
    }

    pub(crate) fn begin_stop(self) -> JoinHandle<Result<(), InboxError>> {
        self.stop.send(()).unwrap();
        self.ended
    }

    /// The worker's task, which is aborted like a process that is killed.
    pub(crate) fn kill(self) {
        self.ended.abort();
    }
}

/// A store in memory, and a builder for an inbox on it.
pub(crate) fn volatile() -> (Arc<VolatileStore>, InboxBuilder) {
    let store = Arc::new(VolatileStore::new());
    let builder = Inbox::builder(Arc::clone(&store) as Arc<dyn Store>);
    (store, builder)
}

pub(crate) async fn pass<S>(service: &S, delivery: Delivery) -> Result<Outcome, BoxError>
where
    S: Service<Delivery, Response = Outcome, Error = BoxError> + Clone,
{
    service.clone().oneshot(delivery).await
}

/// Why an inbox did not acknowledge an event.
pub(crate) fn refusal(result: Result<Outcome, BoxError>) -> LayerErrorKind {
    let error = result.unwrap_err();
    error.downcast_ref::<LayerError>().unwrap().kind()
}
