//! What the first pages of an operator cost with a million events: the plans, the rows that the server reads, and the
//! times, against those with a thousand events.

use lark_events_inbox::testing::first_pages::{Totals, asks};
use lark_events_test_servers::Postgres;

use crate::ratios::{Opened, explained, opened, plans, server};

/// The maximum of each ratio.
const MAX_RATIO: u32 = 3;
/// The maximum of the rows that the steps of a plan return or leave out. All of a table are 250,000 or more.
const MAX_ROWS: f64 = 15_000.0;

/// A store with this many events: of each four, one is dead, one is in a lane, one has no lane and is ready or waits
/// for a retry, and one is finished.
async fn filled(server: &Postgres, events: u32) -> Opened {
    let opened = opened(server, events).await;
    let sql = "TRUNCATE lark_inbox.dead;
        INSERT INTO lark_inbox.task (seq, lane, is_head, visible_at, last_error)
        SELECT n, CASE n % 4 WHEN 1 THEN 'lane ' || n % 1000 END, n % 4 = 2 OR n <= 1000,
            now() + CASE n % 8 WHEN 6 THEN interval '1 day' ELSE interval '0' END, 'an error'
        FROM (SELECT seq AS n FROM lark_inbox.event) AS event WHERE n % 4 IN (1, 2);
        INSERT INTO lark_inbox.dead (seq, attempts, error, died_at)
        SELECT seq, 10, 'error ' || seq % 16, now() FROM lark_inbox.event WHERE seq % 4 = 0;
        VACUUM ANALYZE";
    server.psql_at(&opened.url, sql);
    opened
}

/// The rows that all steps of the plans return or leave out.
fn rows(plans: &str) -> f64 {
    let number = |text: &str, name: &str| -> Option<f64> {
        let (_, after) = text.split_once(name)?;
        let end = |at: char| !at.is_ascii_digit() && at != '.';
        after.split(end).next()?.parse().ok()
    };
    let lines = plans.lines().map(|line| {
        let actual = line.split_once("(actual ").map_or("", |(_, actual)| actual);
        let loops = number(actual, "loops=").unwrap_or_default();
        let removed = number(line, "Rows Removed by Filter: ").unwrap_or_default();
        number(actual, "rows=").unwrap_or_default() * loops + removed
    });
    lines.sum()
}

#[tokio::test]
async fn a_million_events_cost_a_page_no_more_than_a_thousand() {
    let Some(server) = server("a million events on PostgreSQL") else {
        return;
    };
    let small = filled(server, 1_000).await;
    let large = filled(server, 1_000_000).await;
    let explained = explained(server, &large).await;
    let mut slow = Vec::new();
    let mut totals = Totals::default();
    for (name, ask) in asks("e999") {
        totals.add([&small.store, &large.store], &ask).await;
        if let Some(store) = &explained {
            let plans = plans(server, ask.of(store)).await;
            let rows = rows(&plans);
            assert!(rows >= 1.0, "plans with the rows: {plans}");
            println!("{name}: {rows} rows");
            let whole = ["task", "event", "dead"].map(|table| format!("Seq Scan on {table}"));
            if rows > MAX_ROWS || whole.iter().any(|scan| plans.contains(scan)) {
                slow.push(format!("{name}: {rows} rows: {plans}"));
            }
        }
    }
    let [small, large] = totals.middle();
    println!("together: {small:?}, {large:?}");
    assert!(slow.is_empty(), "{}", slow.join("\n"));
    assert!(large <= small * MAX_RATIO, "{small:?}, {large:?}");
}
