//! `replay --to`: events posted to a webhook, signed anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::any;
use lark_events::event::Schema;

use super::{MEETING, MESSAGE, Stored, documents, entry, seven};
use crate::push::{app, serve};

#[test]
fn events_are_posted_in_order_with_their_own_ids_and_times() {
    for stored in Stored::each("to", async |store| {
        seven(store).await;
        let mut old = entry("message", "e-8");
        old.delivery.header.schema = Schema::V1;
        old.delivery.header.create_time = Some("1700000000.1".to_owned());
        let json = r#"{"app_id": "cli_1", "type": "message", "digits": 1.000000000000000000001}"#;
        old.delivery.raw = lark_events::RawJson::parse(json).unwrap();
        store.append(vec![old]).await.unwrap();
    }) {
        let before = stored.states();
        let (url, handled) = app();
        let ran = stored
            .command(&["replay", "--all", "--to", &url])
            .secrets()
            .run();
        let ran = ran.with_code(0);
        let lines: Vec<_> = ran.stdout.lines().collect();
        assert_eq!(lines.len(), 9, "{ran:?}");
        assert!(lines[0].starts_with("1  accepted: 200 OK in "), "{ran:?}");
        assert!(
            lines[0].ends_with(" (im.message.receive_v1, e-1, signed)"),
            "{ran:?}"
        );
        assert_eq!(lines[8], "posted 8 events: 8 accepted, 0 not accepted");
        let events: Vec<_> = handled.try_iter().collect();
        let ids = events
            .iter()
            .map(|event| event.header.event_id.as_deref().unwrap());
        let expected: Vec<_> = (1..=8).map(|id| format!("e-{id}")).collect();
        assert!(ids.eq(expected.iter()), "{events:?}");
        assert_eq!(events[3].header.app_id.as_deref(), Some("cli_2"));
        assert_eq!(events[3].header.tenant_key.as_deref(), Some("t-2"));
        assert_eq!(
            events[6].raw().as_str(),
            r#"{"digits": 1.000000000000000000001}"#
        );
        assert_eq!(
            events[7].header.create_time.as_deref(),
            Some("1700000000.1")
        );
        assert_eq!(events[7].header.schema, Schema::V1);
        assert!(events[7].raw().as_str().contains("1.000000000000000000001"));
        assert_eq!(stored.states(), before, "the store does not change");
    }
}

#[test]
fn filters_choose_what_is_posted_and_a_dry_run_posts_nothing() {
    for stored in Stored::each("to-filter", seven) {
        let (url, handled) = app();
        let replay = |args: &[&str]| {
            let args = [&["replay", "--to", &url, "--json"], args].concat();
            stored.command(&args).secrets().run().with_code(0)
        };
        let rows = documents(&replay(&["--type", MEETING, "--dry-run"]));
        assert_eq!(super::seqs(&rows), [3, 7]);
        assert!(handled.try_recv().is_err());
        let mut rows = documents(&replay(&[
            "--type", MESSAGE, "--state", "done", "--state", "dead",
        ]));
        let summary = serde_json::json!({"summary": {"accepted": 3, "not_accepted": 0}});
        assert_eq!(rows.pop(), Some(summary));
        assert_eq!(super::seqs(&rows), [1, 2, 4]);
        let first = &rows[0];
        assert_eq!(
            (&first["accepted"], &first["status"]),
            (&true.into(), &200.into())
        );
        assert_eq!(
            (&first["event_id"], &first["signed"]),
            (&"e-1".into(), &true.into())
        );
        assert_eq!(handled.try_iter().count(), 3);
        let ran = stored
            .command(&["replay", "--to", &url, "--seq", "99"])
            .run();
        assert_eq!(
            ran.with_code(1).stdout,
            "posted 0 events: 0 accepted, 0 not accepted\n"
        );
    }
}

/// A webhook that fails for one request, and how many it got.
fn failing(number: usize) -> (String, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let app = any(move || {
        let is_bad = counted.fetch_add(1, Ordering::SeqCst) + 1 == number;
        std::future::ready(match is_bad {
            true => StatusCode::INTERNAL_SERVER_ERROR,
            false => StatusCode::OK,
        })
    });
    (serve(Router::new().fallback(app)), count)
}

#[test]
fn the_first_failure_stops_the_replay_unless_it_is_to_go_on() {
    for stored in Stored::each("to-failing", seven) {
        let (url, count) = failing(3);
        let ran = stored.run(&["replay", "--all", "--to", &url]).with_code(1);
        assert_eq!(count.load(Ordering::SeqCst), 3);
        assert!(
            ran.stdout
                .contains("\n3  not accepted: 500 Internal Server Error in "),
            "{ran:?}"
        );
        assert!(ran.stdout.contains(", unsigned)\n"), "{ran:?}");
        assert!(
            ran.stdout
                .ends_with("posted 3 events: 2 accepted, 1 not accepted\n"),
            "{ran:?}"
        );
        assert!(
            ran.stderr
                .contains("stopped at event 3: --from-seq 3 resumes there"),
            "{ran:?}"
        );

        let (url, count) = failing(3);
        let args = ["replay", "--all", "--to", &url, "--keep-going"];
        let ran = stored.run(&args).with_code(1);
        assert_eq!(count.load(Ordering::SeqCst), 7);
        assert_eq!(ran.stderr, "");
        assert!(
            ran.stdout
                .ends_with("posted 7 events: 6 accepted, 1 not accepted\n"),
            "{ran:?}"
        );

        let (url, _) = app();
        let ran = stored
            .run(&["replay", "--from-seq", "7", "--to", &url])
            .with_code(1);
        assert!(
            ran.stdout.starts_with("7  not accepted: 401 Unauthorized"),
            "{ran:?}"
        );
        let ran = stored
            .run(&["replay", "--all", "--to", "http://127.0.0.1:1"])
            .with_code(1);
        assert!(
            ran.stdout.starts_with("1  not accepted: cannot connect"),
            "{ran:?}"
        );
    }
}

#[test]
fn what_belongs_to_a_webhook_needs_one() {
    for stored in Stored::each("to-misuse", seven) {
        for args in [
            &["replay", "--all", "--keep-going"][..],
            &["replay", "--all", "--to", "ftp://localhost"],
            &["replay", "--to", "http://127.0.0.1:1"],
            &["replay", "--all", "--timeout", "1"],
        ] {
            let ran = stored.run(args).with_code(2);
            assert_eq!(ran.stdout, "", "{args:?}");
        }
        assert_eq!(stored.run(&["replay", "--all"]).with_code(0).stderr, "");
    }
}
