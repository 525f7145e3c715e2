//! The contract of a store, and any sequence of calls.

use std::sync::Arc;

use lark_events_inbox::VolatileStore;
use lark_events_inbox::testing::{Model, calls, conforms, conforms_for_operators};
use proptest::prelude::*;

#[tokio::test(start_paused = true)]
async fn the_store_in_memory_conforms() {
    let open = async || Arc::new(VolatileStore::new());
    conforms(open).await;
    conforms_for_operators(open).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_calls_leave_the_store_in_memory_as_the_model(calls in calls(60)) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(Model::play(Arc::new(VolatileStore::new()), &calls));
    }
}
