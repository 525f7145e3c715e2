//! Generated files on disk. Every one goes through [`ensure_file_contents`], so that checking and
//! writing cannot differ.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::CodegenError;

/// Writes the text unless the file already has it, and returns whether it did. With `check`, only
/// compares.
///
/// A checkout with CRLF line ends counts as the same.
pub(crate) fn ensure_file_contents(
    path: &Path,
    text: &str,
    check: bool,
) -> Result<bool, CodegenError> {
    match fs::read(path) {
        Ok(old) if String::from_utf8_lossy(&old).replace("\r\n", "\n") == text => return Ok(true),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(CodegenError::io(path, error));
        }
        Ok(_) | Err(_) => {}
    }
    if !check {
        write(path, text).map_err(|error| CodegenError::io(path, error))?;
    }
    Ok(false)
}

/// The text of a file, if it exists.
pub(crate) fn read_if_exists(path: &Path) -> Result<Option<String>, CodegenError> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        text => text
            .map(Some)
            .map_err(|error| CodegenError::io(path, error)),
    }
}

/// Writes a file, and creates its folder.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}

/// Finds files under a folder, at any depth, that are no longer generated. Removes them unless `check`.
pub(crate) fn ensure_no_others(
    folder: &Path,
    expected: &BTreeMap<PathBuf, String>,
    check: bool,
) -> Result<Vec<PathBuf>, CodegenError> {
    let mut others = Vec::new();
    for path in sorted_entries(folder)? {
        if path.is_dir() {
            others.extend(ensure_no_others(&path, expected, check)?);
        } else if !expected.contains_key(&path) {
            if !check {
                fs::remove_file(&path).map_err(|error| CodegenError::io(&path, error))?;
            }
            others.push(path);
        }
    }
    Ok(others)
}

/// The entries of a folder, by name; none if it does not exist.
pub(crate) fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>, CodegenError> {
    let paths = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.and_then(|entries| {
            let paths = entries.map(|entry| entry.map(|entry| entry.path()));
            paths.collect::<io::Result<Vec<_>>>()
        }),
    };
    let mut paths = paths.map_err(|error| CodegenError::io(folder, error))?;
    paths.sort();
    Ok(paths)
}
