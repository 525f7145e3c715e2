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
        page.contains("<h1 id=\"nothing-lost-the-inbox\">"),
        "{page}"
    );
    assert!(
        page.contains("Search events")
            && page.contains("aria-current=\"page\">Nothing lost: the inbox")
    );
    assert!(
        site.get("source/examples/echo_bot/src/main.rs.html")
            .is_some()
    );
    let mdbook = MdBook::find().unwrap().unwrap();
    let again = build(root(), Some(&mdbook)).unwrap();
    assert_eq!(site.differing(&again), [""; 0]);
}
