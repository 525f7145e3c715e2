//! What changed since a release, in a repository of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use lark_events_site::build;
use serde_json::{Value, json};

use crate::{Folder, root};

fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(folder).args(arguments);
    for name in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{name}_NAME"), "test");
        command.env(format!("GIT_{name}_EMAIL"), "test@example.com");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn change(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

fn page(folder: &Path) -> String {
    let site = build(folder, None).unwrap();
    assert_eq!(lark_events_site::dead_links(&site), [""; 0]);
    String::from_utf8(site.get("changes.html").unwrap().to_vec()).unwrap()
}

#[test]
fn changes_are_those_since_the_last_tag_of_a_version() {
    let folder = Folder::new("changes");
    let specs = folder.0.join("specs");
    copy(&root().join("specs"), &specs);
    assert!(page(&folder.0).contains("without the history"));

    // The release lacked an event and a field, and had another event.
    let receive = specs.join("im/im.message.receive_v1.json");
    let overlay = specs.join("im/overlay.toml");
    let words = fs::read_to_string(&overlay).unwrap();
    let from_sdks = "\"message.lark_agent_context.active_chat_id\" = \"string\"\n";
    assert!(words.contains(from_sdks));
    fs::write(&overlay, words.replace(from_sdks, "")).unwrap();
    change(&receive, |it| {
        let message = &mut it["$defs"]["event_message"]["properties"];
        message.as_object_mut().unwrap().remove("chat_id");
        message["content"]["type"] = json!("object");
        message["older"] = json!({"type": "string"});
        it["x-lark"]["scopes"].as_array_mut().unwrap().remove(0);
    });
    let recalled = specs.join("im/im.message.recalled_v1.json");
    let new = fs::read_to_string(&recalled).unwrap();
    fs::remove_file(&recalled).unwrap();
    let old = specs.join("im/im.tea.ready_v1.json");
    fs::write(
        &old,
        json!({"x-lark": {"event_type": "im.tea.ready_v1"}}).to_string(),
    )
    .unwrap();
    git(&folder.0, &["init", "--quiet", "--template="]);
    git(&folder.0, &["add", "specs"]);
    git(&folder.0, &["commit", "--quiet", "-m", "Release"]);
    fs::remove_file(old).unwrap();
    fs::write(recalled, new).unwrap();
    fs::write(overlay, words).unwrap();
    fs::copy(root().join("specs/im/im.message.receive_v1.json"), receive).unwrap();
    assert!(page(&folder.0).contains("There is no earlier release"));

    git(&folder.0, &["tag", "v0.9.0"]);
    git(&folder.0, &["tag", "v0.10.0"]);
    git(&folder.0, &["tag", "other"]);
    git(&folder.0, &["add", "specs"]);
    git(&folder.0, &["commit", "--quiet", "-m", "Next release"]);
    git(&folder.0, &["tag", "v0.11.0"]);
    let page = page(&folder.0);
    for expected in [
        "<h1>Changes since v0.10.0</h1>",
        "href=\"events/im.message.recalled_v1.html\"",
        "<span class=\"type\">im.tea.ready_v1</span>",
        "New field <code>event.message.chat_id</code>",
        "New field <code>event.message.lark_agent_context.active_chat_id</code>",
        "Removed field <code>event.message.older</code>",
        "Type of event.message.content: <code>object</code> became <code>string</code>",
        "New permission <code>im:message.p2p_msg:readonly</code>",
    ] {
        assert!(page.contains(expected), "{expected} in {page}");
    }
    assert_eq!(
        page.matches("<h3").count(),
        1,
        "one event has changed: {page}"
    );
}
