//! The apps that a request may be for.

use std::sync::Arc;

use super::settings::Settings;

/// The apps that a request may be for, of which its body has to tell which one.
#[derive(Debug)]
pub(super) enum Candidates {
    One(Arc<Settings>),
    /// All of them have an Encrypt Key.
    Many(Arc<[Arc<Settings>]>),
}

impl Candidates {
    pub(super) fn all(&self) -> &[Arc<Settings>] {
        match self {
            Self::One(settings) => std::slice::from_ref(settings),
            Self::Many(all) => all,
        }
    }
}
