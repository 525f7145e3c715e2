//! The page of a chapter, for mdbook to fill in: the frame of the site around the chapter, its table of contents and
//! the search of mdbook, whose script needs these ids.

use maud::{Markup, PreEscaped, html};

use super::Documents;
use crate::pages::{Frame, Page};

/// Where the site is, from a chapter.
const UP: &str = "{{ path_to_root }}../";

pub(super) fn template(frame: Frame, documents: &Documents) -> String {
    let main = html! {
        div.book {
            article {
                (search())
                div #mdbook-content { (PreEscaped("{{{ content }}}")) }
                nav.neighbours aria-label="Chapters" { (PreEscaped(NEIGHBOURS)) }
            }
            nav.toc aria-labelledby="contents" {
                h2 #contents { "Contents" }
                @for (part, chapters) in documents.parts() {
                    h3 { (part) }
                    ul.plain {
                        @for (place, title) in chapters { (PreEscaped(chapter(&place, &html! { (title) }))) }
                    }
                }
            }
        }
    };
    frame.framed(
        UP,
        &Page {
            path: "guide/index.html",
            title: "{{ chapter_title }}",
            about: "{{ chapter_title }}: a page of the guide of lark-events.",
            scripts: &[
                "guide/elasticlunr.min.js",
                "guide/mark.min.js",
                "guide/searcher.js",
                "guide/highlight.js",
                "copy.js",
                "guide/book.js",
            ],
            main,
        },
    )
}

const NEIGHBOURS: &str = r#"{{#if previous}}<a rel="prev" href="{{ path_to_root }}{{ previous.link }}">← {{ previous.title }}</a>{{/if}}
{{#if next}}<a rel="next" href="{{ path_to_root }}{{ next.link }}">{{ next.title }} →</a>{{/if}}"#;

/// What the script of the search reads.
const SETTINGS: &str = r#"<script>
const path_to_root = "{{ path_to_root }}";
window.path_to_searchindex_js = "searchindex.js";
</script>"#;

/// A chapter in the table of contents, which is the current page or not.
fn chapter(place: &str, title: &Markup) -> String {
    let page = place.replace(".md", ".html");
    let current = format!(r#"{{{{#if (eq path "{place}")}}}} aria-current="page"{{{{/if}}}}"#);
    let title = &title.0;
    format!(r#"<li><a href="{{{{ path_to_root }}}}{page}"{current}>{title}</a></li>"#)
}

fn search() -> Markup {
    html! {
        p.tools {
            button #mdbook-search-toggle type="button" aria-expanded="false" aria-controls="mdbook-search-wrapper" {
                "Search the guide"
            }
            a href="#contents" { "Contents" }
        }
        div #mdbook-search-wrapper .hidden {
            form #mdbook-searchbar-outer {
                input #mdbook-searchbar type="search" name="search" aria-label="Words to search for in the guide";
            }
            div #mdbook-searchresults-outer .hidden {
                p #mdbook-searchresults-header role="status" {}
                ul #mdbook-searchresults {}
            }
        }
        (PreEscaped(SETTINGS))
    }
}
