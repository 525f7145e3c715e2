//! The apps that a request may be for.

use std::sync::Arc;

use super::settings::Settings;

/// The apps that a request may be for; its body decides between them.
#[derive(Debug)]
pub(super) enum Candidates {
    One(Arc<Settings>),
    /// Several apps, each with an Encrypt Key.
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
