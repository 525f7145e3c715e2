//! The index of the search, without a browser: it has what readers search for, and it is small.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::text;

/// Of the index, compressed.
const MAX_BYTES: usize = 60 * 1024;

fn index() -> Value {
    let script = text("search-index.js").trim_end();
    let json = script
        .strip_prefix("var larkEvents = ")
        .and_then(|it| it.strip_suffix(';'));
    serde_json::from_str(json.unwrap()).unwrap()
}

/// The types of the events that have a text in the index.
fn found(index: &Value, text: &str) -> Vec<String> {
    let rows = index["events"].as_array().unwrap();
    let has = |row: &&Value| {
        let named = (0..5).any(|at| row[at].as_str().unwrap().contains(text));
        let listed = [(6, "scopes"), (7, "fields")]
            .into_iter()
            .any(|(at, list)| {
                let numbers = row[at].as_array().unwrap();
                numbers.iter().any(|number| {
                    let number = usize::try_from(number.as_u64().unwrap()).unwrap();
                    index[list][number] == text
                })
            });
        named || listed
    };
    let types = rows
        .iter()
        .filter(has)
        .map(|row| row[0].as_str().unwrap().to_owned());
    types.collect()
}

#[test]
fn every_event_has_a_title_in_chinese() {
    let index = index();
    for row in index["events"].as_array().unwrap() {
        let title = row[2].as_str().unwrap();
        let is_chinese = title
            .chars()
            .any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        assert!(is_chinese, "{}: {title:?}", row[0]);
    }
}

#[test]
fn events_are_found_by_titles_fields_and_permissions() {
    let index = index();
    for (text, right, wrong) in [
        ("消息", "im.message.receive_v1", "im.chat.updated_v1"),
        (
            "会议",
            "vc.meeting.meeting_started_v1",
            "im.message.receive_v1",
        ),
        (
            "chat_id",
            "im.message.receive_v1",
            "vc.meeting.meeting_started_v1",
        ),
        (
            "vc:room:readonly",
            "vc.reserve_config.updated_v1",
            "im.message.receive_v1",
        ),
        (
            "im:message.group_msg",
            "im.message.receive_v1",
            "im.chat.updated_v1",
        ),
        (
            "MessageReceiveV1",
            "im.message.receive_v1",
            "im.message.recalled_v1",
        ),
        (
            "A user sent a message to the bot",
            "im.message.receive_v1",
            "im.message.recalled_v1",
        ),
    ] {
        let found = found(&index, text);
        let has = |event_type: &str| found.iter().any(|it| it == event_type);
        assert!(has(right), "{text}: {found:?}");
        assert!(!has(wrong), "{text}: {found:?}");
    }
}

#[test]
fn the_index_is_small_when_compressed() {
    let mut gzip = Command::new("gzip")
        .args(["--stdout", "--no-name"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = gzip.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        stdin.write_all(text("search-index.js").as_bytes()).unwrap();
    });
    let output = gzip.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let bytes = output.stdout.len();
    assert!(bytes > 1000 && bytes < MAX_BYTES, "{bytes} bytes");
}

#[test]
fn the_script_of_the_search_is_short_and_loads_nothing() {
    let script = text("search.js");
    assert!(script.lines().count() <= 140);
    for foreign in [
        "fetch(",
        "import",
        "http",
        "XMLHttpRequest",
        "eval(",
        "innerHTML",
    ] {
        assert!(!script.contains(foreign), "{foreign}");
    }
}
