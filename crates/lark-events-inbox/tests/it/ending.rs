//! Claims: leases that are extended, claims that are lost, and the context that an attempt runs in.

use std::sync::{Arc, Mutex};

use lark_events::Outcome;
use lark_events_inbox::{Attempt, Capabilities, Store as _};
use tokio::time::sleep;

use crate::app::{SECOND, event, pass, recording, running, taking};
use crate::faulty::{Fault, FaultyStore};
use crate::logs::logged;

#[tokio::test(start_paused = true)]
async fn a_handler_may_take_longer_than_a_lease() {
    let (service, record) = taking(100 * SECOND);
    let (_, _, builder) = FaultyStore::durable();
    let builder = builder.lease(3 * SECOND);
    let worked = running(builder.clone(), service.clone()).await;
    let other = running(builder, service).await;
    pass(&worked.inbox, event(None, "e")).await.unwrap();
    sleep(200 * SECOND).await;
    assert_eq!(record.attempts(), [("e".to_owned(), 1)]);
    drop(other);
}

#[tokio::test(start_paused = true)]
async fn a_lost_claim_settles_nothing_and_is_logged() {
    for capabilities in [Capabilities::DURABLE, {
        let mut capabilities = Capabilities::DURABLE;
        capabilities.fences = false;
        capabilities
    }] {
        let (log, _guard) = logged();
        let (service, record) = taking(30 * SECOND);
        let (store, faults, builder) = FaultyStore::with(capabilities);
        let builder = builder.lease(3 * SECOND);
        let worked = running(builder, service).await;
        pass(&worked.inbox, event(None, "e")).await.unwrap();
        sleep(SECOND).await;
        // The worker cannot extend its lease, and another claims the event.
        faults.claim(Fault::Fails);
        sleep(10 * SECOND).await;
        let claimed = store.inner.claim(1, 1_000 * SECOND).await.unwrap();
        assert_eq!(claimed[0].attempt, 2);
        sleep(40 * SECOND).await;
        assert_eq!(record.called().len(), 1);
        let status = store.inner.status().await.unwrap();
        assert_eq!(status.leased, 1, "it is the other's");
        let log = log.text();
        assert!(log.contains("claims were lost"), "{log}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_context_of_the_receiver_reaches_the_span_of_the_attempt() {
    let (log, _guard) = logged();
    let linked = Arc::new(Mutex::new(Vec::new()));
    let links = Arc::clone(&linked);
    let (service, _) = recording(|delivery| async move {
        let attempt = delivery.extensions.get::<Attempt>().unwrap();
        tracing::info!(is_last = attempt.is_last(), max = attempt.max(), "handling");
        Ok(Outcome::Handled)
    });
    let (_, _, builder) = FaultyStore::durable();
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let builder = builder.lane_by_tenant().attempts(1).trace_context(
        move || Some(trace.to_owned()),
        move |span, context| {
            let name = span.metadata().unwrap().name();
            links.lock().unwrap().push((name, context.to_owned()));
        },
    );
    let worked = running(builder, service).await;
    pass(&worked.inbox, event(Some("t-1"), "e")).await.unwrap();
    sleep(SECOND).await;
    assert_eq!(*linked.lock().unwrap(), [("attempt", trace.to_owned())]);
    let log = log.text();
    let handling = log.lines().find(|line| line.contains("handling")).unwrap();
    for part in ["attempt=1", "seq=1", "t-1", trace, "is_last=true", "max=1"] {
        assert!(handling.contains(part), "{part} in {handling}");
    }
}
