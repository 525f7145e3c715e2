//! The documents: every block of code in them is looked at, every link leads somewhere, and what they
//! quote is there.
//!
//! Blocks of Rust are tests of the crate that includes the document.

mod links;
mod manifests;
mod markdown;
mod quotes;
mod shell;
mod sql;
mod texts;
mod words;

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use self::markdown::{Block, Document};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository, by its path from the root.
fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of the repository with an extension, by their paths from the root: none that are built,
/// and none that are data of tests.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = folder.join(&name);
        if entry.file_type().unwrap().is_dir() {
            if !matches!(&*name, "target" | "fixtures") && !name.starts_with('.') {
                files.extend(self::files(&path, extension));
            }
        } else if path.extension().is_some_and(|it| it == extension) {
            files.push(path);
        }
    }
    files
}

fn documents() -> Vec<Document> {
    let paths = files(Path::new(""), "md");
    let documents = paths.into_iter().map(|path| {
        let text = read(&path);
        Document::parse(path, &text)
    });
    documents.collect()
}

/// `..` resolved by name.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => assert!(normal.pop(), "{}", path.display()),
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

/// The documents whose Rust is compiled: a library includes them for its documentation's tests.
fn compiled() -> Vec<PathBuf> {
    let mut included = Vec::new();
    for path in files(Path::new(""), "rs") {
        let source = read(&path);
        let folder = path.parent().unwrap();
        let places = source.split("include_str!(\"").skip(1);
        let names = places.filter_map(|rest| rest.split_once('"'));
        let documents = names.filter(|(name, _)| name.ends_with(".md"));
        included.extend(documents.map(|(name, _)| normal(&folder.join(name))));
    }
    included
}

#[test]
fn every_block_of_code_is_looked_at() {
    let documents = documents();
    assert!(documents.len() > 10, "{}", documents.len());
    let (compiled, command) = (compiled(), shell::lark_events());
    let mut looked_at = 0;
    for document in &documents {
        for block in &document.blocks {
            let place = format!("{}:{}", document.path.display(), block.line);
            let (language, attributes) = block.tag.split_once(',').unwrap_or((&block.tag, ""));
            match language {
                "rust" => {
                    assert!(compiled.contains(&document.path), "{place}: not compiled");
                    assert!(!attributes.contains("ignore"), "{place}: not compiled");
                }
                "sh" => shell::check(&place, &block.text, command.as_deref()),
                "sql" => sql::check(&place, &block.text),
                "toml" => manifests::check(&place, &block.text),
                "json" => drop(parsed::<serde_json::Value, _>(
                    &place,
                    serde_json::from_str(&block.text),
                )),
                "yaml" => is_laid_out_as_yaml(&place, &block.text),
                "python" => compiles(&place, block, "python3", "py"),
                "js" => compiles(&place, block, "node", "mjs"),
                // What a program prints, and drawings.
                "text" => {}
                other => panic!("{place}: nobody looks at blocks of {other:?}"),
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 40, "{looked_at}");
}

fn parsed<T, E: std::fmt::Display>(place: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{place}: {error}"))
}

/// Has the language's own program read a block, where this machine has it.
fn compiles(place: &str, block: &Block, program: &str, extension: &str) {
    let name = place.replace(['/', ':'], "_");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.{extension}"));
    fs::write(&file, &block.text).unwrap();
    let mut command = Command::new(program);
    match program {
        "node" => command.arg("--check"),
        _ => command.args(["-c", "import ast, sys; ast.parse(open(sys.argv[1]).read())"]),
    };
    match command.arg(&file).stdin(Stdio::null()).output() {
        Ok(output) => assert!(output.status.success(), "{place}: {output:?}"),
        Err(error) => println!("skipped: {place}: {program}: {error}"),
    }
}

/// Block style as in manifests, without a parser for all the rest: what is deeper belongs to a key
/// without a value.
fn is_laid_out_as_yaml(place: &str, text: &str) {
    let mut open = vec![0];
    let mut may_open = false;
    for line in text.lines() {
        let content = line.trim_start_matches(' ');
        let items = content.trim_start_matches("- ");
        let indent = line.len() - content.len();
        if indent > open[open.len() - 1] {
            assert!(may_open, "{place}: {line}");
            open.push(indent);
        }
        open.retain(|&it| it <= indent);
        assert_eq!(open.last(), Some(&indent), "{place}: {line}");
        // The keys beside the first of an item are as deep as that.
        if items.len() < content.len() {
            open.push(line.len() - items.len());
        }
        let (key, value) = items
            .split_once(':')
            .unwrap_or_else(|| panic!("{place}: {line}"));
        let is_key = |text: &str| {
            text.chars()
                .all(|c| c.is_ascii_alphanumeric() || "/.:-_".contains(c))
        };
        assert!(!key.is_empty() && is_key(key), "{place}: {line}");
        assert!(
            value.is_empty() || value.starts_with(' '),
            "{place}: {line}"
        );
        assert!(is_plain_yaml(value.trim_start()), "{place}: {line}");
        may_open = value.is_empty();
    }
    assert!(!may_open, "{place}: a key without a value at the end");
}

/// A value without quotes: no comment, no nested key, and nothing that YAML reads as other than text.
fn is_plain_yaml(text: &str) -> bool {
    !text.starts_with(|c: char| "-?:,[]{}#&*!|>'\"%@`".contains(c))
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
        && !text.contains(char::is_control)
}

#[test]
fn every_link_leads_somewhere() {
    let documents = documents();
    let mut outside = Vec::new();
    for document in &documents {
        outside.extend(links::check(document, &documents));
    }
    // Listed and not asked: a test needs no network.
    outside.sort_unstable();
    outside.dedup();
    println!("links to elsewhere:\n{}", outside.join("\n"));
    assert!(outside.len() > 3);
}

#[test]
fn what_the_guide_quotes_is_there() {
    let guide = documents();
    let guide = guide.iter().filter(|it| it.path.starts_with("docs/guide"));
    let mut quoted = 0;
    for document in guide {
        quoted += quotes::check(document);
    }
    assert!(quoted > 80, "{quoted}");
}

#[test]
fn the_settings_that_serve_prints_are_those_in_the_documents() {
    let Some(program) = shell::lark_events() else {
        return;
    };
    let mut serve = Command::new(program);
    for name in ["APP_ID", "APP_SECRET", "ENCRYPT_KEY", "VERIFICATION_TOKEN"] {
        serve.env_remove(format!("LARK_{name}"));
    }
    let serve = serve
        .args(["serve", "--port", "0", "--for", "1ms"])
        .stdin(Stdio::null());
    let output = String::from_utf8(serve.output().unwrap().stdout).unwrap();
    let settings = output.lines().filter(|line| line.starts_with("LARK_"));
    let settings: Vec<_> = settings.filter(|line| !line.contains("BASE_URL")).collect();
    assert_eq!(settings.len(), 4, "{output}");
    for setting in &settings {
        assert!(
            read("docs/develop-offline.md").contains(setting),
            "{setting}"
        );
    }
    for setting in settings.iter().filter(|setting| setting.contains("_APP_")) {
        assert!(read("docs/guide/README.md").contains(setting), "{setting}");
    }
}

#[test]
fn the_grace_of_the_manifest_is_longer_than_what_it_is_for() {
    let text = read("docs/guide/deploying.md");
    let number = |name: &str| -> u64 {
        let rest = text.split_once(name).unwrap().1;
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap();
        digits.parse().unwrap()
    };
    let (connections, handlers, inbox, cancelling) = (10, 10, 10, 3);
    let needed =
        number("sleep:\n                seconds: ") + connections + handlers + inbox + cancelling;
    assert!(
        number("terminationGracePeriodSeconds: ") >= needed,
        "{needed}"
    );
}

#[test]
fn a_wrong_block_or_link_is_found() {
    let fails =
        |check: &(dyn Fn() + std::panic::RefUnwindSafe)| std::panic::catch_unwind(check).is_err();
    for wrong in [
        "a",
        "a: b\n  c: d",
        "a:",
        "a:\n   b: c\n  d: e",
        "a:\tb",
        "a: {b",
        "a: b: c",
        "a: b #c",
        "a: 'b",
    ] {
        assert!(fails(&|| is_laid_out_as_yaml("here", wrong)), "{wrong}");
    }
    for wrong in [
        "cargo run --example nothing",
        "cargo run -p nothing",
        "cargo xtask codegen import no/such.md",
        "cargo install --path crates/nothing",
        "cargo install nothing",
        "cargo nothing",
        "nothing",
    ] {
        assert!(fails(&|| shell::check("here", wrong, None)), "{wrong}");
    }
    if let Some(command) = shell::lark_events() {
        for wrong in [
            "lark-events nothing",
            "lark-events push x --nothing",
            "lark-events push --to x",
        ] {
            assert!(
                fails(&|| shell::check("here", wrong, Some(&command))),
                "{wrong}"
            );
        }
    }
    for wrong in [
        "x = ",
        "[dependencies]\nlark-events = \"0.1\"",
        "[dependencies]\nlark-events = { version = \"0.1\" }",
        "[dependencies]\nlark-events = { features = [\"nothing\"] }",
        "[dependencies]\nlark-events = { path = \"../lark-events/crates/nothing\" }",
        "[dependencies]\nnothing = \"1\"",
    ] {
        assert!(fails(&|| manifests::check("here", wrong)), "{wrong}");
    }
    for wrong in [
        "[a](nothing.md)",
        "[a](README.md#nothing)",
        "[a](#b)",
        "[a](http://example.com)",
    ] {
        let document = Document::parse("docs/guide/x.md".into(), wrong);
        assert!(
            fails(&|| drop(links::check(&document, &documents()))),
            "{wrong}"
        );
    }
    for wrong in [
        "| `no such line` | x |",
        "| `reason` | x |\n| --- | --- |\n| `signatur` | x |",
        "`NoSuchType`",
        "`lark_events_nothing_total`",
    ] {
        let document = Document::parse("docs/guide/x.md".into(), wrong);
        assert!(fails(&|| _ = quotes::check(&document)), "{wrong}");
    }
}
