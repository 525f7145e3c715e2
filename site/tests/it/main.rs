//! The site: its pages lead somewhere, its search finds, and its schemas hold.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod built;
mod changes;
mod handlers;
#[cfg(unix)]
mod in_browser;
mod schemas;
mod search;
#[cfg(unix)]
mod whole;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

#[cfg(unix)]
use lark_events_site::MdBook;
use lark_events_site::{Files, build};
#[cfg(unix)]
use lark_events_test_servers::or_skip;

fn root() -> &'static Path {
    let site = Path::new(env!("CARGO_MANIFEST_DIR"));
    site.parent().unwrap()
}

/// The site without the guide.
fn site() -> &'static Files {
    static SITE: OnceLock<Files> = OnceLock::new();
    SITE.get_or_init(|| build(root(), None).unwrap())
}

/// The site with the guide. `None`, and a line that says so, without mdbook.
#[cfg(unix)]
fn whole_site() -> Option<&'static Files> {
    static SITE: OnceLock<Option<Files>> = OnceLock::new();
    let mdbook = or_skip(
        MdBook::find().unwrap(),
        "the guide as a book",
        "mdbook",
        MdBook::INSTALL,
    );
    let site = SITE.get_or_init(|| Some(build(root(), Some(&mdbook?)).unwrap()));
    site.as_ref()
}

fn text(path: &str) -> &'static str {
    let content = site().get(path).unwrap_or_else(|| panic!("no {path}"));
    std::str::from_utf8(content).unwrap()
}

/// A folder that is removed with this value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lark-events-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
