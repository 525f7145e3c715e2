//! Ends: by a signal in the middle of deliveries, by time, and by a permanent failure.

use lark_events_sim::Answer;
use tokio::sync::Semaphore;

use super::*;

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_in_the_middle_of_deliveries_loses_no_event() {
    // Few enough to be held and released within 2.3 s, after which the events are answered for as failed.
    const HALF: usize = 8;
    let platform = platform().await;
    let (router, mut handled) = app(Duration::ZERO);
    // Holds the first half until the drain has begun.
    let (gate, arrived) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (held, arrives) = (Arc::clone(&gate), Arc::clone(&arrived));
    let holding = axum::middleware::from_fn(
        move |request: axum::extract::Request, next: axum::middleware::Next| {
            let (held, arrives) = (Arc::clone(&held), Arc::clone(&arrives));
            async move {
                if request.headers().contains_key("x-lark-signature") {
                    arrives.add_permits(1);
                    held.acquire().await.unwrap().forget();
                }
                next.run(request).await
            }
        },
    );
    let target = Target::serve(router.layer(holding)).await;
    let mut first = Listening::connected(&platform, &target.url, &[]).await;
    let mut pushes: Vec<_> = (0..HALF).map(|_| platform.push(event())).collect();
    let all_arrived = arrived.acquire_many(HALF as u32);
    drop(timeout(LIMIT, all_arrived).await.unwrap().unwrap());
    first.is_interrupted();
    first.next("draining").await;
    pushes.extend((0..HALF).map(|_| platform.push(event())));
    gate.add_permits(100 * HALF);
    let summary = first.ended().await;
    assert_eq!(summary["on_the_way"], 0, "{summary}");
    let of_first = summary["acknowledged"].as_u64().unwrap();
    assert_eq!(of_first, HALF as u64, "{summary}");
    // Each event that the first one has forwarded was answered before it ended. The platform may read the last answers
    // later.
    let accepted = || platform.stats().accepted as u64;
    let all_accepted = async {
        while accepted() < of_first {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(LIMIT, all_accepted).await.unwrap();
    assert_eq!(accepted(), of_first);

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
    assert_eq!(ids.len(), 2 * HALF);
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
    let mut was_acknowledged = true;
    // On a busy machine, the handler may end before the second signal.
    for round in 1..=5 {
        let mut draining = Listening::connected(&platform, &target.url, &[]).await;
        let push = platform.push_by(Mode::LongConnection, event(), []);
        platform.until(|stats| stats.attempts == round).await;
        draining.is_interrupted();
        draining.next("draining").await;
        draining.is_interrupted();
        draining.ended().await;
        was_acknowledged = push.await.acknowledged();
        let closed = platform.until(|stats| stats.connections == 0);
        timeout(LIMIT, closed).await.unwrap();
        if !was_acknowledged {
            break;
        }
    }
    assert!(!was_acknowledged);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_after_its_time() {
    let platform = platform().await;
    let (router, _handled) = app(Duration::ZERO);
    let target = Target::serve(router).await;
    let listening = Listening::connected(&platform, &target.url, &["--for", "3s"]).await;
    assert_eq!(platform.stats().upgrades, 1);
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

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn it_answers_nothing_after_its_reader_has_gone() {
    const EVENTS: usize = 20;
    let platform = platform().await;
    let (router, _handled) = app(Duration::ZERO);
    let target = Target::serve(router).await;
    let mut child = Command::new(env!("CARGO_BIN_EXE_lark-events"))
        .args([
            "listen",
            "--json",
            "--yes-take-events",
            "--forward-to",
            &target.url,
        ])
        .envs(APP)
        .envs(SECRETS)
        .env("LARK_BASE_URL", platform.base_url())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let open = platform.until(|stats| stats.connections == 1);
    timeout(LIMIT, open).await.unwrap();
    drop(stdout);
    let pushes = (0..EVENTS).map(|_| platform.push_by(Mode::LongConnection, event(), []));
    for push in pushes.collect::<Vec<_>>() {
        let report = timeout(LIMIT, push).await.unwrap();
        for attempt in report.attempts {
            let is_refused = matches!(attempt.answer, Answer::Ack { code, .. } if code != 200);
            assert!(!is_refused, "{attempt:?}");
        }
    }
    let status = tokio::task::spawn_blocking(move || child.wait().unwrap());
    assert!(status.await.unwrap().success());
}
