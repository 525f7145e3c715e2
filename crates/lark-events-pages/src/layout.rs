//! The frame of every page: head, skip link, navigation, the state of what is watched, and the content.

use maud::{DOCTYPE, Markup, html};

/// The style sheet: `text/css; charset=utf-8`.
pub const STYLE: &str = include_str!("assets/page.css");
/// The script: `text/javascript; charset=utf-8`.
pub const SCRIPT: &str = include_str!("assets/page.js");
/// The icon: `image/svg+xml`.
pub const ICON: &str = include_str!("assets/icon.svg");

/// The common parts of all pages of a site. Each URL may be relative to the page.
#[derive(Debug)]
pub struct Site {
    /// The name.
    pub name: &'static str,
    /// The URL of the first page.
    pub home: &'static str,
    /// The URLs of the pages and their names.
    pub pages: &'static [(&'static str, &'static str)],
    /// The banner while the page is not connected.
    pub lost: &'static str,
    /// The URL of [`STYLE`].
    pub style: &'static str,
    /// The URL of [`SCRIPT`].
    pub script: &'static str,
    /// The URL of [`ICON`].
    pub icon: &'static str,
}

/// A page.
#[derive(Debug)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// The URL in [`Site::pages`] to which it belongs.
    pub path: &'static str,
    /// The state of what is watched.
    pub status: Markup,
    /// The content.
    pub main: Markup,
    /// How its script keeps it up to date.
    pub live: Live,
}

/// How the script keeps a page up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    /// It does not.
    No,
    /// By Server-Sent Events.
    Stream {
        /// The URL of the events, with a query.
        url: String,
        /// The id of the last event that the page shows.
        position: String,
    },
    /// By loading the page again: elements with the attribute `data-live` and an id replace the shown ones.
    Poll {
        /// The time between two requests, in seconds.
        seconds: u32,
    },
}

impl Site {
    /// The page in its frame.
    #[must_use]
    pub fn page(&self, page: &Page) -> Markup {
        let (stream, position) = match &page.live {
            Live::Stream { url, position } => (Some(url), Some(position)),
            _ => (None, None),
        };
        let poll = match page.live {
            Live::Poll { seconds } => Some(seconds),
            _ => None,
        };
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (page.title) " - " (self.name) }
                    link rel="icon" href=(self.icon) type="image/svg+xml";
                    link rel="stylesheet" href=(self.style);
                    script src=(self.script) defer {}
                }
                body data-stream=[stream] data-position=[position] data-poll=[poll] data-lost=(self.lost) {
                    a.skip href="#main" { "Skip to the content" }
                    header {
                        div.bar {
                            a.site href=(self.home) { (self.name) }
                            nav aria-label="Pages" {
                                @for (path, name) in self.pages {
                                    a href=(path) aria-current=[(*path == page.path).then_some("page")] {
                                        (name)
                                    }
                                }
                            }
                        }
                        (page.status)
                    }
                    p #connection .banner role="status" {}
                    // Where a form says what came of it, unless it has a place of its own.
                    p #said .done role="status" {}
                    p #wrong .error role="alert" {}
                    main #main tabindex="-1" { (page.main) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_assets_are_small_and_load_nothing() {
        assert!(STYLE.len() + SCRIPT.len() <= 60 * 1024);
        for asset in [STYLE, SCRIPT] {
            for foreign in ["http:", "https:", "url(", "@import", "import(", "eval("] {
                assert!(!asset.contains(foreign), "{foreign}");
            }
        }
    }

    #[test]
    fn nothing_in_a_page_is_inline_and_text_is_escaped() {
        let site = Site {
            name: "site",
            home: "/",
            pages: &[("/", "Home")],
            lost: "lost",
            style: "/style",
            script: "/script",
            icon: "/icon",
        };
        let page = site.page(&Page {
            title: "<script>".to_owned(),
            path: "/",
            status: html! {},
            main: html! { ("<img onerror=x>") },
            live: Live::Stream {
                url: "/stream?a=\"".to_owned(),
                position: "1-2".to_owned(),
            },
        });
        let page = page.into_string();
        assert!(page.contains("&lt;img onerror=x&gt;") && page.contains("<title>&lt;script&gt;"));
        assert!(
            page.contains("data-stream=\"/stream?a=&quot;\" data-position=\"1-2\""),
            "{page}"
        );
        for inline in ["<style", "style=", " on", "javascript:"] {
            assert!(!page.replace("onerror=x", "").contains(inline), "{inline}");
        }
        assert!(page.contains("aria-current=\"page\""));
    }
}
