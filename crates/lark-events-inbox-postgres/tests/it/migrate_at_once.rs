//! Processes of a new app start at the same time, and each creates the tables unless another one has.

use lark_events_inbox::Store as _;
use lark_events_inbox_postgres::PostgresStore;

use crate::server::{database, server};

const PROGRAMS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_that_migrate_at_the_same_time_take_turns() {
    let Some(server) = server("the migration of a store on PostgreSQL") else {
        return;
    };
    let database = database(server);
    let connecting = (0..PROGRAMS).map(|_| tokio::spawn(PostgresStore::connect(database.clone())));
    let connecting: Vec<_> = connecting.collect();
    for connected in connecting {
        let store = connected.await.unwrap().unwrap();
        assert_eq!(store.status().await.unwrap().ready, 0);
    }
}
