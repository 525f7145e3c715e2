//! Problems of the catalogue, as lines with their places. All are reported at once, because a new
//! import leaves many descriptions to write.

use std::fmt;

/// A problem to fix in a fact file or an overlay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Relative to the workspace.
    file: String,
    /// A JSON pointer or a TOML path; empty for the file as a whole.
    at: String,
    rule: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, at, rule } = self;
        if at.is_empty() {
            return write!(f, "{file}: {rule}");
        }
        write!(f, "{file}: {at}: {rule}")
    }
}

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn push(&mut self, file: &str, at: impl Into<String>, rule: impl Into<String>) {
        self.0.push(Problem {
            file: file.to_owned(),
            at: at.into(),
            rule: rule.into(),
        });
    }

    /// Returns the problems found so far as an error, if there are any.
    pub(crate) fn checkpoint(self) -> Result<Self, Vec<Problem>> {
        if self.0.is_empty() {
            Ok(self)
        } else {
            Err(self.0)
        }
    }
}

impl From<Problems> for Vec<Problem> {
    fn from(problems: Problems) -> Self {
        problems.0
    }
}

impl Extend<Problem> for Problems {
    fn extend<T: IntoIterator<Item = Problem>>(&mut self, problems: T) {
        self.0.extend(problems);
    }
}
