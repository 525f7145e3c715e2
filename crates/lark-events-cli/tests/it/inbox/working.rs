//! Every command while receivers and workers run, in another process than the commands.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use lark_events::dispatch::DispatcherBuilder;
use lark_events::{BoxError, Event, RawJson};
use lark_events_inbox::{Inbox, Store};
use tokio::sync::oneshot;

use super::{MESSAGE, Stored, entry};

/// More than a batch of the commands.
const EVENTS: usize = 1_200;

/// A worker in a thread of its own, whose handler fails until it is allowed to succeed.
struct Working {
    handled: Arc<AtomicUsize>,
    succeeds: Arc<AtomicBool>,
    stop: oneshot::Sender<()>,
    ended: thread::JoinHandle<()>,
}

impl Working {
    fn on(stored: &Stored) -> Self {
        let (handled, succeeds) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (stop, stopped) = oneshot::channel::<()>();
        let (place, running) = (stored.place.clone(), mpsc::channel());
        let (count, is_up) = (Arc::clone(&handled), Arc::clone(&succeeds));
        let ended = thread::spawn(move || {
            super::wait_for(async {
                let dispatcher = DispatcherBuilder::default().fallback(move |_: Event<RawJson>| {
                    let is_up = is_up.load(Ordering::SeqCst);
                    count.fetch_add(usize::from(is_up), Ordering::SeqCst);
                    std::future::ready(match is_up {
                        true => Ok(()),
                        false => Err::<(), BoxError>("the database is down".into()),
                    })
                });
                let store: Arc<dyn Store> = place.open().await;
                let inbox = Inbox::builder(store).attempts(1);
                let inbox = inbox.build(dispatcher.build().unwrap()).unwrap();
                running.0.send(()).unwrap();
                inbox
                    .run(async { stopped.await.unwrap_or_default() })
                    .await
                    .unwrap();
            });
        });
        running.1.recv().unwrap();
        Self {
            handled,
            succeeds,
            stop,
            ended,
        }
    }

    fn stop(self) {
        self.stop.send(()).unwrap();
        self.ended.join().unwrap();
    }
}

/// Runs a command until its output is as expected.
#[track_caller]
fn until(stored: &Stored, args: &[&str], expected: impl Fn(&serde_json::Value) -> bool) {
    for _ in 0..1_000 {
        let documents = stored.json(args);
        if expected(&documents[0]) {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("{args:?}: {:?}", stored.json(args));
}

#[test]
fn commands_work_while_a_worker_runs() {
    for stored in Stored::each("working", async |_| {}) {
        let working = Working::on(&stored);
        stored.with(async |store| {
            let entries = (0..EVENTS).map(|id| entry(MESSAGE, &format!("e-{id}")));
            store.append(entries.collect()).await.unwrap();
        });
        until(&stored, &["stats"], |stats| {
            stats["dead"] == EVENTS && stats["workers"] == 1
        });
        let stats = stored.json(&["stats"]).remove(0);
        assert_eq!(stats["dead_by_error"][0]["events"], EVENTS);
        let shown = stored.json(&["show", "1"]).remove(0);
        assert_eq!(shown["history"][0]["outcome"], "failed");

        working.succeeds.store(true, Ordering::SeqCst);
        let dropped = stored
            .json(&["drop", "--state", "dead", "--limit", "100"])
            .remove(0);
        assert_eq!(dropped["events"], 100);
        let retried = stored.json(&["retry", "--error", "down"]).remove(0);
        assert_eq!(retried["events"], EVENTS - 100);
        until(&stored, &["stats", "--all"], |stats| {
            stats["done"] == EVENTS
        });
        assert_eq!(working.handled.load(Ordering::SeqCst), EVENTS - 100);

        let replayed = stored.json(&["replay", "--since", "1d"]).remove(0);
        assert_eq!(
            replayed["events"], EVENTS,
            "each once, though they are finished meanwhile"
        );
        until(&stored, &["stats", "--all"], |stats| {
            stats["done"] == EVENTS
        });
        assert_eq!(working.handled.load(Ordering::SeqCst), 2 * EVENTS - 100);

        stored.json(&["prune", "--older-than", "3d"]);
        stored.json(&["migrate"]);
        stored.run(&["doctor"]).with_code(0);
        assert_eq!(stored.run(&["ls"]).with_code(1).stdout, "");
        working.stop();
    }
}
