//! mdbook, which makes a book of Markdown.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const VARIABLE: &str = "LARK_EVENTS_MDBOOK";
/// Others have other settings.
const VERSION: &str = "v0.5.";

/// An installed mdbook.
#[derive(Debug, Clone)]
pub struct MdBook(PathBuf);

impl MdBook {
    /// How to install it.
    pub const INSTALL: &str = "cargo install --locked mdbook@^0.5";

    /// Finds it: the program in `LARK_EVENTS_MDBOOK`, or on the `PATH`. `None` if it is not installed.
    ///
    /// # Errors
    ///
    /// If it is another version, or the variable names no such program.
    pub fn find() -> Result<Option<Self>, String> {
        let given = env::var_os(VARIABLE).filter(|path| !path.is_empty());
        let is_given = given.is_some();
        let path = given.map_or_else(|| "mdbook".into(), PathBuf::from);
        let output = match Command::new(&path).arg("--version").output() {
            Ok(output) => output,
            Err(_) if !is_given => return Ok(None),
            Err(error) => {
                return Err(format!("{}: {error}: correct {VARIABLE}", path.display()));
            }
        };
        let version = String::from_utf8_lossy(&output.stdout);
        let version = version.lines().next().unwrap_or_default();
        if !version.trim_start_matches("mdbook ").starts_with(VERSION) {
            return Err(format!(
                "expected mdbook 0.5, found {version:?}: {}",
                Self::INSTALL
            ));
        }
        Ok(Some(Self(path)))
    }

    /// Builds the book in a folder, into its folder `book`. Prints nothing if it succeeds.
    pub(super) fn build(&self, folder: &Path) -> Result<(), String> {
        let mut command = Command::new(&self.0);
        // Not run in that folder, from which a relative path of the program would lead elsewhere.
        command.arg("build").arg(folder);
        let output = command
            .output()
            .map_err(|error| format!("mdbook: {error}"))?;
        let log = String::from_utf8_lossy(&output.stderr);
        // A warning is of a document that is not as its author meant it.
        if output.status.success() && !log.contains("WARN") {
            return Ok(());
        }
        Err(format!("mdbook: {}\n{}", output.status, log.trim_end()))
    }
}
