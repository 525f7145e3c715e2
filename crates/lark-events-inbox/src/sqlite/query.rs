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
    /// `FROM … WHERE …`
    pub(super) rows: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Event,
    Task,
    Dead,
}

impl Table {
    /// The tables that have all events in these states.
    fn of(states: &[State]) -> Vec<Self> {
        if states.is_empty() || states.contains(&State::Done) {
            return vec![Self::Event];
        }
        let is_dead = |state: &State| *state == State::Dead;
        let dead = states.iter().any(is_dead).then_some(Self::Dead);
        let task = (!states.iter().all(is_dead)).then_some(Self::Task);
        task.into_iter().chain(dead).collect()
    }

    fn seq(self) -> &'static str {
        match self {
            Self::Event => "e.seq",
            Self::Task => "t.seq",
            Self::Dead => "d.seq",
        }
    }

    /// The joined tables. `CROSS JOIN` lets SQLite read them in this order; only an event id has an index
    /// that is better.
    fn from(self, filter: &Filter) -> String {
        let join = if filter.event_id.is_some() {
            "JOIN"
        } else {
            "CROSS JOIN"
        };
        let (task, dead) = (
            "LEFT JOIN task t ON t.seq = e.seq",
            "LEFT JOIN dead d ON d.seq = e.seq",
        );
        match self {
            Self::Event => format!("FROM event e {task} {dead}"),
            Self::Task => format!("FROM task t {join} event e ON e.seq = t.seq {dead}"),
            Self::Dead => format!("FROM dead d {join} event e ON e.seq = d.seq {task}"),
        }
    }
}

impl Query {
    pub(super) fn of(filter: &Filter, now: i64) -> Self {
        let mut values = Vec::new();
        let sources = Table::of(&filter.states).into_iter().map(|table| {
            let mut condition = Condition::default();
            condition.add(filter, table, now);
            // The same for each table.
            values = condition.values;
            let (from, matches) = (table.from(filter), condition.sql.join(" AND "));
            Source {
                seq: table.seq(),
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
        for (operator, time) in [(">=", filter.since), ("<", filter.until)] {
            let time = time.map(|time| Value::from(micros(time)));
            self.compare("e.received_at", operator, time);
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

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, params_from_iter};

    use super::*;
    use crate::sqlite::schema;

    /// How SQLite reads the rows of a filter, in order.
    fn plan(filter: &Filter) -> Vec<String> {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let query = Query::of(filter, 1);
        let mut plan = Vec::new();
        for Source { seq, rows } in &query.sources {
            let sql = format!("EXPLAIN QUERY PLAN SELECT e.seq {rows} ORDER BY {seq} LIMIT 9");
            let mut steps = connection.prepare(&sql).unwrap();
            let values = params_from_iter(&query.values);
            let steps = steps.query_map(values, |row| row.get(3)).unwrap();
            plan.extend(steps.map(Result::<String, _>::unwrap));
        }
        plan
    }

    #[test]
    fn only_finished_events_are_looked_for_in_the_whole_log() {
        let mut filter = Filter {
            states: vec![State::Ready, State::Waiting, State::Leased, State::Dead],
            ..Filter::default()
        };
        let set: [fn(&mut Filter); 5] = [
            |_| {},
            |filter| filter.event_type = Some("type".to_owned()),
            |filter| filter.error = Some("error".to_owned()),
            |filter| filter.since = Some(std::time::SystemTime::now()),
            |filter| filter.from_seq = Some(7),
        ];
        for set in set {
            set(&mut filter);
            let plan = plan(&filter);
            let is_bad = |step: &&String| step.contains("SCAN e") || step.contains("TEMP B-TREE");
            let bad: Vec<_> = plan.iter().filter(is_bad).collect();
            assert!(bad.is_empty(), "{filter:?}: {plan:?}");
        }
        filter.event_id = Some("id".to_owned());
        let plan = plan(&filter);
        let by_id = |step: &String| step.contains("event_by_id");
        assert!(plan.iter().any(by_id), "{plan:?}");
    }

    #[test]
    fn pages_of_finished_events_are_read_in_order() {
        let mut filter = Filter {
            states: vec![State::Done],
            since: Some(std::time::SystemTime::now()),
            ..Filter::default()
        };
        filter.from_seq = Some(7);
        let plan = plan(&filter);
        assert!(plan[0].contains("e USING INTEGER PRIMARY KEY"), "{plan:?}");
    }
}
