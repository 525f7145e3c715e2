//! [axe-core](https://github.com/dequelabs/axe-core): what a page lacks to be accessible.

use std::env;
use std::fs;
use std::future::Future;
use std::panic::Location;

use super::Tab;
use crate::skip::skipped;

const VARIABLE: &str = "LARK_EVENTS_AXE";

/// A promise of lines: the rule, the element, and how to meet the rule. Loads nothing, which a policy may forbid.
const RUN: &str = "
return axe.run(document, { resultTypes: ['violations'], preload: false }).then((results) =>
    results.violations.flatMap((it) => it.nodes.map((node) =>
        `${it.id}: ${node.target.join(' ')}: ${node.failureSummary.replace(/\\s+/g, ' ')}`)));";

/// The script of axe-core.
pub struct Axe {
    script: String,
}

impl Axe {
    /// Reads the script that the environment variable `LARK_EVENTS_AXE` names, `axe.min.js`. If it is not set, prints
    /// that something is skipped, even with `LARK_EVENTS_ENGINES=required`: a registry may be out of reach.
    ///
    /// # Panics
    ///
    /// If there is no such file.
    #[must_use]
    #[track_caller]
    pub fn given_or_skip(what: &str) -> Option<Self> {
        let Some(path) = env::var_os(VARIABLE).filter(|it| !it.is_empty()) else {
            skipped(format_args!(
                "{what}, which needs axe-core: npm install axe-core, and set {VARIABLE} to the path of axe.min.js"
            ));
            return None;
        };
        match fs::read_to_string(&path) {
            Ok(script) => Some(Self { script }),
            Err(error) => panic!("{}: {error}: correct {VARIABLE}", path.display()),
        }
    }

    /// Checks the page as it is now. Returns a line for each element that violates a rule: the rule, the element and
    /// a summary.
    ///
    /// # Panics
    ///
    /// If the script fails.
    #[track_caller]
    pub fn violations(&self, tab: &Tab) -> impl Future<Output = Vec<String>> {
        let at = Location::caller();
        let script = format!("{}\n{RUN}", self.script);
        async move {
            let lines = match tab.execute(&script, Vec::new()).await {
                Ok(lines) => lines,
                Err(error) => panic!("{at}: axe-core: {error}"),
            };
            let lines = lines.as_array().into_iter().flatten();
            lines
                .filter_map(|it| it.as_str().map(str::to_owned))
                .collect()
        }
    }
}

/// Without the script, which is long.
impl std::fmt::Debug for Axe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Axe").finish_non_exhaustive()
    }
}
