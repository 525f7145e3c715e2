//! The texts within Rust and TOML: comments and string literals, without the code around them.

/// The lines of a comment or of a literal, with their numbers.
pub(super) type Text = Vec<(usize, String)>;

/// The comments and string literals of Rust. Line comments that follow each other are one text.
pub(super) fn of_rust(source: &str) -> Vec<Text> {
    let mut scanner = Scanner::new(source);
    while let Some(c) = scanner.rest.chars().next() {
        match c {
            '/' if scanner.rest.starts_with("//") => scanner.line_comments("//"),
            '/' if scanner.rest.starts_with("/*") => scanner.block_comment(),
            '"' => scanner.string(1, "\"", true),
            '\'' => scanner.char_or_lifetime(),
            c if is_of_word(c) => scanner.word_or_raw_string(),
            c => _ = scanner.take(c.len_utf8()),
        }
    }
    scanner.texts
}

/// The comments and strings of TOML.
pub(super) fn of_toml(source: &str) -> Vec<Text> {
    let mut scanner = Scanner::new(source);
    while let Some(c) = scanner.rest.chars().next() {
        match c {
            '#' => scanner.line_comments("#"),
            '"' if scanner.rest.starts_with(r#"""""#) => scanner.string(3, r#"""""#, true),
            '"' => scanner.string(1, "\"", true),
            '\'' if scanner.rest.starts_with("'''") => scanner.string(3, "'''", false),
            '\'' => scanner.string(1, "'", false),
            c => _ = scanner.take(c.len_utf8()),
        }
    }
    scanner.texts
}

struct Scanner<'a> {
    rest: &'a str,
    line: usize,
    texts: Vec<Text>,
}

impl<'a> Scanner<'a> {
    fn new(source: &'a str) -> Self {
        Self {
            rest: source,
            line: 1,
            texts: Vec::new(),
        }
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn push(&mut self, line: usize, text: &str) {
        let lines = (line..).zip(text.lines().map(str::to_owned));
        self.texts.push(lines.collect());
    }

    fn line_comments(&mut self, start: &str) {
        let (line, all) = (self.line, self.rest);
        while self.rest.trim_start().starts_with(start) {
            let before = self.rest.len() - self.rest.trim_start().len();
            let end = self.rest[before..].find('\n');
            self.take(end.map_or(self.rest.len(), |end| before + end));
        }
        self.push(line, &all[..all.len() - self.rest.len()]);
    }

    /// Block comments of Rust nest.
    fn block_comment(&mut self) {
        let (line, all) = (self.line, self.rest);
        let mut depth = 0;
        while let Some(c) = self.rest.chars().next() {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.take(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.take(2);
                if depth == 0 {
                    break;
                }
            } else {
                self.take(c.len_utf8());
            }
        }
        self.push(line, &all[..all.len() - self.rest.len()]);
    }

    /// A string between `open` bytes and `end`. Escapes become spaces, and the name in a `{placeholder}`
    /// is code.
    fn string(&mut self, open: usize, end: &str, has_escapes: bool) {
        self.take(open);
        let line = self.line;
        let mut text = String::new();
        while !self.rest.starts_with(end) {
            let mut chars = self.rest.chars();
            let Some(c) = chars.next() else { break };
            let next = chars.next().map_or(0, char::len_utf8);
            match c {
                '\\' if has_escapes => {
                    let escape = self.take(1 + next);
                    text.push(if escape.ends_with('\n') { '\n' } else { ' ' });
                }
                '{' if self.rest.starts_with("{{") => text.push_str(self.take(2)),
                '{' => {
                    text.push_str(self.take(1));
                    let name = self.word();
                    if self.rest[name..].starts_with(['}', ':']) {
                        self.take(name);
                    }
                }
                c => text.push_str(self.take(c.len_utf8())),
            }
        }
        self.take(end.len().min(self.rest.len()));
        self.push(line, &text);
    }

    /// The length of the word that comes next.
    fn word(&self) -> usize {
        let end = self.rest.find(|c| !is_of_word(c));
        end.unwrap_or(self.rest.len())
    }

    /// `r"…"` or `br##"…"##`, and otherwise a word such as `r` or the start of `r#type`.
    fn word_or_raw_string(&mut self) {
        let word = self.take(self.word());
        let hashes = self.rest.len() - self.rest.trim_start_matches('#').len();
        if matches!(word, "r" | "br" | "cr") && self.rest[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            self.string(end.len(), &end, false);
        }
    }

    /// A quote opens a literal if it holds one character or an escape; otherwise, a lifetime.
    fn char_or_lifetime(&mut self) {
        let mut chars = self.rest.chars().skip(1);
        let (first, second) = (chars.next(), chars.next());
        match (first, second) {
            (Some('\\'), Some(escaped)) => {
                self.take(2 + escaped.len_utf8());
                let end = self.rest.find('\'');
                self.take(end.map_or(self.rest.len(), |end| end + 1));
            }
            (Some(c), Some('\'')) => _ = self.take(2 + c.len_utf8()),
            _ => _ = self.take(1),
        }
    }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::{Text, of_rust, of_toml};

    /// Each text as `line: words`.
    fn shown(texts: &[Text]) -> Vec<String> {
        let texts = texts.iter().map(|text| {
            let lines = text.iter().map(|(_, line)| line.trim());
            let line = text.first().map_or(0, |(line, _)| *line);
            format!("{line}: {}", lines.collect::<Vec<_>>().join(" "))
        });
        texts.collect()
    }

    #[track_caller]
    fn finds(source: &str, texts: &[&str]) {
        assert_eq!(shown(&of_rust(source)), texts, "{source}");
    }

    #[test]
    fn comments_are_texts() {
        finds("a; // b \"c\"\nd", &["1: // b \"c\""]);
        finds(
            "//! a\n//! b\n\nuse c;\n  /// d",
            &["1: //! a //! b", "5: /// d"],
        );
        finds("a /* b /* \"c\" */ d\n*/ e", &["1: /* b /* \"c\" */ d */"]);
        finds("a / b", &[]);
        finds("/* a", &["1: /* a"]);
    }

    #[test]
    fn literals_are_texts() {
        finds(r#"a("b // c", d)"#, &["1: b // c"]);
        finds(r#"b"a\"b\\" c"d""#, &[r"1: a b", "1: d"]);
        finds("\"a\\\n  b\"\n\"c\"", &["1: a b", "3: c"]);
        finds(
            "r\"a\\\" r#\"b\"c\"# br##\"d\"#e\"##",
            &["1: a\\", "1: b\"c", "1: d\"#e"],
        );
        finds("#[doc = \"a\"]", &["1: a"]);
        finds("\"a", &["1: a"]);
    }

    #[test]
    fn code_is_no_text() {
        finds("let r#type = str; r # bar", &[]);
        finds(
            "fn a<'b>(c: &'b str) { 'd' '\"' '\\'' b'\"' '\\u{22}' }",
            &[],
        );
        finds("'a: loop { break 'a \"b\" }", &["1: b"]);
        finds(
            r#"("{a} {b:?} {} {{c}} {d e}")"#,
            &["1: {} {:?} {} {{c}} {d e}"],
        );
    }

    #[test]
    fn comments_and_strings_of_toml_are_texts() {
        let source =
            "# a\n# b\nc = \"d # \\\" e\" # f\ng = 'h\\'\ni = \"\"\"\nj\"k\"\"\"\nl = \"\"";
        let expected = [
            "1: # a # b",
            "3: d #   e",
            "3: # f",
            "4: h\\",
            "5:  j\"k",
            "0: ",
        ];
        assert_eq!(shown(&of_toml(source)), expected);
    }
}
