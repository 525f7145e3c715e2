//! What tests do with any page of the inbox.

use std::sync::OnceLock;

use lark_events_test_servers::{Browser, Tab, View};
use serde_json::Value;

/// A browser without a page, or prints that something is skipped because there is none.
pub(crate) async fn open(what: &str) -> Option<Tab> {
    // One driver for all tests of the process. It ends with the process.
    static BROWSER: OnceLock<Browser> = OnceLock::new();
    let program = Browser::installed_or_skip(what)?;
    let browser = BROWSER.get_or_init(|| program.start());
    Some(browser.open("about:blank", View::WIDE).await)
}

/// Loads a page. Returns its status.
pub(crate) async fn load(tab: &Tab, url: &str) -> u64 {
    tab.goto(url).await.unwrap();
    status(tab).await
}

/// The status with which the page was loaded.
pub(crate) async fn status(tab: &Tab) -> u64 {
    let status = "performance.getEntriesByType('navigation')[0].responseStatus";
    tab.eval(status).await.as_u64().unwrap()
}

/// Waits until an element has a text.
pub(crate) async fn wait_for_text(tab: &Tab, selector: &str, text: &str) {
    let (selector, text) = (Value::from(selector), Value::from(text));
    tab.wait_until(&format!(
        "(document.querySelector({selector})?.textContent ?? '').includes({text})"
    ))
    .await;
}

/// No violation of the policy, and no error of the script.
pub(crate) async fn assert_calm(tab: &Tab) {
    let console = tab.console().await;
    let errors = console.iter().filter(|it| it.source() != "network");
    let errors: Vec<_> = errors.map(ToString::to_string).collect();
    assert_eq!(errors, Vec::<String>::new());
}
