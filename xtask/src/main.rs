//! Development tasks: `cargo xtask help` lists them.

mod attack;
mod bench;
mod bench_http;
mod bench_inbox;
mod bench_ws;
mod cargo;
mod checks;
mod footprint;
mod fuzz;
mod interop;
mod miri;
mod mutants;
mod packages;
mod release;
mod sdks;
mod simulate;
mod site;
mod soak;
mod soak_inbox;
mod supply;
mod terminal;

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lark_events_codegen::{self as codegen, Listing};

use self::terminal::shown;

/// Development tasks of lark-events
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run a timing attack on rejections, against ours and against an opener that leaks (slow)
    Attack,
    /// Measure opening and dispatching an event, and compare with a lower bound (slow)
    Bench(bench::Options),
    /// Measure webhooks with wrk, ours and those of others (slow)
    BenchHttp(bench_http::Options),
    /// Measure events through an inbox, compared with a task for each event (slow)
    BenchInbox(bench_inbox::Options),
    /// Measure the long connection under load, ours and the official SDKs' (slow)
    BenchWs(bench_ws::Options),
    /// Generate the types of events from specs/
    Codegen(Codegen),
    /// Write the number of dependencies and the compile time into the README
    Footprint {
        /// Fail if the README is stale, and write nothing
        #[arg(long)]
        check: bool,
    },
    /// Fuzz webhooks, sessions of the long connection, and code generation (slow)
    Fuzz(fuzz::Options),
    /// Test the official SDKs for Python and Node against the simulator, compare the one for Python
    /// with our opening, and have the CloudEvents SDKs read our events (slow)
    Interop(interop::Options),
    /// Run the unit tests without I/O under Miri, if the toolchain has it (slow)
    Miri,
    /// Run mutation tests of authentication and of running handlers (slow)
    Mutants,
    /// Rehearse a release: run the checks of `supply`, and build every package as published (slow)
    Release {
        #[arg(long)]
        dry_run: bool,
    },
    /// Simulate an outage and its redeliveries with a model of an app, to size the app
    Simulate(simulate::Options),
    /// Build the site: a page and a JSON Schema for each event, search, and the guide
    Site(site::Options),
    /// Run the long connection under all faults (slow)
    Soak(soak::Options),
    /// Repeatedly kill a webhook with an inbox under load, and the servers of its store (slow)
    SoakInbox(soak_inbox::Options),
    /// Check licences, advisories, unused dependencies, foreign types, every feature alone, and minimal
    /// versions (slow)
    Supply,
}

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
struct Codegen {
    /// Fail if generated files are stale, and write nothing
    #[arg(long)]
    check: bool,
    #[command(subcommand)]
    task: Option<CodegenTask>,
}

#[derive(Debug, Subcommand)]
enum CodegenTask {
    /// List fields whose types differ between SDK models and the facts; fail if one is neither taken nor listed in
    /// specs/drift.toml
    Drift {
        #[arg(required = true, value_name = "MODEL")]
        models: Vec<PathBuf>,
    },
    /// Turn saved documentation pages and models of SDKs into facts in specs/
    Import {
        #[arg(required = true, value_name = "FILE")]
        pages: Vec<PathBuf>,
    },
    /// List every event with its type, crate, permissions and page
    List {
        /// Print a table of domains instead
        #[arg(long)]
        markdown: bool,
    },
}

fn main() -> ExitCode {
    let root = workspace_root();
    match Xtask::parse().task {
        Task::Attack => exit_code(attack::run(&root)),
        Task::Bench(options) => exit_code(bench::run(&root, &options)),
        Task::BenchHttp(options) => exit_code(bench_http::run(&root, &options)),
        Task::BenchInbox(options) => exit_code(bench_inbox::run(&root, &options)),
        Task::BenchWs(options) => exit_code(bench_ws::run(&root, &options)),
        Task::Codegen(options) => run_codegen(&root, options),
        Task::Footprint { check: false } => exit_code(footprint::write(&root)),
        Task::Footprint { check: true } => exit_code(footprint::check(&root)),
        Task::Fuzz(options) => exit_code(fuzz::run(&root, &options)),
        Task::Interop(options) => exit_code(interop::run(&root, &options)),
        Task::Miri => exit_code(miri::run(&root)),
        Task::Mutants => exit_code(mutants::run(&root)),
        Task::Release { dry_run: true } => exit_code(release::rehearse(&root)),
        Task::Release { dry_run: false } => exit_code(Err(release::BY_HAND)),
        Task::Simulate(options) => exit_code(simulate::run(&options)),
        Task::Site(options) => exit_code(site::run(&root, &options)),
        Task::Soak(options) => exit_code(soak::run(&root, &options)),
        Task::SoakInbox(options) => exit_code(soak_inbox::run(&root, &options)),
        Task::Supply => exit_code(supply::run(&root)),
    }
}

fn run_codegen(root: &Path, options: Codegen) -> ExitCode {
    match options.task {
        None if options.check => exit_code(codegen::check(root)),
        None => exit_code(codegen::generate(root).map(|changed| {
            for path in changed {
                println!("updated {}", path.display());
            }
        })),
        Some(CodegenTask::Drift { models }) => run_drift(root, &models),
        Some(CodegenTask::Import { pages }) => run_import(root, &pages),
        Some(CodegenTask::List { markdown: false }) => run_list(root, Listing::lines),
        Some(CodegenTask::List { markdown: true }) => run_list(root, Listing::markdown),
    }
}

fn run_list(root: &Path, text: impl Fn(&Listing) -> String) -> ExitCode {
    let listing = match codegen::list(root) {
        Ok(listing) => listing,
        Err(error) => return exit_code(Err(error)),
    };
    match io::stdout().write_all(text(&listing).as_bytes()) {
        // The reader of stdout has closed it.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        written => exit_code(written),
    }
}

fn run_drift(root: &Path, models: &[PathBuf]) -> ExitCode {
    let drift = match codegen::drift(root, models) {
        Ok(drift) => drift,
        Err(error) => return exit_code(Err(error)),
    };
    for line in drift.lines().lines() {
        let columns: Vec<_> = line.split('\t').map(shown).collect();
        println!("{}", columns.join("\t"));
    }
    for line in &drift.refused {
        eprintln!("{}", shown(line));
    }
    if drift.is_open() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn run_import(root: &Path, pages: &[PathBuf]) -> ExitCode {
    let report = match codegen::import(root, pages) {
        Ok(report) => report,
        Err(error) => return exit_code(Err(error)),
    };
    for line in &report.lines {
        println!("{}", shown(line));
    }
    for line in &report.refused {
        eprintln!("{}", shown(line));
    }
    if report.refused.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Prints an error and exits.
fn exit_code<E: Display>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", shown(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}

/// The parent folder of this crate.
fn workspace_root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// A number that is valid as a time.
fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    let number = number.filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "expected a positive, finite number".to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;

    fn parsed(line: &str) -> Result<Xtask, clap::Error> {
        Xtask::try_parse_from(["xtask"].into_iter().chain(line.split(' ')))
    }

    #[test]
    fn the_commands_are_what_clap_takes() {
        Xtask::command().debug_assert();
    }

    /// The text of each document below a folder.
    fn documents(folder: &Path, texts: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                documents(&path, texts);
            } else if name.ends_with(".md") {
                texts.push(fs::read_to_string(path).unwrap());
            }
        }
    }

    /// What follows `cargo xtask` in a line of its own, or between marks of code.
    fn commands(text: &str) -> Vec<String> {
        let inline = text.split('`').filter(|code| !code.starts_with('\n'));
        let lines = text.lines().chain(inline);
        let commands = lines.filter_map(|line| line.strip_prefix("cargo xtask "));
        let commands = commands.filter(|command| *command != "…");
        commands.map(|command| command.replace('\n', " ")).collect()
    }

    #[test]
    fn commands_of_the_documents_are_taken() {
        let mut texts = Vec::new();
        documents(&workspace_root(), &mut texts);
        let commands: Vec<_> = texts.iter().flat_map(|text| commands(text)).collect();
        assert!(commands.len() > 20, "{commands:?}");
        for command in commands {
            // Where a command is only named, its arguments are not there.
            let error = parsed(&format!("{command} --help")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::DisplayHelp, "{command}: {error}");
        }
    }

    #[test]
    fn options_are_taken_in_any_order() {
        for line in [
            "bench --rounds 2",
            "bench-http --peers --json figures.json --seconds 1",
            "bench-ws --window 8 --seconds 0.5",
            "codegen import a b",
            "fuzz --target session --seconds 7",
            "interop --seed 7 --fresh --openings",
            "interop --cloud-events",
            "release",
            "site --check",
            "site --out folder",
            "soak --seed 7 --minutes 0.5",
            "soak-inbox --kills 7",
            "soak-inbox --store postgres --bin folder --promotions 1 --minutes 0.5",
            "soak-inbox --store postgres --postgres 18",
            "soak-inbox --store nats --bin nats-server --minutes 0.5",
        ] {
            parsed(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn numbers_that_would_measure_nothing_and_other_options_are_refused() {
        for line in [
            "bench --rounds 0",
            "bench --check --bless",
            "bench --check --rounds 2",
            "bench-http --seconds 0",
            "bench-http --rounds 0",
            "bench-ws --seconds 0",
            "bench-ws --seconds inf",
            "bench-ws --rounds 0",
            "bench-ws --window 0",
            "bench-ws --window 4097",
            "codegen import",
            "codegen --check list",
            "nothing",
            "fuzz --seconds 0",
            "fuzz --target x",
            "interop --openings --cloud-events",
            "site --check --out folder",
            "soak --minutes -1",
            "soak --minutes inf",
            "soak --minutes 0",
            "soak-inbox --store mysql",
            "soak-inbox --minutes 0",
            "soak-inbox --postgres 18 --bin folder",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
