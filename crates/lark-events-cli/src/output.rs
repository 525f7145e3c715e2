//! Prints everything: text for people, or JSON for machines. All of it is escaped here.

use std::env;
use std::error::Error;
use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::builder::styling::{AnsiColor, Style};
use clap::{Args, ColorChoice, Parser as _};
use serde::Serialize;

use crate::Cli;
use crate::escape::{escape, escape_line};
use crate::text::Text;

/// Good results.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Bad results.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Names that can be typed: event types, commands.
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();
/// Headings.
pub(crate) const STRONG: Style = Style::new().bold();
/// Details.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// How results are printed. Results go to stdout, messages and errors to stderr.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Output {
    /// Print JSON, one value per line, for machines.
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,
    /// When to use colours: `auto` uses them on a terminal unless `NO_COLOR` is set.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    color: ColorChoice,
}

impl Output {
    /// Prints a result, and ends its line.
    pub(crate) fn print(self, text: impl Into<Text>) -> io::Result<()> {
        let mut text = text.into().render(self.is_coloured(&io::stdout()));
        text.push('\n');
        write(text.as_bytes())
    }

    /// Prints text that this program made, without foreign text in it.
    pub(crate) fn print_own(self, bytes: &[u8]) -> io::Result<()> {
        write(bytes)
    }

    /// Prints a result for machines, on one line.
    pub(crate) fn print_json(self, value: &impl Serialize) -> io::Result<()> {
        self.print(serde_json::to_string(value)?)
    }

    /// Draws lines and the prompt below them at the bottom of the terminal, above as many empty rows as `spare`.
    pub(crate) fn draw(self, lines: &[Text], spare: usize, prompt: &str) -> io::Result<()> {
        let lines = lines.iter();
        let lines = lines.map(|line| line.render(self.is_coloured(&io::stdout())));
        write(drawing(lines, spare, prompt).as_bytes())
    }

    /// Draws over as many lines that were drawn before, and leaves the cursor where it is.
    pub(crate) fn draw_again(self, lines: &[Text], spare: usize) -> io::Result<()> {
        let lines = lines.iter();
        let lines = lines.map(|line| line.render(self.is_coloured(&io::stdout())));
        write(drawing_again(lines, spare).as_bytes())
    }

    /// Erases the last rows of the terminal and as many above them; the cursor then is at the first of them.
    pub(crate) fn erase_bottom(self, rows: usize) -> io::Result<()> {
        write(format!("{}\x1b[J", above_bottom(rows)).as_bytes())
    }

    /// Erases as many rows above the cursor, and what is below; the cursor then is at the first of them.
    pub(crate) fn erase(self, rows: usize) -> io::Result<()> {
        write(format!("\r{}\x1b[J", up(rows)).as_bytes())
    }

    /// Prints a message beside the result, to stderr.
    pub(crate) fn note(self, text: impl Into<Text>) {
        say(&format!("lark-events: {}\n", text.into().render(false)));
    }

    /// Shows on a terminal which step is running, in place of the step before.
    pub(crate) fn busy_with(self, what: impl Display) {
        if io::stderr().is_terminal() && !is_dumb() {
            say(&format!("\r\u{1b}[K{}", Text::line(what).render(false)));
        }
    }

    /// Prints an error and its causes. Its further lines are indented, so that none of them looks
    /// like another message.
    pub(crate) fn error(self, error: &(dyn Error + 'static)) {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        let text = Text::painted(BAD, "lark-events:")
            .then(Text::lines(format_args!(" {}", text.replace('\n', "\n  "))));
        say(&(text.render(self.is_coloured(&io::stderr())) + "\n"));
    }

    fn is_coloured(self, stream: &impl io::IsTerminal) -> bool {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => stream.is_terminal() && !is_set("NO_COLOR") && !is_dumb(),
        }
    }
}

/// Prints why the arguments are invalid, or the help that they ask for, as `clap` does, and returns
/// the exit status. An error quotes arguments, so the arguments are escaped first.
pub(crate) fn misuse(error: &clap::Error) -> ExitCode {
    let args = env::args_os().map(|arg| escape_line(&arg.to_string_lossy()).into_owned());
    match Cli::try_parse_from(args) {
        // A closed stderr has no reader.
        Err(error) => drop(error.print()),
        // The escaped arguments are valid.
        Ok(_) => say(&escape(&error.render().to_string())),
    }
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Asks for input if stdin is a terminal.
pub(crate) fn hint_if_typed(what: &'static str) {
    if io::stdin().is_terminal() {
        say(&format!(
            "lark-events: reading {what} from the terminal; Ctrl-D ends it\n"
        ));
    }
}

/// A closed stdout does not change the exit status of a verdict.
pub(crate) fn even_if_unread(printed: io::Result<()>) -> io::Result<()> {
    match printed {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

/// The text and escape sequences that draw lines and the prompt on a terminal, from the cursor down or below it.
fn drawing(lines: impl ExactSizeIterator<Item = String>, spare: usize, prompt: &str) -> String {
    let rows = lines.len() + spare;
    // Scrolls until there is room.
    let mut drawing = format!("\x1b[J{}{}", "\n".repeat(rows), above_bottom(rows));
    for line in lines {
        drawing += &format!("\x1b[2K{line}\r\n");
    }
    drawing + prompt
}

/// The same for lines that are drawn, but do not show the same any more.
fn drawing_again(lines: impl ExactSizeIterator<Item = String>, spare: usize) -> String {
    // The cursor may be anywhere in a line that is being typed, which only the terminal knows. It saves one cursor,
    // so that the lines have to be at a known distance from its last row.
    let mut drawing = format!("\x1b7{}", above_bottom(lines.len() + spare));
    for line in lines {
        drawing += &format!("\x1b[2K{line}\r\n");
    }
    drawing + "\x1b8"
}

/// Moves the cursor to the start of the row that has as many rows below it.
fn above_bottom(rows: usize) -> String {
    // A terminal stops at its last row.
    format!("\x1b[9999B{}\r", up(rows))
}

/// Moves the cursor up. A terminal reads 0 as 1.
fn up(rows: usize) -> String {
    match rows {
        0 => String::new(),
        rows => format!("\x1b[{rows}A"),
    }
}

/// Writes to stdout.
fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Writes to stderr; a closed stderr has no reader.
fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

fn is_dumb() -> bool {
    env::var_os("TERM").is_some_and(|term| term == "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_drawn_at_the_bottom_and_again_in_their_place_with_the_cursor_left() {
        let lines = || ["a", "b"].map(str::to_owned).into_iter();
        let first = "\x1b[J\n\n\n\x1b[9999B\x1b[3A\r\x1b[2Ka\r\n\x1b[2Kb\r\n> ";
        assert_eq!(drawing(lines(), 1, "> "), first);
        let again = "\x1b7\x1b[9999B\x1b[3A\r\x1b[2Ka\r\n\x1b[2Kb\r\n\x1b8";
        assert_eq!(drawing_again(lines(), 1), again);
        let nothing = "\x1b[J\x1b[9999B\r> ";
        assert_eq!(drawing(std::iter::empty(), 0, "> "), nothing);
    }
}
