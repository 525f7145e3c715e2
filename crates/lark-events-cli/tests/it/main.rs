//! The built command, run as a user or a script runs it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod check;
mod codegen;
mod console;
mod events;
mod explain;
#[cfg(feature = "inbox")]
mod inbox;
mod inspect;
mod listen;
#[cfg(unix)]
mod live;
mod manual;
mod port;
mod push;
mod replay;
mod serve;
mod serving;
mod terminal;
mod webhook;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fs};

use serde_json::Value;

const KEY: &str = "marked-encrypt-key";
const TOKEN: &str = "marked-verification-token";

/// The command, before it is run, with nothing of the environment that it would read.
#[must_use]
struct Run {
    command: Command,
    stdin: Vec<u8>,
}

/// What came of it.
#[derive(Debug)]
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

fn lark_events(args: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lark-events"));
    command.args(args);
    for name in [
        "LARK_ENCRYPT_KEY",
        "LARK_VERIFICATION_TOKEN",
        "LARK_EVENTS_STORE",
        "LARK_APP_ID",
        "LARK_APP_SECRET",
        "LARK_BASE_URL",
        "NO_COLOR",
    ] {
        command.env_remove(name);
    }
    let stdin = Vec::new();
    Run { command, stdin }
}

impl Run {
    fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// With both secrets.
    fn secrets(self) -> Self {
        self.env("LARK_ENCRYPT_KEY", KEY)
            .env("LARK_VERIFICATION_TOKEN", TOKEN)
    }

    fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    fn run(mut self) -> Ran {
        let command = &mut self.command;
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // One that fails early does not read what it is given.
        let _ = child.stdin.take().unwrap().write_all(&self.stdin);
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert!(
            !stdout.contains("marked-") && !stderr.contains("marked-"),
            "{stdout}{stderr}"
        );
        Ran {
            code: output.status.code().unwrap(),
            stdout,
            stderr,
        }
    }
}

impl Ran {
    #[track_caller]
    fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// The only line of stdout.
    #[track_caller]
    fn json(&self) -> Value {
        assert_eq!(self.stdout.matches('\n').count(), 1, "{}", self.stdout);
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// A file of this run of the tests.
fn file(name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn misuse_is_status_2_and_says_so_on_stderr() {
    let body = file("misuse.json", "{}");
    let body = body.to_str().unwrap();
    for args in [
        &[][..],
        &["pour"],
        &["push"],
        &["push", "im.message.receive_v1"],
        &["push", "im.message.receive_v1", "--to", "ftp://localhost"],
        &["events", "a", "--all"],
        &["explain", "--header", "a: b"],
        &["codegen"],
        &["codegen", "no/such/page.md"],
        &["completions", "dos"],
        &["man", "pour"],
        &["inspect", "no/such/file"],
        &[
            "push",
            "im.message.receive_v1",
            "--to",
            "http://[::1]:1/",
            "--v1",
        ],
        // Milliseconds.
        &[
            "explain",
            "--key",
            "k",
            "--body",
            body,
            "--at",
            "1700000000000",
        ],
    ] {
        let ran = lark_events(args).run().with_code(2);
        assert_eq!(ran.stdout, "", "{args:?}");
        assert_ne!(ran.stderr, "", "{args:?}");
    }
}

/// A pipe that nobody reads.
fn closed() -> Stdio {
    let (_, writer) = std::io::pipe().unwrap();
    writer.into()
}

#[test]
fn a_verdict_stands_though_nobody_reads_it() {
    let app = axum::routing::any(|| async { axum::http::StatusCode::NO_CONTENT });
    let url = push::serve(axum::Router::new().fallback(app));
    let sample = lark_events_types::catalogue::find("vc.reserve_config.updated_v1").unwrap();
    let sample = file("unread.json", sample.sample.unwrap());
    let sample = sample.to_str().unwrap();
    for (code, args) in [
        (
            1,
            &["push", "vc.reserve_config.updated_v1", "--to", &url][..],
        ),
        (1, &["check", &url, "--only", "event", "--only", "get"]),
        (1, &["explain", "--body", sample]),
        (0, &["inspect", sample]),
        (0, &["events"]),
        (0, &["man"]),
        (0, &["completions", "bash"]),
    ] {
        for json in [&[][..], &["--json"]] {
            let args: Vec<_> = args.iter().chain(json).copied().collect();
            let mut run = lark_events(&args).secrets();
            let status = run.command.stdout(closed()).status().unwrap();
            assert_eq!(status.code(), Some(code), "{args:?}");
        }
    }
}

#[test]
fn a_status_stands_though_nobody_reads_why() {
    for (code, args) in [
        (2, &["man", "pour"][..]),
        (1, &["events", "no such event"]),
        (2, &["pour"]),
    ] {
        let mut run = lark_events(args);
        let status = run.command.stderr(closed()).status().unwrap();
        assert_eq!(status.code(), Some(code), "{args:?}");
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in [
        "serve",
        "listen",
        "push",
        "replay",
        "check",
        "explain",
        "inspect",
        "events",
        #[cfg(feature = "inbox")]
        "inbox",
        "codegen",
        "completions",
        "man",
    ] {
        let help = lark_events(&[command, "--help"]).run().with_code(0).stdout;
        assert!(help.contains("Examples:\n  lark-events "), "{command}");
        assert!(
            help.lines().all(|line| line.chars().count() <= 100),
            "{help}"
        );
    }
    let help = lark_events(&["push", "--help"])
        .secrets()
        .run()
        .with_code(0);
    assert!(help.stdout.contains("other users can see command lines"));
    assert!(help.stdout.contains("[env: LARK_ENCRYPT_KEY]"));
}

#[test]
fn an_empty_secret_is_none_in_the_environment_and_misuse_as_an_argument() {
    let ran = lark_events(&["explain"])
        .env("LARK_ENCRYPT_KEY", "")
        .stdin("{}")
        .run();
    assert!(ran.with_code(2).stderr.contains("no secret to check with"));
    let ran = lark_events(&["explain", "--key", ""])
        .secrets()
        .stdin("{}")
        .run();
    assert_eq!(
        ran.with_code(2).stderr,
        "lark-events: --key is empty: pass the secret, or leave the option out\n"
    );
}

#[test]
fn colours_are_for_terminals_and_whoever_asks() {
    let coloured = |args: &[&str]| {
        let ran = lark_events(args).run().with_code(0);
        ran.stdout.contains('\u{1b}')
    };
    assert!(!coloured(&["events", "reserve_config"]));
    assert!(coloured(&["events", "reserve_config", "--color", "always"]));
    assert!(!coloured(&["events", "reserve_config", "--color", "never"]));
}
