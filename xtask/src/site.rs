//! `cargo xtask site`: the site of the catalogue and the guide, which a program of its own builds: it needs the types
//! of all events.

use std::path::{self, Path, PathBuf};

use crate::cargo;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Write to this folder instead of target/site
    #[arg(long, value_name = "DIR", conflicts_with = "check")]
    out: Option<PathBuf>,
    /// Build twice and compare, look for dead links, and write nothing
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    let mut program = cargo::command(root);
    program.args(["run", "--quiet", "--package", "lark-events-site", "--"]);
    if let Some(out) = &options.out {
        let out = path::absolute(out).map_err(|error| format!("{}: {error}", out.display()))?;
        program.arg("--out").arg(out);
    }
    program.args(options.check.then_some("--check"));
    cargo::succeed(&mut program, "the site")
}
