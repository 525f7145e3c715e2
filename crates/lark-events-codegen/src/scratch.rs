//! A temporary folder, for files that rustfmt formats and for the workspaces of tests.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, process};

/// A unique temporary folder, removed on drop.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Chooses a path. The first written file creates the folder.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lark-events-codegen-{}-{count}", process::id());
        Self(env::temp_dir().join(name))
    }
}

impl Deref for Scratch {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A leftover in the temporary folder is harmless.
        let _ = fs::remove_dir_all(&self.0);
    }
}
