//! Chromium, which chromedriver controls.

mod axe;
mod command;
mod entry;
mod focus;
mod looks;
mod program;
mod tab;
mod view;

use std::future::Future;
use std::panic::Location;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

pub use self::axe::Axe;
pub use self::entry::Entry;
pub use self::looks::Looks;
pub use self::program::BrowserProgram;
pub use self::tab::Tab;
pub use self::view::View;
use crate::ports::at_free_ports;
use crate::process::{PATIENCE, Server};
use crate::skip::or_skip;

/// Written when the driver accepts connections, before the port.
const READY: &str = "was started successfully on port ";
/// Of every browser, next to those of the driver, which has no pages of a first start and no updates.
const ARGUMENTS: [&str; 5] = [
    "--headless=new",
    // Containers have little shared memory.
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-component-update",
    // Reporters would outlive the browser.
    "--disable-breakpad",
];
/// Containers often forbid the namespaces that a sandbox consists of. Tests open pages of their own only.
const NO_SANDBOX: &str = "--no-sandbox";
/// Written by a browser that ends because of that.
const NO_NAMESPACES: &str = "No usable sandbox";

/// A running chromedriver, which ends with this value or with this process, as its browsers do.
///
/// Under root, it runs as an ordinary user. Its log, the profiles of its browsers and all other files are in its
/// folder, which is removed with it.
///
/// ```no_run
/// use lark_events_test_servers::fantoccini::key::Key;
/// use lark_events_test_servers::{Axe, Browser, View};
///
/// # async fn test(url: &str) {
/// let Some(browser) = Browser::start_or_skip("the console in a browser") else {
///     return;
/// };
/// let tab = browser.open(url, View::NARROW.dark()).await;
/// tab.press([Key::Tab, Key::Enter]).await;
/// tab.wait_until("document.querySelectorAll('tbody tr').length === 2").await;
/// assert_eq!(tab.text("h1").await, "Deliveries");
/// assert_eq!(tab.violations().await, Vec::<String>::new());
/// if let Some(axe) = Axe::given_or_skip("axe-core on the console") {
///     assert_eq!(axe.violations(&tab).await, Vec::<String>::new());
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Browser {
    program: BrowserProgram,
    server: Server,
    port: u16,
    has_sandbox: AtomicBool,
}

impl Browser {
    /// Finds the programs, as [`BrowserProgram::find`].
    #[must_use]
    pub fn installed() -> Option<BrowserProgram> {
        BrowserProgram::find()
    }

    /// Finds the programs, or prints that something is skipped because one is not installed.
    ///
    /// # Panics
    ///
    /// If one is not installed and `LARK_EVENTS_ENGINES` is `required`.
    #[must_use]
    #[track_caller]
    pub fn installed_or_skip(what: &str) -> Option<BrowserProgram> {
        let install = "apt-get install chromium chromium-driver";
        or_skip(Self::installed(), what, "Chromium", install)
    }

    /// Starts a driver, or prints that something is skipped because Chromium is not installed.
    ///
    /// # Panics
    ///
    /// If the driver does not start, or if Chromium is not installed and `LARK_EVENTS_ENGINES` is `required`.
    #[must_use]
    #[track_caller]
    pub fn start_or_skip(what: &str) -> Option<Self> {
        let program = Self::installed_or_skip(what)?;
        Some(program.start())
    }

    fn new(program: &BrowserProgram) -> Result<Self, String> {
        // The driver takes a free port of IPv6, and ends if another program has the same one of IPv4.
        at_free_ports(|| Self::try_new(program))
    }

    fn try_new(program: &BrowserProgram) -> Result<Self, String> {
        // The driver leaves browsers running, whatever the signal.
        let server = Server::new("browser", "KILL")?.with_children();
        let arguments = ["--port=0", "--enable-chrome-logs"];
        server.start(program.driver(), &arguments, |_| {
            port(&server.log()).is_some()
        })?;
        let port = port(&server.log()).ok_or_else(|| server.error("expected a port in the log"))?;
        Ok(Self {
            program: program.clone(),
            server,
            port,
            has_sandbox: AtomicBool::new(true),
        })
    }

    /// The programs that it runs.
    #[must_use]
    pub fn program(&self) -> &BrowserProgram {
        &self.program
    }

    /// The port of the driver on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// All that the driver and its browsers have logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Opens a page in a browser of its own, with an empty profile, and waits until it is loaded.
    ///
    /// # Panics
    ///
    /// If the browser does not start, or the page does not load.
    #[track_caller]
    pub fn open(&self, url: &str, view: View) -> impl Future<Output = Tab> {
        let at = Location::caller();
        async move {
            let client = match self.connect().await {
                Ok(client) => client,
                Err(error) => panic!("{at}: {}", self.server.error(&error)),
            };
            let opened = Tab::new(client, self.port, view).await;
            let tab = opened.unwrap_or_else(|error| panic!("{at}: {error}"));
            match tab.goto(url).await {
                Ok(()) => tab,
                Err(error) => panic!("{at}: {url}: {error}"),
            }
        }
    }

    /// A browser, without a sandbox if this machine does not permit one.
    async fn connect(&self) -> Result<Client, String> {
        let url = format!("http://127.0.0.1:{}", self.port);
        let connect = async |has_sandbox| {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            let Value::Object(capabilities) = self.capabilities(has_sandbox) else {
                unreachable!("capabilities are an object");
            };
            builder.capabilities(capabilities).connect(&url).await
        };
        let has_sandbox = self.has_sandbox.load(Ordering::Relaxed);
        let mut connected = connect(has_sandbox).await;
        if connected.is_err() && has_sandbox && self.log().contains(NO_NAMESPACES) {
            self.has_sandbox.store(false, Ordering::Relaxed);
            connected = connect(false).await;
        }
        connected.map_err(|error| format!("no session of a browser: {error}"))
    }

    fn capabilities(&self, has_sandbox: bool) -> Value {
        let mut arguments = ARGUMENTS.to_vec();
        if !has_sandbox {
            arguments.push(NO_SANDBOX);
        }
        let timeout = PATIENCE.as_millis();
        json!({
            "goog:chromeOptions": { "binary": self.program.chromium(), "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "pageLoad": timeout, "script": timeout },
        })
    }
}

/// Of the line `ChromeDriver was started successfully on port 38507.`
fn port(log: &str) -> Option<u16> {
    let (_, rest) = log.split_once(READY)?;
    rest.split_once('.')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_that_of_a_whole_line() {
        let log = "Starting ChromeDriver 156.0 on port 0\nChromeDriver was started successfully on port 38507";
        assert_eq!(port(log), None);
        assert_eq!(port(&format!("{log}.\n")), Some(38507));
    }
}
