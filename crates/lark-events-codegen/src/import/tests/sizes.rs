//! The largest pages that are read at all, each with much of one thing: the time grows as the page does.
//! `cargo test --release -p lark-events-codegen sizes -- --nocapture` prints how long each takes.

use std::time::{Duration, Instant};

use super::super::input::MAX_BYTES;
use super::super::{Setting, events_of};

/// Most that a page may take times what one of a quarter of its size takes: 4 where the time is linear, 16
/// where it is quadratic.
const MOST: u32 = 10;
/// The same for types that lead to each other in a sample of all of them, where both numbers count: 16 where
/// it is quadratic, 64 where it is cubic.
const MOST_OF_BOTH: u32 = 32;
/// Runs of each page, of which the fastest counts.
const RUNS: usize = 3;
/// Smaller where nothing is optimized.
const SIZE: usize = if cfg!(debug_assertions) {
    MAX_BYTES / 4
} else {
    MAX_BYTES
};

/// As many of the items as a page has room for.
///
/// `N` stands for a number that each item has of its own.
fn filled(size: usize, before: &str, item: &str, after: &str) -> String {
    let mut page = before.to_owned();
    for count in 0.. {
        let item = item.replace('N', &count.to_string());
        if page.len() + item.len() + after.len() > size {
            break;
        }
        page += &item;
    }
    page + after
}

#[test]
fn the_time_of_a_page_grows_as_it_does_whatever_it_has_much_of() {
    for ((name, small), (_, large)) in pages(SIZE / 4).into_iter().zip(pages(SIZE)) {
        let setting = Setting::default();
        grows_at_most(MOST, name, [(&small, &setting), (&large, &setting)]);
    }
}

fn pages(size: usize) -> Vec<(&'static str, String)> {
    let filled = |before: &str, item: &str, after: &str| filled(size, before, item, after);
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
    pages.into()
}

#[test]
fn the_time_of_as_much_of_everything_as_there_may_be_is_not_cubic() {
    let ((small, few), (large, many)) = (everything(500), everything(2_000));
    grows_at_most(
        MOST_OF_BOTH,
        "everything",
        [(&small, &few), (&large, &many)],
    );
}

/// A page with so many types, each of which leads to the next, and a sample of all.
fn everything(types: usize) -> (String, Setting) {
    let domains = (0..16).map(|count| (format!("a_{count}"), "tea".to_owned()));
    let setting = Setting {
        domains: domains.collect(),
        ..Setting::default()
    };
    let listed: Vec<_> = (1..16).map(|count| format!("a_{count}")).collect();
    let mut page = "|名称|类型|\n|event|object|\n".to_owned();
    for count in 0..types {
        // Each type leads to the next.
        let next = count + 1;
        page += &format!("|&emsp;f{count}|t{count}|\n|&emsp;&emsp;f|t{next}|\n");
    }
    page += &format!(
        "```json\n{{\"event\": {{\"type\": \"a_0\", // {}\n",
        listed.join(" ")
    );
    for count in (0..types).rev() {
        page += &format!("\"f{count}\": {{\"f\": 1}},");
    }
    (page + "}}\n```\n", setting)
}

/// Imports a page and another of four times its size.
fn grows_at_most(most: u32, name: &str, [small, large]: [(&String, &Setting); 2]) {
    let fastest = |(page, setting): (&String, &Setting)| {
        let run = |_| {
            let start = Instant::now();
            let imported = events_of(page.as_bytes(), setting);
            let end = match imported {
                Ok(events) => format!("{} events", events.len()),
                Err(refusal) => refusal.expected,
            };
            (start.elapsed(), end)
        };
        (0..RUNS).map(run).min().expect("some runs")
    };
    let ((little, _), (taken, end)) = (fastest(small), fastest(large));
    println!("{name}: {taken:?}, {little:?} for a quarter: {end:.100}");
    // Below that, what it takes to get so much memory from the system counts more than the page.
    let least = Duration::from_millis(5);
    assert!(
        taken <= most * little.max(least),
        "{name}: {taken:?} and {little:?}"
    );
}
