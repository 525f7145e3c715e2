//! Development tasks: `cargo xtask help` lists them.

mod attack;
mod bench;
mod bench_http;
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
mod soak;
mod supply;
mod terminal;

use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lark_events_codegen::{self as codegen, Listing};

use self::terminal::shown;

const USAGE: &str = "\
usage: cargo xtask <command>

commands:
  attack            decrypt a captured event by the time of refusals: an opener that leaks, and ours (slow)
  bench [--rounds N]
                    the time of opening and dispatching an event, beside the least that it can take (slow)
  bench --check     fail where it takes more instructions than before, or those of a refusal say what was
                    refused; needs valgrind
  bench --bless     write down how many it takes
  bench-http [--seconds N] [--rounds N] [--peers] [--json FILE]
                    webhooks under wrk, ours and others; --peers has one that takes minutes to build (slow)
  bench-ws [--seconds N] [--rounds N] [--window N] [--json FILE]
                    the long connection under load, ours and the official SDKs' (slow)
  codegen           generate the types of events from specs/
  codegen --check   fail where they are stale, and write nothing
  codegen drift MODEL…
                    fields in which models of SDKs differ from the facts; fails where one is neither taken
                    nor listed in specs/drift.toml
  codegen import FILE…
                    turn saved documentation pages, and models of SDKs, into facts in specs/
  codegen list [--markdown]
                    every event with its type, crate, permissions and page; or a table of domains
  footprint         write into the README how many crates ours bring along, and how long they compile
  footprint --check fail where it says something else
  fuzz [--seconds N] [--target NAME]
                    libFuzzer over webhooks, sessions of the long connection, and code generation (slow)
  interop [--fresh] [--openings] [--seed N]
                    the official SDKs for Python and Node against the local platform, and the one for
                    Python beside our opening, or this alone; --fresh installs them anew before (slow)
  miri              unit tests without I/O under Miri, where the toolchain has it (slow)
  mutants           mutation tests of the crypto, webhook opening and dispatch (slow)
  release --dry-run rehearse a release: all checks of supply, every package built as it would be published (slow)
  soak [--minutes N] [--seed N]
                    the long connection for ten minutes, or N, while everything goes wrong (slow)
  supply            licences, advisories, foreign types, every feature alone, minimal versions (slow)
  help              print this";

fn main() -> ExitCode {
    let args: Vec<_> = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["attack"] => exit_code(attack::run(&workspace_root())),
        ["bench", "--check"] => exit_code(bench::check(&workspace_root())),
        ["bench", "--bless"] => exit_code(bench::bless(&workspace_root())),
        ["bench", ref options @ ..] => run_bench(options),
        ["bench-http", ref options @ ..] => run_bench_http(options),
        ["bench-ws", ref options @ ..] => run_bench_ws(options),
        ["codegen"] => run_codegen(),
        ["codegen", "--check"] => exit_code(codegen::check(&workspace_root())),
        ["codegen", "list"] => run_list(Listing::lines),
        ["codegen", "list", "--markdown"] => run_list(Listing::markdown),
        ["codegen", "drift", ref models @ ..] if !models.is_empty() => run_drift(models),
        ["codegen", "import", ref pages @ ..] if !pages.is_empty() => run_import(pages),
        ["footprint"] => exit_code(footprint::write(&workspace_root())),
        ["footprint", "--check"] => exit_code(footprint::check(&workspace_root())),
        ["fuzz", ref options @ ..] => run_fuzz(options),
        ["interop", ref options @ ..] => run_interop(options),
        ["miri"] => exit_code(miri::run(&workspace_root())),
        ["mutants"] => exit_code(mutants::run(&workspace_root())),
        ["release", "--dry-run"] => exit_code(release::rehearse(&workspace_root())),
        ["release"] => exit_code(Err(release::BY_HAND)),
        ["soak", ref options @ ..] => run_soak(options),
        ["supply"] => exit_code(supply::run(&workspace_root())),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => misused(),
    }
}

fn misused() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

fn run_bench(options: &[&str]) -> ExitCode {
    let Some(options) = bench::Options::parse(options) else {
        return misused();
    };
    exit_code(bench::run(&workspace_root(), &options))
}

fn run_bench_http(options: &[&str]) -> ExitCode {
    let Some(options) = bench_http::Options::parse(options) else {
        return misused();
    };
    exit_code(bench_http::run(&workspace_root(), &options))
}

fn run_bench_ws(options: &[&str]) -> ExitCode {
    let Some(options) = bench_ws::Options::parse(options) else {
        return misused();
    };
    exit_code(bench_ws::run(&workspace_root(), &options))
}

fn run_codegen() -> ExitCode {
    let changed = codegen::generate(&workspace_root());
    exit_code(changed.map(|changed| {
        for path in changed {
            println!("updated {}", path.display());
        }
    }))
}

fn run_interop(options: &[&str]) -> ExitCode {
    let Some(options) = interop::Options::parse(options) else {
        return misused();
    };
    exit_code(interop::run(&workspace_root(), &options))
}

fn run_list(text: impl Fn(&Listing) -> String) -> ExitCode {
    let listing = match codegen::list(&workspace_root()) {
        Ok(listing) => listing,
        Err(error) => return exit_code(Err(error)),
    };
    match io::stdout().write_all(text(&listing).as_bytes()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        written => exit_code(written),
    }
}

fn run_drift(models: &[&str]) -> ExitCode {
    let models: Vec<_> = models.iter().map(PathBuf::from).collect();
    let drift = match codegen::drift(&workspace_root(), &models) {
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

fn run_import(pages: &[&str]) -> ExitCode {
    let pages: Vec<_> = pages.iter().map(PathBuf::from).collect();
    let report = match codegen::import(&workspace_root(), &pages) {
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

fn run_fuzz(options: &[&str]) -> ExitCode {
    let Some(options) = fuzz::Options::parse(options) else {
        return misused();
    };
    exit_code(fuzz::run(&workspace_root(), &options))
}

fn run_soak(options: &[&str]) -> ExitCode {
    let Some(options) = soak::Options::parse(options) else {
        return misused();
    };
    exit_code(soak::run(&workspace_root(), &options))
}

/// An error is printed, and is the end.
fn exit_code<E: Display>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", shown(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}

/// The folder above this crate's.
fn workspace_root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}
