//! What is shown while the platform runs: JSON lines, a line per attempt, or a table that is drawn
//! again and again.

use std::collections::VecDeque;
use std::io::{self, IsTerminal as _};

use serde_json::{Value, json};

use super::delivery::{Delivery, heading};
use crate::output::{BAD, FAINT, GOOD, Output, STRONG};
use crate::text::Text;

/// Deliveries in the table, of which the last are shown, where the terminal has room for them.
const ROWS: usize = 10;
/// Lines of a table beside its rows: one above them and one below.
const FRAME: usize = 2;
/// Of a terminal that does not say.
const WIDTH: usize = 80;
const PROMPT: &str = "> ";

pub(crate) struct View {
    output: Output,
    live: Option<Live>,
}

#[derive(Default)]
struct Live {
    rows: VecDeque<(usize, String, bool, bool)>,
    status: String,
    /// What is waited for, which stands in for the status.
    waits: Option<String>,
    prompts: bool,
    /// How many rows there may be.
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

    /// An attempt has come to its end, or a delivery has begun.
    pub(crate) fn delivery(&mut self, delivery: &Delivery) -> io::Result<()> {
        if let Some(live) = &mut self.live {
            live.update(delivery);
            return self.draw();
        }
        if self.output.json {
            let json = delivery.json();
            return json.map_or(Ok(()), |json| self.output.print_json(&json));
        }
        if delivery.attempt.is_none() {
            return Ok(());
        }
        self.output
            .print(painted(&delivery.line(), true, delivery.acknowledged))
    }

    /// No attempt is to come.
    pub(crate) fn ended(&mut self, delivery: &Delivery) -> io::Result<()> {
        if let Some(live) = &mut self.live {
            live.update(delivery);
            return self.draw();
        }
        Ok(())
    }

    /// From here on there is no table.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        match self.live.take() {
            Some(live) if live.prompts => self.output.print(""),
            _ => Ok(()),
        }
    }

    /// Something is waited for from now on, or nothing any more.
    pub(crate) fn waits(&mut self, text: Option<String>) -> io::Result<()> {
        match &mut self.live {
            Some(live) if live.waits != text => {
                live.waits = text;
                self.draw()
            }
            _ => Ok(()),
        }
    }

    /// Something else has happened.
    pub(crate) fn told(&mut self, kind: &str, text: &str) -> io::Result<()> {
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

    /// An answer to a command.
    pub(crate) fn answer(&mut self, text: &str, json: Option<&Value>) -> io::Result<()> {
        self.typed();
        match json {
            _ if !self.output.json => self.output.print(Text::lines(text))?,
            Some(json) => self.output.print_json(json)?,
            None => self.output.note(Text::lines(text)),
        }
        Ok(())
    }

    /// A line that is no command.
    pub(crate) fn refused(&self, error: &str) {
        self.output.note(Text::lines(error));
    }

    /// Something stands below the table, which is drawn anew below that.
    pub(crate) fn typed(&mut self) {
        if let Some(live) = &mut self.live {
            live.drawn = false;
        }
    }

    /// Draws the table if it is not there.
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        match &self.live {
            Some(live) if !live.drawn => self.draw(),
            _ => Ok(()),
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let Some(live) = &self.live else {
            return Ok(());
        };
        let mut lines = vec![Text::painted(STRONG, heading())];
        for (_, row, ended, acknowledged) in &live.rows {
            lines.push(painted(row, *ended, *acknowledged));
        }
        lines.resize(live.height + FRAME - 1, Text::default());
        let status = live.waits.as_ref().unwrap_or(&live.status);
        lines.push(Text::painted(FAINT, status));
        // A line that is wider than the terminal would take two.
        let lines: Vec<_> = lines.into_iter().map(|line| line.cut(width())).collect();
        let prompt = if live.prompts { PROMPT } else { "" };
        self.output.draw(&lines, live.drawn, prompt)?;
        if let Some(live) = &mut self.live {
            live.drawn = true;
        }
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

impl Live {
    fn update(&mut self, delivery: &Delivery) {
        let Delivery { number, ended, .. } = *delivery;
        let row = (number, delivery.line(), ended, delivery.acknowledged);
        match self.rows.iter_mut().find(|(shown, ..)| *shown == number) {
            Some(shown) => *shown = row,
            None => self.rows.push_back(row),
        }
        if self.rows.len() > self.height {
            self.rows.pop_front();
        }
    }
}

/// How many rows the terminal has room for, with a line to type in below the table.
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
    use super::*;

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
