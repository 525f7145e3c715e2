//! Layers of two processes on one server handle an event once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lark_events::{BoxError, Delivery, EventHeader, Outcome, RawJson};
use lark_events_layers::{DedupLayer, LayerError, LayerErrorKind};
use tower::{ServiceBuilder, ServiceExt as _};

use crate::server::{patient, prefix, server};

const EVENTS: usize = 200;

fn delivery(number: usize) -> Delivery {
    let mut header = EventHeader::new("x_v1");
    header.event_id = Some(format!("event {number}"));
    Delivery::new(header, RawJson::default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_at_two_processes_is_handled_once() {
    let Some(server) = server("two processes on Redis") else {
        return;
    };
    let (prefix, handled) = (prefix(), Arc::new(AtomicUsize::new(0)));
    let process = || {
        let store = patient(server.url()).prefix(&*prefix).build().unwrap();
        let dedup = DedupLayer::builder()
            .store(Arc::new(store))
            .build()
            .unwrap();
        let handled = Arc::clone(&handled);
        ServiceBuilder::new()
            .layer(dedup)
            .service_fn(move |_: Delivery| {
                handled.fetch_add(1, Ordering::Relaxed);
                async { Ok::<_, BoxError>(Outcome::Handled) }
            })
    };
    let (one, other) = (process(), process());
    let mut held = 0;
    for number in 0..EVENTS {
        let both = tokio::join!(
            one.clone().oneshot(delivery(number)),
            other.clone().oneshot(delivery(number)),
        );
        for answer in [both.0, both.1] {
            if let Err(error) = answer {
                let error: &LayerError = error.downcast_ref().unwrap();
                assert_eq!(error.kind(), LayerErrorKind::Held);
                held += 1;
            }
        }
    }
    assert_eq!(handled.load(Ordering::Relaxed), EVENTS);
    assert!(held <= EVENTS);
    // Each is redelivered to the other process.
    for number in 0..EVENTS {
        one.clone().oneshot(delivery(number)).await.unwrap();
        other.clone().oneshot(delivery(number)).await.unwrap();
    }
    assert_eq!(handled.load(Ordering::Relaxed), EVENTS);
}
