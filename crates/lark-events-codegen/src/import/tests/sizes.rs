//! The largest pages that are read at all, each with much of one thing: none takes long. `cargo test
//! --release -p xtask sizes -- --nocapture` prints how long.

use std::time::{Duration, Instant};

use super::super::page::MAX_BYTES;
use super::super::{Setting, events_of};

/// What a page of this size may take on a busy machine: a tenth of what anything quadratic would.
const LONGEST: Duration = Duration::from_secs(10);
/// Smaller where nothing is optimized.
const SIZE: usize = if cfg!(debug_assertions) {
    MAX_BYTES / 4
} else {
    MAX_BYTES
};

/// As many of the items as a page has room for.
///
/// `N` stands for a number that each item has of its own.
fn filled(before: &str, item: &str, after: &str) -> String {
    let mut page = before.to_owned();
    for count in 0.. {
        let item = item.replace('N', &count.to_string());
        if page.len() + item.len() + after.len() > SIZE {
            break;
        }
        page += &item;
    }
    page + after
}

#[test]
fn no_page_takes_long_however_much_it_has_of_one_thing() {
    const TYPE: &str = "**事件类型**\n`tea.pot.ready_v1`\n";
    const FACTS: &str = ":::html\n<md-table><tr><md-th>a</tr><md-tr><md-td>权限要求</md-td><md-td>";
    const ROWS: &str =
        ":::html\n<md-dt-table><md-dt-tr><md-dt-th>名称<md-dt-th>类型<md-dt-th>描述</md-dt-tr>";
    const END: &str = "</md-dt-table>\n:::\n";
    const EVENT: &str = "```json\n{\"event\": {\"type\": \"tea.x\", ";
    let rows = format!("{TYPE}{ROWS}");
    let cell = format!("{rows}<md-dt-tr><md-dt-td>a<md-dt-td>int<md-dt-td>");
    let pages = [
        (
            "rows",
            filled(&rows, "<md-dt-tr><md-dt-td>fN<md-dt-td>a", END),
        ),
        (
            "types",
            filled(
                &rows,
                "<md-dt-tr><md-dt-td>fN<md-dt-td>tN<md-dt-tr level=1><md-dt-td>a<md-dt-td>b",
                END,
            ),
        ),
        (
            "pipes",
            filled(
                &format!("{TYPE}|名称|类型|\n"),
                "|fN|tN|\n|&emsp;∟a|int|\n",
                "",
            ),
        ),
        ("empty rows", filled(&rows, "<md-dt-tr>", END)),
        (
            "tables",
            filled(TYPE, ":::html\n<md-dt-table></md-dt-table>\n:::\n", ""),
        ),
        (
            "permissions",
            filled(
                &format!("{TYPE}{FACTS}"),
                "<md-perm name=\"pN\"></md-perm>",
                "</md-td></md-table>\n:::\n```json\n{}\n```\n",
            ),
        ),
        ("keys", filled(&cell, "<md-enum-item key=\"N\">", END)),
        (
            "bullets",
            filled(&format!("{cell}可选值有：\n"), "- `N`：x\n", END),
        ),
        ("inline keys", filled(&cell, "N：x，", END)),
        ("bare keys", filled(&cell, "N茶，", END)),
        ("text", filled(&cell, "取值范围 可选值 单位 时间 N ", END)),
        ("breaks", filled(&cell, "<br>", END)),
        (
            "attributes",
            filled(&format!("{cell}<x "), "aN=1 ", &format!(">{END}")),
        ),
        (
            "type",
            filled(&format!("{rows}<md-dt-tr><md-dt-td>a<md-dt-td>"), "[]", END),
        ),
        ("members", filled(EVENT, "\"N\":1,", "\"a\": 1}}\n```\n")),
        (
            "lines",
            filled(EVENT, "\"N\":1, // N\n", "\"a\": 1}}\n```\n"),
        ),
        (
            "elements",
            filled(&format!("{EVENT}\"a\": ["), "N,", "1]}}\n```\n"),
        ),
        (
            "objects",
            filled(&format!("{EVENT}\"a\": ["), "{\"a\":N},", "1]}}\n```\n"),
        ),
        (
            "empty objects",
            filled(&format!("{EVENT}\"a\": ["), "{},", "1]}}\n```\n"),
        ),
        (
            "string",
            filled(&format!("{EVENT}\"a\": \""), "N", "\"}}\n```\n"),
        ),
        (
            "name",
            filled(
                &format!("{EVENT}\""),
                "N",
                "\": {\"a\": 1, \"b\": 2}}}\n```\n",
            ),
        ),
        (
            "comment",
            filled(&format!("{EVENT}\"a\": 1 // "), "N：x，", "\n}}\n```\n"),
        ),
        (
            "listed",
            filled(
                "```json\n{\"event\": {\"type\": \"tea.x\" // ",
                "a_N ",
                "\n}}\n```\n",
            ),
        ),
        ("nesting", filled(EVENT, "\"a\":{", "\n```\n")),
        (
            "samples",
            filled(
                "",
                "```json\n{\"event_type\":1,\"event\":{\"type\":\"tea.xN\"}}\n```\n",
                "",
            ),
        ),
        ("sections", filled(TYPE, ":::html\nN\n:::\n", "")),
        ("prose", filled("", "N\n", "")),
        ("comment at the top", filled("<!--\n", "N: x\n", "-->\n")),
        (
            "labels",
            filled(
                ":::html\n<md-table>",
                "<tr><md-td>事件类型<md-td>tea.x",
                "</md-table>\n:::\n",
            ),
        ),
    ];
    for (name, page) in pages {
        assert!(page.len() > SIZE - 200 && page.len() <= SIZE, "{name}");
        import(name, &page, &Setting::default());
    }
}

#[test]
fn as_much_of_everything_as_there_may_be_takes_not_long() {
    let domains = (0..16).map(|count| (format!("a_{count}"), "tea".to_owned()));
    let setting = Setting {
        domains: domains.collect(),
        ..Setting::default()
    };
    let listed: Vec<_> = (1..16).map(|count| format!("a_{count}")).collect();
    let mut page = "|名称|类型|\n|event|object|\n".to_owned();
    for count in 0..2000 {
        // Each type leads to the next.
        let next = count + 1;
        page += &format!("|&emsp;f{count}|t{count}|\n|&emsp;&emsp;f|t{next}|\n");
    }
    page += &format!(
        "```json\n{{\"event\": {{\"type\": \"a_0\", // {}\n",
        listed.join(" ")
    );
    for count in (0..2000).rev() {
        page += &format!("\"f{count}\": {{\"f\": 1}},");
    }
    import("everything", &(page + "}}\n```\n"), &setting);
}

fn import(name: &str, page: &str, setting: &Setting) {
    let start = Instant::now();
    let imported = events_of(page.as_bytes(), setting);
    let taken = start.elapsed();
    let end = match imported {
        Ok(events) => format!("{} events", events.len()),
        Err(refusal) => refusal.expected,
    };
    println!("{name}: {taken:?}: {end:.100}");
    assert!(taken < LONGEST, "{name}: {taken:?}");
}
