//! A browser shows the pages of a small server, in the view of its test, and reports what they do.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use lark_events_test_servers::fantoccini::key::Key;
use lark_events_test_servers::{Axe, Browser, Tab, View};

use crate::owner::is_running;
use crate::postgres::is_listening;

const WHAT: &str = "a browser for tests";
const POLICY: &str = "default-src 'none'; script-src 'self'; img-src data:";
const PAGE: &str = r#"<!doctype html><html lang="en"><title>A page</title><main><h1>A page</h1>
<label>Name <input></label> <button>Add</button><ul></ul></main><script src="/script"></script>"#;
const SCRIPT: &str = "document.querySelector('button').onclick = () => {
    const item = document.createElement('li');
    item.textContent = document.querySelector('input').value;
    document.querySelector('ul').append(item);
    console.log('added');
};";

/// Serves PAGE at `/`, and each body at its path. Returns its URL.
fn serve(bodies: &[(&'static str, &'static str)]) -> String {
    let mut pages: HashMap<_, _> = bodies.iter().copied().collect();
    pages.extend([("/", PAGE), ("/script", SCRIPT)]);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let pages = pages.clone();
            // A browser also opens connections that it does not use.
            thread::spawn(move || answer(&stream?, &pages));
        }
    });
    url
}

fn answer(mut stream: &TcpStream, pages: &HashMap<&str, &str>) -> std::io::Result<()> {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    let path = head.first().and_then(|line| line.split([' ', '?']).nth(1));
    let (status, body) = match path.and_then(|path| pages.get(path)) {
        Some(body) => ("200 OK", *body),
        None => ("404 Not Found", ""),
    };
    let kind = match path {
        Some(path) if path.ends_with("script") => "text/javascript",
        _ => "text/html",
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {length}\r\nContent-Security-Policy: {POLICY}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// Processes of a browser end one after the other.
fn wait_until_gone(folder: &Path) {
    let start = Instant::now();
    while is_running(folder) {
        assert!(start.elapsed() < Duration::from_secs(60), "{folder:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

async fn width(tab: &Tab) -> u64 {
    let width = tab.eval("window.innerWidth").await;
    width.as_u64().expect("a number")
}

async fn is_dark(tab: &Tab) -> bool {
    let query = "matchMedia('(prefers-color-scheme: dark)').matches";
    tab.eval(query).await == true
}

#[tokio::test]
async fn a_page_has_the_width_and_the_colours_of_its_view() {
    let Some(browser) = Browser::start_or_skip(WHAT) else {
        return;
    };
    let url = serve(&[("/other", "<h1>Another page</h1>")]);
    let tab = browser.open(&url, View::NARROW.dark()).await;
    assert_eq!(tab.text("h1").await, "A page");
    assert_eq!((width(&tab).await, is_dark(&tab).await), (320, true));
    // They also are those of the next page.
    tab.goto(&format!("{url}/other")).await.unwrap();
    assert_eq!(tab.text("h1").await, "Another page");
    assert_eq!((width(&tab).await, is_dark(&tab).await), (320, true));
    tab.view(View::WIDE).await;
    assert_eq!((width(&tab).await, is_dark(&tab).await), (1280, false));
}

#[tokio::test]
async fn a_page_is_used_by_keyboard() {
    let Some(browser) = Browser::start_or_skip(WHAT) else {
        return;
    };
    let tab = browser.open(&serve(&[]), View::WIDE).await;
    tab.press([Key::Tab]).await;
    tab.press("é, 中".chars()).await;
    tab.press([Key::Tab, Key::Enter]).await;
    assert_eq!(tab.text("li").await, "é, 中");
    tab.press_with(Key::Shift, Key::Tab).await;
    tab.press("!".chars()).await;
    tab.click("button").await;
    tab.wait_until("document.querySelectorAll('li').length === 2")
        .await;
    let last = "document.querySelector('li:last-child').textContent";
    // The focus selects all of the field, or goes behind its text.
    assert!(tab.eval(last).await.as_str().unwrap().ends_with('!'));
}

#[tokio::test]
async fn what_follows_a_link_is_done_on_the_other_page() {
    let Some(browser) = Browser::start_or_skip(WHAT) else {
        return;
    };
    let other = "<h1>Another page</h1><form><input name='word'><button>Send</button></form>";
    let url = serve(&[("/link", "<a href='/other'>On</a>"), ("/other", other)]);
    let tab = browser.open(&format!("{url}/link"), View::WIDE).await;
    tab.follow("a").await;
    let title = tab.eval("document.querySelector('h1').textContent");
    assert_eq!(title.await, "Another page");
    tab.fill("input", "one").await;
    tab.fill("input", "two").await;
    tab.follow("button").await;
    assert_eq!(tab.eval("location.search").await, "?word=two");
}

#[tokio::test]
async fn an_element_that_is_replaced_is_looked_for_again() {
    let Some(browser) = Browser::start_or_skip(WHAT) else {
        return;
    };
    let script = "setInterval(() => {
        const other = document.createElement('p');
        other.textContent = 'x'.repeat(1000);
        document.querySelector('p').replaceWith(other);
    }, 20);";
    let page = "<p>x</p><script src='/replacing-script'></script>";
    let url = serve(&[("/replaced", page), ("/replacing-script", script)]);
    let tab = browser.open(&format!("{url}/replaced"), View::WIDE).await;
    for _ in 0..100 {
        assert!(tab.text("p").await.starts_with('x'));
    }
}

#[tokio::test]
async fn the_console_shows_what_violates_the_policy() {
    let Some(browser) = Browser::start_or_skip(WHAT) else {
        return;
    };
    let inline = "<h1>Inline</h1><script>document.title = 'run'</script>";
    let url = serve(&[("/inline", inline)]);
    let tab = browser.open(&url, View::WIDE).await;
    tab.click("button").await;
    let console = tab.console().await;
    assert!(
        console
            .iter()
            .any(|it| it.source() == "console-api" && it.text().contains("added")),
        "{console:?}"
    );
    assert_eq!(tab.violations().await, Vec::<String>::new());
    tab.goto(&format!("{url}/inline")).await.unwrap();
    assert_eq!(tab.title().await.unwrap(), "");
    let violations = tab.violations().await;
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert!(
        violations[0].contains("script-src 'self'"),
        "{violations:?}"
    );
    // They stay there.
    assert_eq!(tab.violations().await, violations);
}

#[tokio::test]
async fn axe_finds_an_image_without_a_text_whatever_the_policy() {
    let Some(browser) = Browser::start_or_skip(WHAT) else {
        return;
    };
    let Some(axe) = Axe::given_or_skip("axe-core in a browser for tests") else {
        return;
    };
    let image = r#"<!doctype html><html lang="en"><title>An image</title>
        <main><h1>An image</h1><img id="it" src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="></main>"#;
    let url = serve(&[("/image", image)]);
    let tab = browser.open(&url, View::WIDE).await;
    assert_eq!(axe.violations(&tab).await, Vec::<String>::new());
    tab.goto(&format!("{url}/image")).await.unwrap();
    let violations = axe.violations(&tab).await;
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert!(
        violations[0].starts_with("image-alt: #it: "),
        "{violations:?}"
    );
    assert_eq!(tab.violations().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_error_shows_the_line_of_the_test() {
    let Some(browser) = Browser::start_or_skip(WHAT) else {
        return;
    };
    let tab = browser.open(&serve(&[]), View::WIDE).await;
    let line = line!() + 1;
    let failed = tokio::spawn(async move { tab.eval("nothing.here").await }).await;
    let error = failed
        .unwrap_err()
        .into_panic()
        .downcast::<String>()
        .unwrap();
    assert!(
        error.contains(&format!("{}:{line}:", file!())) && error.contains("nothing is not defined"),
        "{error}"
    );
}

#[tokio::test]
async fn a_screenshot_shows_the_whole_page() {
    let Some(browser) = Browser::start_or_skip(WHAT) else {
        return;
    };
    let url = serve(&[("/long", "<!doctype html>first<br><img height=2000>last")]);
    let tab = browser.open(&format!("{url}/long"), View::NARROW).await;
    let file = env::temp_dir().join(format!("lark-events-{}.png", std::process::id()));
    tab.save_screenshot(&file).await;
    let png = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    // Without the scroll bar.
    assert!((300..=320).contains(&number(16)), "{}", number(16));
    assert!(number(20) > 2000, "{}", number(20));
}

#[tokio::test]
async fn a_browser_ends_with_its_tab_and_its_driver() {
    let Some(browser) = Browser::start_or_skip(WHAT) else {
        return;
    };
    let url = serve(&[]);
    let (port, folder) = (browser.port(), browser.folder().to_owned());
    let tab = browser.open(&url, View::WIDE).await;
    assert!(is_listening(port) && is_running(&folder));
    drop(tab);
    wait_until_gone(&folder);
    let tab = browser.open(&url, View::WIDE).await;
    drop(browser);
    assert!(!is_listening(port) && !folder.exists());
    wait_until_gone(&folder);
    assert!(tab.title().await.is_err());
}
