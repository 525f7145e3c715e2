//! The example with its store on a server.

use std::time::Duration;

use lark_events_test_servers::Postgres;
use tokio::time::{sleep, timeout};

use crate::process::{
    PATIENCE, Process, example, free_port, listening, message, platform, with_settings,
};
use crate::{drains, ended};

const WHAT: &str = "the example on PostgreSQL";

#[tokio::test]
async fn the_contract_holds_on_postgresql() {
    let Some(server) = Postgres::start_or_skip(WHAT) else {
        return;
    };
    let url = server.url();
    drains(|command, port| with_settings(command, port, &url).env("INBOX_SCHEMA", "events")).await;
    let left = "SELECT count(*), (SELECT count(*) FROM events.task) FROM events.event";
    // The check of the URL is no event.
    assert_eq!(server.psql(left), "24|0");
}

#[tokio::test]
async fn a_stopped_server_is_one_line_of_the_log_and_its_return_another() {
    let Some(server) = Postgres::start_or_skip(WHAT) else {
        return;
    };
    let port = free_port();
    let mut command = example();
    let command = with_settings(&mut command, port, &server.url()).env("ROLE", "receive");
    let process = Process(command.spawn().unwrap());
    listening(port).await;
    let platform = platform(port).start().await.unwrap();
    assert!(platform.push(message("oc_1", "1")).await.acknowledged());
    server.stop();
    for id in ["2", "3", "4"] {
        assert!(!platform.push(message("oc_1", id)).await.acknowledged());
    }
    server.restart();
    let acknowledged = async {
        while !platform.push(message("oc_1", "2")).await.acknowledged() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, acknowledged).await.unwrap();
    let (_, log) = ended(process, 0);
    for text in ["the store fails", "the store works again"] {
        assert_eq!(log.matches(text).count(), 1, "{text}: {log}");
    }
    assert_eq!(server.psql("SELECT count(*) FROM lark_inbox.event"), "2");
}
