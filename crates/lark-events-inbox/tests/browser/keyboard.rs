//! A whole retry by keyboard alone.

use lark_events_inbox::State;
use lark_events_test_servers::fantoccini::key::Key;

use crate::busy::busy;
use crate::page::{assert_calm, load, open, wait_for_text};
use crate::site::open_page;
use crate::stored::count;

#[tokio::test]
async fn a_retry_needs_no_mouse() {
    let Some(tab) = open("the keyboard alone").await else {
        return;
    };
    let file = busy().await;
    let url = open_page(file.store.clone()).await;
    load(&tab, &url).await;
    // The skip link is the first stop, and leads past the navigation.
    tab.press([Key::Tab]).await;
    assert!(tab.is_focused("a.skip").await);
    tab.press([Key::Enter]).await;
    assert!(tab.is_focused("main").await);
    tab.tab_to("main a").await;

    // All with one error, from the overview.
    tab.tab_to("#dead a[href*='refused']").await;
    tab.press([Key::Enter]).await;
    wait_for_text(&tab, "h1", "Events").await;
    tab.tab_to("form[aria-label^='All'] button[value='retry']")
        .await;
    tab.press([Key::Enter]).await;
    wait_for_text(&tab, "h1", "Retry 6 events?").await;
    tab.tab_to("button.primary").await;
    tab.press([Key::Space]).await;
    wait_for_text(&tab, "#ended", "Retried 6 events").await;
    assert_eq!(count(&*file.store, State::Dead).await, 8);

    // Back to the list, which has kept the filter; two selected ones of the others.
    tab.tab_to("main p:last-child a").await;
    tab.press([Key::Enter]).await;
    wait_for_text(&tab, "#empty", "No event matches").await;
    tab.tab_to("nav a[href='?view=events&state=dead']").await;
    tab.press([Key::Enter]).await;
    wait_for_text(&tab, "tbody", "#4").await;
    for _ in 0..2 {
        tab.tab_to("tbody input[name='seq']:not(:checked)").await;
        tab.press([Key::Space]).await;
    }
    tab.tab_to("form[aria-label^='Selected'] button[value='retry']")
        .await;
    tab.press([Key::Enter]).await;
    wait_for_text(&tab, "h1", "Retry 2 events?").await;
    tab.tab_to("button.primary").await;
    tab.press([Key::Enter]).await;
    wait_for_text(&tab, "#ended", "Retried 2 events").await;
    assert_eq!(count(&*file.store, State::Dead).await, 6);

    // One, found by its number.
    tab.tab_to("input[name='id']").await;
    tab.press("#6".chars()).await;
    tab.press([Key::Enter]).await;
    wait_for_text(&tab, "h1", "Event #6").await;
    tab.tab_to("button[value='retry']").await;
    tab.press([Key::Enter]).await;
    wait_for_text(&tab, "#ended", "Retried 1 event").await;
    assert_eq!(count(&*file.store, State::Dead).await, 5);
    assert_calm(&tab).await;
}
