//! The fact files as they were at the last release, from git.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use lark_events_codegen::AcceptedFields;
use serde_json::Value;

use crate::catalogue::facts;

/// The last release before the commit that is checked out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Release {
    /// Its tag.
    Tag(String),
    None,
    /// There is no repository, or only its newest commits.
    Unknown,
}

pub(super) fn last_release(root: &Path) -> Result<Release, String> {
    // Not a folder in a work tree.
    if !root.join(".git").exists() {
        return Ok(Release::Unknown);
    }
    // The release that is checked out is not the last one before itself.
    let arguments = [
        "tag",
        "--list",
        "v*",
        "--sort=-version:refname",
        "--merged=HEAD",
        "--no-contains=HEAD",
    ];
    let tags = git(root, &arguments)?;
    if let Some(tag) = tags.lines().next() {
        return Ok(Release::Tag(tag.to_owned()));
    }
    let shallow = git(root, &["rev-parse", "--is-shallow-repository"])?;
    Ok(match shallow.trim() {
        "true" => Release::Unknown,
        _ => Release::None,
    })
}

/// The fact files of a commit with the fields of SDKs, by event type.
pub(super) fn fact_files(root: &Path, commit: &str) -> Result<BTreeMap<String, Value>, String> {
    let list = git(
        root,
        &["ls-tree", "-r", "-z", "--name-only", commit, "specs"],
    )?;
    let paths: Vec<_> = list.split('\0').filter(|path| !path.is_empty()).collect();
    let objects: Vec<_> = paths
        .iter()
        .map(|path| format!("{commit}:{path}"))
        .collect();
    let batch = contents(root, &objects)?;
    let mut rest = &*batch;
    let mut texts = BTreeMap::new();
    for (path, object) in paths.iter().zip(&objects) {
        let (content, after) = split(rest).ok_or_else(|| format!("git has no {object}"))?;
        texts.insert(*path, String::from_utf8_lossy(content).into_owned());
        rest = after;
    }
    let wrong = |path: &str, error| format!("{commit}:{path}: {error}");
    let mut accepted = BTreeMap::new();
    for (path, text) in &texts {
        if let Some(folder) = path.strip_suffix("/overlay.toml") {
            let fields = AcceptedFields::parse(text).map_err(|error| wrong(path, error))?;
            accepted.insert(folder, fields);
        }
    }
    let none = AcceptedFields::default();
    let mut files = BTreeMap::new();
    for (path, text) in texts.iter().filter(|(path, _)| path.ends_with(".json")) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let accepted = accepted.get(folder).unwrap_or(&none);
        let facts = facts(accepted, text).map_err(|error| wrong(path, error))?;
        let event_type = facts.pointer("/x-lark/event_type").and_then(Value::as_str);
        let event_type = event_type.ok_or_else(|| wrong(path, "no event type".to_owned()))?;
        files.insert(event_type.to_owned(), facts);
    }
    Ok(files)
}

/// The contents of objects, as `git cat-file --batch` prints them.
fn contents(root: &Path, objects: &[String]) -> Result<Vec<u8>, String> {
    let failed = |error| format!("git cat-file: {error}");
    let mut git = Command::new("git")
        .current_dir(root)
        .args(["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let stdin = git.stdin.take();
    let names = objects.join("\n") + "\n";
    // Git would wait for a reader of its output while this waits for a reader of its input.
    let writer = thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(names.as_bytes())));
    let output = git.wait_with_output().map_err(failed)?;
    let written = writer.join().map_err(|_| "git cat-file: no input")?;
    written.transpose().map_err(failed)?;
    Ok(output.stdout)
}

/// The first object of a batch, and what follows it. Before it is a line that ends with its length.
fn split(batch: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = batch.iter().position(|byte| *byte == b'\n')?;
    let head = std::str::from_utf8(&batch[..end]).ok()?;
    let length = head.rsplit(' ').next()?.parse().ok()?;
    let (content, rest) = batch.get(end + 1..)?.split_at_checked(length)?;
    Some((content, rest.get(1..)?))
}

fn git(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new("git");
    command.current_dir(root).args(arguments);
    let output = command.output().map_err(|error| format!("git: {error}"))?;
    if !output.status.success() {
        let printed = String::from_utf8_lossy(&output.stderr);
        return Err(format!("git {}: {}", arguments[0], printed.trim_end()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
