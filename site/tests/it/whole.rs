//! The site with the guide.

use std::process::Command;

use crate::{Folder, whole_site};

const PROGRAM: &str = env!("CARGO_BIN_EXE_lark-events-site");

#[test]
fn the_guide_is_a_book() {
    let Some(site) = whole_site() else { return };
    let page = site.get("guide/inbox.html").unwrap();
    let page = std::str::from_utf8(page).unwrap();
    for part in [
        "<h1 id=\"nothing-lost-the-inbox\">",
        "Search events",
        "aria-current=\"page\">Nothing lost: the inbox",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let source = "source/examples/echo_bot/src/main.rs.html";
    assert!(site.get(source).is_some());
}

#[test]
fn no_link_is_dead_and_two_builds_are_the_same() {
    let Some(site) = whole_site() else { return };
    let output = Command::new(PROGRAM).arg("--check").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let expected = format!("{} files, without dead links, twice the same\n", site.len());
    assert_eq!(printed, expected);
}

#[test]
fn the_command_writes_the_site() {
    let Some(site) = whole_site() else { return };
    let folder = Folder::new("command");
    let out = folder.0.join("out");
    let mut command = Command::new(PROGRAM);
    let output = command.arg("--out").arg(&out).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    for (path, content) in site.iter() {
        assert!(std::fs::read(out.join(path)).unwrap() == content, "{path}");
    }
}
