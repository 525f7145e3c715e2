//! The statements, with the schema of the store. Those that are more than a look are functions of the schema.

use std::sync::Arc;

use lark_events_inbox::Monitor;

use crate::completion::Completion;

/// How long a settlement waits for the locks of others, in milliseconds.
const LOCK_TIMEOUT_MS: u32 = 2_000;

/// The statements of a store.
#[derive(Debug)]
pub(crate) struct Sql {
    pub(crate) append: String,
    pub(crate) claim: String,
    pub(crate) extend: String,
    pub(crate) settle: String,
    pub(crate) complete: Arc<str>,
    pub(crate) next_visible: String,
    pub(crate) status: String,
    pub(crate) glance: String,
    pub(crate) heartbeat: String,
    pub(crate) prune: String,
    pub(crate) retry: String,
    pub(crate) discard: String,
    pub(crate) replay: String,
    pub(crate) event: String,
    pub(crate) history: String,
    pub(crate) claim_key: String,
    pub(crate) key: String,
    pub(crate) key_done: String,
    pub(crate) release_key: String,
}

impl Sql {
    pub(crate) fn of(schema: &str) -> Self {
        let alone = Monitor::MAX_ALONE.as_secs();
        let micros = "'1 microsecond'::interval";
        let age = |time: &str| format!("(extract(epoch FROM now() - {time}) * 1000000)::bigint");
        let since = "visible_at >= coalesce($1, '-infinity')";
        let heads = format!("FROM {schema}.task WHERE is_head AND lane IS NOT NULL");
        let free = format!("FROM {schema}.task WHERE lane IS NULL");
        let first =
            format!("least((SELECT min(visible_at) {heads}), (SELECT min(visible_at) {free}))");
        let facts = format!(
            "nullif(greatest({}, -1), -1) AS lag,
            (SELECT {} FROM {schema}.event WHERE seq = (SELECT min(seq) FROM {schema}.task)) AS oldest,
            (SELECT count(*) FROM {schema}.worker
                WHERE is_running AND seen_at > now() - interval '{alone} s') AS workers,
            (SELECT {} FROM {schema}.worker) AS worker_seen",
            age(&first),
            age("received_at"),
            age("max(seen_at)"),
        );
        Self {
            append: format!("SELECT {schema}.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS answers"),
            claim: format!("SELECT * FROM {schema}.claim($1, $2, $3, $4, coalesce($5, '-infinity'))"),
            extend: format!("SELECT {schema}.extend($1, $2, $3) AS answers"),
            // A handler's transaction may hold the lock of its event.
            settle: format!(
                "SELECT set_config('lock_timeout', '{LOCK_TIMEOUT_MS}', true),
                    {schema}.settle($1, $2, $3, $4, $5, $6, $7) AS answers"
            ),
            complete: Completion::statement(schema),
            next_visible: format!(
                "SELECT -{} AS next",
                age(&format!(
                    "least((SELECT min(visible_at) {heads} AND {since}), (SELECT min(visible_at) {free} AND {since}))"
                ))
            ),
            status: format!(
                "SELECT t.*, (SELECT count(*) FROM {schema}.dead) AS dead, {facts}
                FROM (
                    SELECT count(*) FILTER (WHERE is_head AND visible_at <= now()) AS ready,
                        count(*) FILTER (WHERE visible_at > now() AND fence IS NOT NULL) AS leased,
                        count(*) FILTER (WHERE NOT is_head OR visible_at > now() AND fence IS NULL) AS waiting,
                        count(*) FILTER (
                            WHERE is_head AND lane IS NOT NULL AND visible_at > now() AND fence IS NULL
                        ) AS blocked_lanes
                    FROM {schema}.task
                ) AS t"
            ),
            // Each part reads so many rows of an index. The orders leave that index as the plan.
            glance: {
                let part = |some: &str, from: &str, order: &str| {
                    format!(
                        "(SELECT count(*) AS read, count(*) FILTER (WHERE {some}) AS chosen
                            FROM (SELECT * {from} ORDER BY {order} LIMIT $1) AS rows)"
                    )
                };
                let by_time = "visible_at, seq";
                let ready_heads = part("false", &format!("{heads} AND visible_at <= now()"), by_time);
                let ready_free = part("false", &format!("{free} AND visible_at <= now()"), by_time);
                let later = "AND visible_at > now()";
                let later_heads = part("fence IS NULL", &format!("{heads} {later}"), by_time);
                let later_free = part("fence IS NULL", &format!("{free} {later}"), by_time);
                let lanes = format!("FROM {schema}.task WHERE lane IS NOT NULL");
                let lanes = part("NOT is_head", &lanes, "lane, seq");
                let dead = part("false", &format!("FROM {schema}.dead"), "seq");
                format!(
                    "SELECT ready_heads.read AS ready_heads, ready_free.read AS ready_free,
                        later_heads.read AS later_heads, later_heads.chosen AS retried_heads,
                        later_free.read AS later_free, later_free.chosen AS retried_free,
                        lanes.read AS lanes, lanes.chosen AS behind, dead.read AS dead, {facts}
                    FROM {ready_heads} AS ready_heads, {ready_free} AS ready_free, {later_heads} AS later_heads,
                        {later_free} AS later_free, {lanes} AS lanes, {dead} AS dead"
                )
            },
            // One statement for both, as all calls are.
            heartbeat: format!(
                "WITH gone AS (DELETE FROM {schema}.worker WHERE id = $1 AND $2 IS NULL)
                INSERT INTO {schema}.worker AS w (id, is_running, seen_at)
                SELECT $1, $2, now() WHERE $2 IS NOT NULL
                ON CONFLICT (id) DO UPDATE SET is_running = excluded.is_running, seen_at = excluded.seen_at"
            ),
            prune: format!("SELECT {schema}.prune($1, $2) AS pruned"),
            retry: format!("SELECT {schema}.retry($1, $2) AS changed"),
            discard: format!("SELECT {schema}.discard($1, $2) AS changed"),
            replay: format!("SELECT {schema}.replay($1) AS changed"),
            event: format!(
                "SELECT document, transport, received_at, dedup_key, lane, trace FROM {schema}.event
                WHERE seq = $1"
            ),
            history: format!(
                "SELECT number, ended_at, took, outcome, error FROM {schema}.attempt
                WHERE seq = $1 ORDER BY ended_at, number"
            ),
            claim_key: format!(
                "INSERT INTO {schema}.claim AS c (key, owner, outcome, until)
                VALUES ($1, $2, NULL, now() + $3 * {micros})
                ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, outcome = NULL, until = excluded.until
                WHERE c.until <= now() OR c.outcome IS NULL AND c.owner = excluded.owner
                RETURNING 1"
            ),
            key: format!("SELECT outcome FROM {schema}.claim WHERE key = $1 AND until > now()"),
            key_done: format!(
                "INSERT INTO {schema}.claim AS c (key, owner, outcome, until)
                VALUES ($1, NULL, $2, now() + $3 * {micros})
                ON CONFLICT (key) DO UPDATE SET owner = NULL, outcome = excluded.outcome,
                    until = CASE WHEN c.outcome IS NULL THEN excluded.until
                        ELSE greatest(c.until, excluded.until) END"
            ),
            release_key: format!("DELETE FROM {schema}.claim WHERE key = $1 AND owner = $2"),
        }
    }
}
