//! What is no page of an event: refused with its line, and with what would have been there.

use super::{DOMAINS, Workspace, fixture};

const NO_EVENT: &str = "an event type, in a row `事件类型`, `回调类型`, `Event type` or `Callback type`, \
                        or in a sample";

/// The one line of a page's refusal, after its name.
#[track_caller]
fn refusal(page: impl AsRef<[u8]>) -> String {
    let workspace = Workspace::new();
    workspace.write("page.md", page);
    let report = workspace.import(&["page.md"]);
    assert_eq!(report.lines, [""; 0]);
    let [line] = report.refused.as_slice() else {
        panic!("{:?}", report.refused);
    };
    line.strip_prefix("page.md:").unwrap().to_owned()
}

/// Asserts that a page is refused at the line where a text first stands.
#[track_caller]
fn assert_refused(page: &str, mark: &str, expected: &str) {
    let at = page.find(mark).expect(mark);
    let line = 1 + page[..at].matches('\n').count();
    assert_eq!(refusal(page), format!("{line}: expected {expected}"));
}

fn regular() -> String {
    fixture("pages/regular.md")
}

/// The regular page with one text replaced.
#[track_caller]
fn with(find: &str, replace: &str) -> String {
    let page = regular();
    assert!(page.contains(find), "{find}");
    page.replacen(find, replace, 1)
}

/// The regular page up to where a text first stands.
#[track_caller]
fn up_to(mark: &str) -> String {
    let page = regular();
    page[..page.find(mark).expect(mark)].to_owned()
}

/// A table of rows, one on each line: a name, a type and a level.
fn table(rows: impl IntoIterator<Item = (String, &'static str, usize)>) -> String {
    let mut page = "**事件类型**\n`tea.pot.ready_v1`\n:::html\n<md-dt-table>\n<md-dt-tr>\
                    <md-dt-th>名称<md-dt-th>类型</md-dt-tr>\n"
        .to_owned();
    for (name, kind, level) in rows {
        page += &format!("<md-dt-tr level=\"{level}\"><md-dt-td>{name}<md-dt-td>{kind}\n");
    }
    page + "</md-dt-table>\n:::\n"
}

fn sample(document: &str) -> String {
    format!("```json\n{document}\n```\n")
}

#[test]
fn a_page_that_is_cut_off_is_refused_where_the_open_part_begins() {
    let end = |mark: &str| format!("a line `{mark}` that ends the block that begins here");
    assert_refused(&up_to("source: "), "<!--", &end("-->"));
    let facts = up_to("<md-th>推送方式");
    assert_refused(&facts, ":::html", &end(":::"));
    for mark in ["tags</md-text>", "\"leaves\": 40"] {
        let page = up_to(mark);
        // Of the section that is last.
        let from = page.rfind(":::html").unwrap();
        let line = 1 + page[..from].matches('\n').count();
        assert_eq!(refusal(&page), format!("{line}: expected {}", end(":::")));
    }
    assert_refused(
        &with("</md-dt-table>", ""),
        "<md-dt-table>",
        "the end of this table",
    );
    assert_refused(
        &with("</md-code-json>", ""),
        "<md-code-json>",
        "the end of this sample",
    );
    assert_refused("Text.\n```json\n{}\n", "```", &end("```"));
}

#[test]
fn a_page_in_a_third_language_is_refused_where_nothing_else_says_its_event() {
    let page =
        "| 種類 | tea.pot.ready_v1 |\n|---|---|\n\n| 名前 | 型 |\n|---|---|\n| event | object |\n";
    assert_eq!(refusal(page), format!("6: expected {NO_EVENT}"));
    let stated = format!("**事件类型**\n`tea.pot.ready_v1`\n{page}");
    let rule = "a table of the fields of `tea.pot.ready_v1`, or a sample";
    assert_eq!(refusal(stated), format!("8: expected {rule}"));
}

#[test]
fn a_page_without_an_event_is_refused_at_its_end() {
    for page in [fixture("broken/no_event.md"), String::new(), "\n".repeat(3)] {
        let line = page.lines().count();
        assert_eq!(refusal(page), format!("{line}: expected {NO_EVENT}"));
    }
    let rule = "a table of the fields of `tea.pot.ready_v1`, or a sample";
    assert_refused("**事件类型**\n`tea.pot.ready_v1`\n", "`tea", rule);
}

#[test]
fn bytes_that_are_no_page_are_refused() {
    let page = regular();
    let last_line = page.lines().count();
    let page = [page.trim_end().as_bytes(), &[0xFF]].concat();
    assert_eq!(refusal(page), format!("{last_line}: expected UTF-8"));
    let page = regular() + &"\n".repeat(10 << 20);
    assert_eq!(refusal(page), "1: expected at most 4194304 bytes");
}

#[test]
fn a_table_within_a_table_is_refused() {
    let page = with("<md-dt-tbody>", "<md-dt-tbody><md-table>");
    let from = page.find("<md-dt-table>").unwrap();
    let line = 1 + page[..from].matches('\n').count();
    let rule = format!("the end of the table of line {line} before another");
    assert_refused(&page, "<md-dt-tbody>", &rule);
}

#[test]
fn a_level_is_a_small_number() {
    for (level, expected) in [
        ("one", "a number as `level`"),
        ("-1", "a number as `level`"),
        ("1.5", "a number as `level`"),
        ("99999999999999999999", "a number as `level`"),
        ("25", "at most 24 levels"),
        ("4294967295", "at most 24 levels"),
    ] {
        let level = format!("level=\"{level}\"");
        assert_refused(&with("level=\"0\"", &level), &level, expected);
    }
    let nested = |count| table((0..count).map(|level| (format!("f{level}"), "object", level)));
    assert_refused(&nested(1000), "level=\"25\"", "at most 24 levels");
    assert_refused(&nested(50_000), "level=\"4096\"", "at most 4096 rows");
}

#[test]
fn a_row_has_a_name_and_a_type() {
    let page = with(">leaves</md-text>", ">label</md-text>");
    let second =
        page.rfind("<md-dt-tr level=\"1\">\n\t<md-dt-td>\n\t<md-text type=\"field-name\" >label");
    let line = 1 + page[..second.unwrap()].matches('\n').count();
    assert_eq!(
        refusal(page),
        format!("{line}: expected one row for `label`, not two")
    );

    let row = |name: &str, kind: &'static str| table([(name.to_owned(), kind, 0)]);
    for (page, expected) in [
        (
            row("the label", "int"),
            "the name of a field, not `the label`",
        ),
        (row("a/../b", "int"), "the name of a field, not `a/../b`"),
        (row("", "int"), "the name of a field, not ``"),
        (row("a", "一段文字"), "a type, not `一段文字`"),
        (row("a", "two words"), "a type, not `two words`"),
        (row("a", "int[][][][][]"), "a type, not `int[][][][][]`"),
        (
            row("a", "int").replace("<md-dt-td>int", ""),
            "a cell for each column",
        ),
    ] {
        assert_refused(&page, "level=\"0\"", expected);
    }
}

#[test]
fn a_type_of_any_length_is_no_type() {
    let kinds = [
        "[]".repeat(1_000_000),
        format!(
            "{}int{}",
            "list&lt;".repeat(100_000),
            "&gt;".repeat(100_000)
        ),
    ];
    for kind in kinds {
        let page = table([("a".to_owned(), "KIND", 0)]).replace("KIND", &kind);
        let refusal = refusal(page);
        assert!(
            refusal.starts_with("6: expected a type, not `"),
            "{refusal:.100}"
        );
        assert!(refusal.len() < 100);
    }
}

/// What is wrong with a sample, and where.
const NO_JSON: [(&str, &str, &str); 4] = [
    ("\"green\",", "\"green\"", "JSON: Expected comma"),
    (
        "\"green\"",
        "'green'",
        "JSON: Single-quoted strings are not allowed",
    ),
    ("40,", "40，", "JSON: Unexpected token"),
    ("40,", "4e999,", "JSON: a number that fits in 64 bits"),
];

#[test]
fn a_sample_that_is_no_json_refuses_no_page_that_has_a_table() {
    for (find, replace, expected) in NO_JSON {
        let page = with(find, replace);
        let line = 1 + page[..page.find(replace).unwrap()].matches('\n').count();
        let workspace = Workspace::new();
        let path = workspace.write("page.md", &page);
        let report = workspace.import(&["page.md"]);
        assert_eq!(report.refused, [""; 0]);
        let note = format!("  {}:{line}: not read: expected {expected}", path.display());
        assert_eq!(report.lines[1..], [note]);
        let facts = workspace.read("specs/tea/tea.pot.ready_v1.json");
        assert!(facts.contains("\"leaves\""), "its fields are there");
        assert!(facts.contains("\"examples\": []"));
    }
}

#[test]
fn a_sample_that_is_all_there_is_is_json() {
    let whole = regular();
    let start = whole.find("<md-code-json>").unwrap() + "<md-code-json>".len();
    let end = whole.find("</md-code-json>").unwrap();
    for (find, replace, expected) in NO_JSON {
        let page = sample(whole[start..end].trim()).replacen(find, replace, 1);
        assert_refused(&page, replace, expected);
    }
}

#[test]
fn a_sample_is_of_a_sane_size() {
    let nested = |open: &str, close: &str, count: usize| {
        let [open, close] = [open, close].map(|text| text.repeat(count));
        sample(&format!("{{\"event_type\":\n{open}1{close}}}"))
    };
    let too_deep = "at most 24 levels";
    assert_refused(&nested("[", "]", 24), "[", too_deep);
    assert_refused(&nested("{\"a\":", "}", 24), "{\"a", too_deep);
    let far_too_deep = "JSON: Maximum nesting depth exceeded";
    assert_refused(&nested("[", "]", 100_000), "[", far_too_deep);
    assert_refused(&nested("{\"a\":", "}", 100_000), "{\"a", far_too_deep);

    let members: String = (0..5000)
        .map(|count| format!("\"m{count}\": 1,\n"))
        .collect();
    let page = sample(&format!("{{\"event_type\": {{\n{members}}}}}"));
    assert_refused(&page, "\"m4095\"", "at most 4096 members");
    let name = "n".repeat(1020);
    let page = sample(&format!("{{\"{name}\": {{\n\"event_type\": 1}}}}"));
    let rule = "names within each other of at most 1024 bytes";
    assert_refused(&page, "\"event_type\"", rule);
}

#[test]
fn a_sample_is_of_the_event_that_the_page_states() {
    let page = with("<md-td>tea.pot.ready_v1", "<md-td>tea.pot.cold_v1");
    let rule = "a sample of `tea.pot.cold_v1`, not of `tea.pot.ready_v1`";
    assert_refused(&page, "<md-code-json>", rule);
    let two = fixture("pages/two_events.md");
    let page = two.replace("<md-td>tea_added", "<md-td>tea_lost");
    let rule = "a sample of `tea_lost`, not of `tea_added`";
    assert_refused(&page, "{\n    \"ts\"", rule);
}

#[test]
fn facts_of_two_events_cannot_be_told_apart() {
    let row =
        |event_type| format!("<md-tr><md-th>事件类型<md-td>{event_type}</md-tr>\n</md-tbody>");
    let rule = "facts of `tea.pot.ready_v1` alone, not of `tea.pot.cold_v1` too";
    let page = with("</md-tbody>", &row("tea.pot.cold_v1"));
    assert_refused(&page, "<md-tr><md-th>事件类型<md-td>", rule);
}

#[test]
fn an_event_type_is_a_name_that_a_file_can_have() {
    let of = |event_type: &str| {
        let header = format!("{{\"event_type\": \"{event_type}\"}}");
        refusal(sample(&format!(
            "{{\"header\": {header}, \"event\": {{}}}}"
        )))
    };
    for odd in ["../../x", "tea/pot", "tea pot", "tea.\\\\pot", "茶.pot", ""] {
        let shown = odd.replace("\\\\", "\\");
        assert_eq!(of(odd), format!("2: expected an event type, not `{shown}`"));
    }
    let long = of(&"tea.".repeat(1000));
    assert_eq!(
        long,
        format!("2: expected an event type, not `{}`", "tea.".repeat(15))
    );
    for nowhere in ["pot_ready", "..", ".ssh"] {
        let rule = format!("a domain for `{nowhere}` in specs/domains.toml");
        assert_eq!(of(nowhere), format!("2: expected {rule}"));
    }
}

#[test]
fn a_page_has_a_bounded_number_of_events() {
    let names = || (0..1000).map(|count| format!("cup_filled{count}"));
    let listed: Vec<_> = names().collect();
    let page = fixture("pages/listed_events.md").replace(" cup_filled,", &listed.join(" "));
    let workspace = Workspace::new();
    let known: Vec<_> = names().map(|name| format!("\"{name}\"")).collect();
    let domains = DOMAINS.replace(']', &format!(", {}]", known.join(", ")));
    workspace.write("specs/domains.toml", domains);
    workspace.write("page.md", page);
    let report = workspace.import(&["page.md"]);
    assert_eq!(report.lines, [""; 0]);
    let [line] = report.refused.as_slice() else {
        panic!("{:?}", report.refused);
    };
    assert!(
        line.ends_with(": expected at most 16 events on a page"),
        "{line}"
    );
}

#[test]
fn an_event_has_a_bounded_number_of_samples() {
    let one = sample("{\"type\": \"event_callback\", \"event\": {\"type\": \"tea_added\"}}");
    let page = one.repeat(33);
    let rule = "at most 32 samples of `tea_added`";
    assert_eq!(refusal(page), format!("98: expected {rule}"));
}
