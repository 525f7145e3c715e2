//! Cargo, started by a task.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Cargo without the variables that `cargo xtask` has set for this program: build scripts that watch
/// them would run again each time.
pub(crate) fn command(root: &Path) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_MANIFEST_") || text.starts_with("CARGO_PKG_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// What has to be installed for a command of cargo that is not its own; `None` where it is.
pub(crate) fn missing(root: &Path, name: &str) -> Result<Option<String>, String> {
    let asked = command(root).args([name, "--version"]).output();
    let asked = asked.map_err(|error| format!("cargo {name}: {error}"))?;
    let install = || format!("needs `cargo install --locked cargo-{name}`");
    Ok((!asked.status.success()).then(install))
}

/// Runs a command to its end. What it prints says why it failed.
pub(crate) fn succeed(command: &mut Command, what: &str) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what}: {status}")),
        Err(error) => Err(format!("{what}: {error}")),
    }
}

/// Builds programs of a package of ours for release, all of a kind (`--bin`, `--example`), with more
/// `options` of cargo. Returns where they are.
pub(crate) fn build<const N: usize>(
    root: &Path,
    package: &str,
    kind: &str,
    names: [&str; N],
    options: &[&str],
) -> Result<[PathBuf; N], String> {
    let options = [&["--release"], options].concat();
    build_with(root, package, kind, names, &options)
}

/// Builds programs as tests are built, without optimisation.
pub(crate) fn build_for_tests<const N: usize>(
    root: &Path,
    package: &str,
    kind: &str,
    names: [&str; N],
) -> Result<[PathBuf; N], String> {
    build_with(root, package, kind, names, &[])
}

fn build_with<const N: usize>(
    root: &Path,
    package: &str,
    kind: &str,
    names: [&str; N],
    options: &[&str],
) -> Result<[PathBuf; N], String> {
    let output = command(root)
        .args(["build", "--package", package])
        .args(options)
        .args(names.iter().flat_map(|name| [kind, name]))
        .args(["--message-format", "json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo build: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo build: {}", output.status));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let mut programs = Vec::with_capacity(N);
    for name in names {
        let mut lines = messages.lines();
        let program = lines.find_map(|message| executable(message, name));
        programs.push(program.ok_or_else(|| format!("cargo built no {name}"))?);
    }
    programs
        .try_into()
        .map_err(|_| "as many programs as names".to_owned())
}

/// Where a program of this name is, if this message of cargo tells of it.
fn executable(message: &str, name: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let named = message["target"]["name"] == name;
    let executable = message["executable"].as_str().filter(|_| named)?;
    Some(executable.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_says_where_a_program_is() {
        let message = r#"{"target":{"name":"posts"},"executable":"/t/release/posts"}"#;
        assert_eq!(
            executable(message, "posts"),
            Some("/t/release/posts".into())
        );
        assert_eq!(executable(message, "webhook"), None);
        let library = r#"{"target":{"name":"posts"},"executable":null}"#;
        assert_eq!(executable(library, "posts"), None);
        assert_eq!(executable("Compiling", "posts"), None);
    }
}
