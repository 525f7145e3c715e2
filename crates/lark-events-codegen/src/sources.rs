//! The files of `specs/`, read but not parsed.

use std::fs;
use std::path::{Path, PathBuf};

use super::files::{read_if_exists, sorted_entries};
use super::{CodegenError, relative};

/// The events of each domain whose types do not begin with it.
pub(crate) const DOMAINS: &str = "specs/domains.toml";

/// A folder of `specs/`.
#[derive(Debug)]
pub struct Sources {
    /// The domain: `vc`.
    pub name: String,
    /// The fact files.
    pub specs: Vec<Source>,
    /// `overlay.toml`. It is empty if there is no such file.
    pub overlay: Source,
}

/// A file.
#[derive(Debug)]
pub struct Source {
    /// Relative to the workspace.
    pub file: String,
    /// The content.
    pub text: String,
}

pub(crate) fn read(root: &Path) -> Result<Vec<Sources>, CodegenError> {
    let mut domains = Vec::new();
    for folder in folders(root)? {
        let name = folder.file_name().unwrap_or_default();
        let mut specs = Vec::new();
        for path in sorted_entries(&folder)? {
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                specs.push(read_file(root, &path)?);
            }
        }
        domains.push(Sources {
            name: name.to_string_lossy().into_owned(),
            specs,
            overlay: read_overlay(root, &folder.join("overlay.toml"))?,
        });
    }
    Ok(domains)
}

/// Reads only the overlays: an import reads no facts except those that it replaces.
pub(crate) fn read_overlays(root: &Path) -> Result<Vec<Source>, CodegenError> {
    let folders = folders(root)?.into_iter();
    folders
        .map(|folder| read_overlay(root, &folder.join("overlay.toml")))
        .collect()
}

/// The folder of each domain.
fn folders(root: &Path) -> Result<Vec<PathBuf>, CodegenError> {
    let mut folders = sorted_entries(&root.join("specs"))?;
    folders.retain(|folder| folder.is_dir());
    Ok(folders)
}

/// The overlay. A newly imported domain has none, which counts as empty.
fn read_overlay(root: &Path, path: &Path) -> Result<Source, CodegenError> {
    Ok(Source {
        file: relative(root, path),
        text: read_if_exists(path)?.unwrap_or_default(),
    })
}

fn read_file(root: &Path, path: &Path) -> Result<Source, CodegenError> {
    let text = fs::read_to_string(path).map_err(|error| CodegenError::io(path, error))?;
    let file = relative(root, path);
    Ok(Source { file, text })
}
