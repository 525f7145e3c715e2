//! Every view is accessible and readable: wide and narrow, light and dark.

use std::sync::Arc;

use lark_events_inbox::console::{Access, Console};
use lark_events_test_servers::Looks;

use crate::busy::busy;
use crate::gate::Gate;
use crate::page::{assert_calm, load, open, wait_for_text};
use crate::site::{alone, open_page};
use crate::stored::{InAFile, dead};

#[tokio::test]
async fn every_view_is_accessible_in_light_and_dark_wide_and_narrow() {
    let what = "the looks of the page";
    let Some(tab) = open(what).await else {
        return;
    };
    let mut looks = Looks::of(&tab, what).await;
    let empty = InAFile::new().await;
    let url = open_page(empty.store.clone()).await;
    for (name, query, expected) in [("empty", "", 200), ("none", "?view=events&state=dead", 200)] {
        assert_eq!(load(&tab, &format!("{url}{query}")).await, expected);
        looks.at(&tab, name).await;
    }

    let file = busy().await;
    let url = open_page(file.store.clone()).await;
    for (name, query, expected) in [
        ("overview", "", 200),
        ("lanes", "?view=lanes", 200),
        ("dead", "?view=events&state=dead", 200),
        ("events", "?view=events", 200),
        ("finished", "?view=events&state=done", 200),
        (
            "filtered",
            "?view=events&state=dead&type=im.message.receive_v1&error=refused&order=oldest",
            200,
        ),
        (
            "error",
            "?view=events&state=ready,waiting&error_is=connection%20refused%0Aby%20the%20server",
            200,
        ),
        ("event", "?view=event&seq=1", 200),
        ("waiting", "?view=event&seq=17", 200),
        (
            "confirm",
            "?view=confirm&action=retry&scope=all&state=dead&error=refused",
            200,
        ),
        ("edit", "?view=edit&seq=1", 200),
        ("missing", "?view=event&seq=99", 404),
        ("mistake", "?view=confirm&action=retry&state=dead", 400),
    ] {
        assert_eq!(
            load(&tab, &format!("{url}{query}")).await,
            expected,
            "{name}"
        );
        looks.at(&tab, name).await;
    }
    let reader = Console::builder(file.store.clone(), |_| Access::ReadOnly).build();
    let url = alone(reader).await;
    load(&tab, &format!("{url}?view=event&seq=1")).await;
    looks.at(&tab, "read-only").await;

    let many = InAFile::new().await;
    dead(&*many.store, 0..300, "refused").await;
    let gate = Arc::new(Gate::closed(many.store.clone()));
    let url = open_page(gate.clone()).await;
    let confirm = "?view=confirm&action=retry&scope=all&state=dead";
    load(&tab, &format!("{url}{confirm}")).await;
    tab.click("main button").await;
    gate.let_through(1);
    wait_for_text(&tab, "#progress", "200").await;
    looks.at(&tab, "progress").await;
    gate.let_through(1);
    wait_for_text(&tab, "#ended", "Retried 300 events").await;
    looks.at(&tab, "ended").await;
    assert_calm(&tab).await;
    looks.assert_good();
}
