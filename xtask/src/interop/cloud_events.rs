//! Deliveries of all forms as CloudEvents, read by the official CloudEvents SDKs for Python and JavaScript.
//! The second contains the JSON schema of the specification.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{APPS, printed};
use crate::cargo;

/// The file of the events, for the SDKs and for people.
const EVENTS: &str = "target/interop/cloud_events.jsonl";
/// The most differences to print.
const MAX_SHOWN: usize = 5;

/// Writes the events, has the installed SDKs read them, and prints differences.
pub(super) fn compare(
    root: &Path,
    python: Option<&Path>,
    node: Option<&Path>,
) -> Result<(), String> {
    if python.is_none() && node.is_none() {
        println!("skipped: CloudEvents, which need the SDK for Python or JavaScript");
        return Ok(());
    }
    let mut command = cargo::command(root);
    command
        .args(["run", "--quiet", "--package", "lark-events"])
        .args(["--example", "cloud_events"]);
    let events = printed(&mut command, "cloud_events")?;
    let path = root.join(EVENTS);
    fs::write(&path, &events).map_err(|error| format!("{EVENTS}: {error}"))?;
    let count = events.lines().count();
    println!("\n{count} CloudEvents");

    let apps = root.join(APPS);
    let mut equal = count > 0;
    if let Some(python) = python {
        let mut command = Command::new(python.join("bin/python"));
        command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .arg(apps.join("cloud_events.py"))
            .arg(&path);
        equal &= are_read("the SDK for Python", &mut command)?;
    }
    if let Some(node) = node {
        let mut command = Command::new("node");
        command
            .arg(apps.join("cloud_events.mjs"))
            .arg(node)
            .arg(&path);
        equal &= are_read("the SDK for JavaScript, with the JSON schema", &mut command)?;
    }
    if equal {
        Ok(())
    } else {
        Err("CloudEvents are read differently".to_owned())
    }
}

/// Whether an SDK reads all events as they were written. Each line that it prints is a difference.
fn are_read(sdk: &'static str, command: &mut Command) -> Result<bool, String> {
    let differences = printed(command, sdk)?;
    let count = differences.lines().count();
    if count == 0 {
        println!("  equal, and valid: {sdk}");
    } else {
        println!("  {count} differences: {sdk}");
    }
    for difference in differences.lines().take(MAX_SHOWN) {
        println!("    {difference}");
    }
    Ok(count == 0)
}
