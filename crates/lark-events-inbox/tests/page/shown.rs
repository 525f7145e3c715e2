//! What the views show.

use http::StatusCode;
use lark_events_inbox::{Settled, State};

use crate::browser::{Answer, Browser};
use crate::stored::{append, count, dead, each_kind, entry, in_memory, open_to_all, settle};

#[tokio::test]
async fn the_overview_has_the_queue_and_dead_letters_by_error() {
    let store = in_memory().await;
    dead(&*store, 0..2, "connection <refused>").await;
    dead(&*store, 2..3, "timed out").await;
    append(&*store, 3..5).await;
    let browser = Browser::alone(open_to_all(store));
    let overview = browser.get("").await;
    let refused = "?view=events&state=dead&error_is=connection%20%3Crefused%3E";
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
async fn the_newest_events_come_first_unless_another_order_is_asked_for() {
    for kept in each_kind().await {
        append(&*kept.store, 0..150).await;
        let browser = kept.browser();
        let rows = |page: &Answer| -> Vec<String> {
            let links = page.attributes("href").into_iter();
            links
                .filter(|href| href.starts_with("?view=event&"))
                .collect()
        };
        let newest = browser.get("?view=events").await;
        assert_eq!(rows(&newest)[0], "?view=event&seq=150", "{}", kept.name);
        let oldest = "?view=events&order=oldest".to_owned();
        assert!(newest.attributes("href").contains(&oldest));
        let oldest = browser.get(&oldest).await;
        assert_eq!(rows(&oldest)[0], "?view=event&seq=1");
        let next = "?view=events&order=oldest&after=100".to_owned();
        assert!(oldest.attributes("href").contains(&next), "{}", oldest.text);
        assert_eq!(rows(&browser.get(&next).await).len(), 50);
        assert!(
            oldest
                .attributes("href")
                .contains(&"?view=events".to_owned())
        );
    }
}

#[tokio::test]
async fn lanes_with_the_most_events_come_first() {
    for kept in each_kind().await {
        // It is in the lane, and waits for nothing.
        let mut other = entry(20);
        other.lane = Some("busy <lane>".to_owned());
        kept.store.append(vec![other]).await.unwrap();
        settle(&*kept.store, Settled::Dead, "refused").await;
        append(&*kept.store, 0..2).await;
        for number in 10..13 {
            let mut entry = entry(number);
            entry.lane = Some("busy <lane>".to_owned());
            kept.store.append(vec![entry]).await.unwrap();
        }
        let browser = kept.browser();
        let lanes = browser.get("?view=lanes").await;
        let links = lanes.attributes("href").into_iter();
        let links: Vec<_> = links.filter(|href| href.contains("lane=")).collect();
        assert_eq!(
            links,
            [
                "?view=events&state=ready%2Cwaiting&lane=busy%20%3Clane%3E",
                "?view=events&state=ready%2Cwaiting&lane=lane-0",
                "?view=events&state=ready%2Cwaiting&lane=lane-1"
            ]
        );
        let busy = browser.get(&links[0]).await;
        for number in 10..13 {
            assert!(busy.text.contains(&format!("id-{number}")));
        }
        for other in ["id-0", "id-20"] {
            assert!(!busy.text.contains(other), "{}", busy.text);
        }
        // Its form keeps the states.
        let filtered = browser.send(&busy.form_of("view", "events"), "").await;
        assert!(filtered.text.contains("id-12"), "{}", filtered.text);
        assert!(!filtered.text.contains("id-20"), "{}", filtered.text);
    }
}

#[tokio::test]
async fn a_text_with_lines_is_a_filter_in_forms() {
    const ERROR: &str = "refused:\n  in line 2\r\n<br>";
    for kept in each_kind().await {
        dead(&*kept.store, 0..3, ERROR).await;
        dead(&*kept.store, 3..4, "refused: in line 2").await;
        let browser = kept.browser();
        let links = browser.get("").await.attributes("href").into_iter();
        let mut link = links.filter(|href| href.contains("error_is=refused%3A%0A"));
        let list = browser.get(&link.next_back().unwrap()).await;
        let filtered = browser.send(&list.form_of("view", "events"), "").await;
        for page in [&list, &filtered] {
            assert!(page.text.contains("error refused:"), "{}", page.text);
            assert!(
                page.attributes("href")
                    .contains(&"?view=events&state=dead".to_owned())
            );
            assert!(page.text.contains("id-2") && !page.text.contains("id-3"));
        }
        let confirm = browser
            .send(&filtered.form_of("scope", "all"), "retry")
            .await;
        assert!(confirm.text.contains("Retry 3 events?"), "{}", confirm.text);
        let started = browser.send(&confirm.form_of("action", "retry"), "").await;
        let ended = browser.ended(started).await;
        assert!(ended.text.contains("Retried 3 events."), "{}", ended.text);
        assert_eq!(count(&*kept.store, State::Dead).await, 1);
    }
}

#[tokio::test]
async fn a_group_of_an_error_has_that_error_only() {
    for kept in each_kind().await {
        dead(&*kept.store, 0..2, "timed out").await;
        dead(&*kept.store, 2..5, "timed out: no answer").await;
        let long = "é".repeat(2_000);
        dead(&*kept.store, 5..6, &long).await;
        let browser = kept.browser();
        let overview = browser.get("").await;
        let links = overview.attributes("href").into_iter();
        let links: Vec<_> = links.filter(|href| href.contains("error")).collect();
        assert_eq!(links.len(), 3, "{links:?}");
        let (exact, part): (Vec<_>, Vec<_>) =
            links.iter().partition(|link| link.contains("error_is="));
        assert_eq!((exact.len(), part.len()), (2, 1));
        // A long URL would not pass a proxy.
        assert!(part[0].len() < 4_000, "{}", part[0].len());
        for (link, ids) in [
            (exact[0], &["id-2", "id-3", "id-4"][..]),
            (exact[1], &["id-0", "id-1"]),
            (part[0], &["id-5"]),
        ] {
            let list = browser.get(link).await.text;
            let shown = (0..6).map(|number| format!("id-{number}"));
            let shown: Vec<_> = shown.filter(|id| list.contains(id.as_str())).collect();
            assert_eq!(shown, ids, "{}", kept.name);
        }
    }
}

#[tokio::test]
async fn the_body_is_laid_out_and_keeps_its_digits() {
    let store = in_memory().await;
    append(&*store, 0..1).await;
    let browser = Browser::alone(open_to_all(store));
    for link in ["?view=event&seq=1", "?view=edit&seq=1"] {
        let page = browser.get(link).await.text;
        let body = "{\n  &quot;number&quot;: 0.10,\n  &quot;phone&quot;";
        assert!(page.contains(body), "{link}: {page}");
    }
}
