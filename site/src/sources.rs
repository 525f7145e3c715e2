//! Pages with the sources that documents refer to.

use std::fs;
use std::path::Path;

use maud::html;

use crate::Files;
use crate::book::Documents;
use crate::pages::{Frame, Page};

/// The page of a file of the repository.
pub(crate) fn page(path: &str) -> String {
    format!("source/{path}.html")
}

/// Adds a page for each file.
pub(crate) fn add(
    files: &mut Files,
    frame: Frame,
    root: &Path,
    documents: &Documents,
) -> Result<(), String> {
    for path in documents.sources() {
        let text = fs::read_to_string(root.join(path));
        let text = text.map_err(|error| format!("{path}: {error}"))?;
        let page = page(path);
        let content = frame.page(&Page {
            path: &page,
            title: path,
            about: &format!("The file {path} of lark-events."),
            scripts: &["copy.js"],
            main: html! {
                h1.type { (path) }
                div.copy data-label="the file" { pre { code { (text) } } }
            },
        });
        files.add(page.clone(), content);
    }
    Ok(())
}
