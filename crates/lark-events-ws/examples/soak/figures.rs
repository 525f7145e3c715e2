//! The counts of connections: added up, and whether they go together.

use lark_events_ws::Stats;

/// The counts of two connections together.
pub(crate) fn add(one: Stats, other: Stats) -> Stats {
    let mut sum = one;
    sum.frames += other.frames;
    sum.ignored += other.ignored;
    sum.events += other.events;
    sum.acked += other.acked;
    sum.failed += other.failed;
    sum.deadline_missed += other.deadline_missed;
    sum.overloaded += other.overloaded;
    sum.unsent += other.unsent;
    sum.cancelled += other.cancelled;
    sum.fragments_dropped += other.fragments_dropped;
    sum.reconnects += other.reconnects;
    sum.running += other.running;
    sum
}

/// What does not go together in the counts of a connection that has ended.
pub(crate) fn unbalanced(stats: &Stats) -> Option<String> {
    let ended = stats.acked + stats.failed + stats.unsent;
    if stats.events != ended {
        let events = stats.events;
        return Some(format!(
            "{events} events came, and {ended} were answered or given up"
        ));
    }
    let running = stats.running;
    (running > 0).then(|| format!("{running} handlers are counted as running"))
}
