//! The apps that are measured: ours, and those of the peers in `benches/http`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

use super::report::Without;
use crate::cargo;
use crate::sdks::{Sdk, Skipped};

/// Where the apps of the peers are, and where those that must be compiled are.
const APPS: &str = "benches/http";
const BUILT: &str = "target/bench-http";

pub(super) const BARE: &str = "bare hyper";
pub(super) const HYPER: &str = "hyper";
pub(super) const AXUM: &str = "axum";
pub(super) const AXUM_EXAMPLE: &str = "axum_webhook";
pub(super) const PYTHON: &str = "python";
pub(super) const NODE: &str = "node";
pub(super) const GO: &str = "go";
pub(super) const LARKSUITE: &str = "larksuite-oapi-sdk-rs";

/// How an app refuses a forged event.
#[derive(Clone, Copy)]
pub(super) enum Refusal {
    /// With 401, as ours do.
    Unauthorized,
    /// In any way that is not how it takes one: the SDKs have 500, or 200 and nothing in it.
    AnyOther,
    /// Not at all: it is the limit, and looks at nothing.
    None,
}

/// A program that listens at `LISTEN_ADDR`.
pub(super) struct App {
    pub(super) name: &'static str,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    pub(super) environment: Vec<(&'static str, OsString)>,
    pub(super) refusal: Refusal,
}

impl App {
    fn new(name: &'static str, program: PathBuf, refusal: Refusal) -> Self {
        Self {
            name,
            program,
            arguments: Vec::new(),
            environment: Vec::new(),
            refusal,
        }
    }

    fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    fn variable(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }
}

/// Our programs.
pub(super) struct Ours {
    pub(super) apps: Vec<App>,
    /// Sends the events at a fixed rate.
    pub(super) load: PathBuf,
    /// Writes the events.
    pub(super) posts: PathBuf,
    /// Does a case of the benchmarks a number of times.
    pub(super) repeat: PathBuf,
}

/// Builds what is ours. The examples are built on their own, as an app would be.
pub(super) fn ours(root: &Path) -> Result<Ours, String> {
    let [load, posts, repeat, webhook] = cargo::build(
        root,
        "benches",
        "--bin",
        ["load", "posts", "repeat", "webhook"],
        &[],
    )?;
    let examples = [AXUM_EXAMPLE, "hyper_webhook"];
    let [axum, hyper] = cargo::build(root, "lark-events-examples", "--example", examples, &[])?;
    let counting =
        |name, kind: &str, refusal| App::new(name, webhook.clone(), refusal).argument(kind);
    let apps = vec![
        counting(BARE, "bare", Refusal::None),
        counting(HYPER, "hyper", Refusal::Unauthorized),
        counting(AXUM, "axum", Refusal::Unauthorized),
        App::new("hyper_webhook", hyper, Refusal::Unauthorized),
        App::new(AXUM_EXAMPLE, axum, Refusal::Unauthorized),
    ];
    Ok(Ours {
        apps,
        load,
        posts,
        repeat,
    })
}

/// The apps of the peers that can be had here, and why the others cannot.
pub(super) fn peers(root: &Path, larksuite: bool) -> (Vec<App>, Vec<Without>) {
    let mut peers = vec![(PYTHON, python(root)), (NODE, node(root)), (GO, go(root))];
    let built = if larksuite {
        self::larksuite(root)
    } else {
        Err(Skipped("only with --peers".to_owned()))
    };
    peers.push((LARKSUITE, built));
    let (mut apps, mut skipped) = (Vec::new(), Vec::new());
    for (name, peer) in peers {
        match peer {
            Ok(app) => apps.push(app),
            Err(Skipped(reason)) => skipped.push(Without::new(name, reason)),
        }
    }
    (apps, skipped)
}

fn python(root: &Path) -> Result<App, Skipped> {
    let python = Sdk::Python
        .ensure_installed(root, false)?
        .join("bin/python");
    Ok(App::new(PYTHON, python, Refusal::AnyOther)
        // No compiled files beside the app.
        .variable("PYTHONDONTWRITEBYTECODE", "1")
        .argument("-m")
        .argument("gunicorn")
        .argument("--config")
        .argument(root.join(APPS).join("gunicorn.conf.py"))
        .argument("app:app"))
}

fn node(root: &Path) -> Result<App, Skipped> {
    let folder = Sdk::Node.ensure_installed(root, false)?;
    Ok(App::new(NODE, "node".into(), Refusal::AnyOther)
        .variable("SDK_FOLDER", folder)
        .argument(root.join(APPS).join("app.mjs")))
}

fn go(root: &Path) -> Result<App, Skipped> {
    let folder = copied(root, "go", &["go.mod", "main.go"])?;
    // `go.sum` comes to be in the copy, by the checksum database.
    succeed(
        Command::new("go")
            .args(["mod", "tidy"])
            .current_dir(&folder),
    )?;
    succeed(
        Command::new("go")
            .args(["build", "-o", "webhook"])
            .current_dir(&folder),
    )?;
    Ok(App::new(GO, folder.join("webhook"), Refusal::AnyOther).variable("GOMAXPROCS", "1"))
}

fn larksuite(root: &Path) -> Result<App, Skipped> {
    let folder = copied(root, LARKSUITE, &["Cargo.toml", "src/main.rs"])?;
    succeed(
        cargo::command(root)
            .args(["build", "--release", "--target-dir", "target"])
            .current_dir(&folder),
    )?;
    let program = folder.join("target/release/larksuite-webhook");
    Ok(App::new(LARKSUITE, program, Refusal::AnyOther))
}

/// Copies an app to where it may be built.
fn copied(root: &Path, name: &str, files: &[&str]) -> io::Result<PathBuf> {
    let (from, to) = (root.join(APPS).join(name), root.join(BUILT).join(name));
    for file in files {
        let target = to.join(file);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(from.join(file), target)?;
    }
    Ok(to)
}

/// Runs a command to its end, however long that takes.
fn succeed(command: &mut Command) -> Result<(), Skipped> {
    let program = Path::new(command.get_program()).display().to_string();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Skipped(format!("{program}: {status}"))),
        Err(error) => Err(Skipped(format!("{program}: {error}"))),
    }
}
