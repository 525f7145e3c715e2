//! Looks at a page in each view: axe-core finds nothing, a narrow page does not scroll sideways, and a finger hits
//! each control.

use std::path::PathBuf;
use std::{env, fs};

use serde_json::json;

use super::{Axe, Tab, View};

/// The controls that are less than 24 px high: a finger misses them.
const SMALL: &str = "[...document.querySelectorAll('header a, main a, button, input, select, textarea, summary')] \
    .filter((it) => it.checkVisibility() && it.getBoundingClientRect().height < 24) \
    .map((it) => `${it.tagName} ${it.textContent || it.name}`)";
const SCREENSHOTS: &str = "LARK_EVENTS_SCREENSHOTS";

/// What is wrong with the looks of pages, and the screenshots for a person to look at, in the folder that the
/// environment variable `LARK_EVENTS_SCREENSHOTS` names.
#[derive(Debug)]
pub struct Looks {
    axe: Option<Axe>,
    folder: Option<PathBuf>,
    seen: Vec<String>,
}

impl Looks {
    /// Looks at the pages of a tab. Without axe-core, prints that it is skipped, as [`Axe::given_or_skip`].
    ///
    /// # Panics
    ///
    /// If the script of axe-core cannot be read, the folder cannot be created, or the driver reports an error.
    pub async fn of(tab: &Tab, what: &str) -> Self {
        // They would cover a part of the width in a screenshot.
        let hidden = json!({ "hidden": true });
        let done = tab.devtools("Emulation.setScrollbarsHidden", hidden).await;
        done.expect("Chromium hides its scrollbars");
        let folder = env::var_os(SCREENSHOTS).filter(|it| !it.is_empty());
        let folder = folder.map(PathBuf::from);
        if let Some(folder) = &folder {
            fs::create_dir_all(folder).expect("the folder of screenshots can be created");
        }
        Self {
            axe: Axe::given_or_skip(what),
            folder,
            seen: Vec::new(),
        }
    }

    /// Looks at the page as it is, in each view. The name is that of its screenshots.
    ///
    /// # Panics
    ///
    /// If the driver reports an error, or a screenshot cannot be written.
    pub async fn at(&mut self, tab: &Tab, name: &str) {
        for view in View::ALL {
            tab.view(view).await;
            let width = tab.eval("document.documentElement.scrollWidth").await;
            if width.as_u64() > Some(u64::from(view.width())) {
                self.seen.push(format!("{name} {view}: {width} px wide"));
            }
            let small = tab.eval(SMALL).await;
            if small != json!([]) {
                self.seen
                    .push(format!("{name} {view}: small targets: {small}"));
            }
            if let Some(axe) = &self.axe {
                let violations = axe.violations(tab).await.into_iter();
                self.seen
                    .extend(violations.map(|it| format!("{name} {view}: {it}")));
            }
            if let Some(folder) = &self.folder {
                tab.save_screenshot(folder.join(format!("{name}-{view}.png")))
                    .await;
            }
        }
        tab.view(View::WIDE).await;
    }

    /// Ends the looks.
    ///
    /// # Panics
    ///
    /// If something was wrong.
    #[track_caller]
    pub fn assert_good(self) {
        assert_eq!(self.seen, Vec::<String>::new(), "{}", json!(self.seen));
    }
}
