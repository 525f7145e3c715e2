//! Where the programs of a browser are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Browser;
use crate::process::check;
use crate::program::find_program;

const DRIVER: &str = "LARK_EVENTS_CHROMEDRIVER";
const CHROMIUM: &str = "LARK_EVENTS_CHROMIUM";
/// Of Debian and of others, in order of preference.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// An installed Chromium and its driver, which is of the same version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserProgram {
    driver: PathBuf,
    chromium: PathBuf,
}

impl BrowserProgram {
    /// Finds both programs: the files in `LARK_EVENTS_CHROMEDRIVER` and `LARK_EVENTS_CHROMIUM`, or those on the `PATH`
    /// or in Debian's folders.
    ///
    /// # Panics
    ///
    /// If one of these variables is not the path of such a program.
    #[must_use]
    pub fn find() -> Option<Self> {
        let driver = given(DRIVER, is_driver).or_else(|| find_program("chromedriver"))?;
        let chromium =
            given(CHROMIUM, Path::is_file).or_else(|| NAMES.into_iter().find_map(find_program))?;
        Some(Self { driver, chromium })
    }

    /// The path of `chromedriver`.
    #[must_use]
    pub fn driver(&self) -> &Path {
        &self.driver
    }

    /// The path of the browser.
    #[must_use]
    pub fn chromium(&self) -> &Path {
        &self.chromium
    }

    /// Starts a driver.
    ///
    /// # Panics
    ///
    /// If the driver does not start.
    #[must_use]
    #[track_caller]
    pub fn start(&self) -> Browser {
        check(self.try_start())
    }

    /// Starts a driver.
    ///
    /// # Errors
    ///
    /// A text that says what failed, with the end of the driver's log.
    pub fn try_start(&self) -> Result<Browser, String> {
        Browser::new(self)
    }
}

/// The program that a variable names.
fn given(variable: &str, is_program: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let path = env::var_os(variable).filter(|it| !it.is_empty())?;
    let path = std::path::absolute(&path).unwrap_or_else(|_| path.into());
    assert!(
        is_program(&path),
        "expected a program at {}: correct {variable}",
        path.display()
    );
    Some(path)
}

fn is_driver(path: &Path) -> bool {
    let output = Command::new(path).arg("--version").output();
    output.is_ok_and(|it| it.stdout.starts_with(b"ChromeDriver "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_program_is_no_driver() {
        assert!(!is_driver(Path::new("/bin/sh")));
        assert!(!is_driver(Path::new("/nowhere")));
    }
}
