//! The hand-owned files of a new domain's crate: written when missing, never touched again.

/// `vc` has `vc-events`.
pub(crate) fn crate_name(domain: &str) -> String {
    format!("{}-events", domain.replace('_', "-"))
}

/// Each by its path in the crate.
pub(crate) fn files(domain: &str) -> [(&'static str, String); 2] {
    let name = crate_name(domain);
    let manifest = format!(
        r#"[package]
name = "{name}"
description = "Typed Feishu/Lark events: every {domain} event"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
keywords.workspace = true
categories.workspace = true

[dependencies]
lark-events.workspace = true # EventType and lenient decoding
serde.workspace = true # typed bodies
serde_json.workspace = true # fields that can hold anything, samples in tests

[lints]
workspace = true
"#
    );
    let library = format!(
        "//! Typed Feishu/Lark events: every `{domain}` event, for [`lark_events`].\n\n\
         mod generated;\n\n\
         pub use generated::*;\n"
    );
    [("Cargo.toml", manifest), ("src/lib.rs", library)]
}
