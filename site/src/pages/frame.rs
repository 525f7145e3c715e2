//! The frame of each page: head, skip link, navigation with a search, and the content.

use maud::{DOCTYPE, Markup, html};

/// What all pages have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    /// Whether the site has the guide.
    pub(crate) has_guide: bool,
}

/// A page.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    /// From the root of the site.
    pub(crate) path: &'a str,
    pub(crate) title: &'a str,
    /// For search engines: a sentence.
    pub(crate) about: &'a str,
    /// Scripts of the root of the site.
    pub(crate) scripts: &'a [&'a str],
    pub(crate) main: Markup,
}

const HOME: &str = "index.html";

impl Frame {
    pub(crate) fn page(self, page: &Page<'_>) -> String {
        let up = "../".repeat(page.path.matches('/').count());
        self.framed(&up, page)
    }

    /// The page, from which `up` leads to the root of the site.
    pub(crate) fn framed(self, up: &str, page: &Page<'_>) -> String {
        let is_home = page.path == HOME;
        let guide = self.has_guide.then_some(("guide/index.html", "Guide"));
        let pages = [
            (HOME, "Events"),
            ("schemas/index.html", "JSON Schemas"),
            ("changes.html", "Changes"),
        ];
        let markup = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="description" content=(page.about);
                    title { (page.title) " - lark-events" }
                    link rel="icon" href={ (up) "icon.svg" } type="image/svg+xml";
                    link rel="stylesheet" href={ (up) "style.css" };
                    @for script in page.scripts {
                        script src={ (up) (script) } defer {}
                    }
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header {
                        div.bar {
                            a.site href={ (up) (HOME) } { "lark-events" }
                            nav aria-label="Site" {
                                @for (path, name) in pages.into_iter().chain(guide) {
                                    a href={ (up) (path) } aria-current=[(path == page.path).then_some("page")] {
                                        (name)
                                    }
                                }
                            }
                            @if !is_home {
                                form.find role="search" action={ (up) (HOME) } {
                                    input type="search" name="q" aria-label="Search events" placeholder="Search events";
                                    button { "Search" }
                                }
                            }
                        }
                    }
                    main #main tabindex="-1" { (page.main) }
                    footer {
                        p {
                            "Made from the fact files of lark-events. The platform's own pages are authoritative; "
                            "lark-events is not a product of the platform."
                        }
                    }
                }
            }
        };
        markup.into_string() + "\n"
    }
}
