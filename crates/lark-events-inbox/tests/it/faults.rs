//! Handlers with faults: the event is acknowledged all the same, is attempted as often as it may be, and
//! frees its worker for the next event.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lark_events::{BoxError, Delivery, Outcome};
use lark_events_inbox::{Admin as _, Filter, Page, State};
use lark_events_sim::Mode;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};
use tower::{ServiceBuilder, service_fn};

use crate::app::{SECOND, event, pass, running, volatile};
use crate::misbehaving::{FAULTS, Fault, blocking, dispatcher};
use crate::support::event as document;
use crate::transports::{BOTH, answered, delivering};

/// How long anything may take that takes real time.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(start_paused = true)]
async fn whatever_a_handler_does_its_event_is_acknowledged_and_the_next_is_handled() {
    for fault in FAULTS {
        for mode in BOTH {
            the_cell(fault, mode).await;
        }
    }
}

async fn the_cell(fault: Fault, mode: Mode) {
    let cell = format!("{fault:?} by {mode:?}");
    let (dispatcher, ran) = dispatcher(fault);
    let timed = ServiceBuilder::new().timeout(SECOND / 10);
    let (store, builder) = volatile();
    // One worker: if it were not free again, no further event would be handled.
    let builder = builder.workers(1).attempts(2);
    let worked = running(builder, timed.service(dispatcher)).await;
    let platform = delivering(mode, worked.inbox.clone(), []).await;
    for (event_type, id) in [("faulty_v1", "e-1"), ("next_v1", "e-2"), ("next_v1", "e-3")] {
        let mut push = platform.push(document(event_type).event_id(id));
        assert_eq!(answered(&mut push).await, (200, 0), "{cell}: {id}");
    }
    sleep(10 * SECOND).await;
    assert_eq!(ran.next.load(Ordering::Relaxed), 2, "{cell}: the next");
    let (runs, dead) = match fault {
        Fault::Detaches => (1, 0),
        _ => (2, 1),
    };
    assert_eq!(ran.faulty.load(Ordering::Relaxed), runs, "{cell}: runs");
    let detached = usize::from(fault == Fault::Detaches);
    assert_eq!(ran.detached.load(Ordering::Relaxed), detached, "{cell}");
    let page = Page::first(10);
    let left = store.list(&Filter::default(), page).await.unwrap();
    let states: Vec<_> = left.iter().map(|listed| listed.state).collect();
    assert_eq!(states, vec![State::Dead; dead], "{cell}");
    worked.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_service_without_a_dispatcher_frees_the_worker_too() {
    let service = service_fn(|delivery: Delivery| async move {
        if delivery.header.event_id.as_deref() == Some("faulty") {
            panic!("a layer's own panic");
        }
        Ok::<_, BoxError>(Outcome::Handled)
    });
    let (_, builder) = volatile();
    let worked = running(builder.workers(1).attempts(1), service).await;
    for id in ["faulty", "next"] {
        pass(&worked.inbox, event(None, id)).await.unwrap();
    }
    sleep(SECOND).await;
    let status = worked.inbox.monitor().status().await.unwrap();
    assert_eq!((status.dead, status.ready, status.leased), (1, 0, 0));
    worked.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_when_it_is_cancelled_counts_as_cancelled() {
    let (dispatcher, _) = dispatcher(Fault::HangsAndPanics);
    let (_, builder) = volatile();
    let worked = running(builder.drain_timeout(SECOND), dispatcher).await;
    let mut faulty = event(None, "e");
    faulty.header.event_type = "faulty_v1".to_owned();
    pass(&worked.inbox, faulty).await.unwrap();
    sleep(Duration::from_millis(1)).await;
    let error = worked.stop().await.unwrap_err();
    assert_eq!((error.cancelled(), error.left()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_blocks_its_thread_delays_no_acknowledgement_and_no_other_worker() {
    let (blocking, release) = blocking();
    let ran = Arc::new(AtomicUsize::new(0));
    let next = Arc::clone(&ran);
    let dispatcher = blocking.on_raw("next_v1", move |_| {
        next.fetch_add(1, Ordering::Relaxed);
        async {}
    });
    let (_, builder) = volatile();
    let worked = running(builder.workers(2), dispatcher.build().unwrap()).await;
    let of_type = |event_type: &str, id: u32| {
        let mut delivery = event(None, id);
        delivery.header.event_type = event_type.to_owned();
        delivery
    };
    // The worker starts at its own time.
    while pass(&worked.inbox, of_type("blocking_v1", 0))
        .await
        .is_err()
    {
        yield_now().await;
    }
    for id in 1..4 {
        let passed = timeout(PATIENCE, pass(&worked.inbox, of_type("next_v1", id)));
        passed.await.unwrap().unwrap();
    }
    let handled = async {
        while ran.load(Ordering::Relaxed) < 3 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, handled).await.unwrap();
    drop(release);
    worked.stop().await.unwrap();
}
