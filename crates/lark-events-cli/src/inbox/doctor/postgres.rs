//! The checks of a store on PostgreSQL.

use std::time::{Duration, SystemTime};

use lark_events_inbox::{Status, Store as _, StoreErrorKind};
use lark_events_inbox_postgres::{PostgresFacts, PostgresStore};

use super::Report;
use crate::Error;
use crate::figures::count;
use crate::finding::{Finding, Verdict};
use crate::inbox::postgres::{Postgres, cause, failed};
use crate::inbox::progress::Progress;
use crate::inbox::when::short;

/// The oldest version with which the tables are tested.
const OLDEST_SERVER: u32 = 15;

type Check = fn(&PostgresFacts) -> Finding;

/// The checks of the server, apart from those of the queue.
const SERVER: [(&str, Check); 6] = [
    ("schema", schema),
    ("durability", durability),
    ("standbys", standbys),
    ("transactions", transactions),
    ("lanes", lanes),
    ("clock", clock),
];

pub(super) async fn check(store: &Postgres, report: &mut Report) -> Result<(), Error> {
    let mut progress = Progress::new("checking the server", report.output);
    let facts = progress.during(store.builder.facts()).await;
    progress.clear();
    let facts = match facts {
        Ok(facts) => facts,
        // The arguments are wrong, and not the server.
        Err(error) if error.kind() == StoreErrorKind::Unsupported => return Err(failed(error)),
        Err(error) => {
            let advice = "check the server, the URL, and the rights of the role";
            report.add("server", Finding::fail(cause(&error), advice))?;
            let skipped = Finding::skip("the server did not answer");
            for (case, _) in SERVER {
                report.add(case, skipped.clone())?;
            }
            report.add("vacuum", skipped.clone())?;
            report.add_queue(Err(skipped))?;
            return Ok(());
        }
    };
    report.add("server", server(facts.server_version))?;
    for (case, check) in SERVER {
        report.add(case, check(&facts))?;
    }
    let status = match schema(&facts).verdict {
        Verdict::Fail => Err(Finding::skip("the tables are not of this version")),
        _ => status(store).await,
    };
    let vacuum = match &status {
        Ok(status) => {
            let queue = status.ready + status.waiting + status.leased;
            vacuum(facts.autovacuum, facts.dead_rows, queue)
        }
        Err(why) => why.clone(),
    };
    report.add("vacuum", vacuum)?;
    report.add_queue(status.as_ref().map_err(Clone::clone))?;
    Ok(())
}

async fn status(store: &Postgres) -> Result<Status, Finding> {
    let status = async {
        let store = store.builder.clone().without_migration().connect();
        store.await?.status().await
    };
    let failed = |error| Finding::fail(cause(&error), "see the cases above");
    status.await.map_err(failed)
}

fn server(version: u32) -> Finding {
    let (major, minor) = (version / 10_000, version % 10_000);
    let seen = format!("PostgreSQL {major}.{minor}");
    match major {
        ..OLDEST_SERVER => Finding::fail(
            format!("{seen}, expected {OLDEST_SERVER} or newer"),
            "upgrade the server",
        ),
        _ => Finding::pass(seen),
    }
}

fn schema(facts: &PostgresFacts) -> Finding {
    let expected = PostgresStore::VERSION;
    let (name, version) = (&facts.schema, facts.version);
    let wrong = format!("version {version} in {name}, expected version {expected}");
    if version < expected {
        Finding::fail(wrong, "run `lark-events inbox migrate`")
    } else if facts.usable_from > expected {
        Finding::fail(wrong, "update this program")
    } else if version > expected {
        Finding::warn(wrong, "update this program: it still works with the tables")
    } else {
        Finding::pass(format!("version {version} in {name}"))
    }
}

/// Whether a commit is on the disk of the server.
fn durability(facts: &PostgresFacts) -> Finding {
    if !facts.fsync {
        return Finding::fail(
            "fsync is off: a crash of the machine loses acknowledged events, or the whole database",
            "set fsync = on",
        );
    }
    if !facts.full_page_writes {
        return Finding::warn(
            "full_page_writes is off: a crash of the machine may damage the tables",
            "set full_page_writes = on, unless the file system never writes a part of a page",
        );
    }
    let level = &facts.synchronous_commit;
    let seen = format!("synchronous_commit is {level}");
    match &**level {
        "off" => Finding::warn(
            format!(
                "{seen}: a crash of the server loses what handlers have written, though not acknowledged events"
            ),
            "set synchronous_commit = on for the role",
        ),
        "local" | "remote_write" if !facts.synchronous_standby_names.is_empty() => Finding::warn(
            format!("{seen}: acknowledged events may not be on the disk of a standby"),
            "set synchronous_commit = on for the role",
        ),
        _ => Finding::pass(seen),
    }
}

/// Whether acknowledged events survive a failover.
fn standbys(facts: &PostgresFacts) -> Finding {
    if !facts.sees_others {
        return Finding::skip("the role does not see standbys: grant it pg_read_all_stats");
    }
    let (standbys, names) = (&facts.standbys, &facts.synchronous_standby_names);
    let waited_for = standbys.iter().filter(|one| one.is_synchronous).count();
    match (names.is_empty(), standbys.len(), waited_for) {
        (true, 0, _) => Finding::pass("no standby"),
        (true, connected, _) => Finding::warn(
            format!(
                "{}, none synchronous: a failover loses the last acknowledged events",
                count(connected, "standby")
            ),
            "set synchronous_standby_names, or accept the loss",
        ),
        (false, _, 0) => Finding::fail(
            "commits wait for a synchronous standby, and none is connected: no event is acknowledged",
            "start the standby, or change synchronous_standby_names",
        ),
        (false, connected, waited_for) => {
            Finding::pass(format!("{waited_for} of {connected} synchronous"))
        }
    }
}

/// Transactions that keep dead rows, and what ends them.
fn transactions(facts: &PostgresFacts) -> Finding {
    const LONG: Duration = Duration::from_mins(1);
    let seen = match facts.oldest_transaction {
        Some(age) if age >= LONG => {
            return Finding::warn(
                format!(
                    "a transaction has been open for {}: claims slow down",
                    short(age)
                ),
                "end it: see xact_start in pg_stat_activity",
            );
        }
        Some(age) => format!("the oldest has been open for {}", short(age)),
        None if facts.sees_others => "none is open".to_owned(),
        None => "no other transaction of this role is open".to_owned(),
    };
    match facts.idle_in_transaction_timeout {
        Some(_) => Finding::pass(seen),
        None => Finding::warn(
            format!(
                "{seen}; idle_in_transaction_session_timeout is 0: a forgotten one is never ended"
            ),
            "set idle_in_transaction_session_timeout for the roles of the database",
        ),
    }
}

fn vacuum(is_automatic: bool, dead: u64, queue: u64) -> Finding {
    // `autovacuum_vacuum_threshold` of the queue is 1,000.
    const MANY: u64 = 20_000;
    const TIMES: u64 = 10;
    let seen = format!("{dead} dead rows for {queue} events in the queue");
    if !is_automatic {
        return Finding::warn(
            format!("autovacuum is off, {seen}"),
            "set autovacuum = on: claims slow down with each dead row",
        );
    }
    if dead > MANY && dead > queue.saturating_mul(TIMES) {
        return Finding::warn(
            seen,
            "end old transactions, and see whether autovacuum keeps up",
        );
    }
    Finding::pass(seen)
}

fn lanes(facts: &PostgresFacts) -> Finding {
    match facts.stuck_lanes {
        0 => Finding::pass("none is stuck"),
        stuck => Finding::fail(
            format!("{stuck} with events, none of which can be claimed"),
            format!(
                "run `SELECT {}.repair();` until it returns 0, and report it",
                facts.schema
            ),
        ),
    }
}

/// The clock of this machine decides about nothing but the times in arguments.
fn clock(facts: &PostgresFacts) -> Finding {
    const FAR: Duration = Duration::from_mins(1);
    let here = SystemTime::now();
    let (apart, direction) = match here.duration_since(facts.now) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    if apart < FAR {
        return Finding::pass("as on the server");
    }
    Finding::pass(format!(
        "this machine is {} {direction} the server, whose clock decides; --since and --until use that of this machine",
        short(apart)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_server_fails() {
        assert_eq!(server(140_012).verdict, Verdict::Fail);
        assert_eq!(server(150_000).verdict, Verdict::Pass);
        assert_eq!(server(180_001).seen, "PostgreSQL 18.1");
    }

    #[test]
    fn dead_rows_are_many_compared_with_the_queue() {
        for (is_automatic, dead, queue, verdict) in [
            (true, 19_000, 0, Verdict::Pass),
            (true, 21_000, 0, Verdict::Warn),
            (true, 90_000, 10_000, Verdict::Pass),
            (true, 110_000, 10_000, Verdict::Warn),
            (false, 0, 0, Verdict::Warn),
        ] {
            assert_eq!(vacuum(is_automatic, dead, queue).verdict, verdict);
        }
    }
}
