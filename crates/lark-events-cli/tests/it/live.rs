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
        // The table is at the bottom of the terminal.
        .skip_while(|line| line.is_empty())
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

/// The number of the last attempt of the only delivery.
fn attempt(text: &str) -> usize {
    let row = text.lines().rfind(|line| line.starts_with("#1 "));
    let number = row.and_then(|row| row.split_whitespace().nth(2));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// A delivery with a new attempt every now and then.
fn serve_attempts(rows: u16) -> Terminal {
    let mut terminal = serve(rows, &["--redeliver", &["50ms"; 400].join(",")]);
    terminal.types(&format!("push {EVENT}\r"));
    terminal.until("a row", |text| {
        text.contains("again after 50 ms") && is_settled(text)
    });
    terminal
}

/// Waits for three more attempts.
#[track_caller]
fn attempts(terminal: &mut Terminal, wanted: impl Fn(&str) -> bool) -> String {
    let first = attempt(&terminal.until("a row", |text| attempt(text) > 0));
    terminal.until("further attempts", |text| {
        attempt(text) > first + 2 && wanted(text)
    })
}

#[test]
fn a_typed_line_of_several_rows_stays_while_attempts_end() {
    // Enter takes a row too.
    for (rows, typed) in [(24, 190), (8, 130)] {
        let mut terminal = serve_attempts(rows);
        let long = format!("tea {}", "y".repeat(typed));
        terminal.types(&long);
        let is_typed = |text: &str| text.replace('\n', "").ends_with(&format!("> {long}"));
        terminal.until("what is typed", is_typed);
        let text = attempts(&mut terminal, is_typed);
        assert_eq!(text.matches(HEADING).count(), 1, "{text}");
        terminal.types("\r");
        let text = terminal.until("an error", |text| {
            text.contains("unknown command: tea") && is_settled(text)
        });
        let lines = printed(&text);
        assert_eq!(lines[0], format!("> push {EVENT}"));
        let printed = lines[1..].concat();
        assert!(printed.starts_with(&format!("> {long}lark-")), "{text}");
    }
}

#[test]
fn a_line_that_is_typed_over_two_rows_and_erased_leaves_no_trace() {
    let mut terminal = serve_attempts(24);
    // Ctrl-U.
    terminal.types(&format!("{}\u{15}faults\r", "y".repeat(100)));
    terminal.until("an answer", |text| {
        text.contains("no fault is in effect") && is_settled(text)
    });
    let text = attempts(&mut terminal, is_settled);
    let lines = printed(&text);
    assert_eq!(lines[1..], ["> faults", "no fault is in effect"]);
}

#[test]
fn a_terminal_that_becomes_lower_gets_a_table_that_fits_and_no_more() {
    let mut terminal = serve_attempts(24);
    for (rows, headings) in [(8, 2), (4, 2), (12, 3)] {
        terminal.resize(rows);
        if rows == 4 {
            // There is no room for a table.
            terminal.types("calm reorder\r");
            terminal.until("an error", |text| {
                text.contains("no fault is in effect") && text.ends_with("\n>")
            });
            terminal.types("stats\r");
            let text = terminal.until("the counts", |text| {
                text.contains("1 pushed: ") && text.ends_with("\n>")
            });
            assert_eq!(text.matches(HEADING).count(), headings, "{text}");
            continue;
        }
        let has_one_more = |text: &str| text.matches(HEADING).count() == headings;
        terminal.until("a table that fits", |text| {
            has_one_more(text) && is_settled(text)
        });
        let text = attempts(&mut terminal, is_settled);
        assert!(has_one_more(&text), "{text}");
    }
}

#[test]
fn many_lines_that_are_pasted_are_all_printed_and_a_wait_that_is_over_is_not() {
    let mut terminal = serve(200, &["--redeliver", "never"]);
    let lines: Vec<_> = (0..70).map(|number| format!("tea {number}")).collect();
    terminal.types(&(lines.join("\r") + "\r"));
    let text = terminal.until("the last error", |text| {
        text.contains("unknown command: tea 69;") && is_settled(text)
    });
    let expected = lines.iter().flat_map(|line| {
        let error = format!("lark-events: unknown command: {line}; type help for a list");
        [format!("> {line}"), error]
    });
    assert_eq!(printed(&text), expected.collect::<Vec<_>>());
    terminal.types("wait 1h\r");
    terminal.until("the wait", |text| {
        text.contains("waiting for") && is_settled(text)
    });
    terminal.types("quit\r");
    let text = terminal.ended();
    assert!(text.contains("\n0 pushed: "), "{text}");
    assert!(!text.contains("waiting for"), "{text}");
}
