//! Links: those within the repository lead to a file and a heading, the others are addresses.

use super::markdown::Document;
use super::{normal, root};

/// Checks the links of a document, and gives those to elsewhere.
pub(super) fn check(document: &Document, all: &[Document]) -> Vec<String> {
    let mut outside = Vec::new();
    for (line, target) in document.links() {
        let place = format!("{}:{line}: {target}", document.path.display());
        if target.contains("://") {
            let uri: http::Uri = target.parse().expect(&place);
            assert_eq!(uri.scheme_str(), Some("https"), "{place}");
            assert!(uri.host().is_some_and(|host| host.contains('.')), "{place}");
            outside.push(target);
            continue;
        }
        let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
        let path = match path {
            "" => document.path.clone(),
            path => normal(&document.path.parent().unwrap().join(path)),
        };
        let anchors = if path == document.path {
            Some(&document.anchors)
        } else {
            assert!(root().join(&path).exists(), "{place}: nothing is there");
            let other = all.iter().find(|other| other.path == path);
            other.map(|other| &other.anchors)
        };
        if !anchor.is_empty() {
            let anchors = anchors.unwrap_or_else(|| panic!("{place}: headings of no document"));
            assert!(
                anchors.iter().any(|it| it == anchor),
                "{place}: no such heading"
            );
        }
    }
    outside
}
