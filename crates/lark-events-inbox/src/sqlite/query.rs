//! Filters as queries: which table to read, and which of its rows match.
//!
//! The log of events is the largest table by far, so that it is read only for finished events. All others
//! are in `task` or in `dead`, which are read in the order of their numbers.

use rusqlite::types::Value;

use super::rows::{bits, micros};
use crate::admin::{Filter, State};

/// The events that match a filter: the rows of one or more tables, none of them twice.
pub(super) struct Query {
    /// The values of all sources, by their numbers.
    pub(super) values: Vec<Value>,
    pub(super) sources: Vec<Source>,
}

/// The matching rows of one table, joined with the others: `e`, `t` and `d`.
pub(super) struct Source {
    /// The column of the numbers, in whose order the table is read.
    pub(super) seq: &'static str,
    /// The table; `None` if an index finds the few rows that match.
    pub(super) table: Option<&'static str>,
    /// `FROM … WHERE …`
    pub(super) rows: String,
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

    /// The joined tables. `CROSS JOIN` lets SQLite read them in this order.
    fn from(self) -> &'static str {
        match self {
            Self::Event => {
                "FROM event e LEFT JOIN task t ON t.seq = e.seq LEFT JOIN dead d ON d.seq = e.seq"
            }
            Self::Task => {
                "FROM task t CROSS JOIN event e ON e.seq = t.seq LEFT JOIN dead d ON d.seq = e.seq"
            }
            Self::Dead => {
                "FROM dead d CROSS JOIN event e ON e.seq = d.seq LEFT JOIN task t ON t.seq = e.seq"
            }
        }
    }
}

impl Query {
    pub(super) fn of(filter: &Filter, now: i64) -> Self {
        let mut values = Vec::new();
        let sources = Table::of(filter).into_iter().map(|table| {
            let mut condition = Condition::default();
            condition.add(filter, table, now);
            // The same for each table.
            values = condition.values;
            let (from, matches) = (table.from(), condition.sql.join(" AND "));
            Source {
                seq: table.seq(),
                table: (!is_found(filter)).then(|| table.name()),
                rows: format!("{from} WHERE {matches}"),
            }
        });
        let sources = sources.collect();
        Self { values, sources }
    }
}

/// A condition of SQL, and its values.
#[derive(Default)]
struct Condition {
    sql: Vec<String>,
    values: Vec<Value>,
}

impl Condition {
    fn add(&mut self, filter: &Filter, table: Table, now: i64) {
        self.states(&filter.states, now);
        let seq = table.seq();
        let number = |seq: u64| Value::from(i64::try_from(seq).unwrap_or(i64::MAX));
        self.compare(seq, "=", filter.seq.map(|seq| Value::from(bits(seq))));
        self.compare(seq, ">=", filter.from_seq.map(number));
        self.compare(seq, "<=", filter.to_seq.map(number));
        for (column, text) in [
            ("e.app_id", &filter.app_id),
            ("e.event_type", &filter.event_type),
            ("e.event_id", &filter.event_id),
            ("e.tenant_key", &filter.tenant_key),
            ("e.lane", &filter.lane),
        ] {
            self.compare(column, "=", text.clone().map(Value::from));
        }
        if let Some(part) = filter.error.clone() {
            let contains = "instr(coalesce(d.error, t.last_error), {}) > 0";
            self.and(contains, Value::from(part));
        }
        let error = "coalesce(d.error, t.last_error)";
        self.compare(error, "=", filter.error_is.clone().map(Value::from));
        self.period(filter, table);
    }

    /// The index of times finds the first and the last number of the period. Between them, a list reads
    /// the table in its order until the page is full; with the index alone, it would sort the period. A
    /// page after another one begins within the period, or near it.
    fn period(&mut self, filter: &Filter, table: Table) {
        let mut period = Vec::new();
        for (operator, time) in [(">=", filter.since), ("<", filter.until)] {
            if let Some(time) = time {
                self.and(
                    &format!("+e.received_at {operator} {{}}"),
                    Value::from(micros(time)),
                );
                period.push(format!("received_at {operator} ?{}", self.values.len()));
            }
        }
        if period.is_empty() || table != Table::Event || filter.from_seq.is_some() {
            return;
        }
        let (seq, period) = (table.seq(), period.join(" AND "));
        for (operator, end) in [(">=", "min"), ("<=", "max")] {
            self.sql.push(format!(
                "{seq} {operator} (SELECT {end}(seq) FROM event INDEXED BY event_by_time WHERE {period})"
            ));
        }
    }

    fn states(&mut self, states: &[State], now: i64) {
        if states.is_empty() {
            // A condition even if there is no other.
            self.sql.push("1".to_owned());
            return;
        }
        let states = states.iter().map(|state| match state {
            State::Dead => "d.seq IS NOT NULL".to_owned(),
            State::Done => "t.seq IS NULL AND d.seq IS NULL".to_owned(),
            State::Ready => format!("t.is_head = 1 AND t.visible_at <= {now}"),
            State::Leased => format!("t.fence IS NOT NULL AND t.visible_at > {now}"),
            State::Waiting => {
                format!("(t.is_head = 0 OR t.fence IS NULL AND t.visible_at > {now})")
            }
        });
        let any: Vec<_> = states.collect();
        self.sql.push(format!("({})", any.join(" OR ")));
    }

    fn compare(&mut self, column: &str, operator: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.and(&format!("{column} {operator} {{}}"), value);
        }
    }

    fn and(&mut self, sql: &str, value: Value) {
        self.values.push(value);
        let place = format!("?{}", self.values.len());
        self.sql.push(sql.replace("{}", &place));
    }
}
