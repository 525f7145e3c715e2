//! `serve`: the page of a store on a socket, to whom it answers, and how it ends. What it shows is tested with the
//! library.

#[cfg(unix)]
mod ends;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::ops::Deref;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use lark_events_inbox::{Settled, State};
use serde_json::{Value, json};

use super::{MESSAGE, Stored, ended, entry, seven};
use crate::serving::LIMIT;

const ALL_DEAD: &[(&str, &str)] = &[("action", "retry"), ("scope", "all"), ("state", "dead")];

/// The command in a process of its own, which ends with this.
struct Page {
    child: Child,
    output: Receiver<String>,
    notes: Receiver<String>,
    client: Client,
}

/// Sends requests to the page.
#[derive(Clone)]
struct Client {
    address: String,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    text: String,
}

impl Page {
    #[track_caller]
    fn start(stored: &Stored, args: &[&str]) -> Self {
        let args = [&["serve", "--listen", "0", "--json"], args].concat();
        let mut page = Self::spawn(stored, &args);
        let line: Value = serde_json::from_str(&page.next_line()).unwrap();
        assert_eq!(line["kind"], "page");
        page.client.address = address(line["url"].as_str().unwrap());
        page
    }

    fn spawn(stored: &Stored, args: &[&str]) -> Self {
        let mut command = stored.command(args).command;
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let output = lines(child.stdout.take().unwrap());
        let notes = lines(child.stderr.take().unwrap());
        Self {
            child,
            output,
            notes,
            client: Client {
                address: String::new(),
            },
        }
    }

    #[track_caller]
    fn next_line(&self) -> String {
        let line = self.output.recv_timeout(LIMIT);
        line.unwrap_or_else(|_| panic!("{:?}", self.notes.try_iter().collect::<Vec<_>>()))
    }

    /// The next action that has ended.
    #[track_caller]
    fn next_action(&self) -> Value {
        let action: Value = serde_json::from_str(&self.next_line()).unwrap();
        assert_eq!(action["kind"], "action");
        action
    }
}

impl Deref for Page {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Client {
    fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = format!("{method} {target} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            request += &format!("host: {}\r\n", self.address);
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        let length = body.len();
        request += &format!("content-length: {length}\r\nconnection: close\r\n\r\n{body}");
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, text) = answer.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head[9..12].parse().unwrap(),
            head: head.to_owned(),
            text: text.to_owned(),
        }
    }

    fn get(&self, query: &str) -> Answer {
        self.send("GET", &format!("/{query}"), &[], "")
    }

    /// Sends a form as a browser does.
    fn post(&self, form: &str) -> Answer {
        let origin = format!("http://{}", self.address);
        self.send("POST", "/?", &[("origin", &origin), FORM], form)
    }

    /// Asks for all dead letters, and gives the form that retries them.
    fn confirmation(&self) -> String {
        let asked = self.get(&format!("?view=confirm&{}", encoded(ALL_DEAD)));
        assert_eq!(asked.status, 200, "{asked:?}");
        asked.hidden()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    /// The hidden fields of the page, as a form is sent.
    fn hidden(&self) -> String {
        let inputs = self.text.split("<input type=\"hidden\" name=\"").skip(1);
        let fields = inputs.map(|input| {
            let (name, rest) = input.split_once("\" value=\"").unwrap();
            (name, rest.split('"').next().unwrap())
        });
        encoded(&fields.collect::<Vec<_>>())
    }
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// The values in these tests need no escapes.
fn encoded(fields: &[(&str, &str)]) -> String {
    let fields = fields.iter().map(|(name, value)| format!("{name}={value}"));
    fields.collect::<Vec<_>>().join("&")
}

fn address(url: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    address.strip_suffix('/').unwrap().to_owned()
}

fn lines(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            let _ = sender.send(line.unwrap());
        }
    });
    lines
}

fn in_state(stored: &Stored, state: State) -> usize {
    let states = stored.states();
    states.iter().filter(|(_, one)| *one == state).count()
}

#[test]
fn the_page_only_shows_events_unless_changes_are_allowed() {
    for stored in Stored::each("page-shows", seven) {
        let mut page = Page::spawn(&stored, &["serve", "--listen", "127.0.0.1:0"]);
        let line = page.next_line();
        let url = line.strip_prefix("page: ").unwrap();
        page.client.address = address(url.strip_suffix(" (read-only)").unwrap());
        let overview = page.get("");
        assert_eq!(overview.status, 200, "{:?}", page.notes.recv_timeout(LIMIT));
        for part in [
            "content-security-policy: default-src 'none'",
            "referrer-policy: same-origin",
        ] {
            assert!(overview.head.contains(part), "{}", overview.head);
        }
        let event = page.get("?view=event&seq=2");
        assert!(event.text.contains("marked-body of e-2"), "{}", event.text);
        for query in ["", "?view=events&state=dead", "?view=event&seq=2"] {
            let shown = page.get(query);
            assert_eq!(shown.status, 200);
            assert!(!shown.text.contains("method=\"post\""), "{}", shown.text);
            assert!(!shown.text.contains("name=\"action\""), "{}", shown.text);
        }
        assert_eq!(page.get("style.css").status, 404);
        let form = format!("{}&revision=&upto=7", encoded(ALL_DEAD));
        assert_eq!(page.post(&form).status, 403);
        assert_eq!(in_state(&stored, State::Dead), 3);
    }
}

#[test]
fn an_action_changes_events_and_is_reported() {
    for stored in Stored::each("page-acts", seven) {
        let page = Page::start(&stored, &["--allow-changes"]);
        retries_all_dead(&page, 3);
        assert_eq!(in_state(&stored, State::Dead), 0);

        // For people, it is a line on stderr.
        let mut page = Page::spawn(&stored, &["serve", "--listen", "0", "--allow-changes"]);
        page.client.address = address(page.next_line().strip_prefix("page: ").unwrap());
        let dropped = page.get("?view=event&seq=7").hidden() + "&action=drop";
        let dropped = page.post(&dropped);
        assert_eq!(dropped.status, 303, "{dropped:?}");
        let note = page.notes.recv_timeout(LIMIT).unwrap();
        assert!(note.starts_with("lark-events: 20"), "{note}");
        assert!(note.contains("Z drop: 1 event of {\"state\":["), "{note}");
        assert!(note.ends_with("\"seqs\":[7]}"), "{note}");
    }
}

#[cfg(unix)]
#[test]
fn streams_have_a_page() {
    let Some(streams) = super::streams::Streams::new("PAGE") else {
        return;
    };
    let stored = Stored::filled(super::Place::Streams(streams), async |store| {
        for id in ["e-1", "e-2", "e-3"] {
            ended(store, entry(MESSAGE, id), Settled::Dead, None).await;
        }
    });
    let page = Page::start(&stored, &["--allow-changes"]);
    assert_eq!(page.get("").status, 200);
    assert_eq!(page.get("?view=events&state=dead").status, 200);
    retries_all_dead(&page, 3);
    assert_eq!(in_state(&stored, State::Dead), 0);
}

#[track_caller]
fn retries_all_dead(page: &Page, events: usize) {
    let retried = page.post(&page.confirmation());
    assert_eq!(retried.status, 303, "{retried:?}");
    let action = page.next_action();
    assert_eq!(action["action"], "retry");
    assert_eq!(action["events"], events, "{action}");
    assert_eq!(action["filter"]["state"], json!(["dead"]));
    assert_eq!(action["error"], Value::Null);
}

#[test]
fn requests_of_other_sites_and_to_other_names_are_rejected() {
    let stored = Stored::file("page-guard", seven);
    let page = Page::start(&stored, &["--allow-changes"]);
    let own = format!("http://{}", page.address);
    let form = page.confirmation();
    let other_port = "127.0.0.1:1";
    for (method, headers) in [
        ("GET", &[("host", "rebound.example")][..]),
        ("GET", &[("host", other_port)]),
        ("GET", &[("origin", "http://site.example")]),
        ("GET", &[("sec-fetch-site", "cross-site")]),
        ("POST", &[FORM]),
        ("POST", &[FORM, ("origin", "http://site.example")]),
        ("POST", &[FORM, ("origin", "null")]),
        (
            "POST",
            &[FORM, ("origin", &own), ("sec-fetch-site", "cross-site")],
        ),
        (
            "POST",
            &[FORM, ("origin", &own), ("host", "rebound.example")],
        ),
    ] {
        let body = if method == "POST" { &*form } else { "" };
        let refused = page.send(method, "/", headers, body);
        assert_eq!(refused.status, 403, "{method} {headers:?}: {refused:?}");
        assert!(!refused.text.contains("connection refused"), "{refused:?}");
        let policy = "content-security-policy: ";
        assert!(refused.head.contains(policy), "{refused:?}");
    }
    let json = [("origin", &*own), ("content-type", "application/json")];
    assert_eq!(page.send("POST", "/", &json, "{}").status, 415);
    assert_eq!(in_state(&stored, State::Dead), 3);
    assert_eq!(page.post(&form).status, 303);
}

#[test]
fn the_page_is_on_this_machine_and_at_a_free_port() {
    let stored = Stored::file("page-address", seven);
    for (listen, why) in [
        ("0.0.0.0:7782", "expected a loopback address"),
        ("192.0.2.1:7782", "as the page has no login"),
        ("[::]:7782", "docs/inbox-page.md"),
        ("inbox.example:80", "expected an IP address and a port"),
    ] {
        let ran = stored.run(&["serve", "--listen", listen]).with_code(2);
        assert!(ran.stderr.contains(why), "{ran:?}");
        assert_eq!(ran.stdout, "");
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = listener.local_addr().unwrap().to_string();
    let ran = stored.run(&["serve", "--listen", &busy]).with_code(2);
    let why = format!("lark-events: the page cannot listen at {busy}: ");
    assert!(ran.stderr.starts_with(&why), "{ran:?}");
    assert!(
        ran.stderr.contains("or pass --listen 127.0.0.1:0"),
        "{ran:?}"
    );
}

#[test]
fn a_store_that_is_not_there_is_not_created() {
    let ran = crate::lark_events(&["inbox", "serve", "--store", "sqlite:no/such/events.db"]);
    let ran = ran.run().with_code(2);
    assert!(
        ran.stderr.starts_with("lark-events: no/such/events.db: "),
        "{ran:?}"
    );
    assert_eq!(ran.stdout, "");
}

#[test]
fn help_says_who_may_use_it() {
    let help = crate::lark_events(&["inbox", "serve", "--help"]).run();
    let help = help.with_code(0).stdout;
    for part in [
        "has no login",
        "--allow-changes",
        "[default: 127.0.0.1:7782]",
        "Examples:\n  lark-events inbox serve --store sqlite:events.db\n",
    ] {
        assert!(help.contains(part), "{help}");
    }
}
