//! The long connections of the app, and its violations of their protocol.

use lark_events_sim::{Connection, Platform};
use serde::Serialize;

use super::Moment;
use crate::console::web::masked::{Masked, Masks};

#[derive(Debug, Serialize)]
pub(crate) struct ConnectionsShown {
    /// The open ones, oldest first.
    pub(crate) connections: Vec<ConnectionShown>,
    pub(crate) violations: Vec<ViolationShown>,
    /// How many there were; the first ones are listed.
    pub(crate) violations_in_all: usize,
    /// How many connections have ended.
    pub(crate) ended: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct ConnectionShown {
    pub(crate) id: Masked,
    pub(crate) user_agent: Option<Masked>,
    pub(crate) since: Moment,
    pub(crate) half_open: bool,
    pub(crate) pings: usize,
    pub(crate) last_ping: Option<Moment>,
    pub(crate) messages: usize,
    pub(crate) acks: usize,
    pub(crate) violations: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct ViolationShown {
    pub(crate) connection: Masked,
    pub(crate) violation: Masked,
}

impl ConnectionsShown {
    pub(crate) fn new(platform: &Platform, masks: &Masks) -> Self {
        let stats = platform.stats();
        let connections = platform.connections();
        let violations = platform.violations();
        let violations = violations.iter().map(|violation| ViolationShown {
            connection: masks.short(&violation.connection),
            violation: masks.short(&violation.kind.to_string()),
        });
        Self {
            connections: connections
                .iter()
                .map(|open| ConnectionShown::new(open, masks))
                .collect(),
            violations: violations.collect(),
            violations_in_all: stats.violations,
            ended: stats.disconnects,
        }
    }
}

impl ConnectionShown {
    fn new(open: &Connection, masks: &Masks) -> Self {
        Self {
            id: masks.short(&open.id),
            user_agent: open.user_agent.as_ref().map(|agent| masks.short(agent)),
            since: Moment::of(open.since),
            half_open: open.is_half_open,
            pings: open.pings,
            last_ping: open.last_ping.map(Moment::of),
            messages: open.messages,
            acks: open.acks,
            violations: open.violations,
        }
    }
}
