//! The checks of a store on NATS JetStream.

use std::time::Duration;

use lark_events_inbox::{Status, Store as _, StoreErrorKind};
use lark_events_inbox_nats::{NatsFacts, NatsStore, StreamFacts};

use super::Report;
use crate::Error;
use crate::figures::count;
use crate::finding::{Finding, Verdict};
use crate::inbox::nats::{Nats, cause, failed};
use crate::inbox::progress::Progress;
use crate::inbox::when::short;

/// The oldest version with all that the store uses in some setting.
const NEWEST_FEATURE: (u32, u32) = (2, 12);
/// The oldest version with which the streams are tested.
const OLDEST_SERVER: (u32, u32) = (2, 9);

type Check = fn(&NatsFacts) -> Finding;

/// The checks of the servers and the streams, apart from those of the queue.
const SERVER: [(&str, Check); 7] = [
    ("payload", payload),
    ("streams", streams),
    ("durability", durability),
    ("replicas", replicas),
    ("duplicates", duplicates),
    ("space", space),
    ("ack wait", ack_wait),
];

pub(super) async fn check(store: &Nats, report: &mut Report) -> Result<(), Error> {
    let mut progress = Progress::new("checking the servers", report.output);
    let facts = progress.during(store.builder.facts()).await;
    progress.clear();
    let facts = match facts {
        Ok(facts) => facts,
        Err(error) => {
            let text = cause(&error);
            // The arguments are wrong, and not the server.
            if error.kind() == StoreErrorKind::Unsupported && text.starts_with("expected") {
                return Err(failed(error));
            }
            let advice = "check the servers, the URL, and the permissions of the user";
            report.add("server", Finding::fail(text, advice))?;
            let skipped = Finding::skip("the server did not answer");
            for (case, _) in SERVER {
                report.add(case, skipped.clone())?;
            }
            report.add("age", skipped.clone())?;
            report.add_queue(Err(skipped))?;
            return Ok(());
        }
    };
    report.add("server", server(&facts))?;
    for (case, check) in SERVER {
        report.add(case, check(&facts))?;
    }
    let is_usable = [payload, streams].map(|check| check(&facts).verdict);
    let status = match is_usable.contains(&Verdict::Fail) {
        true => Err(Finding::skip("see the cases above")),
        false => status(store).await,
    };
    let age = match (&status, &facts.events) {
        (Ok(status), Some(events)) => age(status.oldest, events.max_age),
        (Ok(_), None) => Finding::skip("no stream"),
        (Err(why), _) => why.clone(),
    };
    report.add("age", age)?;
    report.add_queue(status.as_ref().map_err(Clone::clone))?;
    Ok(())
}

async fn status(store: &Nats) -> Result<Status, Finding> {
    let status = async {
        let store = store.builder.clone().existing().connect();
        store.await?.status().await
    };
    let failed = |error| Finding::fail(cause(&error), "see the cases above");
    status.await.map_err(failed)
}

/// The first two numbers of a version.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split('.');
    let mut next = || numbers.next()?.parse().ok();
    Some((next()?, next()?))
}

fn server(facts: &NatsFacts) -> Finding {
    let seen = format!("NATS {}", facts.server_version);
    let Some(version) = version(&facts.server_version) else {
        return Finding::warn(seen, "expected a version such as 2.12.0");
    };
    if version < OLDEST_SERVER {
        let (major, minor) = OLDEST_SERVER;
        return Finding::fail(
            format!("{seen}, expected {major}.{minor} or newer"),
            "upgrade the servers",
        );
    }
    if version < (2, 10) {
        return Finding::warn(
            format!(
                "{seen}: streams have no metadata, so that sync_always is not known, and no atomic batches"
            ),
            "upgrade the servers to 2.12 or newer",
        );
    }
    match version < NEWEST_FEATURE {
        true if facts.sync_always => Finding::warn(
            format!("{seen}: no atomic batches, so that each event is flushed by itself"),
            "upgrade the servers to 2.12 or newer",
        ),
        _ => Finding::pass(seen),
    }
}

/// Whether the server takes the largest event.
fn payload(facts: &NatsFacts) -> Finding {
    let (found, expected) = (facts.max_payload, facts.largest_message);
    match found < expected {
        true => Finding::fail(
            format!("max_payload is {found}, expected at least {expected}: programs do not start"),
            "set max_payload: 8MB on all servers",
        ),
        false => Finding::pass(format!("max_payload is {found}")),
    }
}

/// Whether a program can use the streams and consumers.
fn streams(facts: &NatsFacts) -> Finding {
    if let Some(first) = facts.otherwise.first() {
        let more = facts.otherwise.len().saturating_sub(1);
        let more = if more > 0 {
            format!(" (and {more} more)")
        } else {
            String::new()
        };
        return Finding::fail(
            format!("{first}{more}"),
            "change it with `nats stream edit` or `nats consumer edit`",
        );
    }
    match (facts.missing.first(), facts.partitions) {
        (None, Some(partitions)) => Finding::pass(count(partitions.into(), "partition")),
        (None, None) => Finding::fail(
            "the metadata of the stream has no number of partitions",
            "see above",
        ),
        (Some(first), _) => {
            let missing = facts.missing.len();
            let text = match missing {
                1 => format!("{first} does not exist"),
                _ => format!(
                    "{first} and {} more do not exist",
                    missing.saturating_sub(1)
                ),
            };
            Finding::fail(text, "run `lark-events inbox migrate`")
        }
    }
}

/// What an acknowledged event survives.
fn durability(facts: &NatsFacts) -> Finding {
    const SYNC: &str = "set sync_interval: always in the block jetstream of the servers, and the metadata \
        lark-events-sync-always=true on the stream";
    let Some(events) = &facts.events else {
        return Finding::skip("no stream");
    };
    let seen = count(events.replicas, "replica");
    match (events.replicas, facts.sync_always) {
        (..=1, false) => Finding::warn(
            format!(
                "{seen}, and no sync_interval: always: a crash of the machine loses up to two minutes of \
                acknowledged events"
            ),
            SYNC,
        ),
        (..=1, true) => Finding::warn(
            format!("{seen}: the loss of its disk loses acknowledged events"),
            "use three servers and replicas: 3",
        ),
        (_, true) => Finding::pass(format!("{seen}, each event flushed to their disks")),
        (_, false) if facts.hosts.len() == 1 => Finding::warn(
            format!(
                "{seen} on one host, and no sync_interval: always: a crash of the machine loses acknowledged \
                events"
            ),
            SYNC,
        ),
        (_, false) => Finding::pass(format!(
            "{seen}; without sync_interval: always, a power failure of all at once loses acknowledged events"
        )),
    }
}

/// Whether the servers of the stream are there.
fn replicas(facts: &NatsFacts) -> Finding {
    // Longer than an election takes.
    const GONE: Duration = Duration::from_secs(5);
    let Some(events) = &facts.events else {
        return Finding::skip("no stream");
    };
    if events.replicas <= 1 {
        return Finding::pass("one");
    }
    let Some(leader) = &events.leader else {
        return Finding::fail(
            format!("{} has no leader: no event is acknowledged", events.name),
            "start the servers that are gone",
        );
    };
    let mut gone = events.followers.iter();
    let gone = gone.find(|one| one.is_offline || one.seen >= GONE);
    if let Some(gone) = gone {
        return Finding::warn(
            format!("{} is gone, {leader} leads", gone.name),
            "start it: when another one is gone, no event is acknowledged",
        );
    }
    let behind = events.followers.iter().find(|one| !one.is_current);
    if let Some(behind) = behind {
        return Finding::warn(
            format!("{} is behind {leader}, which leads", behind.name),
            "look again in a minute; see `nats stream info`",
        );
    }
    if events.replicas == 2 {
        return Finding::warn(
            "with two replicas, no event is acknowledged while one of them is gone",
            "use three servers and replicas: 3",
        );
    }
    Finding::pass(format!("all are current, {leader} leads"))
}

fn duplicates(facts: &NatsFacts) -> Finding {
    let Some(events) = &facts.events else {
        return Finding::skip("no stream");
    };
    let (window, least) = (events.duplicate_window, NatsStore::MIN_WINDOW);
    let seen = format!("duplicate_window is {}", short(window));
    match window < least {
        true => Finding::fail(
            format!(
                "{seen}, expected at least {}: events that are redelivered later are handled twice",
                short(least)
            ),
            "set duplicate_window: 24h on the stream",
        ),
        false => Finding::pass(seen),
    }
}

/// A full stream takes no events.
fn space(facts: &NatsFacts) -> Finding {
    let streams = [&facts.events, &facts.dead].into_iter().flatten();
    let limits = streams.filter_map(|stream: &StreamFacts| {
        let name = format!("max_bytes of {}", stream.name);
        Some((name, stream.bytes, stream.max_bytes?))
    });
    let account = facts.max_account_bytes.map(|limit| {
        let name = "the storage of the account".to_owned();
        (name, facts.account_bytes, limit)
    });
    let percent = |used: u64, limit: u64| used.saturating_mul(100) / limit.max(1);
    let fullest = limits
        .chain(account)
        .map(|(name, used, limit)| (percent(used, limit), name))
        .max();
    match fullest {
        None => Finding::pass("no limit but the disks, which the servers do not report"),
        Some((used, name)) => fullness(used, &name),
    }
}

fn fullness(percent: u64, name: &str) -> Finding {
    let seen = format!("{percent} % of {name}");
    match percent {
        ..80 => Finding::pass(seen),
        80..95 => Finding::warn(
            format!("{seen}: a full stream takes no events"),
            "raise the limit, lower max_age, or run `lark-events inbox prune`",
        ),
        _ => Finding::fail(
            format!("{seen}: a full stream takes no events"),
            "raise the limit, lower max_age, or run `lark-events inbox prune`",
        ),
    }
}

fn ack_wait(facts: &NatsFacts) -> Finding {
    const SHORT: Duration = Duration::from_secs(10);
    const LONG: Duration = Duration::from_mins(10);
    let Some(wait) = facts.ack_wait else {
        return Finding::skip("no consumer");
    };
    let seen = short(wait);
    if wait < SHORT {
        return Finding::warn(
            format!("{seen}, and a failover takes as long: events may be handled twice"),
            "set ack_wait to 30 s or more on all consumers",
        );
    }
    if wait > LONG {
        return Finding::warn(
            format!(
                "{seen}: the events of a dead worker wait for as long, and their partitions too"
            ),
            "set ack_wait to a few minutes or less on all consumers",
        );
    }
    Finding::pass(seen)
}

/// The servers remove old events, finished or not.
fn age(oldest: Option<Duration>, limit: Option<Duration>) -> Finding {
    let Some(limit) = limit else {
        return Finding::pass("no max_age");
    };
    let removed = format!("max_age is {}", short(limit));
    let Some(oldest) = oldest.filter(|oldest| *oldest >= limit / 2) else {
        return Finding::pass(removed);
    };
    let seen = format!(
        "an event has not been finished for {}, and {removed}: it will be lost",
        short(oldest)
    );
    let advice = "start workers, or raise max_age of the stream";
    match oldest >= limit - limit / 10 {
        true => Finding::fail(seen, advice),
        false => Finding::warn(seen, advice),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_compared_by_its_numbers() {
        assert_eq!(version("2.9.10"), Some((2, 9)));
        assert_eq!(version("2.12.0-RC.1"), Some((2, 12)));
        assert_eq!(version("2"), None);
        assert!(version("2.9.10") < version("2.10.1"));
    }

    #[test]
    fn an_unfinished_event_that_will_be_removed_is_reported_in_time() {
        const DAY: Duration = Duration::from_hours(24);
        for (oldest, limit, verdict) in [
            (None, Some(7 * DAY), Verdict::Pass),
            (Some(3 * DAY), Some(7 * DAY), Verdict::Pass),
            (Some(4 * DAY), Some(7 * DAY), Verdict::Warn),
            (Some(7 * DAY), Some(7 * DAY), Verdict::Fail),
            (Some(70 * DAY), None, Verdict::Pass),
        ] {
            assert_eq!(age(oldest, limit).verdict, verdict, "{oldest:?} {limit:?}");
        }
    }

    #[test]
    fn a_stream_that_is_nearly_full_is_reported() {
        for (percent, verdict) in [
            (79, Verdict::Pass),
            (80, Verdict::Warn),
            (95, Verdict::Fail),
            (120, Verdict::Fail),
        ] {
            assert_eq!(fullness(percent, "max_bytes").verdict, verdict);
        }
    }
}
