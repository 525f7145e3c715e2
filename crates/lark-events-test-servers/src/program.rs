//! Where the programs of servers are.

use std::env;
use std::path::PathBuf;

/// Folders of programs for administrators, which are not on the `PATH` of every user, and that of a browser.
const FOLDERS: [&str; 4] = [
    "/usr/sbin",
    "/usr/local/sbin",
    "/usr/bin",
    "/usr/lib/chromium",
];

pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(FOLDERS.map(PathBuf::from));
    let mut programs = folders.map(|folder| folder.join(name));
    programs.find(|program| program.is_file())
}
