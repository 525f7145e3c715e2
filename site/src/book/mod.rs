//! The guide as a book: its pages, and the documents that they refer to.
//!
//! mdbook renders a copy of the documents in which the links hold at their new places.

mod documents;
mod links;
mod program;
mod template;

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) use self::documents::Documents;
pub use self::program::MdBook;
use crate::Files;
use crate::pages::Frame;

const SETTINGS: &str = include_str!("../assets/book.toml");
const SCRIPT: &str = include_str!("../assets/book.js");
/// The files of mdbook that the pages use. The others belong to its own template.
const SCRIPTS: [&str; 6] = [
    "book.js",
    "elasticlunr.min.js",
    "highlight.js",
    "mark.min.js",
    "searcher.js",
    "searchindex.js",
];

/// Adds the book at `guide/`. Returns the documents in it.
pub(crate) fn add(
    files: &mut Files,
    frame: Frame,
    root: &Path,
    mdbook: &MdBook,
) -> Result<Documents, String> {
    let documents = Documents::read(root)?;
    let scratch = Scratch::new()?;
    scratch.write("book.toml", SETTINGS)?;
    scratch.write("theme/index.hbs", template::template(frame, &documents))?;
    scratch.write("book.js", SCRIPT)?;
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

/// Adds the pages, images and scripts that mdbook wrote to a folder.
fn collect(files: &mut Files, folder: &Path, path: &str) -> Result<(), String> {
    let failed = |error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{path}/{name}");
        if entry.file_type().map_err(failed)?.is_dir() {
            collect(files, &entry.path(), &path)?;
        } else if path.ends_with(".html") && is_used(&path) {
            let html = fs::read_to_string(entry.path()).map_err(failed)?;
            // The corner of a table is no header. Markdown has no other cell there.
            files.add(path, html.replace("<th></th>", "<td></td>"));
        } else if is_used(&path) {
            files.add(path, fs::read(entry.path()).map_err(failed)?);
        }
    }
    Ok(())
}

fn is_used(path: &str) -> bool {
    let Some(path) = path.strip_prefix("guide/") else {
        return false;
    };
    let is_image = path.starts_with("repository/") && documents::is_image(path);
    // Its own page for what is not found has absolute links, and a frame has the table of contents.
    let is_page = path.ends_with(".html") && !matches!(path, "404.html" | "toc.html");
    is_image || is_page || SCRIPTS.contains(&path)
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
