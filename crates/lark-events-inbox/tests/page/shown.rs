//! What the views show.

use http::StatusCode;
use lark_events_inbox::Settled;

use crate::browser::Browser;
use crate::stored::{InAFile, append, dead, in_memory, open_to_all, settle};

#[tokio::test]
async fn the_overview_has_the_queue_and_dead_letters_by_error() {
    let store = in_memory().await;
    dead(&*store, 0..2, "connection <refused>").await;
    dead(&*store, 2..3, "timed out").await;
    append(&*store, 3..5).await;
    let browser = Browser::alone(open_to_all(store));
    let overview = browser.get("").await;
    let refused = "?view=events&state=dead&error=connection%20%3Crefused%3E";
    assert!(overview.attributes("href").contains(&refused.to_owned()));
    assert!(overview.text.contains("connection &lt;refused&gt;"));
    assert!(!overview.text.contains("none runs"));
    assert_eq!(overview.attributes("data-poll"), ["5"]);
    let list = browser.get(refused).await;
    assert!(
        list.text.contains("id-0") && list.text.contains("id-1") && !list.text.contains("id-2")
    );
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let store = in_memory().await;
    append(&*store, 0..250).await;
    let browser = Browser::alone(open_to_all(store));
    let mut link = "?view=events&type=im.message.receive_v1".to_owned();
    let mut seen = Vec::new();
    for rows in [100, 100, 50] {
        let page = browser.get(&link).await;
        let events = page.attributes("href").into_iter();
        let events: Vec<_> = events
            .filter(|href| href.starts_with("?view=event&"))
            .collect();
        assert_eq!(events.len(), rows);
        seen.extend(events);
        let next = page.text.split("rel=\"next\" href=\"").nth(1);
        link = next.map_or_else(String::new, |next| {
            next.split('"').next().unwrap().replace("&amp;", "&")
        });
    }
    assert_eq!(link, "");
    seen.dedup();
    assert_eq!(seen.len(), 250);
}

#[tokio::test]
async fn an_event_has_its_attempts_and_its_body() {
    let store = in_memory().await;
    dead(&*store, 7..8, "timed <out>").await;
    let browser = Browser::alone(open_to_all(store));
    for link in [
        "?view=event&seq=1",
        "?view=search&id=id-7",
        "?view=search&id=1",
        "?view=search&id=%231",
    ] {
        let mut event = browser.get(link).await;
        if event.text.contains("<h1>Events</h1>") {
            event = browser.get("?view=event&seq=1").await;
        }
        for part in [
            "Event #1",
            "timed &lt;out&gt;",
            "340 ms",
            "failed",
            "secret-7",
            "lane-7",
            "id-7",
        ] {
            assert!(event.text.contains(part), "{link} {part}: {}", event.text);
        }
    }
    let none = browser.get("?view=event&seq=99").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    for link in [
        "?view=event&seq=x",
        "?view=events&state=x",
        "?view=events&after=-1",
        "?%",
    ] {
        assert_eq!(
            browser.get(link).await.status,
            StatusCode::BAD_REQUEST,
            "{link}"
        );
    }
    assert_eq!(
        browser.get("?view=nothing").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn what_a_store_cannot_do_is_not_offered() {
    let store = in_memory().await;
    append(&*store, 0..1).await;
    settle(&*store, Settled::Done, "").await;
    let browser = Browser::alone(open_to_all(store));
    let list = browser.get("?view=events&state=done").await;
    assert!(!list.text.contains("value=\"replay\""));
    let answer = browser
        .get("?view=confirm&action=replay&scope=all&state=done")
        .await;
    assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED);
    assert!(
        answer.text.contains("keeps no finished events"),
        "{}",
        answer.text
    );

    let file = InAFile::new().await;
    append(&*file.store, 0..1).await;
    settle(&*file.store, Settled::Done, "").await;
    let browser = Browser::alone(open_to_all(file.store.clone()));
    let list = browser.get("?view=events&state=done").await;
    assert!(list.text.contains("value=\"replay\""), "{}", list.text);
}
