//! The index of the JSON Schemas.

use maud::html;

use super::prose::prose;
use super::{Frame, Page};
use crate::Files;
use crate::catalogue::Catalogue;
use crate::schema;

/// Adds the page.
pub(crate) fn add_schemas(files: &mut Files, frame: Frame, catalogue: &Catalogue) {
    let main = html! {
        h1 { "JSON Schemas" }
        p.lead { "A schema for each event, to generate types or to validate in any language." }
        ul {
            li {
                "Draft 2020-12. A schema describes the whole document with its envelope, after decryption, and refers "
                "to nothing outside of its file."
            }
            li {
                "The " code { "$id" } " is the name of the file, so it does not depend on where this site is. "
                "A name does not change as long as the platform keeps the name of the event."
            }
            li {
                "No field is required, and others may come: the platform adds fields at any time, and omits those that "
                "an app may not see."
            }
            li {
                "Each field of a body may be " code { "null" } ", which means the same as a missing field. "
                "An element of a list may not be."
            }
            li {
                code { "x-lark" } " has facts that JSON Schema has no keyword for, such as permissions and units. "
                "Validators ignore it."
            }
        }
        p { a href="index.json" { "index.json" } " lists all schemas for programs." }
        @for domain in &catalogue.domains {
            section aria-labelledby=(domain.name) {
                h2 #(domain.name) { (domain.name) " " small { (domain.about) } }
                ul.events {
                    @for entry in catalogue.of(domain.name) {
                        li {
                            a.type href=(schema::file(entry)) { (schema::file(entry)) }
                            " " a href={ "../events/" (entry.event_type()) ".html" } { (prose(entry.info.title)) }
                        }
                    }
                }
            }
        }
    };
    let page = Page {
        path: "schemas/index.html",
        title: "JSON Schemas",
        about: "A JSON Schema for each event of Feishu and Lark.",
        scripts: &[],
        main,
    };
    files.add(page.path, frame.page(&page));
}
