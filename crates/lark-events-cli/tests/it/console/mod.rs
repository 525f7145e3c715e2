//! `serve --console`: its pages and its API over raw HTTP, with `Host` and all other headers as a test sets them.

mod api;
mod guarding;
mod http;
mod live;
mod pages;
mod resuming;
mod secrets;

use serde_json::{Value, json};

use self::http::Answer;
use crate::serve::Serving;

const EVENT: &str = "im.message.receive_v1";

/// A simulator with a console.
struct Console {
    serving: Serving,
    /// The address of the console: its `Host`.
    host: String,
}

impl Console {
    fn start(args: &[&str]) -> Self {
        Self::with_env(args, &[])
    }

    fn with_env(args: &[&str], env: &[(&str, &str)]) -> Self {
        let args = [&["--console", "127.0.0.1:0", "-i"], args].concat();
        let mut serving = Serving::with_env(&args, env);
        let url = serving.next("console")["url"].as_str().unwrap().to_owned();
        let host = url.trim_start_matches("http://").trim_end_matches('/');
        Self {
            serving,
            host: host.to_owned(),
        }
    }

    /// A simulator that pushes to this app, which has passed the URL check.
    fn of(url: &str, args: &[&str]) -> Self {
        Self::of_with_env(url, args, &[])
    }

    fn of_with_env(url: &str, args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut console = Self::with_env(&[&["--webhook", url], args].concat(), env);
        console.serving.next("webhook-set");
        console
    }

    fn get(&self, path: &str) -> Answer {
        http::request(&self.host, "GET", path, &[], "")
    }

    /// A page, and the target of the stream that it opens.
    fn page(&self, path: &str) -> (String, String) {
        let page = self.get(path).body;
        let data = |name: &str| {
            let (_, rest) = page.split_once(&format!("{name}=\"")).unwrap();
            let (value, _) = rest.split_once('"').unwrap();
            value.replace("&amp;", "&")
        };
        let target = format!("{}&after={}", data("data-stream"), data("data-position"));
        (page, target)
    }

    fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        http::request(&self.host, method, path, &headers, &body.to_string())
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, body)
    }

    /// Pushes an event, and returns the number of its first delivery.
    fn push(&self, body: &Value) -> usize {
        let answer = self.post("/api/deliveries", body);
        assert_eq!(answer.status, 201, "{}", answer.body);
        let number = answer.json()["deliveries"][0].as_u64().unwrap();
        usize::try_from(number).unwrap()
    }

    fn push_sample(&self) -> usize {
        self.push(&json!({"type": EVENT}))
    }

    /// Waits until a delivery has ended, and returns it.
    fn ended(&self, number: usize) -> Value {
        self.until(&format!("/api/deliveries/{number}"), |delivery| {
            delivery["ended"] == true
        })
    }

    /// Asks until the answer is as wanted.
    fn until(&self, path: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = std::time::Instant::now() + http::LIMIT;
        loop {
            let json = self.json(path);
            if is_wanted(&json) {
                return json;
            }
            assert!(std::time::Instant::now() < deadline, "{path}: {json}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}
