//! `retry`, `drop`, `replay` into the queue, and `prune`.

use lark_events_inbox::{Settled, State};
use serde_json::json;

use super::{HOUR, MEETING, MESSAGE, Stored, documents, ended, entry, seqs, seven};

#[test]
fn retry_makes_dead_letters_and_waiting_events_ready() {
    for stored in Stored::each("retry", seven) {
        let ran = stored.run(&["retry", "--error", "refused"]).with_code(0);
        assert_eq!(ran.stdout, "retried 3 events\n");
        let ready = [2, 3, 5, 7].map(|seq| (seq, State::Ready));
        let states = stored.states();
        assert!(ready.iter().all(|one| states.contains(one)), "{states:?}");
        assert!(states.contains(&(4, State::Dead)) && states.contains(&(6, State::Waiting)));
        let none = stored.run(&["retry", "--error", "refused"]).with_code(1);
        assert_eq!(none.stdout, "retried 0 events\n");
    }
}

#[test]
fn events_behind_many_that_cannot_be_taken_are_taken() {
    for stored in Stored::each("behind", async |store| {
        let in_lane = |id: u32| {
            let mut entry = entry(MESSAGE, &format!("lane-{id}"));
            entry.lane = Some("oc_1".to_owned());
            entry
        };
        ended(store, in_lane(0), Settled::RetryIn(HOUR), None).await;
        let behind = (1..=1_100).map(in_lane).collect();
        store.append(behind).await.unwrap();
        ended(store, entry(MESSAGE, "e-1"), Settled::Dead, None).await;
    }) {
        let rows = stored.json(&["retry", "--all", "--dry-run"]);
        assert_eq!(seqs(&rows), [1, 1_102]);
        let rows = stored.json(&["retry", "--all"]);
        assert_eq!(rows[0]["events"], 2);
        let ready = stored.json(&["ls", "--state", "ready"]);
        assert_eq!(seqs(&ready), [1, 1_102]);
        assert_eq!(stored.json(&["ls", "--limit", "2000"]).len(), 1_102);
    }
}

#[test]
fn a_dry_run_shows_what_would_be_taken_and_changes_nothing() {
    for stored in Stored::each("dry", seven) {
        let before = stored.states();
        for (operation, expected) in [("retry", &[2, 3, 4, 5][..]), ("drop", &[2, 3, 4, 5, 6, 7])] {
            let rows = stored.json(&[operation, "--all", "--dry-run"]);
            assert_eq!(seqs(&rows), expected);
            let summary =
                json!({"operation": operation, "dry_run": true, "events": expected.len()});
            assert_eq!(rows.last().unwrap(), &summary);
        }
        let ran = stored.run(&["retry", "--state", "dead", "-n"]).with_code(0);
        assert!(
            ran.stdout.starts_with("would retry 3 events\nSEQ  STATE"),
            "{ran:?}"
        );
        assert_eq!(ran.stdout.lines().count(), 5);
        let rows = stored.json(&["replay", "--type", MESSAGE, "--dry-run"]);
        assert_eq!(seqs(&rows), [1]);
        let none = stored
            .run(&["replay", "--type", MEETING, "-n"])
            .with_code(1);
        assert_eq!(none.stdout, "would replay 0 events\n");
        assert_eq!(stored.states(), before);
    }
}

#[test]
fn a_dry_run_shows_only_the_first_events() {
    for stored in Stored::each("many", async |store| {
        for id in 0..13 {
            let entry = entry(MESSAGE, &format!("e-{id}"));
            ended(store, entry, Settled::Dead, None).await;
        }
    }) {
        let ran = stored.run(&["drop", "--all", "-n"]).with_code(0);
        assert!(ran.stdout.ends_with("\n… and 3 more\n"), "{ran:?}");
        assert_eq!(stored.json(&["drop", "--all", "-n"]).len(), 11);
        let ran = stored
            .run(&["drop", "--all", "--limit", "12", "-n"])
            .with_code(0);
        assert!(ran.stdout.starts_with("would drop 12 events\n"), "{ran:?}");
        stored.run(&["drop", "--all", "--limit", "12"]).with_code(0);
        assert_eq!(seqs(&stored.json(&["ls"])), [13]);
    }
}

#[test]
fn without_a_filter_an_operation_needs_all() {
    for stored in Stored::each("nofilter", seven) {
        let before = stored.states();
        for operation in ["retry", "drop", "replay"] {
            for more in [&[][..], &["--limit", "1"], &["--dry-run"]] {
                let ran = stored.run(&[&[operation], more].concat()).with_code(2);
                let why = format!(
                    "lark-events: no filter: pass one, or --all to {operation} all events\n"
                );
                assert_eq!((&*ran.stdout, ran.stderr), ("", why));
            }
        }
        let ran = stored.run(&["prune"]).with_code(2);
        assert!(
            ran.stderr.contains("pass --older-than, or --all"),
            "{ran:?}"
        );
        assert_eq!(stored.states(), before);
    }
}

#[test]
fn drop_finishes_events_without_handling_them() {
    for stored in Stored::each("drop", seven) {
        let ran = stored.run(&["drop", "--lane", "oc_1"]).with_code(0);
        assert_eq!(ran.stdout, "dropped 2 events\n");
        let rows = stored.json(&["drop", "--seq", "3"]);
        assert_eq!(
            rows,
            [json!({"operation": "drop", "dry_run": false, "events": 1})]
        );
        let done: Vec<_> = stored.states();
        let done = done.iter().filter(|(_, state)| *state == State::Done);
        assert_eq!(done.map(|(seq, _)| *seq).collect::<Vec<_>>(), [1, 3, 5, 6]);
        stored.run(&["drop", "--seq", "3"]).with_code(1);
    }
}

#[test]
fn replay_puts_finished_events_back_into_the_queue() {
    for stored in Stored::each("replay", seven) {
        let ran = stored
            .run(&["replay", "--since", "3h", "--type", MESSAGE])
            .with_code(0);
        assert_eq!(ran.stdout, "put back into the queue: 1 event\n");
        assert!(stored.states().contains(&(1, State::Ready)));
        stored.run(&["replay", "--since", "3h"]).with_code(1);
    }
}

#[test]
fn a_state_that_an_operation_cannot_take_is_misuse() {
    for stored in Stored::each("state", seven) {
        for (operation, state, why) in [
            ("retry", "ready", "can be retried"),
            ("retry", "done", "can be retried"),
            ("drop", "leased", "can be dropped"),
            ("replay", "dead", "--to posts events in any state"),
        ] {
            let ran = stored.run(&[operation, "--state", state]).with_code(2);
            let begin = format!("lark-events: --state {state}: only events in the state");
            assert!(
                ran.stderr.starts_with(&begin) && ran.stderr.contains(why),
                "{ran:?}"
            );
        }
    }
}

#[test]
fn prune_removes_finished_events_but_never_below_the_shortest_retention() {
    let old = |hours| {
        move |id: &str| {
            let mut entry = entry(MESSAGE, id);
            entry.delivery.received_at -= hours * HOUR;
            entry
        }
    };
    for stored in Stored::each("prune", async |store| {
        ended(store, old(24)("e-1"), Settled::Done, None).await;
        ended(store, old(24)("e-2"), Settled::Dead, None).await;
        ended(store, old(9)("e-3"), Settled::Done, None).await;
        ended(store, old(1)("e-4"), Settled::Done, None).await;
        // Its request may be replayed for longer.
        let mut kept = old(24)("e-5");
        kept.kept = HOUR;
        ended(store, kept, Settled::Done, None).await;
    }) {
        let rows = stored.json(&["prune", "--older-than", "12h", "--dry-run"]);
        assert_eq!(seqs(&rows), [1]);
        let ran = stored.run(&["prune", "--older-than", "12h"]).with_code(0);
        assert_eq!((&*ran.stdout, &*ran.stderr), ("pruned 1 event\n", ""));
        let ran = stored
            .run(&["prune", "--older-than", "1h", "--json"])
            .with_code(0);
        let note = "lark-events: expected an age of at least 8 h 11 min, got 60m: younger events stay, \
        because they may be redelivered or replayed\n";
        assert_eq!(ran.stderr, note);
        assert_eq!(documents(&ran)[0]["events"], 1);
        let left = [(2, State::Dead), (4, State::Done), (5, State::Done)];
        assert_eq!(stored.states(), left);
        let ran = stored.run(&["prune", "--all"]).with_code(0);
        assert_eq!(ran.stdout, "pruned 0 events\n");
    }
}
