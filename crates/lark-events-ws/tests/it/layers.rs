//! Services that are no dispatcher: one with layers of tower around it.

use std::sync::Arc;
use std::time::Duration;

use lark_events::{BoxError, Delivery, Outcome};
use lark_events_sim::{Answer, Platform, Push};
use lark_events_ws::State;
use tower::{Service, ServiceBuilder};

use crate::support::{Seen, event, platform, takes, to, watched};

/// Runs a connection of any service until the test ends, and waits for it to be open.
async fn connected<S>(platform: &Arc<Platform>, service: S)
where
    S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    let connection = to(platform).build().unwrap();
    let monitor = connection.monitor();
    tokio::spawn(connection.run(service).into_future());
    assert!(monitor.until(State::is_connected).await.is_connected());
}

/// What an event was acknowledged with, and after how many milliseconds.
async fn acked(push: Push) -> (i64, u128) {
    let report = push.await;
    let attempt = &report.attempts[0];
    match attempt.answer {
        Answer::Ack { code, .. } => (code, attempt.took.as_millis()),
        ref other => panic!("no ack: {other:?}"),
    }
}

fn counts(seen: &Seen) -> (usize, usize) {
    (seen.started(), seen.finished())
}

#[tokio::test(start_paused = true)]
async fn what_a_layer_cuts_short_or_sheds_is_acked_500_and_the_next_is_served() {
    let platform = Arc::new(platform().start().await.unwrap());
    let (dispatcher, seen) = watched();
    let layers = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(1)
        .timeout(Duration::from_secs(1));
    connected(&platform, layers.service(dispatcher)).await;

    let slow = platform.push(takes(60_000));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(acked(platform.push(takes(0))).await, (500, 0), "shed");
    assert_eq!(acked(slow).await, (500, 1000), "timed out");
    assert_eq!(counts(&seen), (1, 0));
    assert_eq!(acked(platform.push(takes(10))).await, (200, 10));
    for failing in ["failing_v1", "panicking_v1"] {
        assert_eq!(acked(platform.push(event(failing))).await, (500, 0));
        assert_eq!(acked(platform.push(takes(0))).await, (200, 0));
    }
    assert_eq!(counts(&seen), (4, 3));
    assert_eq!(platform.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn events_wait_for_a_layer_that_is_not_ready_until_their_deadline() {
    let platform = Arc::new(platform().start().await.unwrap());
    let (dispatcher, seen) = watched();
    let layers = ServiceBuilder::new().concurrency_limit(1);
    connected(&platform, layers.service(dispatcher)).await;

    let [first, second, third] = [1000, 2000, 0].map(|ms| {
        let push = platform.push(takes(ms));
        async { acked(push).await }
    });
    let (first, second, third) = tokio::join!(first, second, third);
    assert_eq!(
        (first, second, third),
        ((200, 1000), (500, 2500), (500, 2500))
    );
    // The late one finishes; the one that was not started by its deadline never is.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(counts(&seen), (2, 2));
    assert_eq!(acked(platform.push(takes(0))).await, (200, 0));
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_layer_when_a_drain_begins_is_not_started() {
    let platform = Arc::new(platform().start().await.unwrap());
    let (dispatcher, seen) = watched();
    let layers = ServiceBuilder::new().concurrency_limit(1);
    let service = layers.service(dispatcher);
    let connection = to(&platform).build().unwrap();
    let monitor = connection.monitor();
    let shutdown = tokio::time::sleep(Duration::from_millis(500));
    let running = tokio::spawn(
        connection
            .run(service)
            .with_graceful_shutdown(shutdown)
            .into_future(),
    );
    monitor.until(State::is_connected).await;

    let pushes = [1000, 0, 0].map(|ms| acked(platform.push(takes(ms))));
    let [first, second, third] = pushes;
    let (first, second, third) = tokio::join!(first, second, third);
    assert_eq!(
        (first, second, third),
        ((200, 1000), (500, 500), (500, 500))
    );
    assert_eq!(running.await.unwrap(), Ok(()));
    assert_eq!(counts(&seen), (1, 1));
    let stats = monitor.stats();
    assert_eq!((stats.acked, stats.overloaded, stats.cancelled), (1, 2, 0));
}
