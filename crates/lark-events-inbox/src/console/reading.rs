//! Events of the store as they may be shown. Views read nothing else of it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use lark_events::RawJson;

use super::Shared;
use super::redaction::{Redaction, Text};
use crate::admin::{Filter, Grouping, Listed, Operation, Page, Shown, State};
use crate::store::StoreError;

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

/// The events with one value of a property; `None` for those that have none.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) value: Option<Text>,
    pub(super) count: u64,
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

    pub(super) async fn list(&self, filter: &Filter, page: Page) -> Result<Vec<Row>, StoreError> {
        let listed = self.store.list(filter, page).await?.into_iter();
        Ok(listed.map(|one| Row::new(one, &self.redaction)).collect())
    }

    pub(super) async fn show(&self, seq: u64) -> Result<Option<Event>, StoreError> {
        let shown = self.store.show(seq).await?;
        Ok(shown.map(|shown| Event::new(shown, &self.redaction)))
    }

    /// Groups that look the same are one.
    pub(super) async fn groups(
        &self,
        filter: &Filter,
        by: Grouping,
        limit: usize,
    ) -> Result<Vec<Group>, StoreError> {
        let mut groups: Vec<Group> = Vec::new();
        let mut known: HashMap<Option<String>, usize> = HashMap::new();
        for group in self.store.groups(filter, by, limit).await? {
            let value = group.value.map(|value| self.redaction.text(&value));
            let shown = value.as_deref().map(str::to_owned);
            let at = *known.entry(shown).or_insert(groups.len());
            match groups.get_mut(at) {
                Some(same) => {
                    same.count = same.count.saturating_add(group.count);
                    same.value = same.value.take().map(Text::of_several);
                }
                None => groups.push(Group {
                    value,
                    count: group.count,
                }),
            }
        }
        groups.sort_by_key(|group| Reverse(group.count));
        Ok(groups)
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
