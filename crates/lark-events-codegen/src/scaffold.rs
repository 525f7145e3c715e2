//! The hand-owned files of a domain's own crate. They are written once, and never changed.

use super::names::event_set_name;

/// The files by their paths in the crate.
pub(crate) fn files(
    name: &str,
    domain: &str,
    about: Option<&str>,
    has_any_json: bool,
) -> [(&'static str, String); 2] {
    let every = format!("every {domain} event");
    let about = about.unwrap_or(&every);
    let description = format!("Typed Feishu/Lark events: {about}");
    let any_json = if has_any_json {
        "serde_json.workspace = true # fields that can hold anything\n"
    } else {
        ""
    };
    let manifest = format!(
        r#"[package]
name = "{name}"
description = {description:?}
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
include.workspace = true
keywords.workspace = true
categories.workspace = true

[dependencies]
lark-events.workspace = true # EventType and lenient decoding
serde.workspace = true # typed bodies
{any_json}
[lints]
workspace = true
"#
    );
    let set = event_set_name(domain);
    let module = name.replace('-', "_");
    let library = format!(
        "//! Typed `{domain}` events of Feishu/Lark, for [`lark_events`]: {about}.\n\
         //!\n\
         //! Every field is an `Option`, because the platform does not document which it always\n\
         //! sends, and an odd value costs its own field only (see [`lark_events::lenient`]).\n\
         //!\n\
         //! ```\n\
         //! use {module}::{set};\n\
         //! use lark_events::Dispatcher;\n\
         //!\n\
         //! // One handler for all of them; `on` registers one for a single event.\n\
         //! let dispatcher = Dispatcher::builder()\n\
         //!     .on_all::<{set}>(|event| async move {{ println!(\"{{}}\", event.header().event_type) }})\n\
         //!     .build()?;\n\
         //! # Ok::<(), lark_events::error::BuildError>(())\n\
         //! ```\n\
         //!\n\
         //! [`EVENTS`] lists what the platform documents of each event.\n\n\
         mod generated;\n\n\
         pub use generated::*;\n\n\
         /// The README's example is a test.\n\
         #[cfg(doctest)]\n\
         #[doc = include_str!(\"../README.md\")]\n\
         mod readme {{}}\n"
    );
    [("Cargo.toml", manifest), ("src/lib.rs", library)]
}
