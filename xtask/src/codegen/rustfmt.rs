//! Formats generated text with the workspace's own rustfmt settings, so that `cargo fmt --check`
//! and `cargo xtask codegen --check` agree.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, io, process};

use super::{CodegenError, Texts};

/// Why there is no formatted text.
#[derive(Debug)]
pub(crate) enum FormatError {
    /// There is no rustfmt, or it cannot be started.
    NotRun(io::Error),
    /// What it said of the text.
    Refused(String),
}

/// Formats the Rust files among the texts: in a copy, by one rustfmt for all of them, which is far
/// quicker than one for each.
pub(crate) fn format_all(mut texts: Texts, root: &Path) -> Result<Texts, CodegenError> {
    let copy = Copy::new();
    let mut paths = Vec::new();
    for (path, text) in &mut texts {
        if path.extension().is_some_and(|extension| extension == "rs") {
            let path = copy.place(path, root);
            write(&path, text).map_err(|error| CodegenError::io(&path, error))?;
            paths.push((path, text));
        }
    }
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--edition", "2024", "--config-path"]);
    rustfmt.arg(root.join("rustfmt.toml"));
    rustfmt.args(paths.iter().map(|(path, _)| path));
    let failed = |error| CodegenError::Format(root.to_owned(), error);
    let output = rustfmt
        .output()
        .map_err(|error| failed(FormatError::NotRun(error)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(failed(FormatError::Refused(said.trim().to_owned())));
    }
    for (path, text) in paths {
        *text = fs::read_to_string(&path).map_err(|error| CodegenError::io(&path, error))?;
    }
    Ok(texts)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}

/// A folder that is gone when it is dropped.
struct Copy(PathBuf);

impl Copy {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lark-events-rustfmt-{}-{count}", process::id());
        Self(env::temp_dir().join(name))
    }

    /// Where a file of the workspace is in it.
    fn place(&self, path: &Path, root: &Path) -> PathBuf {
        self.0.join(path.strip_prefix(root).unwrap_or(path))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // What is left in the folder for temporary files does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}
