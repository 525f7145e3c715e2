//! The table of `serve` at a real terminal: one table, at the bottom, below everything that was printed.

mod pty;
mod screen;

use self::pty::Terminal;

const EVENT: &str = "vc.reserve_config.updated_v1";
const HEADING: &str = "#      by              attempt answer";

/// `serve` at a terminal of 80 columns, with its table.
fn serve(rows: u16, args: &[&str]) -> Terminal {
    let args = [&["serve", "--port", "0"], args].concat();
    let mut terminal = Terminal::start(rows, 80, &args);
    terminal.until("the table and a prompt", is_settled);
    terminal
}

/// Whether the table is drawn below everything else, and nothing is typed.
fn is_settled(text: &str) -> bool {
    text.contains(HEADING) && text.ends_with("\n>")
}

/// The lines between the hint and the table.
#[track_caller]
fn printed(text: &str) -> Vec<&str> {
    assert_eq!(text.matches(HEADING).count(), 1, "one table in\n{text}");
    let lines = text.lines();
    let lines = lines.skip_while(|line| !line.starts_with("type help for the commands"));
    lines
        .skip(1)
        .take_while(|line| !line.starts_with(HEADING))
        .collect()
}

#[test]
fn answers_stay_above_the_only_table() {
    let mut terminal = serve(24, &["--redeliver", "never"]);
    terminal.types(&format!("push {EVENT}\r"));
    terminal.until("the row", |text| {
        text.contains("nowhere to send") && is_settled(text)
    });
    terminal.types("faults\r");
    terminal.until("an answer", |text| {
        text.contains("no fault is in effect") && is_settled(text)
    });
    terminal.types("tea\r");
    terminal.until("an error", |text| {
        text.contains("unknown command: tea") && is_settled(text)
    });
    terminal.types("resend 1 new\r");
    terminal.until("a replay", |text| {
        text.contains("replay of #1") && is_settled(text)
    });
    terminal.types("fault lose-answer@0.5\r");
    let text = terminal.until("the last line", |text| {
        text.ends_with("faults: lose-answer@0.5\n>")
    });
    assert_eq!(
        printed(&text),
        [
            &format!("> push {EVENT}"),
            "> faults",
            "no fault is in effect",
            "> tea",
            "lark-events: unknown command: tea; type help for a list",
            "> resend 1 new",
            "> fault lose-answer@0.5",
        ]
    );
    // Ctrl-D.
    terminal.types("\u{4}");
    let text = terminal.ended();
    assert_eq!(printed(&text).len(), 7, "{text}");
    assert!(text.contains("\n2 pushed: "), "{text}");
    assert!(!text.contains("\n>\n"), "{text}");
}

#[test]
fn lines_that_are_pasted_or_wrap_leave_no_trace_of_the_table() {
    let mut terminal = serve(24, &["--redeliver", "never"]);
    terminal.types("faults\rfaults\r\rfaults\r");
    terminal.until("three answers", |text| {
        text.matches("no fault is in effect").count() == 3 && is_settled(text)
    });
    let long = format!("faults {}", "茶".repeat(100));
    terminal.types(&format!("{long}\r"));
    let text = terminal.until("an error", |text| {
        text.contains("unknown command") && is_settled(text)
    });
    let lines = printed(&text);
    assert_eq!(
        lines[..6],
        ["> faults", "no fault is in effect"].repeat(3)[..]
    );
    // A space at the end of a row does not show.
    let rest = lines[6..].concat().replace(' ', "");
    let error = format!("lark-events: unknown command: {long}; type help for a list");
    assert_eq!(rest, format!("> {long}{error}").replace(' ', ""));
}

#[test]
fn a_long_answer_on_a_low_terminal_scrolls_and_the_table_stays_below() {
    let mut terminal = serve(8, &["--redeliver", "never"]);
    for round in 1..=3 {
        terminal.types("help\r");
        terminal.until("help", |text| {
            text.matches("stop, as Ctrl-D does").count() == round && is_settled(text)
        });
    }
    terminal.types(&format!("push {EVENT}\r"));
    let text = terminal.until("the row", |text| {
        text.contains("nowhere to send") && is_settled(text)
    });
    let lines = printed(&text);
    let helps = lines.iter().filter(|line| **line == "> help").count();
    assert_eq!(helps, 3, "{text}");
    assert_eq!(lines.last(), Some(&&*format!("> push {EVENT}")));
    terminal.types("quit\r");
    let text = terminal.ended();
    assert_eq!(printed(&text).last(), Some(&"> quit"));
}

/// The seconds until the next attempt.
fn left(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("again in ")?;
    rest.split_once(" s")?.0.parse().ok()
}

#[test]
fn a_pending_row_counts_down_while_a_command_is_typed() {
    let mut terminal = serve(24, &["--redeliver", "30s"]);
    terminal.types(&format!("push {EVENT}\r"));
    let text = terminal.until("a row", |text| left(text).is_some() && is_settled(text));
    let first = left(&text).unwrap();
    terminal.types("sta");
    terminal.until("what is typed", |text| text.ends_with("> sta"));
    let text = terminal.until("the countdown", |text| left(text) < Some(first));
    assert_eq!(text.matches("again in").count(), 1, "{text}");
    assert!(text.ends_with("> sta"), "{text}");
    terminal.types("ts\r");
    let text = terminal.until("the counts", |text| {
        text.contains("1 pending") && is_settled(text)
    });
    assert_eq!(printed(&text)[0], format!("> push {EVENT}"));
    assert_eq!(printed(&text)[1], "> stats");
}
