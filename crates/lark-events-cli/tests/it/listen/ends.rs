//! Ends: by a signal in the middle of deliveries, by time, and by a permanent failure.

use super::*;

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_in_the_middle_of_deliveries_loses_no_event() {
    const EVENTS: usize = 80;
    let platform = platform().await;
    // Slow, so that many are under way at the signal.
    let (router, mut handled) = app(Duration::from_millis(300));
    let target = Target::serve(router).await;
    let first = Listening::connected(&platform, &target.url, &[]).await;
    let mut pushes = Vec::new();
    for number in 0..EVENTS {
        pushes.push(platform.push(event()));
        if number == EVENTS / 2 {
            first.is_interrupted();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let summary = first.ended().await;
    assert_eq!(summary["on_the_way"], 0, "{summary}");
    let of_first = summary["acknowledged"].as_u64().unwrap();
    assert!(of_first > 0 && of_first < EVENTS as u64, "{summary}");
    let after_first = platform.stats().accepted;
    // Each event that the first one has forwarded was answered before it ended.
    assert_eq!(after_first as u64, of_first);

    let _second = Listening::connected(&platform, &target.url, &[]).await;
    let mut pushed = BTreeSet::new();
    for push in pushes {
        let report = timeout(LIMIT, push).await.unwrap();
        assert!(report.acknowledged(), "{report:?}");
        pushed.insert(report.event_id);
    }
    let ids = std::iter::from_fn(|| handled.try_recv().ok());
    let ids: Vec<_> = ids.map(|event| id(&event)).collect();
    // Nothing was lost, and nothing was handled twice.
    assert_eq!(ids.len(), EVENTS);
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), pushed);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it_also_before_the_webhook_is_there_and_during_a_drain() {
    let platform = platform().await;
    let mut waiting = Listening::start(&platform, "http://127.0.0.1:1/", &[]);
    waiting.next("webhook-refused").await;
    waiting.is_interrupted();
    waiting.ended().await;

    let (router, _handled) = app(Duration::from_secs(2));
    let target = Target::serve(router).await;
    let mut draining = Listening::connected(&platform, &target.url, &[]).await;
    let push = platform.push_by(Mode::LongConnection, event(), []);
    platform.until(|stats| stats.attempts == 1).await;
    draining.is_interrupted();
    draining.next("draining").await;
    draining.is_interrupted();
    draining.ended().await;
    assert!(!push.await.acknowledged());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_after_its_time() {
    let platform = platform().await;
    let (router, _handled) = app(Duration::ZERO);
    let target = Target::serve(router).await;
    let listening = Listening::start(&platform, &target.url, &["--for", "1s"]);
    listening.ended().await;
    let closed = platform.until(|stats| stats.connections == 0);
    timeout(LIMIT, closed).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_an_error() {
    let platform = platform().await;
    let (router, _handled) = app(Duration::ZERO);
    let target = Target::serve(router).await;
    let base_url = platform.base_url().to_owned();
    let url = target.url.clone();
    let ran = tokio::task::spawn_blocking(move || {
        lark_events(&["listen", "--yes-take-events", "--forward-to", &url])
            .secrets()
            .env("LARK_BASE_URL", &base_url)
            .env("LARK_APP_ID", "cli_real")
            .env("LARK_APP_SECRET", "marked-and-wrong")
            .run()
    });
    let ran = ran.await.unwrap().with_code(2);
    assert!(
        ran.stderr.contains("the platform rejected the app"),
        "{ran:?}"
    );
}
