//! The frame of every page: head, skip link, navigation, the state of what is watched, and the content.

use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use maud::{DOCTYPE, Markup, html};

use super::masked::Masked;
use super::sse::Position;

const STYLE: &str = include_str!("../assets/console.css");
const SCRIPT: &str = include_str!("../assets/console.js");
const ICON: &str = include_str!("../assets/icon.svg");

/// What all pages of a site have in common.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) name: &'static str,
    /// The paths of the pages and their names.
    pub(crate) pages: &'static [(&'static str, &'static str)],
    /// The banner while the page is not connected.
    pub(crate) lost: &'static str,
}

/// A page.
pub(crate) struct Page {
    pub(crate) title: Masked,
    /// The path in [`Site::pages`] to which it belongs.
    pub(crate) path: &'static str,
    pub(crate) status: Markup,
    pub(crate) main: Markup,
    /// The URL of its changes, and the position that it shows.
    pub(crate) stream: Option<(Masked, Position)>,
}

impl Site {
    pub(crate) fn page(&self, page: &Page) -> Markup {
        let (stream, position) = page
            .stream
            .as_ref()
            .map(|(url, position)| (url, position))
            .unzip();
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (page.title) " - " (self.name) }
                    link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                    link rel="stylesheet" href="/assets/console.css";
                    script src="/assets/console.js" defer {}
                }
                body data-stream=[stream] data-position=[position] data-lost=(self.lost) {
                    a.skip href="#main" { "Skip to the content" }
                    header {
                        div.bar {
                            a.site href="/" { (self.name) }
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

/// The style sheet.
pub(crate) async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

/// The script.
pub(crate) async fn script() -> Response {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

/// The icon.
pub(crate) async fn icon() -> Response {
    asset("image/svg+xml", ICON)
}

fn asset(content_type: &'static str, content: &'static str) -> Response {
    ([(CONTENT_TYPE, content_type)], content).into_response()
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
            pages: &[("/", "Home")],
            lost: "lost",
        };
        let page = site.page(&Page {
            title: "<script>".into(),
            path: "/",
            status: html! {},
            main: html! { (Masked::from("<img onerror=x>")) },
            stream: Some((
                "/stream?a=\"".into(),
                Position {
                    run: 1,
                    revision: 2,
                },
            )),
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
