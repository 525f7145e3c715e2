//! `cargo xtask miri`: the unit tests of what has no I/O, under [Miri](https://github.com/rust-lang/miri).
//!
//! Our own crates forbid `unsafe`, so that Miri finds nothing in them. What it watches is below them: the
//! ciphers, the base64, the JSON, the frames and the shared buffers of other crates, given what our tests
//! give them.

use std::path::Path;

use crate::cargo;

/// A package, and its modules whose tests run.
type Suite = (&'static str, &'static [&'static str]);

const SUITES: [Suite; 2] = [
    (
        "lark-events",
        &[
            "crypto",
            "credentials",
            "event::envelope",
            "event::delivery",
            "json::raw_json",
            "json::lenient",
        ],
    ),
    (
        "lark-events-ws",
        &["wire::assemble", "wire::frame", "session"],
    ),
];

/// Tests of thousands of random inputs, which would take Miri hours.
const LEFT_OUT: [&str; 2] = ["properties::", "twins::"];

/// Runs the tests, or says that this toolchain has no Miri.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    if cargo::missing(root, "miri")?.is_some() {
        println!("skipped: miri: this toolchain has no Miri. Install it on a nightly toolchain:");
        println!("rustup toolchain install nightly --component miri && cargo +nightly xtask miri");
        return Ok(());
    }
    for (package, modules) in SUITES {
        let mut command = cargo::command(root);
        command
            .args(["miri", "test", "--lib", "--package", package, "--"])
            .args(modules.iter().map(|module| format!("{module}::")))
            .args(LEFT_OUT.iter().flat_map(|tests| ["--skip", tests]));
        cargo::succeed(&mut command, package)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn each_module_is_there_and_has_tests() {
        for (package, modules) in SUITES {
            let sources = crate::workspace_root()
                .join("crates")
                .join(package)
                .join("src");
            for module in modules {
                let module = module.replace("::", "/");
                let folder = fs::read_dir(sources.join(&module)).into_iter().flatten();
                let within = folder.map(|file| file.unwrap().path());
                let files = within.chain([sources.join(format!("{module}.rs"))]);
                let texts = files.filter_map(|file| fs::read_to_string(file).ok());
                let tested = texts.filter(|text| text.contains("#[test]")).count();
                assert!(tested > 0, "{package}: {module}");
            }
        }
    }
}
