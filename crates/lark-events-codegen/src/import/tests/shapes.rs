//! Tables and samples in shapes that no page of the platform has yet, and could.

use serde_json::{Value, json};

use super::super::super::overlay::Overlay;
use super::super::super::problem::Problems;
use super::super::super::spec::Spec;
use super::{Workspace, documents};

/// A page with an event type, a pipe table of the rows, and a sample of the event.
fn page(rows: &[&str], event: &Value) -> String {
    let rows: String = rows.iter().map(|row| format!("{row}\n")).collect();
    format!(
        "**事件类型**\n`tea.pot.ready_v1`\n\n|名称|类型|描述|\n|---|---|---|\n|header|-|\n{rows}\n{}",
        sample(event)
    )
}

fn sample(event: &Value) -> String {
    let sample =
        json!({"schema": "2.0", "header": {"event_type": "tea.pot.ready_v1"}, "event": event});
    format!("```json\n{sample}\n```\n")
}

/// The only event of a page, which code can be generated from.
#[track_caller]
fn document(page: &str) -> Value {
    let mut documents = documents(page);
    assert_eq!(documents.len(), 1);
    let (event_type, document) = documents.remove(0);
    let file = format!("specs/tea/{event_type}.json");
    let mut problems = Problems::default();
    assert!(
        Spec::parse(
            &file,
            &document.to_string(),
            &Overlay::default(),
            &mut problems
        )
        .is_some()
    );
    let found = problems.checkpoint().err().unwrap_or_default();
    assert!(found.is_empty(), "{found:?}");
    document
}

#[track_caller]
fn refused(page: &str) -> Vec<String> {
    let workspace = Workspace::new();
    workspace.write("page.md", page);
    workspace.import(&["page.md"]).refused
}

#[test]
fn rows_under_a_map_are_those_of_its_values() {
    let page = page(
        &[
            "|event|-||",
            "|&emsp;cups|map&lt;string, cup&gt;||",
            "|&emsp;&emsp;size|int|取值范围：`1` ～ `3`|",
            "|&emsp;&emsp;kind|string||",
        ],
        &json!({"cups": {"a": {"size": 1}}}),
    );
    let document = document(&page);
    let cups = &document["properties"]["event"]["properties"]["cups"];
    assert_eq!(cups["additionalProperties"]["$ref"], "#/$defs/cup");
    let cup = &document["$defs"]["cup"]["properties"];
    assert_eq!(cup["size"]["maximum"], 3);
    assert_eq!(cup["kind"]["type"], "string");
}

#[test]
fn a_type_that_contradicts_itself_is_refused() {
    let rows = |first: &str, second: &str| {
        page(
            &[
                "|event|-||",
                "|&emsp;left|cup||",
                &format!("|&emsp;&emsp;size|{first}||"),
                "|&emsp;right|cup||",
                &format!("|&emsp;&emsp;size|{second}||"),
            ],
            &json!({}),
        )
    };
    assert_eq!(
        refused(&rows("int", "string")),
        ["page.md:10: expected `size` of `cup` as in its other places"]
    );
    let document = document(&rows("-", "int"));
    assert_eq!(
        document["$defs"]["cup"]["properties"]["size"]["type"],
        "integer"
    );
}

#[test]
fn a_comment_on_a_field_called_type_lists_no_events() {
    let page = page(
        &["|event|-||", "|&emsp;type|string||"],
        &json!({"type": "pot_full"}),
    );
    let page = page.replace("\"pot_full\"", "\"pot_full\" // pot_full or pot_empty\n");
    document(&page);
}

#[test]
fn a_table_can_stand_below_the_sample() {
    let table = "|名称|类型|\n|---|---|\n|event|-|\n|&emsp;size|float|\n";
    let page = format!("{}\n{table}", sample(&json!({"size": 1})));
    let document = document(&page);
    let size = &document["properties"]["event"]["properties"]["size"];
    assert_eq!(size["type"], "number");
}

#[test]
fn a_type_whose_sample_is_null_can_be_null() {
    let page = page(
        &["|event|-||", "|&emsp;cup|cup||", "|&emsp;&emsp;size|int||"],
        &json!({"cup": null}),
    );
    let cup = &document(&page)["properties"]["event"]["properties"]["cup"];
    let expected = json!({"anyOf": [{"$ref": "#/$defs/cup"}, {"type": ["null"]}]});
    assert_eq!(*cup, expected);
}

#[test]
fn an_event_of_which_nothing_is_known_stays_raw() {
    let document = document(&page(&["|event|object||"], &json!({})));
    assert_eq!(document["properties"]["event"], json!({"type": "object"}));
}

#[test]
fn what_says_that_it_is_no_json_is_no_sample() {
    let page = page(&["|event|-||", "|&emsp;size|int||"], &json!({"size": 1}));
    document(&format!("```bash\ncurl -X POST\n```\n{page}"));
}

#[test]
fn an_escaped_bar_is_part_of_its_cell() {
    let page = page(
        &["|event|-||", "|&emsp;size|int|a \\| b，单位：秒|"],
        &json!({"size": 1}),
    );
    let size = &document(&page)["properties"]["event"]["properties"]["size"];
    assert_eq!(size["x-lark"]["unit"], "seconds");
}

#[test]
fn domains_are_names_and_have_their_events_alone() {
    for (domains, expected) in [
        (
            "\"../../evil\" = [\"pot_full\"]\n",
            "specs/domains.toml: ../../evil: not a name for a domain",
        ),
        (
            "cup = [\"pot_full\"]\ntea = [\"pot_full\"]\n",
            "specs/domains.toml: tea: `pot_full` is in cup too",
        ),
    ] {
        let workspace = Workspace::new();
        workspace.write("specs/domains.toml", domains);
        let error = super::run(&workspace.0, &[]).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn what_is_doubtful_is_told() {
    let workspace = Workspace::new();
    let rows = ["|event|-||", "|&emsp;size|flaot||", "|&emsp;steep|int||"];
    let page = page(&rows, &json!({"size": 1.5, "stepe": 3}));
    workspace.write(
        "page.md",
        format!("<!--\nupdatedAt: yesterday\n-->\n{page}"),
    );
    let lines = workspace.import(&["page.md"]).lines;
    let path = workspace.0.join("page.md");
    let at = |line: usize, note: &str| format!("  {}:{line}: {note}", path.display());
    assert_eq!(
        lines,
        [
            "new specs/tea/tea.pot.ready_v1.json".to_owned(),
            at(11, "nothing describes the type `flaot`"),
            at(
                1,
                "the time of the last change is neither a count of milliseconds nor a date",
            ),
            at(
                1,
                "neither `source` nor `fullPath`, so there is no link to the page"
            ),
            "  only in the sample: event.stepe".to_owned(),
            "  only in the sample: schema".to_owned(),
        ]
    );
}

#[test]
fn a_range_goes_from_low_to_high() {
    let rows = ["|event|-||", "|&emsp;size|int|取值范围：`500` ～ `-1`|"];
    assert_eq!(
        refused(&page(&rows, &json!({}))),
        ["page.md:8: expected a range from low to high, not `500` to `-1`"]
    );
}
