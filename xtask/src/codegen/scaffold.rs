//! The hand-owned files of a new domain's crate: written when missing, never touched again.

/// `vc` has `vc-events`.
pub(crate) fn crate_name(domain: &str) -> String {
    format!("{}-events", domain.replace('_', "-"))
}

/// Each by its path in the crate.
pub(crate) fn files(domain: &str, about: Option<&str>) -> [(&'static str, String); 2] {
    let name = crate_name(domain);
    let every = format!("every {domain} event");
    let about = about.unwrap_or(&every);
    let manifest = format!(
        r#"[package]
name = "{name}"
description = "Typed Feishu/Lark events: {about}"
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
        "//! Typed `{domain}` events of Feishu/Lark, for [`lark_events`]: {about}.\n\
         //!\n\
         //! Every field is an `Option`, because the platform does not document which it always\n\
         //! sends, and an odd value costs its own field only (see [`lark_events::lenient`]).\n\
         //! [`EVENTS`] lists what the platform documents of each event.\n\n\
         mod generated;\n\n\
         pub use generated::*;\n"
    );
    [("Cargo.toml", manifest), ("src/lib.rs", library)]
}
