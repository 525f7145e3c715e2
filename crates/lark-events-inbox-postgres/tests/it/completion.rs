//! Events that their handlers finish, in transactions of their own.

use std::sync::Arc;
use std::time::Duration;

use lark_events::{BoxError, Delivery, Dispatcher, Event, EventHeader, RawJson};
use lark_events_inbox::{
    Admin as _, AttemptOutcome, Claimed, Entry, Filter, Inbox, Page, Shown, State, Store as _,
};
use lark_events_inbox_postgres::{Completion, PostgresStore};
use tokio::sync::oneshot;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

use crate::logs::logged;
use crate::server::{database, server};

const EVENT_TYPE: &str = "app.asked_v1";
const INSERT: &str = "INSERT INTO reply (event_id) VALUES ($1)";
const LEASE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(30);

/// A database with the inbox and the table of a handler.
struct App {
    url: String,
    store: Arc<PostgresStore>,
    client: Client,
}

impl App {
    async fn new() -> Option<Self> {
        let server = server("completions of handlers on PostgreSQL")?;
        let url = database(server);
        let client = client(&url).await;
        let table = "CREATE TABLE reply (event_id text)";
        client.batch_execute(table).await.unwrap();
        let store = PostgresStore::connect(&*url).await.unwrap();
        Some(Self {
            store: Arc::new(store),
            client,
            url,
        })
    }

    async fn append(&self, id: &str) {
        let mut header = EventHeader::new(EVENT_TYPE);
        header.event_id = Some(id.to_owned());
        let entry = Entry::new(Delivery::new(header, RawJson::default()));
        self.store.append(vec![entry]).await.unwrap();
    }

    async fn claim(&self, lease: Duration) -> Claimed {
        let mut claimed = self.store.claim(1, lease).await.unwrap();
        claimed.pop().expect("an event is visible")
    }

    async fn replies(&self) -> i64 {
        let count = "SELECT count(*) FROM reply";
        self.client.query_one(count, &[]).await.unwrap().get(0)
    }

    async fn shown(&self, id: &str) -> Shown {
        let mut filter = Filter::default();
        filter.event_id = Some(id.to_owned());
        let page = Page::first(1);
        let listed = self.store.list(&filter, page).await.unwrap();
        self.store.show(listed[0].seq).await.unwrap().unwrap()
    }
}

pub(crate) async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Inserts and completes, without a commit.
async fn complete<'a>(
    client: &'a mut Client,
    completion: &Completion,
) -> Result<tokio_postgres::Transaction<'a>, tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    transaction.execute(INSERT, &[&"e"]).await?;
    let values = (completion.seq(), completion.fence());
    transaction
        .execute(completion.sql(), &[&values.0, &values.1])
        .await?;
    Ok(transaction)
}

fn completion(claimed: &Claimed) -> &Completion {
    claimed.extensions.get().expect("the store inserts it")
}

#[tokio::test]
async fn a_lost_connection_before_the_commit_leaves_neither() {
    let Some(app) = App::new().await else { return };
    app.append("e").await;
    let claimed = app.claim(Duration::ZERO).await;
    let mut handler = client(&app.url).await;
    let transaction = complete(&mut handler, completion(&claimed)).await.unwrap();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'idle in transaction'";
    assert_eq!(app.client.query(end, &[]).await.unwrap().len(), 1);
    transaction.commit().await.unwrap_err();
    assert_eq!(app.replies().await, 0);

    // Another worker handles the event.
    let again = app.claim(LEASE).await;
    assert_eq!(again.attempt, 2);
    let mut handler = client(&app.url).await;
    let transaction = complete(&mut handler, completion(&again)).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(app.replies().await, 1);
    assert_eq!(app.shown("e").await.listed.state, State::Done);
    assert!(app.store.claim(1, LEASE).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_lost_claim_fails_and_its_transaction_is_rolled_back() {
    let Some(app) = App::new().await else { return };
    app.append("e").await;
    let lost = app.claim(Duration::ZERO).await;
    let held = app.claim(LEASE).await;
    let mut handler = client(&app.url).await;
    let completed = complete(&mut handler, completion(&lost)).await;
    let error = completed.map(drop).unwrap_err();
    assert_eq!(error.code().unwrap().code(), Completion::LOST);
    assert_eq!(app.replies().await, 0);
    assert_eq!(app.shown("e").await.history, []);

    let transaction = complete(&mut handler, completion(&held)).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(app.replies().await, 1);
}

#[tokio::test]
async fn other_isolation_levels_are_rejected() {
    let Some(app) = App::new().await else { return };
    app.append("e").await;
    let claimed = app.claim(LEASE).await;
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        let mut handler = client(&app.url).await;
        let default = format!("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL {level}");
        handler.batch_execute(&default).await.unwrap();
        let completed = complete(&mut handler, completion(&claimed)).await;
        let error = completed.map(drop).unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::FEATURE_NOT_SUPPORTED));
        let message = error.as_db_error().unwrap().message();
        assert!(message.contains("\"read committed\""), "{message}");
    }
    assert_eq!(app.replies().await, 0);
}

#[tokio::test]
async fn a_completion_is_no_lost_claim_and_one_attempt_with_its_duration() {
    let Some(app) = App::new().await else { return };
    let (log, _guard) = logged();

    let url = app.url.clone();
    let handler = move |event: Event<RawJson>| {
        let url = url.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let completion = event.extensions.get::<Completion>().ok_or("no inbox")?;
            let mut client = client(&url).await;
            let transaction = complete(&mut client, completion).await?;
            transaction.commit().await?;
            Ok::<_, BoxError>(())
        }
    };
    let dispatcher = Dispatcher::builder().on_raw(EVENT_TYPE, handler);
    let inbox = Inbox::builder(Arc::clone(&app.store) as _).lane_by(|_| Some("lane".to_owned()));
    let inbox = inbox.build(dispatcher.build().unwrap()).unwrap();
    let ids = ["e-1", "e-2", "e-3"];
    for id in ids {
        let mut header = EventHeader::new(EVENT_TYPE);
        header.event_id = Some(id.to_owned());
        let delivery = Delivery::new(header, RawJson::default());
        inbox.push(delivery).await.unwrap();
    }
    let (stop, stopped) = oneshot::channel::<()>();
    let watched = async {
        for id in ids {
            // The worker adds the duration when it settles the event.
            let has_ended =
                |shown: &Shown| shown.history.first().is_some_and(|it| !it.took.is_zero());
            while !has_ended(&app.shown(id).await) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        drop(stop);
    };
    let run = async {
        let stopped = async { stopped.await.unwrap_or_default() };
        inbox.run(stopped).await.unwrap();
    };
    let both = async { tokio::join!(run, watched) };
    tokio::time::timeout(PATIENCE, both).await.unwrap();

    assert_eq!(app.replies().await, 3);
    for id in ids {
        let shown = app.shown(id).await;
        assert_eq!(shown.listed.state, State::Done);
        let [attempt] = &shown.history[..] else {
            panic!("{:?}", shown.history);
        };
        assert_eq!(attempt.outcome, AttemptOutcome::Handled);
        assert_eq!(attempt.number, 1);
        assert!(attempt.took >= Duration::from_millis(5), "{attempt:?}");
    }
    let log = log.text();
    assert!(!log.contains("claims were lost"), "{log}");
    assert!(!log.contains("ERROR"), "{log}");
}
