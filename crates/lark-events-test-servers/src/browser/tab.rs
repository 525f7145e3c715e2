//! A page in a browser: what a test does with it, and what it sees.

use std::fmt::Display;
use std::fs;
use std::future::Future;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::ops::Deref;
use std::panic::Location;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

use super::command::DriverCommand;
use super::{Entry, View};
use crate::process::lock;

/// How long a page may take until it is as a test expects: much longer than on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at a page.
const PAUSE: Duration = Duration::from_millis(20);
/// The part of a page's text that an error contains, in characters.
const EXCERPT: usize = 2000;

/// A page in a browser of its own, which ends with this value.
///
/// It dereferences to [`Client`], which has the other commands. The methods of this type panic where they fail, with the
/// line of the test.
#[derive(Debug)]
pub struct Tab {
    client: Client,
    session: String,
    driver: u16,
    /// The driver forgets an entry that it has sent.
    console: Mutex<Vec<Entry>>,
}

impl Deref for Tab {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Tab {
    pub(super) async fn new(client: Client, driver: u16, view: View) -> Result<Self, CmdError> {
        let session = client.session_id().await?.unwrap_or_default();
        let tab = Self {
            client,
            session,
            driver,
            console: Mutex::default(),
        };
        tab.set_view(view).await?;
        Ok(tab)
    }

    /// Sends a command of the [Chrome DevTools Protocol](https://chromedevtools.github.io/devtools-protocol/), such as
    /// `Network.emulateNetworkConditions`.
    ///
    /// # Errors
    ///
    /// If the browser rejects the command.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Result<Value, CmdError> {
        let command = DriverCommand {
            path: "goog/cdp/execute",
            body: json!({ "cmd": command, "params": parameters }),
        };
        self.client.issue_cmd(command).await
    }

    async fn set_view(&self, view: View) -> Result<(), CmdError> {
        // The window of a browser cannot be narrower than 500 pixels.
        let size = json!({
            "width": view.width(),
            "height": view.height(),
            "deviceScaleFactor": 1,
            "mobile": false,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", size)
            .await?;
        let scheme = json!({ "name": "prefers-color-scheme", "value": view.color_scheme() });
        self.devtools(
            "Emulation.setEmulatedMedia",
            json!({ "features": [scheme] }),
        )
        .await?;
        Ok(())
    }

    /// Changes the size and the colours of the page, which remains loaded.
    ///
    /// # Panics
    ///
    /// If the driver reports an error.
    #[track_caller]
    pub fn view(&self, view: View) -> impl Future<Output = ()> {
        let at = Location::caller();
        async move { check(at, "view", self.set_view(view).await) }
    }

    /// Evaluates an expression of JavaScript, or the promise that it is. The policy of the page does not apply.
    ///
    /// # Panics
    ///
    /// If the script throws.
    #[track_caller]
    pub fn eval(&self, expression: &str) -> impl Future<Output = Value> {
        let at = Location::caller();
        async move { check(at, expression, self.try_eval(expression).await) }
    }

    async fn try_eval(&self, expression: &str) -> Result<Value, CmdError> {
        let script = format!("return ({expression});");
        self.client.execute(&script, Vec::new()).await
    }

    /// Waits until an expression of JavaScript is true.
    ///
    /// # Panics
    ///
    /// If it is not true in 30 seconds, or if the script throws.
    #[track_caller]
    pub fn wait_until(&self, expression: &str) -> impl Future<Output = ()> {
        let at = Location::caller();
        async move {
            let start = Instant::now();
            loop {
                let value = check(at, expression, self.try_eval(expression).await);
                if value == Value::Bool(true) {
                    return;
                }
                if start.elapsed() > PATIENCE {
                    let page = self.excerpt().await;
                    panic!(
                        "{at}: expected {expression} to become true, but it is {value} after {PATIENCE:?}; {page}"
                    );
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Waits for an element that a selector of CSS matches. Returns the first one.
    ///
    /// # Panics
    ///
    /// If there is none in 30 seconds.
    #[track_caller]
    pub fn element(&self, selector: &str) -> impl Future<Output = Element> {
        self.with_element(selector, async |element| Ok(element))
    }

    /// Waits for an element, and uses it. An element that is replaced meanwhile is looked for again.
    #[track_caller]
    fn with_element<T>(
        &self,
        selector: &str,
        using: impl AsyncFn(Element) -> Result<T, CmdError>,
    ) -> impl Future<Output = T> {
        let at = Location::caller();
        async move {
            let start = Instant::now();
            loop {
                let wait = self.client.wait().at_most(PATIENCE).every(PAUSE);
                let element = match wait.for_element(Locator::Css(selector)).await {
                    Ok(element) => element,
                    Err(error) => panic!("{at}: {selector}: {error}; {}", self.excerpt().await),
                };
                match using(element).await {
                    Err(error)
                        if error.is_stale_element_reference() && start.elapsed() < PATIENCE => {}
                    used => return check(at, selector, used),
                }
            }
        }
    }

    /// Waits for an element. Returns its visible text.
    ///
    /// # Panics
    ///
    /// If there is no such element in 30 seconds.
    #[track_caller]
    pub fn text(&self, selector: &str) -> impl Future<Output = String> {
        self.with_element(selector, async |element| element.text().await)
    }

    /// Waits for an element, and clicks on it.
    ///
    /// # Panics
    ///
    /// If there is no such element in 30 seconds, or if something else is in front of it.
    #[track_caller]
    pub fn click(&self, selector: &str) -> impl Future<Output = ()> {
        self.with_element(selector, async |element| element.click().await)
    }

    /// Clicks on an element that leads to another page, and waits until that one is loaded.
    ///
    /// # Panics
    ///
    /// If there is no such element in 30 seconds, if something else is in front of it, or if no other page is loaded
    /// in 30 seconds.
    #[track_caller]
    pub fn follow(&self, selector: &str) -> impl Future<Output = ()> {
        let marked = self.eval("window.isLeft = true");
        let clicked = self.click(selector);
        let left = self.wait_until("!window.isLeft && document.readyState === 'complete'");
        async move {
            marked.await;
            clicked.await;
            left.await;
        }
    }

    /// Waits for a field, and replaces its text.
    ///
    /// # Panics
    ///
    /// If there is no such field in 30 seconds.
    #[track_caller]
    pub fn fill(&self, selector: &str, text: &str) -> impl Future<Output = ()> {
        self.with_element(selector, async move |field| {
            field.clear().await?;
            field.send_keys(text).await
        })
    }

    /// Presses keys, each after the other, as a user does: the element that has the focus gets them.
    ///
    /// ```no_run
    /// # use lark_events_test_servers::{Tab, fantoccini::key::Key};
    /// # async fn test(tab: &Tab) {
    /// tab.press([Key::Tab, Key::Tab]).await;
    /// tab.press("im.message".chars()).await;
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the driver reports an error.
    #[track_caller]
    pub fn press<K>(&self, keys: impl IntoIterator<Item = K>) -> impl Future<Output = ()>
    where
        K: Into<char>,
    {
        let at = Location::caller();
        let keys = keys.into_iter().map(Into::into);
        let actions = keys.fold(keyboard(), |actions, value| {
            actions
                .then(KeyAction::Down { value })
                .then(KeyAction::Up { value })
        });
        async move { check(at, "keys", self.client.perform_actions(actions).await) }
    }

    /// Presses a key while another one, such as [`Key::Shift`] or [`Key::Control`], is held.
    ///
    /// # Panics
    ///
    /// If the driver reports an error.
    #[track_caller]
    pub fn press_with(&self, held: Key, key: impl Into<char>) -> impl Future<Output = ()> {
        let at = Location::caller();
        let (held, value) = (held.into(), key.into());
        let actions = keyboard()
            .then(KeyAction::Down { value: held })
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value })
            .then(KeyAction::Up { value: held });
        async move { check(at, "keys", self.client.perform_actions(actions).await) }
    }

    /// All entries of the console until now, of all pages that this tab has shown.
    ///
    /// # Panics
    ///
    /// If the driver reports an error.
    #[track_caller]
    pub fn console(&self) -> impl Future<Output = Vec<Entry>> {
        let at = Location::caller();
        async move { check(at, "the console", self.try_console().await) }
    }

    async fn try_console(&self) -> Result<Vec<Entry>, CmdError> {
        // The answer comes after all entries that the page has written before it.
        self.try_eval("true").await?;
        let command = DriverCommand {
            path: "se/log",
            body: json!({ "type": "browser" }),
        };
        let entries = self.client.issue_cmd(command).await?;
        let mut console = lock(&self.console);
        let entries = entries.as_array().into_iter().flatten();
        console.extend(entries.filter_map(Entry::parse));
        Ok(console.clone())
    }

    /// The entries of the console that report a violation of a Content Security Policy.
    ///
    /// # Panics
    ///
    /// If the driver reports an error.
    #[track_caller]
    pub fn violations(&self) -> impl Future<Output = Vec<String>> {
        let console = self.console();
        async move {
            let entries = console.await;
            let violations = entries.iter().filter(|it| it.is_violation());
            violations.map(ToString::to_string).collect()
        }
    }

    /// Writes a PNG of the whole page, also of what is below the view.
    ///
    /// # Panics
    ///
    /// If the driver reports an error, or the file cannot be written.
    #[track_caller]
    pub fn save_screenshot(&self, path: impl AsRef<Path>) -> impl Future<Output = ()> {
        let at = Location::caller();
        async move {
            let path = path.as_ref();
            let png = check(at, "the screenshot", self.whole_page().await);
            check(at, path.display(), fs::write(path, png));
        }
    }

    async fn whole_page(&self) -> Result<Vec<u8>, CmdError> {
        let metrics = self.devtools("Page.getLayoutMetrics", json!({})).await?;
        let size = &metrics["cssContentSize"];
        let clip = json!({
            "x": 0,
            "y": 0,
            "width": size["width"],
            "height": size["height"],
            "scale": 1,
        });
        let parameters = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let shot = self.devtools("Page.captureScreenshot", parameters).await?;
        let Some(png) = shot["data"].as_str().map(|it| BASE64_STANDARD.decode(it)) else {
            return Err(CmdError::NotW3C(shot));
        };
        png.map_err(|error| CmdError::NotJson(error.to_string()))
    }

    /// What the page shows, and the console, for an error.
    async fn excerpt(&self) -> String {
        let text = self.try_eval("document.body.innerText").await;
        let text = text.map_or_else(
            |error| error.to_string(),
            |text| {
                text.as_str()
                    .unwrap_or_default()
                    .chars()
                    .take(EXCERPT)
                    .collect()
            },
        );
        let console = self.try_console().await.unwrap_or_default();
        let console: Vec<_> = console.iter().map(ToString::to_string).collect();
        format!(
            "the page shows:\n{text}\nthe console:\n{}",
            console.join("\n")
        )
    }

    /// Asks the driver to end the browser, and waits until it has.
    fn end(&self) -> std::io::Result<()> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.driver));
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(
            stream,
            "DELETE /session/{} HTTP/1.1\r\nHost: {address}\r\n\r\n",
            self.session
        )?;
        // The connection remains open after the answer.
        stream.read_exact(&mut [0])
    }
}

/// The client would end its session later, if its runtime still runs then.
impl Drop for Tab {
    fn drop(&mut self) {
        // The driver may have ended.
        let _ = self.end();
    }
}

fn keyboard() -> KeyActions {
    KeyActions::new("keyboard".to_owned())
}

fn check<T>(at: &Location<'_>, what: impl Display, result: Result<T, impl Display>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{at}: {what}: {error}"),
    }
}
