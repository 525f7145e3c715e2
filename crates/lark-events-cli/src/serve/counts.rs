//! Counts of pushes and attempts, for `stats` and for the summary at the end.

use std::fmt::Write as _;

use lark_events_sim::Platform;
use serde_json::{Value, json};

use crate::figures::count;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) pushes: usize,
    pub(super) acknowledged: usize,
    pub(super) given_up: usize,
    pub(super) attempts: usize,
    pub(super) redeliveries: usize,
}

impl Counts {
    /// The counts of events of another platform, which alone knows its connections and redeliveries.
    pub(super) fn of_forwarded(self, kind: &str, on_the_way: usize) -> (String, Value) {
        let Self {
            pushes,
            acknowledged,
            given_up: not_acknowledged,
            ..
        } = self;
        let json = json!({
            "kind": kind, "pushes": pushes, "acknowledged": acknowledged,
            "not_acknowledged": not_acknowledged, "on_the_way": on_the_way,
        });
        let text = format!(
            "{pushes} forwarded: {acknowledged} acknowledged, {not_acknowledged} not acknowledged, \
            {on_the_way} not answered yet"
        );
        (text, json)
    }

    /// For people and for machines.
    pub(super) fn shown(
        self,
        kind: &str,
        on_the_way: usize,
        platform: &Platform,
    ) -> (String, Value) {
        let Self {
            pushes,
            acknowledged,
            given_up,
            attempts,
            redeliveries,
        } = self;
        let stats = platform.stats();
        let (connections, upgrades) = (stats.connections, stats.upgrades);
        let violations = stats.violations;
        let json = json!({
            "kind": kind, "pushes": pushes, "acknowledged": acknowledged, "given_up": given_up,
            "on_the_way": on_the_way, "attempts": attempts, "redeliveries": redeliveries,
            "connections": connections, "connected": upgrades, "violations": violations,
        });
        let (attempts, connected) = (count(attempts, "attempt"), count(upgrades, "time"));
        let violations = count(violations, "violation");
        let mut text = format!(
            "{pushes} pushed: {acknowledged} acknowledged, {given_up} given up, {on_the_way} \
            pending; \
             {attempts}, {redeliveries} redelivered; connected {connected}; {violations} of the protocol"
        );
        for violation in platform.violations() {
            let _ = write!(text, "\n  {violation}");
        }
        (text, json)
    }
}
