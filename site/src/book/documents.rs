//! The documents of the book: the pages of the guide in its order, and all that they refer to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::links;
use crate::sources;

/// Whose numbered list is the order of the book.
const FIRST: &str = "docs/guide/README.md";
/// The parts after the guide, each with the folder of its documents.
const PARTS: [(&str, &str); 3] = [
    ("More", "docs/"),
    ("The crates", "crates/"),
    ("The project", ""),
];

/// A document of the book.
#[derive(Debug)]
pub(super) struct Document {
    path: String,
    /// From the source folder of the book.
    pub(super) place: String,
    text: String,
}

/// The documents of the book, and the other files that they refer to.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    by_path: BTreeMap<String, Document>,
    files: BTreeSet<String>,
}

impl Documents {
    /// Reads the guide, and each document that it refers to, and so on.
    pub(super) fn read(root: &Path) -> Result<Self, String> {
        let mut documents = Self::default();
        let mut waiting = vec![FIRST.to_owned()];
        while let Some(path) = waiting.pop() {
            if documents.by_path.contains_key(&path) {
                continue;
            }
            let text = fs::read_to_string(root.join(&path));
            let text = text.map_err(|error| format!("{path}: {error}"))?;
            for link in links::of(&text) {
                let Some(target) = links::target(&path, &link) else {
                    continue;
                };
                let target = document_of(root, target);
                if is_document(&target) {
                    waiting.push(target);
                } else {
                    documents.files.insert(target);
                }
            }
            let place = links::place(&path);
            let document = Document {
                path: path.clone(),
                place,
                text,
            };
            documents.by_path.insert(path, document);
        }
        Ok(documents)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Document> {
        self.by_path.values()
    }

    pub(super) fn images(&self) -> impl Iterator<Item = &str> {
        self.files
            .iter()
            .map(String::as_str)
            .filter(|path| is_image(path))
    }

    /// The files other than documents and images.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &str> {
        self.files
            .iter()
            .map(String::as_str)
            .filter(|path| !is_image(path))
    }

    /// The text of a document, with the links that it needs at its place.
    pub(super) fn linked(&self, document: &Document) -> Result<String, String> {
        links::replace(&document.text, |link| {
            let Some(target) = links::target(&document.path, link) else {
                return Ok(link.to_owned());
            };
            let anchor = link.find('#').map_or("", |at| &link[at..]);
            let readme = format!("{target}/README.md");
            let other = [&target, &readme]
                .into_iter()
                .find_map(|path| self.by_path.get(path));
            let to = match other {
                Some(other) => other.place.clone(),
                None if is_image(&target) => links::place(&target),
                None if self.files.contains(&target) => {
                    // The book is a folder of the site.
                    format!("../{}", sources::page(&target))
                }
                None => return Err(format!("{}: {link}: no such document", document.path)),
            };
            Ok(links::relative(&document.place, &to) + anchor)
        })
    }

    /// The table of contents, as mdbook reads it.
    pub(super) fn summary(&self) -> String {
        let mut summary = "# Summary\n".to_owned();
        for (part, chapters) in self.parts() {
            summary += &format!("\n# {part}\n\n");
            for (place, title) in chapters {
                summary += &format!("- [{title}]({place})\n");
            }
        }
        summary
    }

    /// The places and titles of the documents of each part.
    pub(super) fn parts(&self) -> Vec<(&'static str, Vec<(String, String)>)> {
        let guide = self.guide();
        let mut rest: Vec<_> = self
            .by_path
            .keys()
            .filter(|path| !guide.contains(path))
            .collect();
        let mut parts = vec![(
            "Guide",
            guide.iter().filter_map(|path| self.chapter(path)).collect(),
        )];
        for (part, folder) in PARTS {
            let is_here = |path: &mut &String| path.starts_with(folder);
            let paths: Vec<_> = rest.extract_if(.., is_here).collect();
            parts.push((
                part,
                paths.iter().filter_map(|path| self.chapter(path)).collect(),
            ));
        }
        parts
    }

    /// The pages of the guide, in the order of the list of its first page.
    fn guide(&self) -> Vec<String> {
        let mut pages = vec![FIRST.to_owned()];
        let first = self
            .by_path
            .get(FIRST)
            .map_or("", |document| &document.text);
        let is_numbered = |line: &&str| line.starts_with(|c: char| c.is_ascii_digit());
        for link in first.lines().filter(is_numbered).flat_map(links::of) {
            pages.extend(links::target(FIRST, &link).filter(|path| !pages.contains(path)));
        }
        pages
    }

    /// The place and the title of a document.
    fn chapter(&self, path: &str) -> Option<(String, String)> {
        let document = self.by_path.get(path)?;
        let heading = document
            .text
            .lines()
            .find_map(|line| line.strip_prefix("# "));
        Some((document.place.clone(), heading.unwrap_or(path).to_owned()))
    }
}

/// A folder is its README.
fn document_of(root: &Path, path: String) -> String {
    if root.join(&path).is_dir() {
        return format!("{path}/README.md");
    }
    path
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|it| it == extension)
}

fn is_document(path: &str) -> bool {
    has_extension(path, "md")
}

pub(super) fn is_image(path: &str) -> bool {
    has_extension(path, "png") || has_extension(path, "svg")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents() -> Documents {
        let site = Path::new(env!("CARGO_MANIFEST_DIR"));
        Documents::read(site.parent().unwrap()).unwrap()
    }

    #[test]
    fn the_book_has_each_page_of_the_guide_in_its_order() {
        let documents = documents();
        let guide = documents.guide();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide");
        for entry in fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let path = format!("docs/guide/{name}");
            assert!(guide.contains(&path), "the list in {FIRST} lacks {path}");
        }
        let summary = documents.summary();
        let at = |text: &str| {
            summary
                .find(text)
                .unwrap_or_else(|| panic!("{text} in {summary}"))
        };
        let order = [
            "(index.md)",
            "(transports.md)",
            "(inbox.md)",
            "(postgres.md)",
            "(nats.md)",
        ];
        assert!(order.map(at).is_sorted(), "{summary}");
        assert!(at("(troubleshooting.md)") < at("# More"));
        assert_eq!(summary.matches("](").count(), documents.by_path.len());
    }

    #[test]
    fn every_link_has_a_place() {
        let documents = documents();
        for document in documents.iter() {
            documents.linked(document).unwrap();
        }
        let bot = &documents.by_path["docs/guide/README.md"];
        let linked = documents.linked(bot).unwrap();
        assert!(
            linked.contains("](../source/examples/echo_bot/src/main.rs.html)"),
            "{linked}"
        );
        assert!(linked.contains("](repository/ARCHITECTURE.md)"));
    }
}
