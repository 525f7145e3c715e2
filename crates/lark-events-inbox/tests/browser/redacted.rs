//! A redacted part of an event is on no page, and in no URL.

use lark_events::{Delivery, RawJson};
use lark_events_inbox::console::{Access, Console};

use crate::links::visit_all;
use crate::page::open;
use crate::site::alone;
use crate::stored::{InAFile, append, dead};

fn without_phone(delivery: &Delivery) -> RawJson {
    let mut body: serde_json::Value = delivery.raw.decode().unwrap();
    body["phone"] = "(hidden)".into();
    RawJson::encode(&body).unwrap()
}

/// Hides what comes after the mark.
fn without_secret(text: &str) -> String {
    let shown = text.split_once("secret-").map_or(text, |(shown, _)| shown);
    shown.to_owned()
}

#[tokio::test]
async fn a_redacted_text_is_nowhere() {
    let Some(tab) = open("redaction").await else {
        return;
    };
    let file = InAFile::new().await;
    dead(&*file.store, 0..3, "user secret-7 is unknown").await;
    append(&*file.store, 3..5).await;
    let console = Console::builder(file.store.clone(), |_| Access::All)
        .redact(without_phone)
        .redact_text(without_secret);
    let pages = visit_all(&tab, &alone(console.build()).await).await;
    assert!(pages.keys().any(|url| url.contains("view=export")));
    for shown in ["(hidden)", "user "] {
        assert!(pages.values().any(|html| html.contains(shown)), "{shown}");
    }
    for (url, html) in pages {
        assert!(
            !url.contains("secret-") && !html.contains("secret-"),
            "{url}"
        );
    }
}
