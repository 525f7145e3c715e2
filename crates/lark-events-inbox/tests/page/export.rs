//! Events as files.

use serde_json::Value;

use crate::stored::{append, dead, each_kind};

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
