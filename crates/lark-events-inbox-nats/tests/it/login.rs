//! Logins, by the URL and by the builder. The error of a rejected one has no part of it.

use lark_events_inbox::StoreErrorKind;
use lark_events_inbox_nats::NatsStoreBuilder;
use lark_events_test_servers::NatsSettings;
use tracing::Level;

use crate::logs::logged_at;
use crate::server::{MAX_PAYLOAD, builder, cause, refused, start};
use crate::webhook::App;

#[tokio::test]
async fn a_rejected_login_is_an_error_without_it() {
    let settings = NatsSettings::new();
    let Some(server) = start(
        "logins of NATS",
        &settings.clone().user("worker", "the-right-one"),
    ) else {
        return;
    };
    let with = |login: &str| format!("nats://{login}@127.0.0.1:{}", server.port());
    let check = async |builder: NatsStoreBuilder| {
        let shown = format!("{builder:?}");
        let error = refused(builder).await;
        let text = format!("{error}: {} {error:?} {shown}", cause(&error));
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{text}");
        assert!(
            text.to_lowercase().contains("authorization violation"),
            "{text}"
        );
        assert!(!text.contains("wrong-one"), "{text}");
    };
    check(builder(with("worker:the-wrong-one"))).await;
    check(builder(with("")).user("worker", "the-wrong-one")).await;
    check(builder(with("the-wrong-one"))).await;
    check(builder(format!("nats://127.0.0.1:{}", server.port()))).await;
    // A working store that is rejected from now on.
    let mut app = App::on(&server).await;
    assert_eq!(app.push("before", 1).await, 200);
    app.all_handled().await;
    let settings = settings.line(MAX_PAYLOAD);
    server.configure(&settings.clone().user("worker", "another-one"));
    server.restart();
    app.disconnected().await;
    for _ in 0..3 {
        assert_eq!(app.push("e", 1).await, 500);
    }
    server.configure(&settings.clone().user("worker", "the-right-one"));
    server.restart();
    app.redeliver("e", 1).await;
    app.is_healthy_after(&["the store is unavailable"]).await;
    let log = app.log.text();
    assert!(!log.contains("right-one"), "{log}");

    server.configure(&settings.token("the-right-one"));
    server.restart();
    let at = format!("nats://127.0.0.1:{}", server.port());
    check(builder(at.clone()).token("the-wrong-one")).await;
    check(builder(with("the-wrong-one"))).await;
    let store = builder(at).token("the-right-one").connect().await.unwrap();
    assert!(!format!("{store:?}").contains("right"), "{store:?}");
    builder(server.url()).connect().await.unwrap();
}

#[tokio::test]
async fn the_login_of_a_url_is_escaped_and_may_be_in_one_of_several() {
    let line = "authorization { user: \"a@b\", password: \"c:d/e\" }";
    let settings = NatsSettings::new().line(line);
    let Some(server) = start("logins of NATS", &settings) else {
        return;
    };
    let (log, guard) = logged_at(Level::TRACE);
    let url = format!(
        "nats://a%40b:c%3Ad%2Fe@127.0.0.1:1,127.0.0.1:{}",
        server.port()
    );
    builder(url).connect().await.unwrap();
    drop(guard);
    let log = log.text();
    assert!(!log.contains("c:d") && !log.contains("c%3A"), "{log}");
}

#[tokio::test]
async fn a_missing_credentials_file_and_a_wrong_url_are_errors() {
    let error = refused(builder("nats://h".to_owned()).credentials_file("/nowhere/x.creds")).await;
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let text = cause(&error);
    assert!(text.starts_with("/nowhere/x.creds: "), "{text}");
    let error = refused(builder("nats://user:secret@[".to_owned())).await;
    assert_eq!(error.kind(), StoreErrorKind::Unsupported);
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}
