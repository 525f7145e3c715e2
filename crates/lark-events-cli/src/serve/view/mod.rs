//! Output while the platform runs: JSON lines, a line per attempt, or a table that is redrawn.

mod again;
mod echo;
mod table;

use std::io::{self, IsTerminal as _};
use std::time::{Duration, SystemTime};

use lark_events_sim::{ApiCall, InjectedFault};
use serde_json::{Value, json};

use self::table::{Table, painted};
use super::row::{Row, call_json};
use crate::output::Output;
use crate::text::Text;

/// The width of a terminal of unknown width.
const WIDTH: usize = 80;
const PROMPT: &str = "> ";

pub(crate) struct View {
    output: Output,
    live: Option<Live>,
}

/// A table at the bottom of the terminal. Everything else is printed above it: the table is erased before,
/// and drawn again below.
struct Live {
    table: Table,
    /// Whether commands are typed, below the table.
    prompts: bool,
    drawn: bool,
    /// Whether the table differs from what is drawn.
    stale: bool,
}

impl View {
    /// A table on a terminal that has room for one, with a prompt if commands are typed.
    pub(crate) fn new(output: Output, prompts: bool) -> Self {
        let is_live = !output.json && io::stdout().is_terminal();
        let height = table::rows().filter(|_| is_live);
        let live = height.map(|height| Live {
            table: Table::new(height),
            prompts,
            drawn: false,
            stale: true,
        });
        Self { output, live }
    }

    /// Shows an attempt that has ended, or a delivery that has begun.
    pub(crate) fn row(&mut self, row: &Row) -> io::Result<()> {
        if let Some(table) = self.changed() {
            table.update(row);
            return Ok(());
        }
        if self.output.json {
            let json = row.json();
            return json.map_or(Ok(()), |json| self.output.print_json(&json));
        }
        if row.attempt.is_none() {
            return Ok(());
        }
        let line = match row.remark() {
            Some(remark) => format!("{}, {remark}", row.line()),
            None => row.line(),
        };
        self.output.print(painted(&line, true, row.acknowledged))
    }

    /// Shows a call of the API, below the events that came before it.
    pub(crate) fn call(&mut self, call: &ApiCall) -> io::Result<()> {
        if let Some(table) = self.changed() {
            table.called(call);
            return Ok(());
        }
        if self.output.json {
            return self.output.print_json(&call_json(call));
        }
        self.output.print(table::call_text(call))
    }

    /// Shows a delivery without further attempts.
    pub(crate) fn ended(&mut self, row: &Row) {
        if let Some(table) = self.changed() {
            table.update(row);
        }
    }

    /// Shows the current wait, or none.
    pub(crate) fn waits(&mut self, text: Option<String>) {
        if let Some(live) = &mut self.live
            && live.table.waits != text
        {
            live.table.waits = text;
            live.stale = true;
        }
    }

    /// Shows the faults in effect.
    pub(crate) fn faults(&mut self, faults: &[InjectedFault]) {
        if let Some(table) = self.changed() {
            table.faults = faults.iter().map(ToString::to_string).collect();
        }
    }

    /// Shows another occurrence.
    pub(crate) fn notice(&mut self, kind: &str, text: &str) -> io::Result<()> {
        if let Some(table) = self.changed() {
            text.clone_into(&mut table.status);
            return Ok(());
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
        self.erase(0)?;
        match json {
            _ if !self.output.json => self.output.print(Text::lines(text))?,
            Some(json) => self.output.print_json(json)?,
            None => self.output.note(Text::lines(text)),
        }
        Ok(())
    }

    /// Prints why a command is invalid, or fails.
    pub(crate) fn refused(&mut self, error: &str) -> io::Result<()> {
        self.erase(0)?;
        self.output.note(Text::lines(error));
        Ok(())
    }

    /// Erases the table with the lines that were typed below it. [`echo`](Self::echo) prints them again.
    pub(crate) fn typed<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        let width = width();
        let rows = lines.into_iter().enumerate().map(|(place, line)| {
            let prompt = if place == 0 { PROMPT } else { "" };
            echo::rows(prompt, line, width)
        });
        self.erase(rows.sum())
    }

    /// Prints a line that was typed, above the table that is drawn again.
    pub(crate) fn echo(&self, line: &str) -> io::Result<()> {
        let line = line.trim_end();
        if self.live.is_none() || line.is_empty() {
            return Ok(());
        }
        self.output.print(format_args!("{PROMPT}{line}"))
    }

    /// Draws the table unless it is drawn as it is.
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        match &self.live {
            Some(live) if live.stale || !live.drawn => self.draw(),
            _ => Ok(()),
        }
    }

    /// How long the table stays the same if nothing happens: it shows the time until the next attempts.
    pub(crate) fn stays_for(&self) -> Option<Duration> {
        self.live.as_ref()?.table.stays_for(SystemTime::now())
    }

    /// Lets the table show the time that is left now.
    pub(crate) fn time_has_passed(&mut self) {
        self.changed();
    }

    /// Draws the table for the last time, and leaves it.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.erase(0)?;
        if let Some(live) = &mut self.live {
            live.prompts = false;
            self.draw()?;
        }
        self.live = None;
        Ok(())
    }

    /// The table, which is about to change.
    fn changed(&mut self) -> Option<&mut Table> {
        let live = self.live.as_mut()?;
        live.stale = true;
        Some(&mut live.table)
    }

    /// Erases the table, if it is drawn, and as many rows below it.
    fn erase(&mut self, below: usize) -> io::Result<()> {
        match &mut self.live {
            Some(live) if live.drawn => {
                live.drawn = false;
                self.output.erase(live.table.height() + below)
            }
            _ => Ok(()),
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let Some(live) = &mut self.live else {
            return Ok(());
        };
        let lines = live.table.lines(width(), SystemTime::now());
        let prompt = if live.prompts { PROMPT } else { "" };
        self.output.draw(&lines, live.drawn, prompt)?;
        (live.drawn, live.stale) = (true, false);
        Ok(())
    }
}

fn width() -> usize {
    terminal_size::terminal_size().map_or(WIDTH, |(width, _)| width.0.into())
}
