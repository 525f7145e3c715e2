//! What a server and its tables are like, for checks that change nothing.

use std::time::{Duration, SystemTime};

use lark_events_inbox::StoreErrorKind;
use tokio_postgres::{Client, Row};

use crate::failure::Failure;
use crate::rows::{duration, get, number};
use crate::schema;

/// The state of a server and of the tables of an inbox, from
/// [`PostgresStoreBuilder::facts`](crate::PostgresStoreBuilder::facts).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PostgresFacts {
    /// The version of the server, such as 150018 for 15.18.
    pub server_version: u32,
    /// The schema of the tables.
    pub schema: String,
    /// The version of the tables; 0 if there are none.
    pub version: u32,
    /// The lowest [`VERSION`](crate::PostgresStore::VERSION) of a program that can use these tables; 0 if there are
    /// none.
    pub usable_from: u32,
    /// The setting `fsync`. If `false`, a crash of the machine loses acknowledged events.
    pub fsync: bool,
    /// The setting `full_page_writes`. If `false`, a crash in the middle of a write can corrupt tables.
    pub full_page_writes: bool,
    /// The setting `synchronous_commit`. The store's acknowledgements wait at least for the disk of the server,
    /// whatever it is.
    pub synchronous_commit: String,
    /// The setting `synchronous_standby_names`; empty if no commit waits for a standby.
    pub synchronous_standby_names: String,
    /// The standbys that are connected, as far as the role may see them.
    pub standbys: Vec<Standby>,
    /// The setting `idle_in_transaction_session_timeout`; `None` if it is off.
    pub idle_in_transaction_timeout: Option<Duration>,
    /// The age of the oldest transaction of this database that keeps dead rows from being removed, as far as the
    /// role may see it.
    pub oldest_transaction: Option<Duration>,
    /// Whether the role may see standbys and the transactions of other roles (`pg_read_all_stats`).
    pub sees_others: bool,
    /// The setting `autovacuum`: whether the server removes dead rows by itself.
    pub autovacuum: bool,
    /// The dead rows of the queue that are not removed yet.
    pub dead_rows: u64,
    /// The lanes with events but without a head: their events are not handled. Expected to be 0.
    pub stuck_lanes: u64,
    /// The time of the server when it answered.
    pub now: SystemTime,
}

/// A standby of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standby {
    /// Its name.
    pub name: String,
    /// Whether commits wait for it.
    pub is_synchronous: bool,
}

const SERVER: &str = "SELECT current_setting('server_version_num')::int AS server_version,
    current_setting('fsync')::bool AS fsync, current_setting('full_page_writes')::bool AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('synchronous_standby_names') AS synchronous_standby_names,
    current_setting('autovacuum')::bool AS autovacuum,
    (SELECT setting::bigint FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout') AS idle_timeout,
    (SELECT (extract(epoch FROM clock_timestamp() - min(xact_start)) * 1000000)::bigint FROM pg_stat_activity
        WHERE (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL) AND backend_type = 'client backend'
            AND datname = current_database() AND pid <> pg_backend_pid()) AS oldest_transaction,
    pg_has_role('pg_read_all_stats', 'USAGE') AS sees_others,
    clock_timestamp() AS now";

impl PostgresFacts {
    pub(crate) async fn read(client: &Client, schema: &str) -> Result<Self, Failure> {
        let version = schema::version(client, schema).await?;
        let server = one(client, SERVER).await?;
        let standbys = "SELECT application_name, sync_state IN ('sync', 'quorum') AS is_synchronous
            FROM pg_stat_replication WHERE application_name IS NOT NULL AND sync_state IS NOT NULL";
        let standbys = client.query_typed(standbys, &[]).await?;
        let standbys = standbys.iter().map(|row| {
            Ok::<_, Failure>(Standby {
                name: get(row, "application_name")?,
                is_synchronous: get(row, "is_synchronous")?,
            })
        });
        let server_version: i32 = get(&server, "server_version")?;
        let idle_timeout: i64 = get(&server, "idle_timeout")?;
        let oldest: Option<i64> = get(&server, "oldest_transaction")?;
        let mut facts = Self {
            server_version: server_version.unsigned_abs(),
            schema: schema.to_owned(),
            version: version.map_or(0, |version| version.number),
            usable_from: version.map_or(0, |version| version.usable_from),
            fsync: get(&server, "fsync")?,
            full_page_writes: get(&server, "full_page_writes")?,
            synchronous_commit: get(&server, "synchronous_commit")?,
            synchronous_standby_names: get(&server, "synchronous_standby_names")?,
            standbys: standbys.collect::<Result<_, _>>()?,
            idle_in_transaction_timeout: (idle_timeout > 0)
                .then(|| Duration::from_millis(idle_timeout.unsigned_abs())),
            oldest_transaction: oldest.map(duration),
            sees_others: get(&server, "sees_others")?,
            autovacuum: get(&server, "autovacuum")?,
            dead_rows: 0,
            stuck_lanes: 0,
            now: get(&server, "now")?,
        };
        if version.is_some() {
            let tables = format!(
                "SELECT (SELECT n_dead_tup FROM pg_stat_user_tables
                        WHERE relid = '{schema}.task'::regclass) AS dead_rows,
                    (SELECT count(DISTINCT lane) FROM {schema}.task) -
                    (SELECT count(*) FROM {schema}.task WHERE is_head AND lane IS NOT NULL) AS stuck_lanes"
            );
            let tables = one(client, &tables).await?;
            facts.dead_rows = number(get::<Option<i64>>(&tables, "dead_rows")?.unwrap_or(0));
            facts.stuck_lanes = number(get(&tables, "stuck_lanes")?);
        }
        Ok(facts)
    }
}

async fn one(client: &Client, sql: &str) -> Result<Row, Failure> {
    let row = client.query_typed(sql, &[]).await?.pop();
    row.ok_or_else(|| Failure::new(StoreErrorKind::Corrupt, "the statement returned no row"))
}
