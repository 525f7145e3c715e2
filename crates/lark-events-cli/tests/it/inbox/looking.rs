//! `ls`, `show` and `stats`: what they list, and what they never print.

use serde_json::{Value, json};

use super::{MEETING, MESSAGE, Stored, seqs, seven};
use crate::lark_events;

#[test]
fn ls_lists_events_that_are_not_finished_and_dead_letters() {
    for stored in Stored::each("ls", seven) {
        let rows = stored.json(&["ls"]);
        assert_eq!(seqs(&rows), [2, 3, 4, 5, 6, 7]);
        let states: Vec<_> = rows.iter().map(|row| &row["state"]).collect();
        let expected = ["dead", "dead", "dead", "waiting", "waiting", "ready"];
        assert_eq!(states, expected);
        let mut first = rows[0].clone();
        let received_at = first["received_at"].take();
        let received_at = received_at.as_str().unwrap();
        assert!(received_at.ends_with('Z') && received_at.contains('T'));
        assert_eq!(
            first,
            json!({
                "seq": 2,
                "state": "dead",
                "app_id": "cli_1",
                "event_type": MESSAGE,
                "event_id": "e-2",
                "tenant_key": "t-1",
                "lane": null,
                "transport": "webhook",
                "received_at": null,
                "attempts": 1,
                "visible_in_seconds": null,
                "error": "connection refused",
            })
        );
        assert!(rows[3]["visible_in_seconds"].as_f64().unwrap() > 3000.0);
        assert_eq!(seqs(&stored.json(&["ls", "--all"])), [1, 2, 3, 4, 5, 6, 7]);
    }
}

#[test]
fn the_table_has_a_line_for_each_event() {
    for stored in Stored::each("table", seven) {
        let ran = stored.run(&["ls"]).with_code(0);
        assert_eq!(ran.stderr, "");
        let lines: Vec<_> = ran.stdout.lines().collect();
        assert_eq!(
            lines[..3],
            [
                "SEQ  STATE    AGE  ATTEMPTS  EVENT TYPE                     EVENT ID  LANE  ERROR",
                "2    dead     60m  1         im.message.receive_v1          e-2             connection refused",
                "3    dead     60m  1         vc.meeting.meeting_started_v1  e-3             connection refused",
            ]
        );
        assert!(
            lines[3].contains("49h") || lines[3].contains("2d"),
            "{ran:?}"
        );
        assert!(
            lines[3]
                .ends_with(r"no user ou_1: \u001b[31mhttps://example.com/a-long-address-that-i…")
        );
        assert_eq!(lines.len(), 7);
    }
}

#[test]
fn filters_choose_events() {
    for stored in Stored::each("filters", seven) {
        for (args, expected) in [
            (&["--app", "cli_2"][..], &[4][..]),
            (&["--type", MEETING], &[3, 7]),
            (&["--tenant", "t-2"], &[4]),
            (&["--lane", "oc_1"], &[5, 6]),
            (&["--event-id", "e-6"], &[6]),
            (&["--event-id", "e-1", "--all"], &[1]),
            (&["--seq", "3"], &[3]),
            (&["--from-seq", "6"], &[6, 7]),
            (&["--state", "waiting", "--state", "ready"], &[5, 6, 7]),
            (&["--state", "done"], &[1]),
            (&["--since", "1d"], &[2, 3, 5, 6, 7]),
            (&["--until", "1d"], &[4]),
            (
                &["--since", "2020-01-01T00:00:00+08:00", "--seq", "2"],
                &[2],
            ),
            (&["--error", "refused"], &[2, 3, 5]),
            (&["--error", "refused", "--type", MEETING], &[3]),
        ] {
            let rows = stored.json(&[&["ls"], args].concat());
            assert_eq!(seqs(&rows), expected, "{args:?}");
        }
        let none = stored
            .run(&["ls", "--until", "2020-01-01T00:00:00Z"])
            .with_code(1);
        assert_eq!(
            (&*none.stdout, &*none.stderr),
            ("", "lark-events: no event matches\n")
        );
    }
}

#[test]
fn ls_says_that_there_are_more_events() {
    for stored in Stored::each("limit", seven) {
        for json in [&[][..], &["--json"]] {
            let ran = stored
                .run(&[&["ls", "--limit", "2"], json].concat())
                .with_code(0);
            let note = "lark-events: only the first 2 events; --limit changes that\n";
            assert_eq!(ran.stderr, note);
        }
        assert_eq!(stored.run(&["ls", "--limit", "6"]).with_code(0).stderr, "");
        stored.run(&["ls", "--limit", "0"]).with_code(2);
    }
}

#[test]
fn show_has_the_attempts_and_the_body_only_if_asked() {
    for stored in Stored::each("show", seven) {
        let shown = stored.json(&["show", "2"]).remove(0);
        assert_eq!(shown["event_id"], "e-2");
        assert_eq!(shown.get("body"), None);
        let mut history = shown["history"].clone();
        assert!(history[0]["ended_at"].take().is_string());
        assert_eq!(
            history,
            json!([{
                "number": 1,
                "ended_at": null,
                "millis": 12.0,
                "outcome": "failed",
                "error": "connection refused",
            }])
        );
        let text = stored
            .run(&["show", "--event-id", "e-5"])
            .with_code(0)
            .stdout;
        for part in [
            "5  im.message.receive_v1\n",
            "state       waiting for a retry in 59m\n",
            "lane        oc_1\n",
            "by          webhook\n",
            "last error  connection refused\n",
            "1 ended attempt\n",
            "12.0 ms  failed",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let text = stored.run(&["show", "6"]).with_code(0).stdout;
        assert!(text.contains("waiting for its lane"), "{text}");

        let text = stored.run(&["show", "7", "--body"]).with_code(0).stdout;
        assert!(
            text.ends_with("\nBody\n{\n  \"digits\": 1.000000000000000000001\n}\n"),
            "{text}"
        );
        let json = stored
            .run(&["show", "7", "--body", "--json"])
            .with_code(0)
            .stdout;
        let body = r#""body":{"digits":1.000000000000000000001}"#;
        assert!(json.contains(body), "{json}");

        for args in [&["show", "99"][..], &["show", "--event-id", "e-99"]] {
            let ran = stored.run(args).with_code(1);
            assert!(ran.stderr.contains("the store has no event"), "{ran:?}");
        }
        stored.run(&["show"]).with_code(2);
    }
}

#[test]
fn an_event_id_that_several_events_have_is_status_1_with_their_numbers() {
    for stored in Stored::each("twice", async |store| {
        seven(store).await;
        let mut again = super::entry(MESSAGE, "e-7");
        again.key = None;
        store.append(vec![again]).await.unwrap();
    }) {
        let ran = stored.run(&["show", "--event-id", "e-7"]).with_code(1);
        assert!(
            ran.stderr.contains("give the number of one, 7, 8"),
            "{ran:?}"
        );
    }
}

#[test]
fn stats_count_by_state_error_and_type() {
    for stored in Stored::each("stats", seven) {
        let mut stats = stored.json(&["stats"]).remove(0);
        for (name, least) in [("oldest_seconds", 3600.0), ("lag_seconds", 0.0)] {
            let seconds = stats[name].take();
            assert!(seconds.as_f64().unwrap() >= least, "{name}: {seconds}");
        }
        assert_eq!(
            stats["dead_by_error"][0],
            json!({"error": "connection refused", "events": 2})
        );
        assert_eq!(stats["dead_by_error"].as_array().unwrap().len(), 2);
        stats["dead_by_error"].take();
        assert_eq!(
            stats,
            json!({
                "ready": 1,
                "waiting": 2,
                "leased": 0,
                "dead": 3,
                "done": null,
                "oldest_seconds": null,
                "lag_seconds": null,
                "blocked_lanes": 1,
                "workers": 0,
                "worker_seen_seconds": null,
                "dead_by_error": null,
                "by_type": [
                    {"event_type": MESSAGE, "undone": 2, "dead": 2, "done": null},
                    {"event_type": MEETING, "undone": 1, "dead": 1, "done": null},
                ],
            })
        );
        let all = stored.json(&["stats", "--all"]).remove(0);
        assert_eq!(
            (&all["done"], &all["by_type"][0]["done"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(all["by_type"][1]["done"], 0);

        let text = stored.run(&["stats", "--all"]).with_code(0).stdout;
        for part in [
            "dead           3\n",
            "done           1\n",
            "oldest         60m\n",
            "workers        0\n",
            "\nDead letters by error\n  2  connection refused\n  1  no user",
            "\nEVENT TYPE                     UNDONE  DEAD  DONE\n",
            "im.message.receive_v1          2       2     1\n",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[test]
fn an_empty_store_has_stats() {
    for stored in Stored::each("empty", async |_| {}) {
        let stats = stored.json(&["stats"]).remove(0);
        assert_eq!(
            (&stats["dead"], &stats["oldest_seconds"]),
            (&json!(0), &Value::Null)
        );
        let text = stored.run(&["stats"]).with_code(0).stdout;
        assert!(text.contains("oldest         none\n"), "{text}");
        stored.run(&["ls"]).with_code(1);
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in [
        "ls", "show", "retry", "drop", "replay", "stats", "prune", "migrate", "doctor",
    ] {
        let help = lark_events(&["inbox", command, "--help"]).run();
        let help = help.with_code(0).stdout;
        let example = format!("Examples:\n  lark-events inbox {command} ");
        assert!(help.contains(&example), "{command}: {help}");
        let is_short = |line: &str| line.chars().count() <= 100;
        assert!(help.lines().all(is_short), "{help}");
    }
}
