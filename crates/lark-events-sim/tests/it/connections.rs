//! The open long connections, as the platform lists them.

use std::time::Duration;

use lark_events_sim::{Document, Fault, Mode, Platform};
use lark_events_ws::frame::{Frame, header};
use tokio::time::{Instant, advance};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::client::{Client, ID, SECRET, ticket};

const OK: &str = r#"{"code":200}"#;

async fn platform() -> Platform {
    let builder = Platform::builder().app(ID, SECRET).fragment_above(8);
    builder.start().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_connection_has_its_counts_and_the_moments_of_its_upgrade_and_its_last_ping() {
    let platform = platform().await;
    assert_eq!(platform.connections(), []);
    let mut client = Client::connect(&platform).await;
    let [connection] = &*platform.connections() else {
        panic!("one connection");
    };
    assert_eq!(connection.since, Instant::now());
    assert_eq!((connection.pings, connection.last_ping), (0, None));
    assert_eq!((connection.messages, connection.acks), (0, 0));
    assert!(!connection.is_half_open && connection.violations == 0);
    assert_eq!(connection.user_agent, None);

    let since = connection.since;
    for _ in 0..2 {
        advance(Duration::from_secs(7)).await;
        client.ping().await;
        client.frame().await;
    }
    let pinged = Instant::now();
    let push = platform.push(Document::from(r#"{"tea":"green"}"#));
    let event = client.event().await;
    assert_eq!(event.frames.len(), 2);
    client.ack(&event, OK).await;
    assert!(push.await.acknowledged());
    client.send(Message::text("tea")).await;
    platform.until(|stats| stats.violations == 1).await;
    let [connection] = &*platform.connections() else {
        panic!("one connection");
    };
    assert_eq!(connection.since, since);
    assert_eq!((connection.pings, connection.last_ping), (2, Some(pinged)));
    assert_eq!((connection.messages, connection.acks), (1, 1));
    assert_eq!(connection.violations, 1);
    assert_eq!(connection.id, platform.violations()[0].connection);

    drop(client);
    platform.until(|stats| stats.connections == 0).await;
    assert_eq!(platform.connections(), []);
}

#[tokio::test(start_paused = true)]
async fn a_half_open_connection_is_listed_as_one_and_sends_no_message() {
    let platform = platform().await;
    platform.inject(Fault::AcceptHalfOpen);
    let _first = Client::connect(&platform).await;
    assert!(platform.connections()[0].is_half_open);
    let _second = Client::connect(&platform).await;
    let [first, second] = &*platform.connections() else {
        panic!("two connections");
    };
    assert!(first.is_half_open && !second.is_half_open);
    assert_ne!(first.id, second.id);

    platform.disconnect();
    platform.until(|stats| stats.connections == 0).await;
    let mut client = Client::connect(&platform).await;
    platform.inject(Fault::HalfOpen);
    let by = Mode::LongConnection;
    assert!(
        !platform
            .push_by(by, Document::from("{}"), [])
            .await
            .acknowledged()
    );
    let ping = Frame::control(client.service).with_header(header::TYPE, header::PING);
    client.send(ping.encode()).await;
    assert!(
        !platform
            .push_by(by, Document::from("{}"), [])
            .await
            .acknowledged()
    );
    let [connection] = &*platform.connections() else {
        panic!("one connection");
    };
    assert!(connection.is_half_open);
    assert_eq!((connection.messages, connection.pings), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_connection_has_the_user_agent_of_its_client() {
    let platform = platform().await;
    let url = ticket(&platform).await;
    let mut request = url.into_client_request().unwrap();
    let agent = format!("tea/1 {}", "x".repeat(1000));
    request
        .headers_mut()
        .insert("user-agent", agent.parse().unwrap());
    let stream = platform.dial();
    let _client = tokio_tungstenite::client_async(request, stream)
        .await
        .unwrap();
    let shown = platform.connections()[0].user_agent.clone().unwrap();
    assert!(
        shown.len() < agent.len() && agent.starts_with(&shown),
        "{shown}"
    );
}
