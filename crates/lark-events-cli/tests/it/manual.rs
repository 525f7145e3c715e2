//! Completions and manual pages.

use crate::lark_events;

#[test]
fn every_shell_has_completions_of_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = lark_events(&["completions", shell])
            .run()
            .with_code(0)
            .stdout;
        for word in ["push", "explain", "inspect", "events", "show", "event-id"] {
            assert!(script.contains(word), "{shell} {word}");
        }
    }
}

#[test]
fn there_is_a_manual_page_of_all_and_of_each_command() {
    let page = |args: &[&str]| lark_events(args).run().with_code(0).stdout;
    let all = page(&["man"]);
    assert!(all.contains(".TH lark-events 1"), "{all}");
    assert!(all.contains("lark\\-events\\-push"), "{all}");
    let push = page(&["man", "push"]);
    assert!(push.contains("\\fB\\-\\-event\\-id\\fR"));
    let version = concat!("\"lark-events ", env!("CARGO_PKG_VERSION"), "\"");
    let title = push.lines().find(|line| line.starts_with(".TH"));
    assert!(title.unwrap().contains(version), "{title:?}");
    assert!(page(&["man", "events", "show"]).contains(".TH lark-events-events-show 1"));
}
