//! `cargo xtask codegen`: the event catalogue in `specs/` becomes the Rust of `crates/*-events`.
//!
//! ```text
//! specs/<domain>/<event_type>.json  spec, facts  \
//!                                                 catalogue -> model -> render -> rustfmt -> files
//! specs/<domain>/overlay.toml       overlay      /
//! ```
//!
//! It depends on none of the crates that it writes, so it works when they do not compile.

mod catalogue;
mod facts;
mod files;
mod model;
mod names;
mod naming;
mod overlay;
mod problem;
mod prose;
mod render;
mod rustfmt;
mod scaffold;
mod sources;
mod spec;
mod types;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use self::files::{ensure_file_contents, ensure_no_others, sorted_entries};
use self::overlay::Overlay;
use self::problem::{Problem, Problems};
use self::rustfmt::FormatError;
use self::sources::{Source, Sources};
use self::spec::Spec;

/// The folder of a crate that holds generated files and nothing else.
const GENERATED: &str = "src/generated";

/// Files by their paths.
type Texts = BTreeMap<PathBuf, String>;

/// Why nothing was generated, or what a check found.
#[derive(Debug)]
pub(crate) enum CodegenError {
    Problems(Vec<Problem>),
    /// Files that differ from what would be generated, relative to the workspace.
    Stale(Vec<PathBuf>),
    Format(PathBuf, FormatError),
    Io(PathBuf, io::Error),
}

impl CodegenError {
    fn io(path: &Path, error: io::Error) -> Self {
        Self::Io(path.to_owned(), error)
    }
}

/// A line for each thing that is wrong.
impl fmt::Display for CodegenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = match self {
            Self::Problems(problems) => problems.iter().map(Problem::to_string).collect(),
            Self::Stale(files) => files
                .iter()
                .map(|file| format!("{}: stale, run `cargo xtask codegen`", file.display()))
                .collect(),
            Self::Format(file, FormatError::NotRun(error)) => {
                vec![format!("{}: cannot run rustfmt: {error}", file.display())]
            }
            Self::Format(file, FormatError::Refused(reason)) => {
                vec![format!("{}: rustfmt refused: {reason}", file.display())]
            }
            Self::Io(path, error) => vec![format!("{}: {error}", path.display())],
        };
        f.write_str(&lines.join("\n"))
    }
}

/// Brings the generated files up to date and returns those that changed. With `check`, nothing is
/// written, and a file that would change is an error.
pub(crate) fn run(root: &Path, check: bool) -> Result<Vec<PathBuf>, CodegenError> {
    let domains = sources::read(root)?;
    let generated = format_all(generate_all(root, &domains)?, &root.join("rustfmt.toml"))?;

    let mut changed = Vec::new();
    for domain in &domains {
        for (file, text) in scaffold::files(&domain.name) {
            let path = crate_folder(root, &domain.name).join(file);
            if !path.exists() && !ensure_file_contents(&path, &text, check)? {
                changed.push(path);
            }
        }
    }
    for (path, text) in &generated {
        if !ensure_file_contents(path, text, check)? {
            changed.push(path.clone());
        }
    }
    for folder in sorted_entries(&root.join("crates"))? {
        let folder = folder.join(GENERATED);
        changed.extend(ensure_no_others(&folder, &generated, check)?);
    }

    let changed = changed.iter().map(|path| relative(root, path).into());
    let changed: Vec<PathBuf> = changed.collect();
    if check && !changed.is_empty() {
        return Err(CodegenError::Stale(changed));
    }
    Ok(changed)
}

fn crate_folder(root: &Path, domain: &str) -> PathBuf {
    root.join("crates").join(scaffold::crate_name(domain))
}

/// With `/` on every platform.
fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.to_string_lossy().replace('\\', "/")
}

/// Every generated file by its path, not yet formatted; or what is wrong in any domain.
fn generate_all(root: &Path, domains: &[Sources]) -> Result<Texts, CodegenError> {
    let mut texts = Texts::new();
    let mut problems = Vec::new();
    for domain in domains {
        let folder = crate_folder(root, &domain.name).join(GENERATED);
        match generate(domain) {
            Ok(files) => {
                let files = files.into_iter();
                texts.extend(files.map(|(file, text)| (folder.join(file), text)));
            }
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() {
        Ok(texts)
    } else {
        Err(CodegenError::Problems(problems))
    }
}

/// The generated files of a domain, not yet formatted, by their paths in `src/generated`.
fn generate(sources: &Sources) -> Result<BTreeMap<String, String>, Vec<Problem>> {
    let mut problems = Problems::default();
    let specs: Vec<_> = sources
        .specs
        .iter()
        .filter_map(|source| Spec::parse(&source.file, &source.text, &mut problems))
        .collect();
    let Source { file, text } = &sources.overlay;
    let overlay = Overlay::parse(file, text, &mut problems).unwrap_or_default();
    // What refers to a file that could not be read would be reported wrongly.
    let mut problems = problems.checkpoint()?;
    let domain = catalogue::unite(&sources.name, &specs, &overlay, &mut problems);
    problems.checkpoint()?;
    Ok(render::files(&domain))
}

fn format_all(mut texts: Texts, config: &Path) -> Result<Texts, CodegenError> {
    for (path, text) in &mut texts {
        if path.extension().is_some_and(|extension| extension == "rs") {
            *text = rustfmt::format(text, config)
                .map_err(|error| CodegenError::Format(path.clone(), error))?;
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests;
