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
mod everything;
mod facts;
mod files;
pub(crate) mod import;
pub(crate) mod list;
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
use std::{fmt, fs, io};

use self::catalogue::Uniting;
use self::files::{ensure_file_contents, ensure_no_others, sorted_entries};
use self::list::Entry;
use self::naming::Naming;
use self::overlay::Overlay;
use self::problem::{Problem, Problems};
use self::rustfmt::FormatError;
use self::sources::{Source, Sources};
use self::spec::Spec;
use self::types::Types;

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
    let domains = generate_all(root)?;
    let mut texts = Texts::new();
    for domain in &domains {
        let folder = crate_folder(root, &domain.name).join(GENERATED);
        let files = domain.files.iter();
        texts.extend(files.map(|(file, text)| (folder.join(file), text.clone())));
    }
    let entries = || domains.iter().flat_map(|domain| &domain.entries);
    let everything = everything::files(entries(), &version(root)?);
    let folder = root.join(everything::FOLDER);
    texts.extend(
        everything
            .into_iter()
            .map(|(file, text)| (folder.join(file), text)),
    );
    let generated = format_all(texts, &root.join("rustfmt.toml"))?;

    let mut changed = Vec::new();
    for domain in domains.iter().filter(|domain| !domain.files.is_empty()) {
        for (file, text) in scaffold::files(&domain.name, domain.about.as_deref()) {
            let path = crate_folder(root, &domain.name).join(file);
            if !path.exists() && !ensure_file_contents(&path, &text, check)? {
                changed.push(path);
            }
        }
    }
    let readme = root.join("README.md");
    if let Ok(text) = fs::read_to_string(&readme)
        && let Some(fresh) =
            list::in_readme(&text.replace("\r\n", "\n"), &list::markdown(entries()))
        && !ensure_file_contents(&readme, &fresh, check)?
    {
        changed.push(readme);
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

/// Every event of the catalogue.
pub(crate) fn list(root: &Path) -> Result<Vec<Entry>, CodegenError> {
    let domains = generate_all(root)?;
    Ok(domains
        .into_iter()
        .flat_map(|domain| domain.entries)
        .collect())
}

fn crate_folder(root: &Path, domain: &str) -> PathBuf {
    root.join("crates").join(scaffold::crate_name(domain))
}

/// With `/` on every platform.
fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.to_string_lossy().replace('\\', "/")
}

/// What comes out of a domain.
#[derive(Debug)]
struct Generated {
    name: String,
    about: Option<String>,
    entries: Vec<Entry>,
    /// Not yet formatted, by their paths in `src/generated`; none for a domain that is by hand.
    files: BTreeMap<String, String>,
}

/// Every domain; or what is wrong in any of them.
fn generate_all(root: &Path) -> Result<Vec<Generated>, CodegenError> {
    let mut domains = Vec::new();
    let mut problems = Vec::new();
    for sources in sources::read(root)? {
        match generate(&sources) {
            Ok(generated) => domains.push(generated),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() {
        Ok(domains)
    } else {
        Err(CodegenError::Problems(problems))
    }
}

fn generate(sources: &Sources) -> Result<Generated, Vec<Problem>> {
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
    let by_hand = overlay.by_hand.is_some();
    let types = if by_hand {
        Types::new()
    } else {
        types::collect(&specs, &overlay, &mut problems)
    };
    let naming = Naming::decide(&sources.name, &specs, &types, &overlay, &mut problems);
    let entries = list::entries(&sources.name, &specs, &naming, &overlay);
    let mut files = BTreeMap::new();
    if !by_hand {
        let unite = Uniting {
            specs: &specs,
            types: &types,
            naming,
            overlay: &overlay,
        };
        let domain = unite.domain(&sources.name, &mut problems);
        problems.checkpoint()?;
        files = render::files(&domain);
    }
    Ok(Generated {
        name: sources.name.clone(),
        about: overlay.about,
        entries,
        files,
    })
}

/// The version that all crates have.
fn version(root: &Path) -> Result<String, CodegenError> {
    let path = root.join("Cargo.toml");
    let text = fs::read_to_string(&path).map_err(|error| CodegenError::io(&path, error))?;
    let version = toml::from_str::<toml::Table>(&text)
        .ok()
        .and_then(|manifest| {
            let package = manifest.get("workspace")?.get("package")?;
            Some(package.get("version")?.as_str()?.to_owned())
        });
    version.ok_or_else(|| {
        let mut problems = Problems::default();
        problems.push("Cargo.toml", "workspace.package.version", "not there");
        CodegenError::Problems(problems.into())
    })
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
