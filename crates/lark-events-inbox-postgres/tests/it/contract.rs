//! The contract of a store, and any sequence of calls.

use lark_events_inbox::testing::{Model, calls, conforms, conforms_for_operators};
use proptest::prelude::*;

use crate::server::{open, server};

#[tokio::test]
async fn the_store_conforms() {
    if let Some(server) = server("the contract of a store on PostgreSQL") {
        conforms(async || open(server).await).await;
        conforms_for_operators(async || open(server).await).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_calls_leave_the_store_as_the_model(calls in calls(40)) {
        let Some(server) = server("the model of a store on PostgreSQL") else {
            return Ok(());
        };
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(async { Model::play(open(server).await, &calls).await });
    }
}
