//! Blocks of shell: programs, examples, packages and arguments are there. Most of them are not run, as they
//! build, wait or listen; what they do has tests of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::root;

/// Programs of others. Which arguments they take is theirs to say.
const OTHERS: [&str; 2] = ["curl", "git"];

/// The command `lark-events`, if it was built: `cargo test --workspace` does so before it runs a test.
pub(super) fn lark_events() -> Option<PathBuf> {
    let deps = std::env::current_exe().unwrap();
    let target = deps.ancestors().nth(2).unwrap();
    let program = target.join(format!("lark-events{}", std::env::consts::EXE_SUFFIX));
    if !program.exists() {
        println!("skipped: {} is not built", program.display());
        return None;
    }
    Some(program)
}

pub(super) fn check(place: &str, text: &str, lark_events: Option<&Path>) {
    for line in text.replace("\\\n", " ").lines() {
        let words = words(line);
        let is_setting = |word: &&String| word.contains('=') || *word == "export";
        let words: Vec<_> = words
            .iter()
            .skip_while(is_setting)
            .map(|word| &**word)
            .collect();
        let place = format!("{place}: {line}");
        match words[..] {
            [] => {}
            ["cargo", ref rest @ ..] => cargo(&place, rest),
            ["lark-events", ref rest @ ..] => {
                let Some(program) = lark_events else { continue };
                // Which is parsed to its end, and not run.
                let output = Command::new(program)
                    .args(rest)
                    .arg("--help")
                    .output()
                    .unwrap();
                let error = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{place}: {error}");
            }
            [program, ..] => {
                let is_ours = program.contains('/') && exists(program);
                assert!(is_ours || OTHERS.contains(&program), "{place}: {program}?");
            }
        }
    }
}

fn cargo(place: &str, words: &[&str]) {
    match *words {
        ["run"] | ["test", "--workspace"] => {}
        ["run", "--example", name] => {
            assert!(
                exists(&format!("examples/{name}.rs")),
                "{place}: no such example"
            );
        }
        ["run" | "test", "-p" | "--package", name] => {
            let places = ["", "crates/", "examples/"];
            let is_there = |folder: &str| exists(&format!("{folder}{name}/Cargo.toml"));
            assert!(places.into_iter().any(is_there), "{place}: no such package");
        }
        ["install", "--path", path] => is_program(place, path),
        ["install", name] => is_program(place, &format!("crates/{name}")),
        // Which commands and options there are is tested where they are parsed.
        ["xtask", ref rest @ ..] => {
            for path in rest.iter().filter(|word| word.contains('/')) {
                assert!(exists(path), "{place}: no {path}");
            }
        }
        _ => panic!("{place}: nobody knows what this does"),
    }
}

fn is_program(place: &str, folder: &str) {
    let main = format!("{folder}/src/main.rs");
    assert!(exists(&main), "{place}: no {main}");
}

fn exists(path: &str) -> bool {
    root().join(path).exists()
}

/// The words of a line as a shell has them: quotes, comments, and one variable that stands for a URL.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match c {
            '#' if quote.is_none() && word.is_none() => break,
            ' ' if quote.is_none() => words.extend(word.take()),
            '\'' | '"' if quote.is_none() => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            _ if quote == Some(c) => quote = None,
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    let url = |word: String| word.replace("$URL", "http://127.0.0.1:7777/");
    words.into_iter().map(url).collect()
}
