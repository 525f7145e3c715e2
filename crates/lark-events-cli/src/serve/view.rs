//! Output while the platform runs: JSON lines, a line per attempt, or a table that is redrawn.

use std::collections::VecDeque;
use std::io::{self, IsTerminal as _};

use lark_events_sim::ApiCall;
use serde_json::{Value, json};

use super::row::{Row, call_json, call_line, heading};
use crate::output::{BAD, FAINT, GOOD, Output, STRONG};
use crate::text::Text;

/// The most deliveries in the table: the last ones, as far as the terminal has room.
const ROWS: usize = 10;
/// Lines of the table beside its rows: one above and one below.
const FRAME: usize = 2;
/// The width of a terminal of unknown width.
const WIDTH: usize = 80;
const PROMPT: &str = "> ";

pub(crate) struct View {
    output: Output,
    live: Option<Live>,
}

/// What a row of the table shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// A push, by its number.
    Push(usize),
    /// A call of the API, which does not change.
    Call,
}

#[derive(Default)]
struct Live {
    rows: VecDeque<(Shown, Text)>,
    status: String,
    /// The current wait, shown in place of the status.
    waits: Option<String>,
    prompts: bool,
    /// The most rows.
    height: usize,
    drawn: bool,
}

impl View {
    /// A table on a terminal that has room for one, with a prompt if commands are typed.
    pub(crate) fn new(output: Output, prompts: bool) -> Self {
        let is_live = !output.json && io::stdout().is_terminal();
        let height = rows().filter(|_| is_live);
        let live = height.map(|height| Live {
            prompts,
            height,
            ..Live::default()
        });
        Self { output, live }
    }

    /// Shows an attempt that has ended, or a delivery that has begun.
    pub(crate) fn row(&mut self, row: &Row) -> io::Result<()> {
        if let Some(live) = &mut self.live {
            live.update(row);
            return self.draw();
        }
        if self.output.json {
            let json = row.json();
            return json.map_or(Ok(()), |json| self.output.print_json(&json));
        }
        if row.attempt.is_none() {
            return Ok(());
        }
        self.output
            .print(painted(&row.line(), true, row.acknowledged))
    }

    /// Shows a call of the API, below the events that came before it.
    pub(crate) fn call(&mut self, call: &ApiCall) -> io::Result<()> {
        if let Some(live) = &mut self.live {
            live.called(call);
            return self.draw();
        }
        if self.output.json {
            return self.output.print_json(&call_json(call));
        }
        self.output.print(call_text(call))
    }

    /// Shows a delivery without further attempts.
    pub(crate) fn ended(&mut self, row: &Row) -> io::Result<()> {
        if let Some(live) = &mut self.live {
            live.update(row);
            return self.draw();
        }
        Ok(())
    }

    /// Ends the table.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        match self.live.take() {
            Some(live) if live.prompts => self.output.print(""),
            _ => Ok(()),
        }
    }

    /// Shows the current wait, or none.
    pub(crate) fn waits(&mut self, text: Option<String>) -> io::Result<()> {
        match &mut self.live {
            Some(live) if live.waits != text => {
                live.waits = text;
                self.draw()
            }
            _ => Ok(()),
        }
    }

    /// Shows another occurrence.
    pub(crate) fn notice(&mut self, kind: &str, text: &str) -> io::Result<()> {
        if let Some(live) = &mut self.live {
            text.clone_into(&mut live.status);
            return self.draw();
        }
        if self.output.json {
            return self
                .output
                .print_json(&json!({ "kind": kind, "text": text }));
        }
        self.output.print(text)
    }

    /// Prints the answer to a command.
    pub(crate) fn answer(&mut self, text: &str, json: Option<&Value>) -> io::Result<()> {
        self.typed();
        match json {
            _ if !self.output.json => self.output.print(Text::lines(text))?,
            Some(json) => self.output.print_json(json)?,
            None => self.output.note(Text::lines(text)),
        }
        Ok(())
    }

    /// Prints the error of an invalid line.
    pub(crate) fn refused(&self, error: &str) {
        self.output.note(Text::lines(error));
    }

    /// Redraws the table below the text that was printed below it.
    pub(crate) fn typed(&mut self) {
        if let Some(live) = &mut self.live {
            live.drawn = false;
        }
    }

    /// Draws the table unless it is drawn.
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        match &self.live {
            Some(live) if !live.drawn => self.draw(),
            _ => Ok(()),
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let Some(live) = &mut self.live else {
            return Ok(());
        };
        let prompt = if live.prompts { PROMPT } else { "" };
        self.output.draw(&live.lines(width()), live.drawn, prompt)?;
        live.drawn = true;
        Ok(())
    }
}

fn painted(row: &str, ended: bool, acknowledged: bool) -> Text {
    match (acknowledged, ended) {
        (true, _) => Text::painted(GOOD, row),
        (false, true) => Text::painted(BAD, row),
        (false, false) => Text::line(row),
    }
}

fn call_text(call: &ApiCall) -> Text {
    let is_good = call.is_answered && call.code.unwrap_or_default() == 0;
    let is_good = is_good && call.status.is_some_and(|status| status.is_success());
    let style = if is_good { FAINT } else { BAD };
    Text::painted(style, call_line(call))
}

impl Live {
    /// The lines of the table: always the same number, each cut to the width of the terminal so that it
    /// does not wrap.
    fn lines(&self, width: usize) -> Vec<Text> {
        let mut lines = vec![Text::painted(STRONG, heading())];
        lines.extend(self.rows.iter().map(|(_, row)| row.clone()));
        lines.resize(self.height + FRAME - 1, Text::default());
        let status = self.waits.as_ref().unwrap_or(&self.status);
        lines.push(Text::painted(FAINT, status));
        lines.into_iter().map(|line| line.cut(width)).collect()
    }

    fn update(&mut self, row: &Row) {
        let number = Shown::Push(row.number);
        let row = (number, painted(&row.line(), row.ended, row.acknowledged));
        match self.rows.iter_mut().find(|(shown, _)| *shown == number) {
            Some(shown) => *shown = row,
            None => self.rows.push_back(row),
        }
        self.shorten();
    }

    fn called(&mut self, call: &ApiCall) {
        self.rows.push_back((Shown::Call, call_text(call)));
        self.shorten();
    }

    fn shorten(&mut self) {
        if self.rows.len() > self.height {
            self.rows.pop_front();
        }
    }
}

/// The rows that fit on the terminal, with a line to type in below the table.
fn rows() -> Option<usize> {
    let Some((_, height)) = terminal_size::terminal_size() else {
        return Some(ROWS);
    };
    fitting(height.0.into())
}

fn fitting(height: usize) -> Option<usize> {
    let room = height.saturating_sub(FRAME + 1).min(ROWS);
    (room > 0).then_some(room)
}

fn width() -> usize {
    terminal_size::terminal_size().map_or(WIDTH, |(width, _)| width.0.into())
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
            next: None,
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

    fn live(height: usize) -> Live {
        Live {
            height,
            ..Live::default()
        }
    }

    fn drawn(live: &Live, width: usize) -> String {
        let lines = live.lines(width).into_iter();
        let lines = lines.map(|line| line.render(false) + "\n");
        lines.collect()
    }

    #[tokio::test]
    async fn a_table_has_a_row_for_each_push_and_what_is_so_below() {
        let [accepted, lost] = attempts().await;
        let mut live = live(4);
        live.update(&row(1, None));
        live.update(&row(2, Some(&accepted)));
        live.update(&row(3, Some(&lost)));
        live.status = "long connections: 1".to_owned();
        let table = "\
#      by              attempt answer               took  event
#1     webhook                 pending                    tea.pot.ready_v1
#2     webhook         1       200               12.0 ms  tea.pot.ready_v1
#3     webhook         1       nowhere to send   12.0 ms  tea.pot.ready_v1

";
        let status = "long connections: 1\n";
        assert_eq!(drawn(&live, 80), table.to_owned() + status);
        live.waits = Some("waiting for pending deliveries".to_owned());
        let waits = "waiting for pending deliveries\n";
        assert_eq!(drawn(&live, 80), table.to_owned() + waits);
    }

    #[tokio::test]
    async fn the_last_pushes_stay_each_in_its_place() {
        let [accepted, _] = attempts().await;
        let mut live = live(3);
        let lines = live.lines(80).len();
        for number in 1..=5 {
            live.update(&row(number, None));
        }
        live.update(&row(4, Some(&accepted)));
        let table = drawn(&live, 80);
        let numbers: Vec<_> = table
            .lines()
            .map(|line| &line[..line.len().min(2)])
            .collect();
        assert_eq!(numbers, ["# ", "#3", "#4", "#5", ""]);
        assert!(table.lines().nth(2).unwrap().contains(" 200 "), "{table}");
        assert_eq!(live.lines(80).len(), lines);
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
            let mut live = live(1);
            live.update(&row);
            let expected = Text::painted(style, row.line()).render(true);
            assert_eq!(live.lines(80)[1].render(true), expected);
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_nor_takes_two() {
        let mut live = live(1);
        let mut row = row(1, None);
        row.event_type = "tea\n\u{1b}[2J".to_owned();
        live.update(&row);
        live.status = "a status\r\nin two lines".to_owned();
        for width in [0, 1, 40, 200] {
            let table = drawn(&live, width);
            assert_eq!(table.lines().count(), 3, "{table}");
            let widest = table.lines().map(|line| line.chars().count()).max();
            assert!(widest.unwrap() <= width, "{table}");
            assert!(!table.contains(['\u{1b}', '\r']), "{table}");
        }
    }

    #[test]
    fn a_table_is_no_higher_than_the_terminal() {
        assert_eq!(fitting(50), Some(ROWS));
        assert_eq!(fitting(12), Some(9));
        assert_eq!(fitting(4), Some(1));
        // There are lines then.
        assert_eq!(fitting(3), None);
        assert_eq!(fitting(0), None);
    }
}
