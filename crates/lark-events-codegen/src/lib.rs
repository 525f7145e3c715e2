//! Generates typed events from documentation. Pages of the platform become facts in `specs/`, and
//! facts become Rust: a module of `crates/lark-events-types` for each domain, or the crate that its
//! overlay names. The command `cargo xtask codegen` uses this library.
//!
//! ```text
//! page, model -> import -> specs/<domain>/<event_type>.json  spec, facts  \
//!                                                                          catalogue -> model -> render -> rustfmt -> files
//!                          specs/<domain>/overlay.toml       overlay      /
//! ```
//!
//! The library depends on none of the crates that it writes, so that it works when they do not
//! compile. Each function takes the root of a workspace.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use lark_events_codegen::{CodegenError, check};
//!
//! match check(Path::new(".")) {
//!     Ok(()) => println!("up to date"),
//!     Err(CodegenError::Stale(files)) => println!("stale: {files:?}"),
//!     Err(error) => println!("{error}"),
//! }
//! ```

mod catalogue;
mod core_tables;
mod documented;
mod drift;
mod facts;
mod files;
mod import;
mod list;
mod model;
mod names;
mod naming;
mod overlay;
mod own;
mod place;
mod problem;
mod prose;
mod raw_schema;
mod readme;
mod render;
mod rules;
mod rustfmt;
mod scaffold;
mod scratch;
mod sdk_fields;
mod sources;
mod spec;
mod stale;
mod types;
mod types_crate;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use self::catalogue::Uniting;
use self::files::{ensure_file_contents, ensure_no_others, read_if_exists, sorted_entries};
use self::naming::Naming;
use self::overlay::Overlay;
use self::place::{GENERATED, Place, TYPES};
use self::problem::Problems;
use self::sources::{Source, Sources};
use self::spec::Spec;

pub use self::drift::Drift;
pub use self::import::Report;
pub use self::list::Listing;
pub use self::own::Module;
pub use self::problem::Problem;
pub use self::rustfmt::FormatError;
pub use self::sdk_fields::AcceptedFields;

/// Each package has a copy.
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// Files by their paths.
type Texts = BTreeMap<PathBuf, String>;

/// The failure of a run, or the findings of a check. Its text has a line for each problem.
#[derive(Debug)]
#[non_exhaustive]
pub enum CodegenError {
    /// Problems in fact files and overlays.
    Problems(Vec<Problem>),
    /// Files that differ from the generated text, relative to the workspace.
    Stale(Vec<PathBuf>),
    /// The text could not be formatted.
    Format(FormatError),
    /// Pages that are not event pages, each with a line and what was expected there.
    Refused(Vec<String>),
    /// A hand-written file has the path of the module.
    NotGenerated(PathBuf),
    /// A file that cannot be read or written.
    Io(PathBuf, io::Error),
}

impl std::error::Error for CodegenError {}

impl CodegenError {
    fn io(path: &Path, error: io::Error) -> Self {
        Self::Io(path.to_owned(), error)
    }
}

/// Writes a line for each problem.
impl fmt::Display for CodegenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = match self {
            Self::Problems(problems) => problems.iter().map(Problem::to_string).collect(),
            Self::Stale(files) => files
                .iter()
                .map(|file| format!("{}: stale, run `cargo xtask codegen`", file.display()))
                .collect(),
            Self::Format(error) => vec![error.to_string()],
            Self::Refused(lines) => lines.clone(),
            Self::NotGenerated(path) => {
                vec![format!(
                    "{}: the file exists, and was not generated",
                    path.display()
                )]
            }
            Self::Io(path, error) => vec![format!("{}: {error}", path.display())],
        };
        f.write_str(&lines.join("\n"))
    }
}

/// Brings the generated files up to date, and returns those that changed, relative to the workspace.
///
/// # Errors
///
/// Returns an error if facts or overlays have problems, if rustfmt cannot run, or if a file cannot
/// be read or written.
pub fn generate(root: &Path) -> Result<Vec<PathBuf>, CodegenError> {
    run(root, false)
}

/// Checks that the generated files are up to date, and writes nothing.
///
/// # Errors
///
/// Returns [`CodegenError::Stale`] if a file would change, and otherwise the errors of [`generate`].
pub fn check(root: &Path) -> Result<(), CodegenError> {
    run(root, true).map(drop)
}

/// Turns saved pages of the platform's documentation, and models of SDKs, into fact files. Rejects
/// other files, and continues with the rest. If an event has several sources, the newest page
/// counts.
///
/// # Errors
///
/// Returns an error if the overlays have problems, or if a fact file cannot be read or written. A
/// fact file that is not JSON is not replaced.
pub fn import(root: &Path, files: &[PathBuf]) -> Result<Report, CodegenError> {
    import::run(root, files)
}

/// Compares models of SDKs with the facts, field by field, and writes nothing.
///
/// # Errors
///
/// Returns an error if facts or overlays have problems, or if a file other than a model cannot be read.
pub fn drift(root: &Path, models: &[PathBuf]) -> Result<Drift, CodegenError> {
    drift::run(root, models)
}

/// Brings the generated files up to date and returns those that changed. With `check`, writes nothing, and
/// returns an error if a file would change.
fn run(root: &Path, check: bool) -> Result<Vec<PathBuf>, CodegenError> {
    let domains = generate_all(root)?;
    let mut texts = Texts::new();
    for domain in &domains {
        let folder = domain.place.folder().unwrap_or_default();
        let files = domain.files.iter();
        texts.extend(files.map(|(file, text)| (root.join(&folder).join(file), text.clone())));
        let outline = types_crate::outline(&domain.name);
        texts.insert(root.join(outline), domain.outline.clone());
    }
    let entries = || domains.iter().flat_map(|domain| &domain.entries);
    let tables = root.join(core_tables::FOLDER).join(GENERATED);
    texts.insert(tables.join(core_tables::FILE), core_tables::text(entries()));
    let version = of_workspace(root, "version")?;
    let is_extended = |domain: &str| root.join(types_crate::extension(domain)).exists();
    let types = types_crate::files(entries(), &version, &is_extended);
    texts.extend(
        types
            .into_iter()
            .map(|(file, text)| (root.join(file), text)),
    );
    let generated = rustfmt::format_all(texts, root)?;
    let mut beside = beside_sources(root, &domains)?;
    let (file, text) = types_crate::library(entries(), &is_extended);
    beside.insert(root.join(file), text);
    let readmes = fresh_readmes(root, &domains)?;

    let mut changed = Vec::new();
    for (name, domain) in own_crates(&domains) {
        let Generated { about, .. } = domain;
        let files = scaffold::files(name, &domain.name, about.as_deref(), domain.has_any_json);
        for (file, text) in files {
            let path = crate_folder(root, name).join(file);
            if !path.exists() && !ensure_file_contents(&path, &text, check)? {
                changed.push(path);
            }
        }
    }
    for (path, text) in readmes.iter().chain(&beside).chain(&generated) {
        if !ensure_file_contents(path, text, check)? {
            changed.push(path.clone());
        }
    }
    for folder in sorted_entries(&root.join("crates"))? {
        let folder = folder.join(GENERATED);
        changed.extend(ensure_no_others(&folder, &generated, check)?);
    }

    // Last, so that all other files are up to date even if it fails.
    report_orphans(root, &domains)?;
    let changed = changed.iter().map(|path| relative(root, path).into());
    let changed: Vec<PathBuf> = changed.collect();
    if check && !changed.is_empty() {
        return Err(CodegenError::Stale(changed));
    }
    Ok(changed)
}

/// Generated files of domains' own crates that are not Rust, such as their READMEs.
fn beside_sources(root: &Path, domains: &[Generated]) -> Result<Texts, CodegenError> {
    let rust_version = of_workspace(root, "rust-version")?;
    let mut texts = Texts::new();
    for (name, domain) in own_crates(domains) {
        let folder = crate_folder(root, name);
        let about = domain.about.as_deref();
        let readme = readme::text(name, &domain.name, about, &domain.entries, &rust_version);
        texts.insert(folder.join("README.md"), readme);
        for licence in LICENCES {
            let path = root.join(licence);
            let text = fs::read_to_string(&path).map_err(|error| CodegenError::io(&path, error))?;
            texts.insert(folder.join(licence), text.replace("\r\n", "\n"));
        }
    }
    Ok(texts)
}

/// Crates of domains that were removed, or that no longer have their own crate.
fn report_orphans(root: &Path, domains: &[Generated]) -> Result<(), CodegenError> {
    let mut problems = Problems::default();
    let own = own_crates(domains).map(|(name, _)| name);
    let known: Vec<_> = own
        .chain([TYPES])
        .map(|name| crate_folder(root, name))
        .collect();
    for folder in sorted_entries(&root.join("crates"))? {
        let library = read_if_exists(&folder.join("src/lib.rs"))?;
        let is_generated = library.is_some_and(|text| text.contains("\nmod generated;\n"));
        if is_generated && !known.contains(&folder) {
            problems.push(
                &relative(root, &folder),
                "",
                "no domain in specs/ has this crate: remove the crate",
            );
        }
    }
    problems.checkpoint().map_err(CodegenError::Problems)?;
    Ok(())
}

/// The existing READMEs of the workspace and of the crate of types, with the current table of domains.
fn fresh_readmes(root: &Path, domains: &[Generated]) -> Result<Texts, CodegenError> {
    let table = list::markdown(domains.iter().flat_map(|domain| &domain.entries));
    let mut fresh = Texts::new();
    for file in ["README.md".to_owned(), format!("crates/{TYPES}/README.md")] {
        let path = root.join(&file);
        let Some(text) = read_if_exists(&path)? else {
            continue;
        };
        let text = list::in_readme(&text.replace("\r\n", "\n"), &table);
        let text =
            text.ok_or_else(|| problem(&file, "", "expected marks for the table of domains"))?;
        fresh.insert(path, text);
    }
    Ok(fresh)
}

/// A single problem.
fn problem(file: &str, at: &str, rule: &str) -> CodegenError {
    let mut problems = Problems::default();
    problems.push(file, at, rule);
    CodegenError::Problems(problems.into())
}

/// Every event of the catalogue.
///
/// # Errors
///
/// Returns an error if facts or overlays have problems, or if a file cannot be read.
pub fn list(root: &Path) -> Result<Listing, CodegenError> {
    let domains = generate_all(root)?.into_iter();
    Ok(Listing(domains.flat_map(|domain| domain.entries).collect()))
}

fn crate_folder(root: &Path, name: &str) -> PathBuf {
    root.join("crates").join(name)
}

/// The domains that have their own crate, by its name.
fn own_crates(domains: &[Generated]) -> impl Iterator<Item = (&str, &Generated)> {
    domains.iter().filter_map(|domain| match &domain.place {
        Place::Crate(name) => Some((name.as_str(), domain)),
        Place::Module(_) | Place::ByHand(_) => None,
    })
}

/// With `/` on every platform.
fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.to_string_lossy().replace('\\', "/")
}

/// The output of a domain.
#[derive(Debug)]
pub struct Generated {
    name: String,
    about: Option<String>,
    place: Place,
    entries: Vec<list::Entry>,
    /// Whether a field can hold anything.
    has_any_json: bool,
    /// The unformatted files, by name; none for a hand-written domain.
    pub files: BTreeMap<String, String>,
    /// The fields of its events, for tools.
    pub outline: String,
}

/// Every domain, or the problems in and between them.
fn generate_all(root: &Path) -> Result<Vec<Generated>, CodegenError> {
    let mut domains = Vec::new();
    let mut problems = Problems::default();
    for sources in sources::read(root)? {
        match generate_domain(&sources) {
            Ok(generated) => domains.push(generated),
            Err(found) => problems.extend(found),
        }
    }
    report_clashes(&domains, &mut problems);
    problems.checkpoint().map_err(CodegenError::Problems)?;
    Ok(domains)
}

/// Reports domains with the same crate, and events in several domains.
fn report_clashes(domains: &[Generated], problems: &mut Problems) {
    let mut crates = BTreeSet::new();
    let mut events = BTreeMap::new();
    for domain in domains {
        let folder = format!("specs/{}", domain.name);
        let is_feature = types_crate::FEATURES.contains(&domain.name.as_str());
        if !names::is_domain_name(&domain.name) || is_feature {
            problems.push(&folder, "", "not a name for a domain");
        }
        if domain.entries.is_empty() {
            problems.push(&folder, "", "no fact file: remove the folder");
        }
        if let Place::Crate(name) = &domain.place
            && !crates.insert(name)
        {
            let rule = format!("another domain has the crate `{name}` too");
            problems.push(&folder, "", rule);
        }
        for list::Entry { event_type, .. } in &domain.entries {
            if let Some(other) = events.insert(event_type, &domain.name) {
                let file = format!("{folder}/{event_type}.json");
                problems.push(&file, "/$id", format!("specs/{other} has this event too"));
            }
        }
    }
}

/// A domain, or its problems.
///
/// # Errors
///
/// Returns its problems, at least one.
pub fn generate_domain(sources: &Sources) -> Result<Generated, Vec<Problem>> {
    let mut problems = Problems::default();
    let Source { file, text } = &sources.overlay;
    let overlay = Overlay::parse(file, text, &mut problems).unwrap_or_default();
    let specs = sources.specs.iter();
    let specs: Vec<_> = specs
        .filter_map(|Source { file, text }| Spec::parse(file, text, &overlay, &mut problems))
        .collect();
    // A reference to an unreadable file would be reported as a wrong problem.
    let mut problems = problems.checkpoint()?;
    let types = types::collect(&specs, &overlay, &mut problems);
    let place = Place::of(&sources.name, &overlay, &mut problems);
    let naming = Naming::decide(&sources.name, &specs, &types, &overlay, &mut problems);
    let unite = Uniting {
        specs: &specs,
        types: &types,
        naming,
        overlay: &overlay,
    };
    let domain = unite.domain(&sources.name, &place, &mut problems);
    problems.checkpoint()?;
    let entries = list::entries(&domain, &place);
    let files = match place {
        Place::ByHand(_) => BTreeMap::new(),
        Place::Module(_) | Place::Crate(_) => render::files(&domain),
    };
    let outline = render::outline::text(&domain);
    let has_any_json = domain.has_any_json();
    Ok(Generated {
        name: sources.name.clone(),
        about: overlay.about,
        place,
        entries,
        has_any_json,
        files,
        outline,
    })
}

/// A field of `workspace.package` in the manifest.
fn of_workspace(root: &Path, field: &str) -> Result<String, CodegenError> {
    let path = root.join("Cargo.toml");
    let text = fs::read_to_string(&path).map_err(|error| CodegenError::io(&path, error))?;
    let manifest: toml::Table =
        toml::from_str(&text).map_err(|error| problem("Cargo.toml", "", error.message()))?;
    let package = manifest
        .get("workspace")
        .and_then(|table| table.get("package"));
    let value = package.and_then(|package| package.get(field)?.as_str());
    let at = format!("workspace.package.{field}");
    value
        .map(str::to_owned)
        .ok_or_else(|| problem("Cargo.toml", &at, "missing"))
}

/// For the fuzz targets: texts in, texts out, without files. Not part of the API.
#[doc(hidden)]
pub mod internals {
    pub use super::import::events::Imported;
    pub use super::import::page::Refusal;
    pub use super::import::{Setting, events_of};
    pub use super::sources::{Source, Sources};
    pub use super::{Generated, generate_domain};
}

#[cfg(test)]
mod tests;

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme_example {}

/// The root of the workspace.
#[cfg(test)]
fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
