//! The Rust code that handles an event, to paste.

use crate::catalogue::Entry;

/// Where rustfmt breaks lines and chains.
const MAX_WIDTH: usize = 100;
const MAX_CHAIN: usize = 60;
/// Of a part of a chain.
const INDENT: usize = 8;

/// Imports, a handler and a dispatcher, which compile as they are.
pub(super) fn code(entry: &Entry) -> String {
    let module = entry.domain.module;
    let name = entry.name;
    let handler = format!("on_{}", without_version(&snake(name)));
    let (uses, returned, reply) = reply(name);
    let prelude = match name {
        "ProfileViewGet" => "BoxError, Dispatcher, Event, RawJson",
        _ => "BoxError, Dispatcher, Event",
    };
    let mut names = [&[name], uses].concat();
    names.sort_unstable();
    let import = match names[..] {
        [name] => format!("{module}::{name}"),
        _ => format!("{module}::{{{}}}", names.join(", ")),
    };
    let imports = match module {
        "lark_events::callback" => format!("use {import};\nuse lark_events::{{{prelude}}};\n"),
        _ => format!("use lark_events::{{{prelude}}};\nuse {import};\n"),
    };
    let head =
        format!("async fn {handler}(event: Event<{name}>) -> Result<{returned}, BoxError> {{");
    let head = if head.len() <= MAX_WIDTH {
        head
    } else {
        format!(
            "async fn {handler}(\n    event: Event<{name}>,\n) -> Result<{returned}, BoxError> {{"
        )
    };
    let on = format!(".on::<{name}>({handler})");
    let on = if INDENT + on.len() <= MAX_WIDTH {
        on
    } else {
        format!(".on::<{name}>(\n            {handler},\n        )")
    };
    let chain = ["Dispatcher::builder()", &on, ".build()?"];
    let chain = if chain.concat().len() <= MAX_CHAIN {
        chain.concat()
    } else {
        chain.join("\n        ")
    };
    format!(
        "{imports}
{head}
    println!(\"{{:?}}\", event.body);
    Ok({reply})
}}

fn dispatcher() -> Result<Dispatcher, BoxError> {{
    Ok({chain})
}}
"
    )
}

/// What the answer of a callback needs, its type, and an answer.
fn reply(name: &str) -> (&'static [&'static str], &'static str, &'static str) {
    match name {
        "CardActionTrigger" => (
            &["CardActionReply", "Toast"],
            "CardActionReply",
            "CardActionReply::new().toast(Toast::success(\"done\"))",
        ),
        "CardActionTriggerV1" => (
            &["OldCardReply", "Toast"],
            "OldCardReply",
            "OldCardReply::new().toast(Toast::success(\"done\"))",
        ),
        "UrlPreviewGet" => (
            &["UrlPreviewReply"],
            "UrlPreviewReply",
            "UrlPreviewReply::title(\"A page\")",
        ),
        "ProfileViewGet" => (&[], "RawJson", "RawJson::parse(\"{}\")?"),
        _ => (&[], "()", "()"),
    }
}

/// `MessageReceiveV1` as `message_receive_v1`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for char in name.chars() {
        if char.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(char.to_lowercase());
    }
    snake
}

fn without_version(name: &str) -> &str {
    match name.rsplit_once("_v") {
        Some((head, version)) if version.bytes().all(|byte| byte.is_ascii_digit()) => head,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_has_the_name_of_its_type_without_the_version() {
        for (name, expected) in [
            ("MessageReceiveV1", "message_receive"),
            ("P1AddBotV1", "p1_add_bot"),
            ("UrlPreviewGet", "url_preview_get"),
            ("LeaveApprovalV2Very", "leave_approval_v2_very"),
        ] {
            assert_eq!(without_version(&snake(name)), expected);
        }
    }
}
