//! The site with the guide.

use lark_events_site::{MdBook, build, dead_links};

use crate::{root, whole_site};

#[test]
fn no_link_is_dead() {
    let Some(site) = whole_site() else { return };
    assert_eq!(dead_links(site), [""; 0]);
}

#[test]
fn the_guide_is_a_book_and_the_same_when_it_is_built_again() {
    let Some(site) = whole_site() else { return };
    let page = site.get("guide/inbox.html").unwrap();
    let page = std::str::from_utf8(page).unwrap();
    assert!(
        page.contains("Nothing lost: the inbox") || page.contains("inbox"),
        "{page}"
    );
    for lost in ["http://", "cdn", "play.rust-lang.org"] {
        let pages = site
            .iter()
            .filter(|(path, _)| path.ends_with(".html") && path.starts_with("guide/"));
        for (path, html) in pages {
            let html = String::from_utf8_lossy(html);
            let loads = html
                .split("src=\"")
                .skip(1)
                .filter(|it| it.starts_with(lost));
            assert_eq!(loads.count(), 0, "{path} loads from {lost}");
        }
    }
    let mdbook = MdBook::find().unwrap().unwrap();
    let again = build(root(), Some(&mdbook)).unwrap();
    assert_eq!(site.differing(&again), [""; 0]);
}
