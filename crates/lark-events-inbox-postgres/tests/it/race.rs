//! Appends, claims and settlements of many processes at once: each event is handled in the order of its lane,
//! and no lane is left without a head. A variant without the lock of the lanes leaves some.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use lark_events_inbox::{Appended, AttemptOutcome, Claimed, Entry, Settled, Settlement, Store};
use lark_events_inbox_postgres::{Completion, PostgresStore};
use lark_events_test_servers::Postgres;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_postgres::NoTls;
use tokio_postgres::types::ToSql;

use crate::app::{SECOND, event};
use crate::server::{database, server};

const EVENTS: usize = 3_000;
const LANES: usize = 20;
const APPENDERS: usize = 4;
const WORKERS: usize = 4;
/// The maximum number of events in an append.
const BATCH: usize = 32;
/// One in so many claims is never settled, or late.
const DEATHS: usize = 33;
/// What is left of the lease of a worker that dies.
const REST: Duration = Duration::from_millis(50);

/// What went wrong.
#[derive(Debug, Default, PartialEq, Eq)]
struct Violations {
    /// Events that nobody can ever claim.
    stuck: usize,
    /// Events that were handled before an earlier one of their lane.
    inversions: usize,
    /// Events that were handled while another one of their lane was.
    at_once: usize,
    /// Calls that failed.
    failed: usize,
    /// Deadlocks that the server ended.
    deadlocks: usize,
    /// Acknowledged events that nobody handled, besides those that are stuck.
    lost: usize,
    /// Events that were new twice.
    new_twice: usize,
}

#[derive(Default)]
struct Seen {
    acknowledged: HashSet<String>,
    new: HashSet<String>,
    new_twice: usize,
    running: HashMap<String, usize>,
    at_once: usize,
    /// The keys that were handled, and the numbers of each lane in the order of their first handling.
    handled: HashSet<String>,
    order: HashMap<String, Vec<u64>>,
}

struct Load {
    url: String,
    events: usize,
    seen: Mutex<Seen>,
    failed: AtomicUsize,
    appending: AtomicUsize,
    is_over: AtomicBool,
}

/// The key of an event, and its lane: one in seven has none.
fn keyed(number: usize) -> Entry {
    let mut entry = Entry::new(event(None, number));
    entry.key = Some(format!("k{number}"));
    entry.kept = 60 * SECOND;
    entry.lane = (!number.is_multiple_of(7)).then(|| format!("L{}", number % LANES));
    entry
}

impl Load {
    /// Each in a store of its own, as in processes.
    async fn open(&self) -> PostgresStore {
        PostgresStore::connect(self.url.as_str()).await.unwrap()
    }

    /// Appends a share of the events, with redeliveries of those of others.
    async fn append(self: Arc<Self>, place: usize) {
        let store = self.open().await;
        let mut choices = Rng::with_seed(place as u64);
        let mine: Vec<_> = (place..self.events).step_by(APPENDERS).collect();
        let mut mine = &mine[..];
        let mut next = 0;
        while !mine.is_empty() {
            let (batch, rest) = mine.split_at((1 + choices.usize(..BATCH)).min(mine.len()));
            next += batch.len();
            mine = rest;
            let mut batch = batch.to_vec();
            batch.extend((0..choices.usize(..5)).map(|_| choices.usize(..next * APPENDERS)));
            batch.retain(|number| *number < self.events);
            let entries: Vec<_> = batch.iter().map(|number| keyed(*number)).collect();
            let appended = loop {
                match store.append(entries.clone()).await {
                    Ok(appended) => break appended,
                    Err(_) => self.failed.fetch_add(1, Ordering::Relaxed),
                };
            };
            let mut seen = self.seen.lock().unwrap();
            for (number, appended) in batch.into_iter().zip(appended) {
                let key = format!("k{number}");
                seen.acknowledged.insert(key.clone());
                seen.new_twice += usize::from(appended == Appended::New && !seen.new.insert(key));
            }
        }
        self.appending.fetch_sub(1, Ordering::Relaxed);
    }

    /// Handles an event, and reports the settlement.
    async fn handle(&self, claimed: &Claimed, choices: &mut Rng) -> Settlement {
        let lane = claimed.entry.lane.clone();
        if let Some(lane) = &lane {
            let seen = &mut *self.seen.lock().unwrap();
            let running = seen.running.entry(lane.clone()).or_default();
            *running += 1;
            seen.at_once += usize::from(*running > 1);
        }
        if choices.bool() {
            sleep(Duration::from_micros(choices.u64(..2_000))).await;
        }
        let seen = &mut *self.seen.lock().unwrap();
        let is_first = seen.handled.insert(claimed.entry.key.clone().unwrap());
        if let Some(lane) = lane {
            *seen.running.get_mut(&lane).unwrap() -= 1;
            if is_first {
                let order = seen.order.entry(lane).or_default();
                order.push(claimed.fence.seq());
            }
        }
        Settlement::new(claimed.fence, Settled::Done, AttemptOutcome::Handled)
    }

    /// Claims and settles. Dies now and then, and settles some of what it had then with a claim that may be
    /// lost.
    async fn work(self: Arc<Self>, place: usize) {
        let store = self.open().await;
        let mut choices = Rng::with_seed(100 + place as u64);
        let mut late = Vec::new();
        while !self.is_over.load(Ordering::Relaxed) {
            let claimed = Store::claim(&store, 8, 60 * SECOND).await;
            let Ok(claimed) = claimed else {
                self.failed.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            if claimed.is_empty() {
                sleep(Duration::from_millis(5)).await;
            }
            let mut settlements = std::mem::take(&mut late);
            for claimed in claimed {
                let dies = choices.usize(..DEATHS) == 0;
                if !dies || choices.bool() {
                    let settlement = self.handle(&claimed, &mut choices).await;
                    if !dies {
                        settlements.push(settlement);
                        continue;
                    }
                    late.push(settlement);
                }
                // Its lease ends before that of an event that is being handled, however slow this machine is.
                let held = store.extend(&[claimed.fence], REST).await;
                assert_eq!(held.unwrap(), [true]);
            }
            let settled = store.settle(settlements).await;
            self.failed
                .fetch_add(usize::from(settled.is_err()), Ordering::Relaxed);
        }
    }
}

/// Runs the load in a database of its own, until no event can be claimed any more.
async fn violations(server: &Postgres, url: String, events: usize) -> Violations {
    let load = Arc::new(Load {
        url,
        events,
        seen: Mutex::default(),
        failed: AtomicUsize::new(0),
        appending: AtomicUsize::new(APPENDERS),
        is_over: AtomicBool::new(false),
    });
    let mut running = JoinSet::new();
    for place in 0..APPENDERS {
        running.spawn(Arc::clone(&load).append(place));
    }
    for place in 0..WORKERS {
        running.spawn(Arc::clone(&load).work(place));
    }
    let store = load.open().await;
    let all = async {
        loop {
            let has_heads = || {
                server.psql_at(
                    &load.url,
                    "SELECT count(*) FROM lark_inbox.task WHERE is_head",
                ) != "0"
            };
            if load.appending.load(Ordering::Relaxed) == 0
                && !tokio::task::block_in_place(has_heads)
            {
                load.is_over.store(true, Ordering::Relaxed);
                break;
            }
            sleep(Duration::from_millis(20)).await;
        }
        while let Some(ended) = running.join_next().await {
            ended.unwrap();
        }
    };
    timeout(300 * SECOND, all)
        .await
        .expect("every head is claimed and settled");
    let status = store.status().await.unwrap();
    drop(store);
    let seen = std::mem::take(&mut *load.seen.lock().unwrap());
    let stuck = usize::try_from(status.waiting + status.ready + status.leased).unwrap();
    let inversions = |order: &Vec<u64>| order.windows(2).filter(|two| two[0] > two[1]).count();
    Violations {
        stuck,
        inversions: seen.order.values().map(inversions).sum(),
        at_once: seen.at_once,
        failed: load.failed.load(Ordering::Relaxed),
        deadlocks: deadlocks(server, &load.url).await,
        lost: (seen.acknowledged.difference(&seen.handled).count()).saturating_sub(stuck),
        new_twice: seen.new_twice,
    }
}

/// The deadlocks of a database that nobody is connected to any more: a session reports when it ends.
async fn deadlocks(server: &Postgres, url: &str) -> usize {
    let (_, name) = url.rsplit_once('/').unwrap();
    let sessions = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'");
    while server.psql(&sessions) != "0" {
        sleep(Duration::from_millis(20)).await;
    }
    let deadlocks = format!("SELECT deadlocks FROM pg_stat_database WHERE datname = '{name}'");
    server.psql(&deadlocks).parse().unwrap()
}

/// A database with an empty queue.
async fn empty(server: &Postgres) -> String {
    let url = database(server);
    drop(PostgresStore::connect(url.as_str()).await.unwrap());
    url
}

/// Appends an event to a lane while a transaction settles the only one that is there, and returns the number of
/// lanes without a head.
async fn append_during_a_settlement(server: &Postgres, url: &str) -> u64 {
    let store = PostgresStore::connect(url).await.unwrap();
    let in_lane = |number: usize| {
        let mut entry = Entry::new(event(None, number));
        entry.lane = Some("lane".to_owned());
        vec![entry]
    };
    store.append(in_lane(1)).await.unwrap();
    let claimed = Store::claim(&store, 1, 60 * SECOND).await.unwrap();
    let completion = claimed[0].extensions.get::<Completion>().unwrap();

    let (mut client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let settling = client.transaction().await.unwrap();
    let values: [&(dyn ToSql + Sync); 2] = [&completion.seq(), &completion.fence()];
    settling.execute(completion.sql(), &values).await.unwrap();
    let append = tokio::spawn(async move { store.append(in_lane(2)).await });
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while !append.is_finished() && server.psql_at(url, waiting) == "0" {
        sleep(Duration::from_millis(5)).await;
    }
    settling.commit().await.unwrap();
    append.await.unwrap().unwrap();
    let facts = PostgresStore::builder(url).facts().await;
    facts.unwrap().stuck_lanes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_is_handled_in_the_order_of_its_lane() {
    let Some(server) = server("the race of appenders and workers on PostgreSQL") else {
        return;
    };
    let violations = violations(server, empty(server).await, EVENTS).await;
    assert_eq!(violations, Violations::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_waits_for_a_settlement_of_its_lane() {
    let Some(server) = server("an append during a settlement on PostgreSQL") else {
        return;
    };
    let url = empty(server).await;
    assert_eq!(append_during_a_settlement(server, &url).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_lock_of_the_lanes_a_lane_is_stuck() {
    let Some(server) = server("the race without the lock of the lanes on PostgreSQL") else {
        return;
    };
    let url = empty(server).await;
    // The index rejects the second head of a lane.
    let without = "CREATE OR REPLACE FUNCTION lark_inbox.lock_lanes(lanes text[]) RETURNS void
        LANGUAGE plpgsql AS $$ BEGIN END $$;
        DROP INDEX lark_inbox.task_head;";
    server.psql_at(&url, without);
    assert_eq!(append_during_a_settlement(server, &url).await, 1);
    // Nobody ever claims its event.
    let violations = violations(server, url, EVENTS / 5).await;
    assert!(violations.stuck > 0, "{violations:?}");
}
