//! Filters as queries: which table to read, and which of its rows match.
//!
//! The log of events is the largest table by far, so that it is read only for finished events. All others
//! are in `task` or in `dead`, which are read in the order of their numbers.

use lark_events_inbox::{Filter, State};
use tokio_postgres::types::{ToSql, Type};

use crate::rows::{bits, indexed, text};

/// The events that match a filter: the rows of one or more tables, none of them twice.
pub(crate) struct Query {
    /// The matching rows of each table, joined with the others: `e`, `t` and `d`.
    pub(crate) sources: Vec<Source>,
    values: Vec<(Box<dyn ToSql + Sync + Send>, Type)>,
}

pub(crate) struct Source {
    /// The column of the numbers, in whose order the table is read.
    pub(crate) seq: &'static str,
    /// The table; `None` if an index finds the few rows that match.
    pub(crate) table: Option<&'static str>,
    /// `FROM … WHERE …`
    pub(crate) rows: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Event,
    Task,
    Dead,
}

/// Whether an index finds the few events that can match.
fn is_found(filter: &Filter) -> bool {
    filter.event_id.is_some() || filter.seq.is_some()
}

impl Table {
    /// The tables that have all events that can match.
    fn of(filter: &Filter) -> Vec<Self> {
        let may_be = |state| filter.states.is_empty() || filter.states.contains(&state);
        // The log has an index of ids, and finished events have no error.
        let is_done = may_be(State::Done) && filter.error.is_none() && filter.error_is.is_none();
        if is_found(filter) || is_done {
            return vec![Self::Event];
        }
        let in_queue = [State::Ready, State::Waiting, State::Leased];
        let task = in_queue.into_iter().any(may_be).then_some(Self::Task);
        let dead = may_be(State::Dead).then_some(Self::Dead);
        task.into_iter().chain(dead).collect()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Task => "task",
            Self::Dead => "dead",
        }
    }

    fn seq(self) -> &'static str {
        match self {
            Self::Event => "e.seq",
            Self::Task => "t.seq",
            Self::Dead => "d.seq",
        }
    }

    fn from(self, schema: &str) -> String {
        match self {
            Self::Event => format!(
                "FROM {schema}.event e LEFT JOIN {schema}.task t ON t.seq = e.seq
                    LEFT JOIN {schema}.dead d ON d.seq = e.seq"
            ),
            Self::Task => format!(
                "FROM {schema}.task t JOIN {schema}.event e ON e.seq = t.seq
                    LEFT JOIN {schema}.dead d ON d.seq = t.seq"
            ),
            Self::Dead => format!(
                "FROM {schema}.dead d JOIN {schema}.event e ON e.seq = d.seq
                    LEFT JOIN {schema}.task t ON t.seq = d.seq"
            ),
        }
    }
}

impl Query {
    pub(crate) fn of(filter: &Filter, schema: &str) -> Self {
        let mut values = Vec::new();
        let sources = Table::of(filter).into_iter().map(|table| {
            let mut condition = Condition::default();
            condition.add(filter, table, schema);
            // The same for each table.
            values = condition.values;
            let (from, matches) = (table.from(schema), condition.sql.join(" AND "));
            Source {
                seq: table.seq(),
                table: (!is_found(filter)).then(|| table.name()),
                rows: format!("{from} WHERE {matches}"),
            }
        });
        let sources = sources.collect();
        Self { sources, values }
    }

    /// The values of all sources, by their numbers.
    pub(crate) fn values(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        let values = self.values.iter();
        let values = values.map(|(value, of)| (&**value as &(dyn ToSql + Sync), of.clone()));
        values.collect()
    }
}

/// A condition of SQL, and its values.
#[derive(Default)]
struct Condition {
    sql: Vec<String>,
    values: Vec<(Box<dyn ToSql + Sync + Send>, Type)>,
}

impl Condition {
    fn add(&mut self, filter: &Filter, table: Table, schema: &str) {
        self.states(&filter.states);
        let seq = table.seq();
        let number = |seq: u64| i64::try_from(seq).unwrap_or(i64::MAX);
        for (operator, seq_of) in [
            ("=", filter.seq.map(bits)),
            (">=", filter.from_seq.map(number)),
            ("<=", filter.to_seq.map(number)),
        ] {
            if let Some(number) = seq_of {
                self.and(&format!("{seq} {operator} {{}}"), number, Type::INT8);
            }
        }
        for (column, given) in [
            ("e.app_id", filter.app_id.as_deref().map(text)),
            ("e.event_type", filter.event_type.as_deref().map(text)),
            ("e.event_id", filter.event_id.as_deref().map(indexed)),
            ("e.tenant_key", filter.tenant_key.as_deref().map(text)),
            ("e.lane", filter.lane.as_deref().map(indexed)),
        ] {
            if let Some(given) = given {
                self.and(&format!("{column} = {{}}"), given.into_owned(), Type::TEXT);
            }
        }
        if let Some(part) = filter.error.as_deref().map(text) {
            let contains = "strpos(coalesce(d.error, t.last_error), {}) > 0";
            self.and(contains, part.into_owned(), Type::TEXT);
        }
        if let Some(whole) = filter.error_is.as_deref().map(text) {
            let is = "coalesce(d.error, t.last_error) = {}";
            self.and(is, whole.into_owned(), Type::TEXT);
        }
        self.period(filter, table, schema);
    }

    /// The index of times finds the first and the last number of the period. Between them, a list reads
    /// the table in its order until the page is full; with the index alone, it would sort the period. A
    /// page after another one begins within the period, or near it.
    fn period(&mut self, filter: &Filter, table: Table, schema: &str) {
        let mut period = Vec::new();
        for (operator, time) in [(">=", filter.since), ("<", filter.until)] {
            if let Some(time) = time {
                let column = format!("e.received_at {operator} {{}}");
                self.and(&column, time, Type::TIMESTAMPTZ);
                period.push(format!("received_at {operator} ${}", self.values.len()));
            }
        }
        if period.is_empty() || table != Table::Event || filter.from_seq.is_some() {
            return;
        }
        let (seq, period) = (table.seq(), period.join(" AND "));
        for (operator, end) in [(">=", "min"), ("<=", "max")] {
            // OFFSET 0: the planner would look for the end in the order of the numbers.
            self.sql.push(format!(
                "{seq} {operator} (SELECT {end}(period.seq) FROM \
                 (SELECT seq FROM {schema}.event WHERE {period} OFFSET 0) AS period)"
            ));
        }
    }

    fn states(&mut self, states: &[State]) {
        if states.is_empty() {
            // A condition even if there is no other.
            self.sql.push("true".to_owned());
            return;
        }
        let states = states.iter().map(|state| match state {
            State::Dead => "d.seq IS NOT NULL",
            State::Done => "t.seq IS NULL AND d.seq IS NULL",
            State::Ready => "t.is_head AND t.visible_at <= now()",
            State::Leased => "t.fence IS NOT NULL AND t.visible_at > now()",
            State::Waiting => "(NOT t.is_head OR t.fence IS NULL AND t.visible_at > now())",
            // A state of a later version.
            _ => "false",
        });
        let any: Vec<_> = states.collect();
        self.sql.push(format!("({})", any.join(" OR ")));
    }

    fn and(&mut self, sql: &str, value: impl ToSql + Sync + Send + 'static, of: Type) {
        self.values.push((Box::new(value), of));
        let place = format!("${}", self.values.len());
        self.sql.push(sql.replace("{}", &place));
    }
}
