//! `codegen`: what it writes is part of an app, as an app's own cargo sees it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lark_events_test_servers::skipped;
use serde_json::json;

use crate::{Ran, file, lark_events};

/// Pages in the layouts of the platform's, with text of ours.
fn pages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../lark-events-codegen/fixtures/pages")
}

fn page(name: &str) -> String {
    pages().join(name).to_str().unwrap().to_owned()
}

/// The Markdown files of a folder.
fn all_pages(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| path.to_str().unwrap().to_owned())
        .collect();
    pages.sort();
    pages
}

/// A folder of this run of the tests, and nothing in it.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn codegen(pages: &[String], out: &Path, more: &[&str]) -> Ran {
    let pages: Vec<_> = pages.iter().map(String::as_str).collect();
    let out = ["--out", out.to_str().unwrap()];
    lark_events(&[&["codegen"], &pages[..], &out, more].concat()).run()
}

/// An app outside of the workspace, with warnings as errors.
const MANIFEST: &str = r#"[package]
name = "own-app"
version = "0.0.0"
edition = "2021"

[dependencies]
lark-events = { path = "CORE" }
serde = { version = "1", features = ["derive"] }

[dev-dependencies]
serde_json = "1"
tower-service = "0.3"

[workspace]
"#;

const MAIN: &str = r#"#![deny(warnings, missing_docs, unsafe_code)]
//! An app with events of its own.

mod all;
mod events;

use events::PotReadyV1;
use lark_events::{Dispatcher, Event};

async fn on_ready(event: Event<PotReadyV1>) -> Result<(), &'static str> {
    event.body.label.map(drop).ok_or("no label")
}

fn dispatcher() -> Dispatcher {
    let dispatcher = Dispatcher::builder().on::<PotReadyV1>(on_ready).build();
    dispatcher.expect("one handler")
}

fn main() {
    println!("{}", dispatcher().manifest());
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::time::SystemTime;

    use lark_events::{Delivery, Outcome, Transport};
    use tower_service::Service as _;

    #[test]
    fn the_handler_is_given_the_sample() {
        let sample = include_str!("sample.json").to_owned();
        let delivery = Delivery::parse_unauthenticated(sample, Transport::Local, SystemTime::now());
        let call = pin!(super::dispatcher().call(delivery.unwrap()));
        let called = call.poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(called, Poll::Ready(Ok(Outcome::Handled))), "{called:?}");
    }
}
"#;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs the tests of an app, offline.
#[track_caller]
fn test(app: &Path) -> String {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["test", "--offline", "--quiet", "--color", "never"])
        .current_dir(app)
        .env("CARGO_TARGET_DIR", app.with_file_name("own-target"))
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    stdout
}

#[test]
fn an_app_compiles_what_is_written_and_handles_the_events() {
    let app = folder("own-app");
    let core = workspace().join("crates/lark-events");
    let manifest = MANIFEST.replace("CORE", core.to_str().unwrap());
    fs::write(app.join("Cargo.toml"), manifest).unwrap();
    fs::copy(workspace().join("Cargo.lock"), app.join("Cargo.lock")).unwrap();
    let src = app.join("src");
    fs::create_dir(&src).unwrap();
    fs::write(src.join("main.rs"), MAIN).unwrap();
    let sample = json!({
        "schema": "2.0",
        "header": {"event_type": "tea.pot.ready_v1", "event_id": "e", "app_id": "a", "tenant_key": "t"},
        "event": {"label": 7, "leaves": {}},
    });
    fs::write(src.join("sample.json"), sample.to_string()).unwrap();

    codegen(&[page("regular.md")], &src, &[]).with_code(0);
    // All of them at once, whatever their types are called.
    let mut all = all_pages(&pages());
    // The same event as that of `regular.md`.
    all.retain(|page| !page.ends_with("english_pipes.md"));
    codegen(&all, &src.join("all.rs"), &[]).with_code(0);
    let module = fs::read_to_string(src.join("all.rs")).unwrap();
    let samples = module.matches("#[test]").count();
    assert!(samples > 15, "{module}");
    let ran = test(&app);
    assert!(ran.contains(&format!("{} passed", samples + 2)), "{ran}");
}

#[test]
fn what_is_written_is_named_and_what_no_page_can_describe_is_listed() {
    let src = folder("codegen-named");
    let ran = codegen(&[page("regular.md"), page("two_events.md")], &src, &[]).with_code(0);
    let path = src.join("events.rs");
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines[0], format!("wrote {}", path.display()));
    assert_eq!(lines.len(), 4, "{ran:?}");
    assert!(lines.contains(&"  tea.pot.ready_v1  PotReadyV1"), "{ran:?}");
    assert!(
        ran.stderr
            .contains("lark-events: no description: PotReadyV1: "),
        "{ran:?}"
    );
    let ran = codegen(&[page("regular.md")], &src, &["--json"]).with_code(0);
    let events = json!([{"event_type": "tea.pot.ready_v1", "rust_type": "PotReadyV1"}]);
    assert_eq!(ran.json(), json!({"file": path, "events": events}));
}

#[test]
fn a_file_that_somebody_wrote_is_overwritten_by_force_alone() {
    let src = folder("codegen-force");
    let path = src.join("tea.rs");
    let regular = [page("regular.md")];
    fs::write(&path, "// Mine.\n").unwrap();
    let ran = codegen(&regular, &path, &[]).with_code(2);
    assert!(ran.stderr.contains("--force overwrites it"), "{ran:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "// Mine.\n");
    codegen(&regular, &path, &["--force"]).with_code(0);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("// Generated by `lark-events codegen`"));
    // What it has written itself, edited or not.
    fs::write(&path, text.clone() + "// Mine.\n").unwrap();
    codegen(&regular, &path, &[]).with_code(0);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn without_rustfmt_the_module_is_written_as_it_is() {
    let src = folder("codegen-plain");
    let out = src.join("events.rs");
    let args = [
        "codegen",
        &page("regular.md"),
        "--out",
        out.to_str().unwrap(),
    ];
    let ran = lark_events(&args).env("PATH", "").run().with_code(0);
    assert!(
        ran.stderr.contains("not formatted: cannot run rustfmt"),
        "{ran:?}"
    );
    assert!(
        fs::read_to_string(&out)
            .unwrap()
            .contains("pub struct PotReadyV1")
    );
}

#[test]
fn a_page_that_is_refused_is_status_1_and_nothing_is_written() {
    let src = folder("codegen-refused");
    let guide = file("codegen-guide.md", "# A guide\n\nNo event.\n");
    let guide = guide.to_str().unwrap().to_owned();
    let regular = page("regular.md");
    let ran = codegen(&[regular.clone(), guide.clone()], &src, &[]).with_code(1);
    assert!(ran.stderr.contains(&format!("{guide}:")), "{ran:?}");
    assert!(ran.stderr.contains("expected an event type"), "{ran:?}");
    let again = codegen(&[regular.clone(), regular], &src, &[]).with_code(1);
    assert!(again.stderr.contains("is also on"), "{again:?}");
    assert!(!src.join("events.rs").exists());
}

/// Runs where pages of the platform lie beside the checkout.
#[test]
fn pages_of_the_platform_become_code() {
    let pages = workspace().join("../shared/event-pages");
    if !pages.exists() {
        skipped(format_args!("{} is not there", pages.display()));
        return;
    }
    let src = folder("codegen-real");
    let mut written = 0;
    for page in all_pages(&pages) {
        let ran = codegen(&[page], &src, &[]);
        assert!([0, 1].contains(&ran.code), "{ran:?}");
        assert!(
            !ran.stderr.contains("not formatted: rustfmt rejected"),
            "{ran:?}"
        );
        written += i32::from(ran.code == 0);
    }
    println!("{written} modules");
    assert!(written > 150, "{written}");
}
