//! A server that fails while events come in: the sender is not acknowledged, the log has one line for each
//! consequence, and events are acknowledged again once the cause is gone, by the same store.

use std::collections::BTreeSet;

use lark_events_inbox::StoreErrorKind;
use lark_events_test_servers::NatsSettings;

use crate::server::{builder, cause, refused, start};
use crate::webhook::App;

const UNAVAILABLE: &str = "the store is unavailable";
const TIMED_OUT: &str = "the store did not answer in time";

#[tokio::test]
async fn a_server_that_stops_and_starts_again() {
    let Some(server) = start("a server of NATS that stops", &NatsSettings::new()) else {
        return;
    };
    let mut app = App::on(&server).await;
    assert_eq!(app.push("before", 1).await, 200);
    app.all_handled().await;
    server.stop();
    app.disconnected().await;
    for _ in 0..3 {
        assert_eq!(app.push("e", 1).await, 500);
    }
    let error = refused(builder(server.url())).await;
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(cause(&error).contains("refused"), "{}", cause(&error));
    server.restart();
    app.redeliver("e", 1).await;
    app.redeliver("before", 1).await;
    app.is_healthy_after(&[UNAVAILABLE, "no connection to a server of NATS"])
        .await;
    server.kill();
    app.disconnected().await;
    assert_eq!(app.push("f", 1).await, 500);
    server.restart();
    app.redeliver("f", 1).await;
    app.all_handled().await;
    // A server that is killed may lose acknowledgements of workers.
    let ids: BTreeSet<_> = app.record.ids().into_iter().collect();
    assert!(ids.iter().eq(["before", "e", "f"]), "{ids:?}");
}
#[tokio::test]
async fn a_server_that_loses_jetstream() {
    let settings = NatsSettings::new();
    let Some(server) = start("a server of NATS without JetStream", &settings) else {
        return;
    };
    let mut app = App::on(&server).await;
    assert_eq!(app.push("before", 1).await, 200);
    app.all_handled().await;
    let with = settings.line(crate::server::MAX_PAYLOAD);
    server.configure(&with.clone().without_jetstream());
    server.stop();
    app.disconnected().await;
    server.restart();
    for _ in 0..3 {
        assert_eq!(app.push("e", 1).await, 500);
    }
    let error = refused(builder(server.url())).await;
    assert_eq!(error.kind(), StoreErrorKind::Unsupported);
    let text = cause(&error);
    assert!(text.contains("has no JetStream for this account"), "{text}");
    server.configure(&with);
    server.restart();
    app.redeliver("e", 1).await;
    app.is_healthy_after(&[UNAVAILABLE]).await;
    assert_eq!(app.record.ids(), ["before", "e"]);
}
#[tokio::test]
async fn a_server_that_does_not_answer() {
    let Some(server) = start("a server of NATS that is frozen", &NatsSettings::new()) else {
        return;
    };
    let mut app = App::on(&server).await;
    assert_eq!(app.push("before", 1).await, 200);
    app.all_handled().await;
    server.freeze();
    for _ in 0..2 {
        assert_eq!(app.push("e", 1).await, 500);
    }
    let error = refused(builder(server.url())).await;
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(cause(&error), "timed out");
    let log = app.log.text();
    assert!(!log.contains("the store works again"), "{log}");
    server.thaw();
    app.redeliver("e", 1).await;
    app.is_healthy_after(&[TIMED_OUT]).await;
    assert_eq!(app.record.ids(), ["before", "e"]);
}
