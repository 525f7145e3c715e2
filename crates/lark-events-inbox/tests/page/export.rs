//! Events as files.

use std::sync::atomic::Ordering;

use lark_events::RawJson;
use serde_json::Value;

use crate::browser::{Answer, Browser};
use crate::limited::Limited;
use crate::stored::{append, dead, each_kind, entry, open_to_all};

fn lines(answer: &Answer) -> Vec<Value> {
    let lines = answer.text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn one_event_is_a_file_of_json() {
    for kept in each_kind().await {
        dead(&*kept.store, 0..1, "refused").await;
        let answer = kept.browser().get("?view=export&seq=1").await;
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(
            answer.headers["content-disposition"],
            "attachment; filename=\"event-1.json\""
        );
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        let event: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(event["seq"], 1);
        assert_eq!(event["state"], "dead");
        assert_eq!(event["event_id"], "id-0");
        assert_eq!(event["error"], "refused");
        assert_eq!(event["history"][0]["outcome"], "failed");
        assert_eq!(event["body"]["phone"], "secret-0");
        // Every digit is kept.
        assert!(answer.text.contains("\"number\": 0.10"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_list_is_a_file_with_a_line_for_each_event() {
    for kept in each_kind().await {
        dead(&*kept.store, 0..250, "refused").await;
        dead(&*kept.store, 250..260, "timed out").await;
        let answer = kept
            .browser()
            .get("?view=export&state=dead&error=refused")
            .await;
        assert_eq!(answer.headers["content-type"], "application/x-ndjson");
        let lines: Vec<Value> = answer
            .text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 250);
        assert!(lines.iter().all(|line| line["error"] == "refused"));
        let mut seqs: Vec<_> = lines.iter().map(|line| line["seq"].as_u64()).collect();
        seqs.sort_unstable();
        seqs.dedup();
        assert_eq!(seqs.len(), 250);
    }
}

#[tokio::test]
async fn a_long_list_is_cut_and_goes_on_in_another_file() {
    for kept in each_kind().await {
        append(&*kept.store, 0..1_205).await;
        let browser = kept.browser();
        let mut link = "?view=export&state=ready".to_owned();
        let mut seqs = Vec::new();
        for events in [1_000, 205] {
            let answer = browser.get(&link).await;
            let lines: Vec<Value> = answer
                .text
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            let (cut, lines): (Vec<_>, Vec<_>) = lines
                .into_iter()
                .partition(|line| line["cut_after"].is_u64());
            assert_eq!(lines.len(), events, "{}", kept.name);
            seqs.extend(lines.iter().map(|line| line["seq"].as_u64()));
            assert_eq!(cut.len(), usize::from(events == 1_000));
            if let Some(cut) = cut.first() {
                link = format!("?view=export&state=ready&after={}", cut["cut_after"]);
            }
        }
        seqs.sort_unstable();
        seqs.dedup();
        assert_eq!(seqs.len(), 1_205);
    }
}

#[tokio::test]
async fn a_file_is_cut_before_it_is_too_large() {
    for kept in each_kind().await {
        for number in 0..7 {
            let mut large = entry(number);
            let body = format!("\"{}\"", "x".repeat(900 * 1024));
            large.delivery.raw = RawJson::parse(body).unwrap();
            kept.store.append(vec![large]).await.unwrap();
        }
        let browser = kept.browser();
        let first = browser.get("?view=export").await;
        let first = lines(&first);
        // Its last event goes beyond 4 MiB.
        assert_eq!(first.len(), 5 + 1);
        let cut = &first[5]["cut_after"];
        assert_eq!(*cut, first[4]["seq"]);
        let next = browser.get(&format!("?view=export&after={cut}")).await;
        assert_eq!(lines(&next).len(), 2, "{}", kept.name);
    }
}

#[tokio::test]
async fn a_file_is_cut_after_many_looks() {
    let store = Limited::failing().await;
    append(&*store.inner, 0..105).await;
    store.look.store(5, Ordering::SeqCst);
    let browser = Browser::alone(open_to_all(store.clone()));
    let first = lines(&browser.get("?view=export").await);
    assert_eq!(first.len(), 20 * 5 + 1);
    let cut = &first[100]["cut_after"];
    assert_eq!(*cut, 100);
    let next = browser.get(&format!("?view=export&after={cut}")).await;
    assert_eq!(lines(&next).len(), 5);
    // Of those that find nothing, none is the last.
    store.look.store(0, Ordering::SeqCst);
    let none = lines(&browser.get("?view=export").await);
    assert_eq!(none.len(), 1);
    assert!(none[0]["cut_after"].is_u64(), "{none:?}");
}

/// Those of `lark-events inbox show --body --json`, in their order.
#[tokio::test]
async fn the_members_of_an_event_are_those_of_the_command() {
    for kept in each_kind().await {
        dead(&*kept.store, 0..1, "refused").await;
        let answer = kept.browser().get("?view=export&seq=1").await;
        let members = answer.text.lines().filter_map(|line| {
            let member = line.strip_prefix("  \"")?;
            Some(member.split('"').next().unwrap())
        });
        assert_eq!(
            members.collect::<Vec<_>>(),
            [
                "seq",
                "state",
                "app_id",
                "event_type",
                "event_id",
                "tenant_key",
                "lane",
                "transport",
                "received_at",
                "attempts",
                "visible_in_seconds",
                "error",
                "trace",
                "history",
                "body"
            ]
        );
        let event: Value = serde_json::from_str(&answer.text).unwrap();
        let attempt = event["history"][0].as_object().unwrap();
        let mut members: Vec<_> = attempt.keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(
            members,
            ["ended_at", "error", "millis", "number", "outcome"]
        );
    }
}
