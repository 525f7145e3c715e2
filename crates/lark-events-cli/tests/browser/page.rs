//! What tests do with any page of the console.

use std::sync::OnceLock;

use lark_events_test_servers::fantoccini::Locator;
use lark_events_test_servers::fantoccini::elements::Element;
use lark_events_test_servers::{Browser, Tab, View};

use crate::serving::LIMIT;

/// Opens a page, or prints that something is skipped because there is no browser.
pub(crate) async fn open(what: &str, url: &str, view: View) -> Option<Tab> {
    // One driver for all tests of the process. It ends with the process.
    static BROWSER: OnceLock<Browser> = OnceLock::new();
    let program = Browser::installed_or_skip(what)?;
    let browser = BROWSER.get_or_init(|| program.start());
    Some(browser.open(url, view).await)
}

/// The first button with this text, once there is one.
pub(crate) async fn button(tab: &Tab, text: &str) -> Element {
    let path = format!("//button[normalize-space()='{text}']");
    let wait = tab.wait().at_most(LIMIT);
    wait.for_element(Locator::XPath(&path)).await.expect(text)
}

pub(crate) async fn press_button(tab: &Tab, text: &str) {
    // A button that is replaced meanwhile is looked for again.
    while let Err(error) = button(tab, text).await.click().await {
        assert!(error.is_stale_element_reference(), "{text}: {error}");
    }
}

/// The text of the page, also that which is folded.
pub(crate) async fn all_text(tab: &Tab) -> String {
    let text = tab.eval("document.querySelector('main').textContent").await;
    text.as_str().unwrap().to_owned()
}

/// The numbers of the rows of the list, from above.
pub(crate) async fn rows(tab: &Tab) -> Vec<u64> {
    let rows =
        "[...document.querySelectorAll('#deliveries > tr')].map((row) => Number(row.dataset.n))";
    let rows = tab.eval(rows).await;
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row.as_u64().unwrap()).collect()
}

/// Waits until the list has so many rows.
pub(crate) async fn wait_for_rows(tab: &Tab, rows: usize) {
    let count = "document.querySelectorAll('#deliveries > tr').length";
    tab.wait_until(&format!("{count} === {rows}")).await;
}

/// Waits until an element has a text.
pub(crate) async fn wait_for_text(tab: &Tab, selector: &str, text: &str) {
    let (selector, text) = (quoted(selector), quoted(text));
    tab.wait_until(&format!(
        "(document.querySelector({selector})?.textContent ?? '').includes({text})"
    ))
    .await;
}

pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// No violation of the policy, no error of a script, no dialog.
pub(crate) async fn assert_calm(tab: &Tab) {
    assert_eq!(tab.violations().await, Vec::<String>::new());
    assert!(tab.get_alert_text().await.is_err(), "a dialog is open");
    let console = tab.console().await;
    let errors = console.iter().filter(|it| it.source() != "network");
    assert_eq!(
        errors.map(ToString::to_string).collect::<Vec<_>>(),
        Vec::<String>::new()
    );
}
