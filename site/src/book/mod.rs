//! The guide as a book: its pages, and the documents that they refer to.
//!
//! mdbook renders a copy of the documents in which the links hold at their new places.

mod documents;
mod links;
mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) use self::documents::Documents;
pub use self::program::MdBook;
use crate::Files;

/// Settings, without which each page would have a button to run its code on a server.
const SETTINGS: &str = include_str!("../assets/book.toml");
/// Above each page of the book.
const HEADER: &str = include_str!("../assets/header.hbs");
const STYLE: &str = include_str!("../assets/book.css");

/// Adds the book at `guide/`. Returns the documents in it.
pub(crate) fn add(files: &mut Files, root: &Path, mdbook: &MdBook) -> Result<Documents, String> {
    let documents = Documents::read(root)?;
    let scratch = Scratch::new()?;
    scratch.write("book.toml", SETTINGS)?;
    scratch.write("theme/header.hbs", HEADER)?;
    scratch.write("book.css", STYLE)?;
    scratch.write("src/SUMMARY.md", documents.summary())?;
    for document in documents.iter() {
        scratch.write(
            &format!("src/{}", document.place),
            documents.linked(document)?,
        )?;
    }
    for image in documents.images() {
        let content = fs::read(root.join(image)).map_err(|error| format!("{image}: {error}"))?;
        scratch.write(&format!("src/{}", links::place(image)), content)?;
    }
    mdbook.build(&scratch.0)?;
    collect(files, &scratch.0.join("book"), "guide")?;
    Ok(documents)
}

/// Adds what mdbook wrote to a folder.
fn collect(files: &mut Files, folder: &Path, path: &str) -> Result<(), String> {
    let failed = |error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{path}/{name}");
        if entry.file_type().map_err(failed)?.is_dir() {
            collect(files, &entry.path(), &path)?;
        } else if !is_left_out(&name) {
            files.add(path, fs::read(entry.path()).map_err(failed)?);
        }
    }
    Ok(())
}

/// The first is only for servers that GitHub runs, and the second has absolute links.
fn is_left_out(name: &str) -> bool {
    matches!(name, ".nojekyll" | "404.html")
}

/// A folder that is removed with this value.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lark-events-book-{}-{count}", process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) -> Result<(), String> {
        let path = self.0.join(path);
        let parent = path.parent().unwrap_or(&self.0);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, content))
            .map_err(|error| format!("{}: {error}", path.display()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder of the system for temporary files, which it empties.
        let _ = fs::remove_dir_all(&self.0);
    }
}
