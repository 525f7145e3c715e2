//! The page of an event.

use maud::{Markup, html};

use super::prose::prose;
use super::{Frame, Page, field_table, handler};
use crate::Files;
use crate::catalogue::{Catalogue, Entry, Source};
use crate::schema;

/// The webhook of README and of the guide.
const WEBHOOK: &str = "http://127.0.0.1:7777/webhook/event";

/// Adds the page.
pub(crate) fn add_event(files: &mut Files, frame: Frame, catalogue: &Catalogue, entry: &Entry) {
    let event_type = entry.event_type();
    let main = html! {
        h1.type { (event_type) }
        p.lead { (prose(entry.info.title)) "." }
        @if let Some(title) = entry.origin.title { p.faint lang="zh-CN" { (title) } }
        p { (tags(entry)) }
        (facts(entry))
        h2 #handler { "Handler" }
        (dependency(entry))
        (code("the handler", &handler::code(entry)))
        h2 #push { "Push one to your webhook" }
        p {
            @if entry.sample.is_some() {
                "Sends the sample below as the platform does, encrypted and signed if an Encrypt Key is set:"
            } @else {
                "No sample is known. Write a body to a file, and send it as the platform does:"
            }
        }
        (code("the command", &push(entry)))
        h2 #fields { "Fields" }
        @if entry.fields.is_empty() {
            p { "No source that is known here describes the fields. The handler gets the JSON as it was received." }
        } @else {
            p {
                @if entry.envelope().is_some() {
                    "Of the body, which the envelope contains as " code { "event" } ". "
                }
                "Any field may be missing: in Rust, each is an " code { "Option" } "."
            }
            (field_table::table(&entry.fields))
        }
        @if let Some(sample) = entry.sample {
            h2 #sample { "Sample" }
            (code("the sample", sample.trim_end()))
        }
        (neighbours(catalogue, entry))
    };
    let path = format!("events/{event_type}.html");
    let page = Page {
        path: &path,
        title: event_type,
        about: &format!("{event_type}: {}.", entry.info.title),
        scripts: &["copy.js"],
        main,
    };
    files.add(path.clone(), frame.page(&page));
}

fn tags(entry: &Entry) -> Markup {
    let envelope = entry.envelope();
    html! {
        @if entry.is_callback() {
            span.badge.wait { "callback" } " "
        } @else {
            span.badge { "event" } " "
        }
        @match entry.source() {
            Source::Page => span.badge.good { "typed from its page" },
            Source::Sdks => span.badge.good { "typed from SDKs" },
            Source::Nothing => span.badge { "raw JSON" },
        }
        @if entry.origin.is_unconfirmed { " " span.badge.bad { "unconfirmed" } }
        @if envelope == Some("1.0") { " " span.badge { "old envelope" } }
    }
}

fn facts(entry: &Entry) -> Markup {
    let info = entry.info;
    let envelope = entry.envelope();
    html! {
        dl.sheet {
            @if entry.is_callback() {
                dt { "Kind" }
                dd { "Callback: the platform waits up to 3 seconds for the reply, and never redelivers it." }
            }
            dt { "Permission" }
            dd {
                @match info.scopes {
                    [] => "None is documented.",
                    [scope] => (self::scope(scope)),
                    scopes => { "Any one of:" ul.plain { @for scope in scopes { li { (self::scope(scope)) } } } },
                }
            }
            @if !info.field_scopes.is_empty() {
                dt { "For single fields" }
                dd { ul.plain { @for scope in info.field_scopes { li { (self::scope(scope)) } } } }
            }
            @if !info.app_types.is_empty() {
                dt { "App types" }
                dd { (info.app_types.iter().map(|app| app_type(app)).collect::<Vec<_>>().join(", ")) }
            }
            dt { "Envelope" }
            dd { (envelope.map_or_else(|| "None".to_owned(), |version| format!("Version {version}"))) }
            dt { "Rust type" }
            dd { code { (entry.path()) } }
            dt { "Source" }
            dd { (source(entry)) }
            dt { "JSON Schema" }
            dd { a href={ "../schemas/" (schema::file(entry)) } { (schema::file(entry)) } }
        }
    }
}

/// A permission, which leads to all events that it is for.
fn scope(scope: &str) -> Markup {
    html! { a href={ "../index.html?q=" (scope) } { code { (scope) } } }
}

fn app_type(name: &str) -> &str {
    match name {
        "custom" => "custom apps",
        "isv" => "store apps",
        other => other,
    }
}

fn source(entry: &Entry) -> Markup {
    let info = entry.info;
    let sdks = entry.origin.sdks.join(", ");
    // Hand-written types lack the day.
    let updated = entry.facts["x-lark"]["updated"].as_str();
    html! {
        @if let Some(page) = info.page {
            a href=(page) rel="external" { "The platform's page" }
            @if let Some(day) = updated { ", as of " span.day { (day) } }
            "."
        }
        @if !sdks.is_empty() { " Fields as in " (sdks) "." }
        @if entry.origin.is_unconfirmed { " No official source has this event." }
        @if info.page.is_none() && sdks.is_empty() && !entry.origin.is_unconfirmed {
            "Only its name is known."
        }
    }
}

fn dependency(entry: &Entry) -> Markup {
    let (crate_name, feature) = entry.package();
    html! {
        p {
            "Add " code { "lark-events" }
            @if crate_name != "lark-events" { " and " code { (crate_name) } }
            @if let Some(feature) = feature { " with the feature " code { (feature) } }
            " to the dependencies."
        }
    }
}

fn push(entry: &Entry) -> String {
    let file = match entry.sample {
        Some(_) => "",
        None => " --file body.json",
    };
    format!(
        "lark-events push {} --to {WEBHOOK}{file}",
        entry.event_type()
    )
}

/// Code, which the script lets a reader copy.
fn code(label: &str, text: &str) -> Markup {
    html! {
        div.copy data-label=(label) { pre { code { (text) } } }
    }
}

/// The events before and after this one in its domain.
fn neighbours(catalogue: &Catalogue, entry: &Entry) -> Markup {
    let domain: Vec<_> = catalogue.of(entry.domain.name).collect();
    let at = domain
        .iter()
        .position(|other| other.event_type() == entry.event_type());
    let at = at.unwrap_or_default();
    let before = at.checked_sub(1).and_then(|at| domain.get(at));
    let after = domain.get(at + 1);
    html! {
        nav.neighbours aria-label="Neighbours" {
            @if let Some(other) = before {
                a rel="prev" href={ (other.event_type()) ".html" } { "← " (other.event_type()) }
            }
            a href={ "../index.html#" (entry.domain.name) } { "All of " (entry.domain.name) }
            @if let Some(other) = after {
                a rel="next" href={ (other.event_type()) ".html" } { (other.event_type()) " →" }
            }
        }
    }
}
