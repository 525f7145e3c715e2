//! What claims find, and what becomes of calls whose callers give up.

use std::time::Duration;

use lark_events_inbox::{AttemptOutcome, Entry, Settled, Settlement, Store as _, StoreErrorKind};
use lark_events_inbox_postgres::{Completion, PostgresStore};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::app::{SECOND, event};
use crate::server::{database, server};

async fn append(store: &PostgresStore, number: usize, lane: Option<String>) {
    let mut entry = Entry::new(event(Some("t"), number));
    entry.lane = lane;
    store.append(vec![entry]).await.unwrap();
}

#[tokio::test]
async fn claims_of_one_find_all_that_has_waited_for_long() {
    let Some(server) = server("claims of one event on PostgreSQL") else {
        return;
    };
    let url = database(server);
    let store = PostgresStore::connect(&*url).await.unwrap();
    for number in 0..10 {
        append(&store, number, Some(format!("lane {number}"))).await;
        append(&store, 10 + number, None).await;
    }
    let aged = "UPDATE lark_inbox.task SET visible_at = visible_at - interval '10 minutes'";
    server.psql_at(&url, aged);
    for number in 0..20 {
        let claimed = store.claim(1, 60 * SECOND).await.unwrap();
        assert_eq!(claimed.len(), 1, "claim {number}");
    }
}

#[tokio::test]
async fn a_connection_is_opened_though_each_caller_gives_up_early() {
    let Some(server) = server("callers that give up on PostgreSQL") else {
        return;
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let real = server.port();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                sleep(Duration::from_millis(400)).await;
                let mut server = TcpStream::connect(("127.0.0.1", real)).await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    let url = database(server).replace(&format!(":{real}/"), &format!(":{port}/"));
    let store = PostgresStore::connect(url).await.unwrap();
    let answered = async {
        while timeout(Duration::from_millis(100), store.status())
            .await
            .is_err()
        {}
    };
    timeout(60 * SECOND, answered)
        .await
        .expect("the connection of the first caller is used by a later one");
}

#[tokio::test]
async fn a_settlement_does_not_wait_for_the_open_transaction_of_its_handler() {
    let Some(server) = server("an open transaction of a handler on PostgreSQL") else {
        return;
    };
    let url = database(server);
    let store = PostgresStore::connect(&*url).await.unwrap();
    append(&store, 1, None).await;
    append(&store, 2, None).await;
    let claimed = store.claim(2, 60 * SECOND).await.unwrap();
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let held = claimed[0].extensions.get::<Completion>().unwrap();
    client.batch_execute("BEGIN").await.unwrap();
    client
        .execute(held.sql(), &[&held.seq(), &held.fence()])
        .await
        .unwrap();
    let settlements = claimed.iter().map(|one| {
        let settled = Settled::RetryIn(SECOND);
        Settlement::new(one.fence, settled, AttemptOutcome::Failed)
    });
    let settled = store.settle(settlements.collect());
    let settled = timeout(60 * SECOND, settled)
        .await
        .expect("it does not wait");
    assert_eq!(settled.unwrap(), [false, true], "the transaction decides");
    client.batch_execute("COMMIT").await.unwrap();
    let status = store.status().await.unwrap();
    assert_eq!(status.ready + status.waiting + status.leased, 1);
}

#[tokio::test]
async fn an_event_that_another_operator_has_put_back_does_not_hold_up_its_lane() {
    let Some(server) = server("replays at once on PostgreSQL") else {
        return;
    };
    let url = database(server);
    let store = PostgresStore::connect(&*url).await.unwrap();
    for number in 0..2 {
        append(&store, number, Some("lane".to_owned())).await;
        let claimed = store.claim(1, 60 * SECOND).await.unwrap();
        let done = Settlement::new(claimed[0].fence, Settled::Done, AttemptOutcome::Handled);
        store.settle(vec![done]).await.unwrap();
    }
    server.psql_at(&url, "SELECT lark_inbox.replay(ARRAY[1])");
    let claimed = store.claim(1, 60 * SECOND).await.unwrap();
    let aside = Settled::SetAside(60 * SECOND);
    let aside = Settlement::new(claimed[0].fence, aside, AttemptOutcome::NoHandler);
    assert_eq!(store.settle(vec![aside]).await.unwrap(), [true]);
    assert_eq!(
        server.psql_at(&url, "SELECT lark_inbox.replay(ARRAY[1, 2])"),
        "1"
    );
    let claimed = store.claim(2, 60 * SECOND).await.unwrap();
    assert_eq!(claimed.len(), 1, "the lane has a head");
    // A dead letter of the same number, which two operators at once could leave, fails no settlement.
    server.psql_at(
        &url,
        "INSERT INTO lark_inbox.dead VALUES (2, 1, NULL, now())",
    );
    let dead = Settlement::new(claimed[0].fence, Settled::Dead, AttemptOutcome::Failed);
    assert_eq!(store.settle(vec![dead]).await.unwrap(), [true]);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_becomes_a_dead_letter_and_holds_up_no_other() {
    let Some(server) = server("a damaged event on PostgreSQL") else {
        return;
    };
    let url = database(server);
    let store = PostgresStore::connect(&*url).await.unwrap();
    append(&store, 1, None).await;
    append(&store, 2, None).await;
    server.psql_at(
        &url,
        "UPDATE lark_inbox.event SET document = '{' WHERE seq = 1",
    );
    let claimed = store.claim(2, 60 * SECOND).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let buried = async {
        while store.status().await.unwrap().dead == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(60 * SECOND, buried).await.expect("it is buried");
}

#[tokio::test]
async fn a_name_of_a_server_that_is_none_is_an_error() {
    let error = PostgresStore::connect("not a URL").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unsupported);
}
