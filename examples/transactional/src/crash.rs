//! Crashes on purpose.

use std::future::pending;
use std::io::{self, Write as _};

/// Where a handler stops, so that its process can be killed there. Handlers of apps have no such points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// Nowhere.
    Never,
    /// After the insert and the completion, before their commit.
    BeforeCommit,
    /// After the commit, before the worker knows of it.
    AfterCommit,
}

impl Crash {
    /// All points.
    pub const ALL: [Self; 2] = [Self::BeforeCommit, Self::AfterCommit];

    /// Prints the name of the point and does not return, if the handler stops there.
    pub async fn at(self, point: Self) {
        if self == point {
            // The parent has gone if this fails, and this process ends next.
            let _ = writeln!(io::stdout().lock(), "{}", point.name());
            pending::<()>().await;
        }
    }

    /// The name, as an argument of the program.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::BeforeCommit => "before-commit",
            Self::AfterCommit => "after-commit",
        }
    }

    /// The point with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        let mut points = Self::ALL.into_iter();
        let named = points.find(|point| point.name() == name);
        named.unwrap_or(Self::Never)
    }
}
