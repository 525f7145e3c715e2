//! `cargo xtask site` runs this program: it builds the site, or checks it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use lark_events_site::{Files, MdBook, build, dead_links};

/// Build the site of the catalogue and the guide
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask site")]
struct Options {
    /// The folder to write to: a new or empty one, or an earlier site, which is replaced.
    #[arg(long, value_name = "DIR", default_value = "target/site")]
    out: PathBuf,
    /// Build twice and compare, look for dead links, and write nothing.
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let site = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = site.parent().unwrap_or(site);
    let mdbook = MdBook::find()?;
    if mdbook.is_none() {
        eprintln!("without the guide, which needs mdbook: {}", MdBook::INSTALL);
    }
    let files = build(root, mdbook.as_ref())?;
    let dead = dead_links(&files);
    if !dead.is_empty() {
        return Err(format!("dead links:\n{}", dead.join("\n")));
    }
    if options.check {
        same(&files, &build(root, mdbook.as_ref())?)?;
        println!("{} files, without dead links, twice the same", files.len());
        return Ok(());
    }
    let out = root.join(&options.out);
    files.write(&out)?;
    println!(
        "{} files; open {}",
        files.len(),
        out.join("index.html").display()
    );
    Ok(())
}

fn same(first: &Files, second: &Files) -> Result<(), String> {
    let differing = first.differing(second);
    if differing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "files that differ between two builds: {}",
        differing.join(", ")
    ))
}
