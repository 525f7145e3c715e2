//! Events of the store as they may be shown. Views read nothing else of it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use lark_events::RawJson;

use super::Shared;
use super::answer::Failure;
use super::count::AT_MOST;
use super::params::Params;
use super::redaction::{Redaction, Text};
use crate::admin::{
    Count, Filter, GroupLimits, Grouping, Listed, Operation, Order, Page, Shown, State,
};
use crate::store::StoreError;

/// The largest groups that are shown.
const GROUPS: usize = 20;
/// The value of `order` for lists with the oldest event first.
pub(super) const OLDEST_FIRST: &str = "oldest";

/// Why an event cannot be edited: the new one would have what is shown.
pub(super) const HIDDEN: &str = "A part of the body is hidden, so it cannot be edited.";

/// An event in a list.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) seq: u64,
    pub(super) state: State,
    pub(super) app_id: Option<Text>,
    pub(super) event_type: Text,
    pub(super) event_id: Option<Text>,
    pub(super) tenant_key: Option<Text>,
    pub(super) lane: Option<Text>,
    pub(super) transport: &'static str,
    pub(super) received_at: SystemTime,
    pub(super) attempts: u32,
    pub(super) visible_in: Option<Duration>,
    pub(super) error: Option<Text>,
}

/// An event with its history and its body.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) row: Row,
    pub(super) trace: Option<Text>,
    pub(super) history: Vec<Attempt>,
    pub(super) body: RawJson,
    /// Nothing of the body is hidden.
    pub(super) is_whole: bool,
}

#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) number: u32,
    pub(super) ended: SystemTime,
    pub(super) took: Duration,
    pub(super) outcome: &'static str,
    pub(super) error: Option<Text>,
}

/// Events by a property.
#[derive(Debug)]
pub(super) struct Groups {
    pub(super) groups: Vec<Group>,
    /// The events of all groups.
    pub(super) count: Count,
    /// If these are not all, they are the newest.
    pub(super) is_newest: bool,
}

/// The events with one value of a property; `None` for those that have none.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) value: Option<Text>,
    pub(super) events: u64,
}

impl Shared {
    pub(super) fn can(&self, operation: Operation) -> bool {
        self.store.supports(operation)
    }

    /// Why there are no lists.
    pub(super) fn no_list(&self) -> Option<&'static str> {
        let reason = "This store cannot list events, so none can be looked for by their state, type, lane or error.";
        (!self.can(Operation::List)).then_some(reason)
    }

    /// Why there are no pages of single events.
    pub(super) fn no_show(&self) -> Option<&'static str> {
        let reason = "This store cannot show single events.";
        (!self.can(Operation::Show)).then_some(reason)
    }

    /// The order of a list: the newest first, unless another is asked for or the store cannot.
    pub(super) fn order(&self, query: &Params) -> Order {
        let is_newest_first =
            self.can(Operation::ListNewestFirst) && query.get("order") != Some(OLDEST_FIRST);
        match is_newest_first {
            true => Order::NewestFirst,
            false => Order::OldestFirst,
        }
    }

    /// A part of a list, and where the next begins. It takes as long whatever the store has.
    pub(super) async fn list(
        &self,
        filter: &Filter,
        page: Page,
    ) -> Result<(Vec<Row>, Option<u64>), StoreError> {
        let looked = self.store.look_through(filter, page, AT_MOST).await?;
        let listed = looked.listed.into_iter();
        let rows = listed.map(|one| Row::new(one, &self.redaction));
        Ok((rows.collect(), looked.next))
    }

    pub(super) async fn show(&self, seq: u64) -> Result<Option<Event>, StoreError> {
        let shown = self.store.show(seq).await?;
        Ok(shown.map(|shown| Event::new(shown, &self.redaction)))
    }

    /// An event whose body may be shown, to edit it.
    pub(super) async fn editable(&self, seq: u64) -> Result<Shown, Failure> {
        let shown = self.store.show(seq).await?;
        let shown = shown.ok_or_else(|| Failure::not_found(format!("no event #{seq}")))?;
        match self.redaction.body(&shown.delivery) == shown.delivery.raw {
            true => Ok(shown),
            false => Err(Failure::conflict(HIDDEN)),
        }
    }

    /// The largest groups. Those that look the same are one.
    pub(super) async fn groups(&self, filter: &Filter, by: Grouping) -> Result<Groups, StoreError> {
        // Small groups may look the same.
        let is_merged = self.redaction.hides_texts();
        let limits = GroupLimits {
            groups: if is_merged { usize::MAX } else { GROUPS },
            events: AT_MOST,
        };
        let found = self.store.groups(filter, by, limits).await?;
        let mut groups: Vec<Group> = Vec::new();
        let mut known: HashMap<Option<String>, usize> = HashMap::new();
        for group in found.groups {
            let value = group.value.map(|value| self.redaction.text(&value));
            let shown = value.as_deref().map(str::to_owned);
            let at = *known.entry(shown).or_insert(groups.len());
            match groups.get_mut(at) {
                Some(same) => {
                    same.events = same.events.saturating_add(group.count);
                    same.value = same.value.take().map(Text::of_several);
                }
                None => groups.push(Group {
                    value,
                    events: group.count,
                }),
            }
        }
        groups.sort_by_key(|group| Reverse(group.events));
        groups.truncate(GROUPS);
        let is_newest = self.can(Operation::ListNewestFirst);
        Ok(Groups {
            groups,
            count: found.count,
            is_newest,
        })
    }
}

impl Row {
    fn new(listed: Listed, redaction: &Redaction) -> Self {
        let text = |text: Option<String>| text.map(|text| redaction.text(&text));
        Self {
            seq: listed.seq,
            state: listed.state,
            app_id: text(listed.app_id),
            event_type: redaction.text(&listed.event_type),
            event_id: text(listed.event_id),
            tenant_key: text(listed.tenant_key),
            lane: text(listed.lane),
            transport: listed.transport.as_str(),
            received_at: listed.received_at,
            attempts: listed.attempts,
            visible_in: listed.visible_in,
            error: text(listed.last_error),
        }
    }
}

impl Event {
    fn new(shown: Shown, redaction: &Redaction) -> Self {
        let text = |text: Option<String>| text.map(|text| redaction.text(&text));
        let body = redaction.body(&shown.delivery);
        let history = shown.history.into_iter().map(|attempt| Attempt {
            number: attempt.number,
            ended: attempt.ended,
            took: attempt.took,
            outcome: attempt.outcome.as_str(),
            error: text(attempt.error),
        });
        Self {
            history: history.collect(),
            trace: text(shown.trace),
            is_whole: body == shown.delivery.raw,
            body,
            row: Row::new(shown.listed, redaction),
        }
    }
}
