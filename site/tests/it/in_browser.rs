//! The site in Chromium, opened from a folder: search, keys, and accessibility.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use lark_events_site::Files;
use lark_events_test_servers::fantoccini::key::Key;
use lark_events_test_servers::{Browser, Looks, Tab, View};

use crate::{Folder, site, whole_site};

/// The site in a folder that a browser of another user can read.
fn written(files: &Files, name: &str) -> (Folder, String) {
    let folder = Folder::new(name);
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o755)).unwrap();
    files.write(&folder.0).unwrap();
    let url = format!("file://{}", folder.0.display());
    (folder, url)
}

/// The first results of the search, as the page shows them.
async fn first(tab: &Tab) -> String {
    tab.eval("document.querySelector('#results a')?.textContent ?? 'none'")
        .await
        .as_str()
        .unwrap()
        .to_owned()
}

async fn has(tab: &Tab, event_type: &str) -> bool {
    let links = "[...document.querySelectorAll('#results a')]";
    tab.eval(&format!(
        "{links}.some((it) => it.textContent === '{event_type}')"
    ))
    .await
    .as_bool()
    .unwrap()
}

async fn assert_silent(tab: &Tab) {
    let entries = tab.console().await;
    assert!(entries.is_empty(), "{entries:?}");
}

#[tokio::test]
async fn events_are_found_from_a_folder() {
    let Some(browser) = Browser::start_or_skip("the search of the site") else {
        return;
    };
    let (_folder, url) = written(site(), "found");
    let tab = browser.open(&format!("{url}/index.html"), View::WIDE).await;
    for (text, best, right, wrong) in [
        (
            "消息",
            "",
            "im.message.receive_v1",
            "vc.meeting.meeting_started_v1",
        ),
        (
            "接收消息",
            "im.message.receive_v1",
            "message",
            "im.chat.updated_v1",
        ),
        (
            "MessageReceive",
            "im.message.receive_v1",
            "im.message.receive_v1",
            "im.chat.updated_v1",
        ),
        (
            "vc:room:readonly",
            "vc.room.created_v1",
            "vc.reserve_config.updated_v1",
            "im.chat.updated_v1",
        ),
        (
            "receive message",
            "im.message.receive_v1",
            "im.message.receive_v1",
            "im.chat.updated_v1",
        ),
        (
            "meeting started",
            "",
            "vc.meeting.meeting_started_v1",
            "im.chat.updated_v1",
        ),
        (
            "im chat_id",
            "",
            "im.message.receive_v1",
            "vc.meeting.meeting_started_v1",
        ),
        (
            "chat_id",
            "",
            "im.message.receive_v1",
            "vc.meeting.meeting_started_v1",
        ),
    ] {
        tab.fill("#query", text).await;
        assert!(has(&tab, right).await, "{text}");
        assert!(!has(&tab, wrong).await, "{text}");
        if !best.is_empty() {
            assert_eq!(first(&tab).await, best, "{text}");
        }
    }
    assert!(tab.text("#results").await.contains("field chat_id"));
    tab.fill("#query", "no such event").await;
    assert!(tab.text("#count").await.starts_with("No event matches"));
    assert_eq!(first(&tab).await, "none");
    assert_silent(&tab).await;
}

#[tokio::test]
async fn a_search_is_in_the_address() {
    let Some(browser) = Browser::start_or_skip("the search of the site") else {
        return;
    };
    let (_folder, url) = written(site(), "address");
    let tab = browser
        .open(&format!("{url}/index.html?q=chat_id"), View::WIDE)
        .await;
    assert!(has(&tab, "im.message.receive_v1").await);
    assert_eq!(tab.eval("query.value").await, "chat_id");

    tab.fill("#query", "用户 群").await;
    let address = tab.current_url().await.unwrap();
    assert_eq!(address.query_pairs().next().unwrap().1, "用户 群");
    let best = first(&tab).await;
    tab.click("#results a").await;
    tab.wait_until("document.querySelector('h1').className === 'type'")
        .await;
    tab.back().await.unwrap();
    tab.wait_until("document.querySelector('#query')?.value === '用户 群'")
        .await;
    assert_eq!(first(&tab).await, best);

    // From the page of an event, and from a permission there.
    tab.goto(&format!("{url}/events/im.message.receive_v1.html"))
        .await
        .unwrap();
    tab.element(".find input")
        .await
        .send_keys("审批")
        .await
        .unwrap();
    tab.press([Key::Enter]).await;
    tab.wait_until("document.querySelector('#query')?.value === '审批'")
        .await;
    assert!(first(&tab).await.contains("approval"));
    tab.goto(&format!("{url}/events/vc.reserve_config.updated_v1.html"))
        .await
        .unwrap();
    tab.click(".sheet a[href*='q=vc:room:readonly']").await;
    tab.wait_until("document.querySelector('#query')?.value === 'vc:room:readonly'")
        .await;
    assert!(has(&tab, "vc.reserve_config.updated_v1").await);
    assert_silent(&tab).await;
}

#[tokio::test]
async fn the_search_needs_no_mouse() {
    let Some(browser) = Browser::start_or_skip("the search of the site") else {
        return;
    };
    let (_folder, url) = written(site(), "keys");
    let tab = browser.open(&format!("{url}/index.html"), View::WIDE).await;
    tab.press("/meetingstarted".chars()).await;
    assert_eq!(tab.eval("query.value").await, "meetingstarted");
    tab.press([Key::Down, Key::Down, Key::Up]).await;
    assert_eq!(first(&tab).await, "vc.meeting.meeting_started_v1");
    let focused = tab.eval("document.activeElement.textContent").await;
    assert_eq!(focused, "vc.meeting.meeting_started_v1");
    tab.press([Key::Escape]).await;
    assert_eq!(tab.eval("document.activeElement.id").await, "query");
    tab.press([Key::Enter]).await;
    tab.wait_until("location.pathname.endsWith('/events/vc.meeting.meeting_started_v1.html')")
        .await;
    // The first key leads past the navigation.
    tab.press([Key::Tab, Key::Enter]).await;
    tab.wait_until("document.activeElement.id === 'main'").await;
    assert_silent(&tab).await;
}

#[tokio::test]
async fn the_guide_has_a_search_of_its_own_and_that_of_events() {
    let Some(site) = whole_site() else { return };
    let Some(browser) = Browser::start_or_skip("the guide") else {
        return;
    };
    let (_folder, url) = written(site, "guide");
    let tab = browser
        .open(&format!("{url}/guide/inbox.html"), View::WIDE)
        .await;
    assert_eq!(
        tab.text(".toc a[aria-current]").await,
        "Nothing lost: the inbox"
    );
    tab.click("article .copy button").await;
    tab.wait_until(
        "['Copied', 'Selected'].includes(document.querySelector('.copy span').textContent)",
    )
    .await;
    tab.click("#mdbook-search-toggle").await;
    tab.wait_until("document.activeElement.id === 'mdbook-searchbar'")
        .await;
    tab.press("JetStream".chars()).await;
    tab.wait_until("document.querySelector('#mdbook-searchresults a') !== null")
        .await;
    assert!(tab.text("#mdbook-searchresults").await.contains("NATS"));
    tab.click(".find input").await;
    tab.press("stand".chars()).await;
    tab.press([Key::Enter]).await;
    tab.wait_until("document.querySelector('#query')?.value === 'stand'")
        .await;
    assert_silent(&tab).await;
}

#[tokio::test]
async fn pages_are_accessible_and_readable_in_each_view() {
    let what = "the looks of the site";
    let Some(browser) = Browser::start_or_skip(what) else {
        return;
    };
    let (_folder, url) = written(whole_site().unwrap_or_else(site), "views");
    let mut pages = vec![
        ("index", "index.html"),
        ("search", "index.html?q=chat_id"),
        ("none", "index.html?q=no+such+event"),
        ("changes", "changes.html"),
        ("schemas", "schemas/index.html"),
        ("event", "events/im.message.receive_v1.html"),
        ("raw", "events/im.message.bot_muted_v1.html"),
        ("callback", "events/card.action.trigger.html"),
        ("deep", "events/contact.scope.updated_v3.html"),
        (
            "long",
            "events/application.application.app_version.publish_apply_v6.html",
        ),
    ];
    if whole_site().is_some() {
        pages.extend([
            ("guide", "guide/index.html"),
            ("chapter", "guide/inbox.html"),
            ("readme", "guide/repository/index.html"),
            ("source", "source/examples/echo_bot/src/main.rs.html"),
        ]);
    }
    let tab = browser.open(&format!("{url}/index.html"), View::WIDE).await;
    let mut looks = Looks::of(&tab, what).await;
    for (name, page) in pages {
        tab.goto(&format!("{url}/{page}")).await.unwrap();
        looks.at(&tab, name).await;
    }
    assert_silent(&tab).await;
    looks.assert_good();
}
