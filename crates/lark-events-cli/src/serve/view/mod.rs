//! Output while the platform runs: JSON lines, a line per attempt, or a table that is redrawn.

mod again;
mod echo;
mod size;
mod table;

use std::io::{self, IsTerminal as _};

use lark_events_sim::{ApiCall, InjectedFault};
use serde_json::{Value, json};

use self::size::Size;
use self::table::{SPARE, Table, painted};
use super::row::{Row, call_json};
use crate::console::web::masked::Masks;
use crate::output::Output;
use crate::text::Text;

const PROMPT: &str = "> ";

pub(crate) struct View {
    output: Output,
    /// For text of the app.
    masks: Masks,
    live: Option<Live>,
}

/// A table at the bottom of the terminal. Everything else is printed above it: the table is erased before,
/// and drawn again below.
///
/// The terminal echoes what is typed, and nothing else knows of it before Enter. So that the table can be drawn
/// again in its place meanwhile, there are [`SPARE`] rows below the prompt, which a long line takes without scrolling
/// the terminal. A line that is longer still is drawn over, until Enter prints it again; so is what is typed while a
/// command of a script answers.
struct Live {
    table: Table,
    /// Whether commands are typed, below the table.
    prompts: bool,
    /// The size of the terminal when it was drawn, if it is.
    drawn: Option<Size>,
    /// Whether the table differs from what is drawn.
    stale: bool,
}

impl View {
    /// A table on a terminal that has room for one, with a prompt if commands are typed.
    pub(crate) fn new(output: Output, prompts: bool) -> Self {
        let room = table::fitting(Size::now().rows);
        let is_live = !output.json && io::stdout().is_terminal() && room > 0;
        let live = is_live.then(|| Live {
            table: Table::new(room),
            prompts,
            drawn: None,
            stale: true,
        });
        Self {
            output,
            masks: Masks::default(),
            live,
        }
    }

    /// Masks secrets in text of the app from now on.
    pub(crate) fn mask(&mut self, masks: Masks) {
        self.masks = masks;
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
        if self.output.json {
            return self.output.print_json(&call_json(call, &self.masks));
        }
        let text = table::call_text(call, &self.masks);
        if let Some(table) = self.changed() {
            table.called(text);
            return Ok(());
        }
        self.output.print(text)
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
        let text = self.masks.text(text).to_string();
        if let Some(table) = self.changed() {
            table.status = text;
            return Ok(());
        }
        if self.output.json {
            return self
                .output
                .print_json(&json!({ "kind": kind, "text": text }));
        }
        self.output.print(text)
    }

    /// Shows the number of a push that a command has made: the table has its row.
    pub(crate) fn pushed(&self, number: usize, replay_of: Option<usize>) -> io::Result<()> {
        if !self.output.json {
            return Ok(());
        }
        let json = json!({"kind": "pushed", "push": number, "replay_of": replay_of});
        self.output.print_json(&json)
    }

    /// Prints the answer to a command.
    pub(crate) fn answer(&mut self, text: &str, json: &Value) -> io::Result<()> {
        self.erase(0)?;
        match self.output.json {
            true => self.output.print_json(json),
            false => self.output.print(Text::lines(text)),
        }
    }

    /// Prints why a command is invalid, or fails.
    pub(crate) fn refused(&mut self, command: &str, error: &str) -> io::Result<()> {
        self.erase(0)?;
        if self.output.json {
            let json = json!({"kind": "refused", "command": command, "error": error});
            return self.output.print_json(&json);
        }
        self.output.note(Text::lines(error));
        Ok(())
    }

    /// Erases the table with the lines that were typed below it. [`echo`](Self::echo) prints them again.
    pub(crate) fn typed<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        let width = Size::now().columns();
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
            Some(live) if live.stale || live.drawn.is_none() => self.draw(),
            _ => Ok(()),
        }
    }

    /// Prints the table for the last time, and leaves it.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.erase(0)?;
        let Some(mut live) = self.live.take() else {
            return Ok(());
        };
        live.table.waits = None;
        let lines = live.table.lines(Size::now().columns());
        lines
            .into_iter()
            .try_for_each(|line| self.output.print(line))
    }

    /// The table, which is about to change.
    fn changed(&mut self) -> Option<&mut Table> {
        let live = self.live.as_mut()?;
        live.stale = true;
        Some(&mut live.table)
    }

    /// Erases the table, if it is drawn, with as many rows that were typed below it.
    fn erase(&mut self, typed: usize) -> io::Result<()> {
        let Some(live) = &mut self.live else {
            return Ok(());
        };
        let Some(size) = live.drawn.take() else {
            return Ok(());
        };
        let (lines, spare) = (live.table.height(), live.spare());
        match typed {
            // Nothing is where it was drawn.
            0 if size != Size::now() => self.output.print(""),
            _ if size != Size::now() => Ok(()),
            // The terminal has not scrolled.
            _ if typed <= spare => self.output.erase_bottom(lines + spare),
            _ => self.output.erase(lines + typed),
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let size = Size::now();
        if let Some(live) = &self.live
            && live.drawn.is_some_and(|drawn| drawn != size)
        {
            self.erase(0)?;
        }
        let Some(live) = &mut self.live else {
            return Ok(());
        };
        if live.drawn.is_none() {
            live.table.fit(table::fitting(size.rows));
        }
        let (lines, spare) = (live.table.lines(size.columns()), live.spare());
        let prompt = if live.prompts { PROMPT } else { "" };
        match live.drawn.replace(size) {
            None => self.output.draw(&lines, spare, prompt)?,
            // Only the prompt is drawn.
            Some(_) if lines.is_empty() => {}
            Some(_) => self.output.draw_again(&lines, spare)?,
        }
        live.stale = false;
        Ok(())
    }
}

impl Live {
    /// The empty rows below the prompt.
    fn spare(&self) -> usize {
        match self.prompts && self.table.height() > 0 {
            true => SPARE,
            false => 0,
        }
    }
}
