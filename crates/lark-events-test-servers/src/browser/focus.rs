//! Where the focus is: a user of the keyboard sees it at every stop.

use std::future::Future;
use std::panic::Location;

use fantoccini::key::Key;
use serde_json::Value;

use super::Tab;

/// More stops than any page has.
const MAX_STOPS: usize = 60;
const FOCUS: &str = "(() => {
    const element = document.activeElement;
    if (element === document.body) return 'body';
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const visible = style.outlineStyle !== 'none' && style.outlineWidth !== '0px'
        && box.width > 0 && box.height > 0 && box.bottom > 0;
    return visible ? 'visible' : `not visible: ${element.outerHTML}`;
})()";

impl Tab {
    /// Presses Tab until an element has the focus that a selector of CSS matches.
    ///
    /// # Panics
    ///
    /// If no such element gets the focus within 60 stops, or if the focus is not visible at a stop.
    #[track_caller]
    pub fn tab_to(&self, selector: &str) -> impl Future<Output = ()> {
        let at = Location::caller();
        async move {
            for _ in 0..MAX_STOPS {
                self.press([Key::Tab]).await;
                let focus = self.eval(FOCUS).await;
                // After the last element, the focus is in the browser's own controls.
                if focus == "body" {
                    continue;
                }
                assert_eq!(focus, "visible", "{at}: {selector}");
                if self.is_focused(selector).await {
                    return;
                }
            }
            let last = self.eval("document.activeElement.outerHTML").await;
            panic!("{at}: no {selector} within {MAX_STOPS} stops, the last of which is {last}");
        }
    }

    /// Whether the element that has the focus matches a selector of CSS.
    ///
    /// # Panics
    ///
    /// If the driver reports an error.
    #[track_caller]
    pub fn is_focused(&self, selector: &str) -> impl Future<Output = bool> {
        let selector = Value::from(selector);
        let focused = format!("document.activeElement.matches({selector})");
        async move { self.eval(&focused).await == Value::Bool(true) }
    }
}
