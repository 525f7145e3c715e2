//! Follows every link of every page of the site, and finds those that lead nowhere.

use std::collections::{BTreeMap, BTreeSet};

use html5gum::{Token, Tokenizer};

use crate::Files;

/// What a page refers to, and what may be referred to in it.
#[derive(Debug, Default)]
struct Page {
    links: BTreeSet<String>,
    /// What it loads: scripts, styles and images.
    parts: BTreeSet<String>,
    anchors: BTreeSet<String>,
}

impl Page {
    fn read(html: &str) -> Self {
        let mut page = Self::default();
        for Ok(token) in Tokenizer::new(html) {
            let Token::StartTag(tag) = token else {
                continue;
            };
            for (name, value) in &tag.attributes {
                let value = String::from_utf8_lossy(value).into_owned();
                match name.as_slice() {
                    b"src" | b"data" | b"poster" => page.parts.insert(value),
                    b"href" if tag.name.as_slice() == b"link" => page.parts.insert(value),
                    b"href" | b"action" => page.links.insert(value),
                    b"id" => page.anchors.insert(value),
                    b"name" if tag.name.as_slice() == b"a" => page.anchors.insert(value),
                    _ => false,
                };
            }
        }
        page
    }
}

/// A line for each link to a file or an anchor that the site does not have, for each to a server that is not encrypted,
/// and for each part of a page that is loaded from a server.
#[must_use]
pub fn dead_links(files: &Files) -> Vec<String> {
    let pages = files.iter().filter(|(path, _)| path.ends_with(".html"));
    let pages: BTreeMap<_, _> = pages
        .map(|(path, text)| (path, Page::read(&String::from_utf8_lossy(text))))
        .collect();
    let mut dead = Vec::new();
    for (path, page) in &pages {
        let inside = page.links.iter().filter(|link| !is_outside(link));
        for link in page.parts.iter().chain(inside) {
            if let Err(problem) = follow(files, &pages, path, link) {
                dead.push(format!("{path}: {link}: {problem}"));
            }
        }
    }
    dead
}

fn is_outside(link: &str) -> bool {
    link.starts_with("https://") || link.starts_with("mailto:")
}

fn follow(
    files: &Files,
    pages: &BTreeMap<&str, Page>,
    from: &str,
    link: &str,
) -> Result<(), &'static str> {
    let (link, anchor) = link.split_once('#').unwrap_or((link, ""));
    let link = link.split_once('?').map_or(link, |(path, _)| path);
    let target = resolve(from, link).ok_or("leaves the site, or is not encrypted")?;
    if files.get(&target).is_none() {
        return Err("no such file");
    }
    let anchor = decoded(anchor);
    match pages.get(target.as_str()) {
        _ if anchor.is_empty() => Ok(()),
        Some(page) if page.anchors.contains(&anchor) => Ok(()),
        _ => Err("no such anchor"),
    }
}

/// The path of a file that a relative link names. A folder is none: without a server it has no page.
fn resolve(from: &str, link: &str) -> Option<String> {
    if link.is_empty() {
        return Some(from.to_owned());
    }
    if link.starts_with('/') || link.contains(':') {
        return None;
    }
    let mut path: Vec<_> = from.split('/').collect();
    path.pop();
    let link = decoded(link);
    for part in link.split('/') {
        match part {
            "." => {}
            ".." => drop(path.pop()?),
            part => path.push(part),
        }
    }
    Some(path.join("/"))
}

/// Percent-decoded; what is not valid stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| byte == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let mut files = Files::default();
        files.add("a/x.html", r##"<p id="one"><a href="#one">1</a> <a href="../b.html#%74wo">2</a> <a href="../b.html?q=1">3</a>
            <a href="https://example.com/">4</a> <img src="../i.svg">"##);
        files.add("b.html", r#"<p id="two">"#);
        files.add("i.svg", "");
        assert_eq!(dead_links(&files), [""; 0]);
        files.add(
            "dead.html",
            r##"<a href="#none">1</a> <a href="b.html#one">2</a> <a href="c.html">3</a> <a href="a/">4</a>
            <a href="../b.html">5</a> <a href="/b.html">6</a> <a href="http://example.com">7</a> <script src="s.js"></script>
            <script src="https://example.com/s.js"></script>"##,
        );
        assert_eq!(dead_links(&files).len(), 9, "{:#?}", dead_links(&files));
    }
}
