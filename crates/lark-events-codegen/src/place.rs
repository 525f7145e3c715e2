//! The place of the Rust of a domain: a module of the crate of types, unless the overlay names another
//! place.

use super::names;
use super::overlay::Overlay;
use super::problem::Problems;

/// The crate that has a module for each domain.
pub(crate) const TYPES: &str = "lark-events-types";

/// The folder of a crate with generated files only.
pub(crate) const GENERATED: &str = "src/generated";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The module of the crate of types with the name of the domain.
    Module(String),
    /// A separate crate.
    Crate(String),
    /// A module of a hand-written crate, for which no types are generated.
    ByHand(String),
}

impl Place {
    pub(crate) fn of(domain: &str, overlay: &Overlay, problems: &mut Problems) -> Self {
        let mut report = |at, rule| problems.push(&overlay.file, at, rule);
        match (&overlay.by_hand, &overlay.crate_name) {
            (Some(module), name) => {
                if !names::is_path(module) {
                    report("by_hand", "not a path of a module");
                }
                if name.is_some() {
                    report("crate", "nothing is generated for a domain `by_hand`");
                }
                Self::ByHand(module.clone())
            }
            (None, Some(name)) => {
                if !names::is_crate_name(name) {
                    report("crate", "not a name for the crate of a domain");
                }
                Self::Crate(name.clone())
            }
            (None, None) => Self::Module(domain.to_owned()),
        }
    }

    /// The crate that an app depends on.
    pub(crate) fn crate_name(&self) -> String {
        match self {
            Self::Module(_) => TYPES.to_owned(),
            Self::Crate(name) => name.clone(),
            Self::ByHand(module) => {
                let root = module.split("::").next().unwrap_or_default();
                root.replace('_', "-")
            }
        }
    }

    /// The path of the module with the types: `vc_events`.
    pub(crate) fn module(&self) -> String {
        match self {
            Self::Module(domain) => format!("{}::{domain}", TYPES.replace('-', "_")),
            Self::Crate(name) => name.replace('-', "_"),
            Self::ByHand(module) => module.clone(),
        }
    }

    /// The folder of the generated files, in the workspace.
    pub(crate) fn folder(&self) -> Option<String> {
        match self {
            Self::Module(domain) => Some(format!("crates/{TYPES}/{GENERATED}/{domain}")),
            Self::Crate(name) => Some(format!("crates/{name}/{GENERATED}")),
            Self::ByHand(_) => None,
        }
    }
}
