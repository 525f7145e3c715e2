//! A redacted part of a body is nowhere.

use http::StatusCode;
use lark_events::{Delivery, RawJson};
use lark_events_inbox::console::{Access, Console};

use crate::browser::Browser;
use crate::stored::{dead, in_memory};

fn without_phone(delivery: &Delivery) -> RawJson {
    let mut body: serde_json::Value = delivery.raw.decode().unwrap();
    body["phone"] = "(hidden)".into();
    RawJson::encode(&body).unwrap()
}

#[tokio::test]
async fn a_redacted_field_is_on_no_page() {
    let store = in_memory().await;
    dead(&*store, 0..3, "refused").await;
    let console = Console::builder(store, |_| Access::All).redact(without_phone);
    let browser = Browser::alone(console.build());
    for link in [
        "",
        "?view=events&state=dead",
        "?view=event&seq=1",
        "?view=confirm&action=retry&seq=1&state=dead",
        "?view=search&id=id-1",
        "?view=edit&seq=1",
    ] {
        let answer = browser.get(link).await;
        assert!(!answer.text.contains("secret-"), "{link}");
    }
    let event = browser.get("?view=event&seq=1").await;
    assert!(event.text.contains("(hidden)"), "{}", event.text);
    assert!(event.text.contains("A part of the body is hidden"));
    assert!(!event.text.contains("view=edit"));
    let edit = browser.get("?view=edit&seq=1").await;
    assert_eq!(edit.status, StatusCode::CONFLICT);
    let append = [("action", "edit"), ("seq", "1"), ("body", "{}")];
    assert_eq!(browser.post(&append).await.status, StatusCode::CONFLICT);
}
