//! Lanes: order within each, and turns between them.

use std::time::Duration;

use lark_events_layers::InOrderLayer;
use tokio::time::{Instant, sleep};
use tower::ServiceBuilder;
use tower::util::BoxCloneSyncService;

use crate::app::{SECOND, event, pass, recording, running, taking, volatile};

#[tokio::test(start_paused = true)]
async fn a_quiet_lane_waits_at_most_one_round_of_the_busy_ones_and_one_handler_more() {
    for (busy_lanes, workers) in [(1_usize, 1), (5, 1), (8, 3), (40, 16), (2, 16)] {
        let (service, record) = taking(SECOND);
        let (_, builder) = volatile();
        let builder = builder.lane_by_tenant().workers(workers);
        let worked = running(builder, service).await;
        for number in 0..8 {
            for lane in 0..busy_lanes {
                let lane = format!("busy {lane}");
                let delivery = event(Some(&lane), format!("{lane}: {number}"));
                pass(&worked.inbox, delivery).await.unwrap();
            }
        }
        sleep(SECOND / 2).await;
        let arrived = Instant::now();
        let quiet = event(Some("quiet"), "quiet");
        pass(&worked.inbox, quiet).await.unwrap();
        sleep(100 * SECOND).await;
        let called = record.called();
        let quiet = called.iter().find(|called| called.id == "quiet").unwrap();
        let rounds = u32::try_from(busy_lanes.div_ceil(workers)).unwrap() + 1;
        let waited = quiet.at.duration_since(arrived);
        assert!(
            waited <= rounds * SECOND,
            "{busy_lanes} lanes, {workers} workers: {waited:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn thousands_of_events_of_one_tenant_do_not_delay_another() {
    let (service, record) = taking(SECOND);
    let (_, builder) = volatile();
    let worked = running(builder.lane_by_tenant().workers(2), service).await;
    for number in 0..2_100 {
        pass(&worked.inbox, event(Some("busy"), number))
            .await
            .unwrap();
    }
    let arrived = Instant::now();
    pass(&worked.inbox, event(Some("quiet"), "quiet"))
        .await
        .unwrap();
    sleep(3 * SECOND).await;
    let called = record.called();
    let quiet = called.iter().find(|called| called.id == "quiet").unwrap();
    assert!(quiet.at.duration_since(arrived) <= 2 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn events_without_a_lane_and_lanes_do_not_delay_each_other() {
    for (many, few) in [(None, Some("lane")), (Some("lane"), None)] {
        let (service, record) = taking(SECOND);
        let (_, builder) = volatile();
        let worked = running(builder.lane_by_tenant().workers(1), service).await;
        for number in 0..100 {
            pass(&worked.inbox, event(many, number)).await.unwrap();
        }
        pass(&worked.inbox, event(few, "few")).await.unwrap();
        sleep(3 * SECOND).await;
        assert!(record.ids().contains(&"few".to_owned()), "{few:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_events_of_a_lane_are_handled_one_at_a_time_in_the_order_of_their_acknowledgement() {
    let (service, record) = taking(Duration::ZERO);
    let (_, builder) = volatile();
    let worked = running(builder.lane_by_tenant().workers(64), service).await;
    let ids: Vec<_> = (0..5_000).map(|id: u32| id.to_string()).collect();
    for id in &ids {
        // The worker starts at its own time.
        while pass(&worked.inbox, event(Some("a"), id)).await.is_err() {
            tokio::task::yield_now().await;
        }
    }
    worked.stop().await.unwrap();
    assert_eq!(record.ids(), ids);
    assert_eq!(record.most_at_once(), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_acknowledged_is_dropped_whatever_limits_are_inside() {
    let (service, record) = recording(|_| async {
        sleep(Duration::from_millis(10)).await;
        Ok(lark_events::Outcome::Handled)
    });
    let in_order = InOrderLayer::builder()
        .max_waiting(3)
        .max_waiting_per_key(2);
    let service = ServiceBuilder::new()
        .map_err(lark_events::BoxError::from)
        .load_shed()
        .layer(in_order.build().unwrap())
        .concurrency_limit(2)
        .timeout(60 * SECOND)
        .service(service);
    let (store, builder) = volatile();
    let service = BoxCloneSyncService::new(service);
    let worked = running(builder.workers(50).attempts(2), service).await;
    for number in 0..1_500 {
        pass(&worked.inbox, event(Some("busy"), number))
            .await
            .unwrap();
    }
    sleep(600 * SECOND).await;
    let mut ids: Vec<u32> = record.ids().iter().map(|id| id.parse().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..1_500).collect::<Vec<_>>());
    let status = worked.inbox.monitor().status().await.unwrap();
    assert_eq!((status.ready, status.waiting, status.dead), (0, 0, 0));
    drop(store);
}

#[tokio::test(start_paused = true)]
async fn a_worker_holds_no_permit_of_a_limit_while_it_waits_for_events() {
    let (service, _) = taking(SECOND);
    let service = ServiceBuilder::new().concurrency_limit(2).service(service);
    let (_, builder) = volatile();
    let worked = running(builder.workers(8), service).await;
    sleep(10 * SECOND).await;
    let mut callback = event(None, "c");
    callback.kind = lark_events::event::DeliveryKind::Callback;
    let began = Instant::now();
    pass(&worked.inbox, callback).await.unwrap();
    assert_eq!(began.elapsed(), SECOND);
}
