//! The table of the last deliveries and calls, with the status below.

use std::collections::VecDeque;
use std::time::Duration;

use lark_events_sim::ApiCall;

use super::again::again;
use crate::console::web::masked::Masks;
use crate::output::{BAD, FAINT, GOOD, STRONG};
use crate::serve::row::{Row, call_line, heading};
use crate::text::Text;

/// The most deliveries in the table: the last ones, as far as the terminal has room.
const ROWS: usize = 10;
/// Lines of the table beside its rows: one above and one below.
const FRAME: usize = 2;
/// Rows of the terminal below the prompt: a typed line that takes them too does not scroll the terminal, so that the
/// table stays where it is.
pub(super) const SPARE: usize = 2;

pub(super) struct Table {
    rows: VecDeque<(Shown, Entry)>,
    pub(super) status: String,
    /// The faults in effect.
    pub(super) faults: Vec<String>,
    /// The current wait, shown in place of the status.
    pub(super) waits: Option<String>,
    /// How many rows it shows; none if the terminal has no room for one, and then no lines at all.
    room: usize,
}

/// What a row of the table shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// A push, by its number.
    Push(usize),
    /// A call of the API, which does not change.
    Call,
}

struct Entry {
    text: Text,
    /// At the end of the row.
    remark: Option<String>,
    /// The delay before the event is sent again.
    again: Option<Duration>,
}

pub(super) fn painted(row: &str, ended: bool, acknowledged: bool) -> Text {
    match (acknowledged, ended) {
        (true, _) => Text::painted(GOOD, row),
        (false, true) => Text::painted(BAD, row),
        (false, false) => Text::line(row),
    }
}

pub(super) fn call_text(call: &ApiCall, masks: &Masks) -> Text {
    let is_good = call.is_answered && call.code.unwrap_or_default() == 0;
    let is_good = is_good && call.status.is_some_and(|status| status.is_success());
    let style = if is_good { FAINT } else { BAD };
    Text::painted(style, call_line(call, masks))
}

impl Table {
    pub(super) fn new(room: usize) -> Self {
        Self {
            rows: VecDeque::new(),
            status: String::new(),
            faults: Vec::new(),
            waits: None,
            room,
        }
    }

    /// Shows as many rows from now on.
    pub(super) fn fit(&mut self, room: usize) {
        self.room = room;
    }

    /// The number of its lines, which is always the same in the same room.
    pub(super) fn height(&self) -> usize {
        match self.room {
            0 => 0,
            room => room + FRAME,
        }
    }

    /// The lines of the table, each cut to the width of the terminal so that it does not wrap. A row is cut
    /// before its end, which says what it repeats and when it is sent again.
    pub(super) fn lines(&self, width: usize) -> Vec<Text> {
        if self.room == 0 {
            return Vec::new();
        }
        let mut lines = vec![Text::painted(STRONG, heading()).cut(width)];
        let shown = self.rows.len().saturating_sub(self.room);
        lines.extend(self.rows.range(shown..).map(|(_, entry)| {
            let again = entry.again.map(again);
            let end: Vec<_> = entry.remark.clone().into_iter().chain(again).collect();
            if end.is_empty() {
                return entry.text.clone().cut(width);
            }
            let end = format!("  {}", end.join(", "));
            let room = width.saturating_sub(end.chars().count());
            entry.text.clone().cut(room).then(end).cut(width)
        }));
        lines.resize(self.height() - 1, Text::default());
        lines.push(Text::painted(FAINT, self.last_line()).cut(width));
        lines
    }

    fn last_line(&self) -> String {
        let status = self.waits.as_ref().unwrap_or(&self.status);
        let mut parts = Vec::new();
        if !self.faults.is_empty() {
            parts.push(format!("faults: {}", self.faults.join(", ")));
        }
        parts.extend((!status.is_empty()).then(|| status.clone()));
        parts.join(" | ")
    }

    pub(super) fn update(&mut self, row: &Row) {
        let number = Shown::Push(row.number);
        let entry = Entry {
            text: painted(&row.line(), row.ended, row.acknowledged),
            remark: row.remark(),
            again: row.again,
        };
        match self.rows.iter_mut().find(|(shown, _)| *shown == number) {
            Some((_, shown)) => *shown = entry,
            None => self.rows.push_back((number, entry)),
        }
        self.shorten();
    }

    pub(super) fn called(&mut self, text: Text) {
        let entry = Entry {
            text,
            remark: None,
            again: None,
        };
        self.rows.push_back((Shown::Call, entry));
        self.shorten();
    }

    fn shorten(&mut self) {
        if self.rows.len() > ROWS {
            self.rows.pop_front();
        }
    }
}

/// The rows that fit on a terminal of this height, with a line to type in below the table.
pub(super) fn fitting(height: Option<usize>) -> usize {
    height.map_or(ROWS, |height| {
        height.saturating_sub(FRAME + 1 + SPARE).min(ROWS)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::builder::styling::Style;
    use lark_events::{Dispatcher, Webhook};
    use lark_events_sim::{Attempt, Document, Mode, Platform};
    use lark_events_tower::EventService;

    use super::*;

    /// A push on its way, or with an attempt that took 12 ms.
    fn row(number: usize, attempt: Option<&Attempt>) -> Row {
        let mut row = Row {
            number,
            event_type: "tea.pot.ready_v1".to_owned(),
            event_id: "e-1".to_owned(),
            mode: Mode::Webhook,
            replay_of: None,
            attempt: None,
            again: None,
            acknowledged: false,
            ended: false,
        };
        if let Some(attempt) = attempt {
            let mut attempt = attempt.clone();
            attempt.took = Duration::from_millis(12);
            row.acknowledged = attempt.accepted();
            row.attempt = Some(attempt);
        }
        row
    }

    /// An attempt that an app accepts, and one that has nowhere to go.
    async fn attempts() -> [Attempt; 2] {
        let webhook = Webhook::builder().verification_token("t").build().unwrap();
        let dispatcher = Dispatcher::builder().ignore(["tea.pot.ready_v1"]);
        let app = EventService::new(webhook, dispatcher.build().unwrap());
        let platform = Platform::builder().verification_token("t");
        let platform = platform.webhook_service(app).start().await.unwrap();
        let document = || Document::v2("tea.pot.ready_v1", &()).unwrap();
        let mut accepted = platform.push(document());
        let mut lost = platform.push_by(Mode::LongConnection, document(), []);
        [
            accepted.next_attempt().await.unwrap(),
            lost.next_attempt().await.unwrap(),
        ]
    }

    fn drawn(table: &Table, width: usize) -> String {
        let lines = table.lines(width).into_iter();
        let lines = lines.map(|line| line.render(false) + "\n");
        lines.collect()
    }

    #[tokio::test]
    async fn a_table_has_a_row_for_each_push_and_the_status_below() {
        let [accepted, lost] = attempts().await;
        let mut shown = Table::new(4);
        shown.update(&row(1, None));
        shown.update(&row(2, Some(&accepted)));
        shown.update(&row(3, Some(&lost)));
        shown.status = "long connections: 1".to_owned();
        let table = "\
#      by              attempt answer               took  event
#1     webhook                 pending                    tea.pot.ready_v1
#2     webhook         1       200               12.0 ms  tea.pot.ready_v1
#3     webhook         1       nowhere to send   12.0 ms  tea.pot.ready_v1

";
        let status = "long connections: 1\n";
        assert_eq!(drawn(&shown, 80), table.to_owned() + status);
        shown.waits = Some("waiting for pending deliveries".to_owned());
        let waits = "waiting for pending deliveries\n";
        assert_eq!(drawn(&shown, 80), table.to_owned() + waits);
    }

    #[tokio::test]
    async fn the_last_pushes_stay_each_in_its_place() {
        let [accepted, _] = attempts().await;
        let mut shown = Table::new(3);
        let lines = shown.lines(80).len();
        for number in 1..=5 {
            shown.update(&row(number, None));
        }
        shown.update(&row(4, Some(&accepted)));
        let table = drawn(&shown, 80);
        let numbers: Vec<_> = table
            .lines()
            .map(|line| &line[..line.len().min(2)])
            .collect();
        assert_eq!(numbers, ["# ", "#3", "#4", "#5", ""]);
        assert!(table.lines().nth(2).unwrap().contains(" 200 "), "{table}");
        assert_eq!(shown.lines(80).len(), lines);
    }

    #[tokio::test]
    async fn a_row_is_good_once_it_is_acknowledged_and_bad_once_it_is_given_up() {
        let [accepted, lost] = attempts().await;
        let mut given_up = row(1, Some(&lost));
        given_up.ended = true;
        for (row, style) in [
            (row(1, None), Style::new()),
            (row(1, Some(&lost)), Style::new()),
            (given_up, BAD),
            (row(1, Some(&accepted)), GOOD),
        ] {
            let mut shown = Table::new(1);
            shown.update(&row);
            let expected = Text::painted(style, row.line()).render(true);
            assert_eq!(shown.lines(80)[1].render(true), expected);
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_nor_takes_two() {
        let mut shown = Table::new(1);
        let mut row = row(1, None);
        row.event_type = "tea\n\u{1b}[2J".to_owned();
        shown.update(&row);
        shown.status = "a status\r\nin two lines".to_owned();
        for width in [0, 1, 40, 200] {
            let table = drawn(&shown, width);
            assert_eq!(table.lines().count(), 3, "{table}");
            let widest = table.lines().map(|line| line.chars().count()).max();
            assert!(widest.unwrap() <= width, "{table}");
            assert!(!table.contains(['\u{1b}', '\r']), "{table}");
        }
    }

    #[test]
    fn a_table_is_no_higher_than_the_terminal() {
        assert_eq!(fitting(None), ROWS);
        for (height, rows) in [(50, ROWS), (12, 7), (6, 1), (5, 0), (0, 0)] {
            assert_eq!(fitting(Some(height)), rows);
        }
    }

    #[test]
    fn a_table_shows_the_last_rows_for_which_it_has_room() {
        let mut shown = Table::new(3);
        for number in 1..=5 {
            shown.update(&row(number, None));
        }
        let numbers = |shown: &Table| -> String {
            let table = drawn(shown, 80);
            let rows = table.lines().filter_map(|line| line.strip_prefix('#'));
            rows.filter_map(|row| row.chars().next()).collect()
        };
        for (room, rows) in [(3, " 345"), (1, " 5"), (0, ""), (4, " 2345")] {
            shown.fit(room);
            assert_eq!(numbers(&shown), rows);
            assert_eq!(shown.lines(80).len(), shown.height());
        }
    }

    #[tokio::test]
    async fn a_pending_row_ends_with_the_delay_before_the_next_attempt_however_narrow_it_is() {
        let [_, lost] = attempts().await;
        let mut shown = Table::new(2);
        let mut pending = row(1, Some(&lost));
        pending.again = Some(Duration::from_secs(15));
        shown.update(&pending);
        shown.update(&row(2, None));
        let table = drawn(&shown, 200);
        let line = table.lines().nth(1).unwrap();
        assert!(
            line.ends_with("  tea.pot.ready_v1  again after 15 s"),
            "{line}"
        );
        let table = drawn(&shown, 70);
        let line = table.lines().nth(1).unwrap();
        assert!(line.starts_with("#1     webhook"), "{line}");
        assert!(line.ends_with("  again after 15 s"), "{line}");
        assert_eq!(line.len(), 70);
        pending.replay_of = Some(7);
        shown.update(&pending);
        let line = shown.lines(200)[1].render(false);
        assert!(line.ends_with("  replay of #7, again after 15 s"), "{line}");
    }

    #[test]
    fn the_last_line_has_the_faults_in_effect_before_the_status() {
        let mut shown = Table::new(1);
        shown.faults = vec!["lose-answer".to_owned(), "delay:2s@0.1".to_owned()];
        let last = |shown: &Table| shown.lines(80).pop().unwrap().render(false);
        assert_eq!(last(&shown), "faults: lose-answer, delay:2s@0.1");
        shown.status = "long connections: 1".to_owned();
        assert_eq!(
            last(&shown),
            "faults: lose-answer, delay:2s@0.1 | long connections: 1"
        );
    }
}
