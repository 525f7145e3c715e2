//! The files of the site, in memory and then in a folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A file that every site has, by which an earlier one is recognised.
const MARK: &str = "search-index.js";

/// The files of a site by their paths, which have `/` between folders.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    pub(crate) fn add(&mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) {
        let path = path.into();
        let before = self.0.insert(path.clone(), content.into());
        assert!(before.is_none(), "{path} is written once");
    }

    /// The content of a file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }

    /// The paths and contents, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let files = self.0.iter();
        files.map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The paths of the files that only one of two sites has, or that differ.
    #[must_use]
    pub fn differing<'a>(&'a self, other: &'a Self) -> Vec<&'a str> {
        let only_there = other
            .0
            .iter()
            .filter(|(path, _)| !self.0.contains_key(*path));
        let others = self
            .0
            .iter()
            .filter(|(path, text)| other.0.get(*path) != Some(*text));
        others
            .chain(only_there)
            .map(|(path, _)| path.as_str())
            .collect()
    }

    /// Writes the files to a folder, and removes an earlier site there.
    ///
    /// # Errors
    ///
    /// If the folder has other files, or one cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), String> {
        let failed = |error| format!("{}: {error}", folder.display());
        if folder.join(MARK).is_file() {
            fs::remove_dir_all(folder).map_err(failed)?;
        } else if folder.exists() && fs::read_dir(folder).map_err(failed)?.next().is_some() {
            return Err(format!(
                "expected an empty folder or an earlier site at {}, found other files: choose another --out",
                folder.display()
            ));
        }
        for (path, content) in &self.0 {
            let path = folder.join(path);
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent)
                .and_then(|()| fs::write(&path, content))
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }
}
