//! Links of a document: where they lead in the repository, and what they become at another place.

/// Where the book has a document or an image of the repository: the pages of the guide at its top.
pub(super) fn place(path: &str) -> String {
    let place = match path.strip_prefix("docs/guide/") {
        Some(page) => page.to_owned(),
        None => format!("repository/{path}"),
    };
    match place.strip_suffix("README.md") {
        // mdbook would make a page of that name, and links to another one.
        Some(folder) => format!("{folder}index.md"),
        None => place,
    }
}

/// The path that a link of a document leads to, from the root of the repository; without an anchor. `None` if it
/// leads elsewhere, or within the document.
pub(super) fn target(from: &str, link: &str) -> Option<String> {
    let (path, _) = link.split_once('#').unwrap_or((link, ""));
    if path.is_empty() || link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The link from one file to another.
pub(super) fn relative(from: &str, to: &str) -> String {
    let up = from.matches('/').count();
    "../".repeat(up) + to
}

/// Replaces the links of a document outside of code.
pub(super) fn replace<E>(
    text: &str,
    mut link: impl FnMut(&str) -> Result<String, E>,
) -> Result<String, E> {
    let mut replaced = String::with_capacity(text.len());
    let mut is_code = false;
    for line in text.split_inclusive('\n') {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        if is_code || is_fence {
            replaced += line;
            continue;
        }
        // Code has brackets of its own.
        for (at, part) in line.split('`').enumerate() {
            if at > 0 {
                replaced.push('`');
            }
            if at % 2 == 1 {
                replaced += part;
                continue;
            }
            let mut parts = part.split("](");
            replaced += parts.next().unwrap_or_default();
            for part in parts {
                let (target, rest) = part.split_once(')').unwrap_or((part, ""));
                replaced += &format!("]({}){rest}", link(target)?);
            }
        }
    }
    Ok(replaced)
}

/// The links of a document outside of code.
pub(super) fn of(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    let collected = replace(text, |link| {
        links.push(link.to_owned());
        Ok::<_, std::convert::Infallible>(String::new())
    });
    let Ok(_) = collected;
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_replaced_outside_of_code_only() {
        let text = "[a](b.md) `[c](d.md)` [`e`](f.md#g), ![h](i.png)\n```text\n[j](k.md)\n```\n[l](m.md)\n";
        assert_eq!(of(text), ["b.md", "f.md#g", "i.png", "m.md"]);
        let replaced = replace(text, |link| Ok::<_, String>(link.to_uppercase())).unwrap();
        assert_eq!(
            replaced,
            "[a](B.MD) `[c](d.md)` [`e`](F.MD#G), ![h](I.PNG)\n```text\n[j](k.md)\n```\n[l](M.MD)\n"
        );
    }

    #[test]
    fn a_link_leads_to_a_path_from_the_root() {
        for (link, expected) in [
            ("inbox.md#stores", Some("docs/guide/inbox.md")),
            ("../../README.md", Some("README.md")),
            ("../../crates/lark-events/", Some("crates/lark-events")),
            ("#here", None),
            ("https://example.com/a.md", None),
        ] {
            assert_eq!(target("docs/guide/README.md", link).as_deref(), expected);
        }
    }

    #[test]
    fn the_guide_is_at_the_top_of_the_book() {
        for (path, expected) in [
            ("docs/guide/README.md", "index.md"),
            ("docs/guide/inbox.md", "inbox.md"),
            ("docs/console.png", "repository/docs/console.png"),
            ("README.md", "repository/index.md"),
            (
                "crates/vc-events/README.md",
                "repository/crates/vc-events/index.md",
            ),
        ] {
            assert_eq!(place(path), expected);
        }
        assert_eq!(
            relative("repository/docs/console.md", "index.md"),
            "../../index.md"
        );
    }
}
