//! The official SDKs of the platform and of CloudEvents, installed below `target/` for the commands that run them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{fmt, fs, io};

/// Where the SDKs are installed.
const INSTALLED: &str = "target/interop";
/// Says in the folder of an installation what was installed there.
const INSTALLED_MARK: &str = "installed";

const PYTHON_PACKAGES: [&str; 4] = [
    "lark-oapi==1.7.5",
    "flask==3.1.3",
    "gunicorn==27.0.1",
    "cloudevents==2.2.0",
];
const NODE_PACKAGES: [&str; 2] = ["@larksuiteoapi/node-sdk@1.74.0", "cloudevents@10.0.0"];

/// For making a virtual environment, and for asking a registry: 100 MB at a slow line.
const INSTALL_LIMIT: Duration = Duration::from_secs(5 * 60);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Why an SDK is left out.
#[derive(Debug)]
pub(crate) struct Skipped(pub(crate) String);

/// An official SDK.
#[derive(Clone, Copy)]
pub(crate) enum Sdk {
    Python,
    Node,
}

impl Sdk {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
        }
    }

    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Python => &PYTHON_PACKAGES,
            Self::Node => &NODE_PACKAGES,
        }
    }

    /// Installs it unless it is there, in any case if `fresh`. Returns where: a virtual environment of
    /// Python, or a folder with `node_modules`.
    pub(crate) fn ensure_installed(self, root: &Path, fresh: bool) -> Result<PathBuf, Skipped> {
        let folder = root.join(INSTALLED).join(self.name());
        let program = match self {
            Self::Python => "python3",
            Self::Node => "node",
        };
        finish(Command::new(program).arg("--version"))?;

        let (mark, packages) = (folder.join(INSTALLED_MARK), self.packages().join("\n"));
        if !fresh && fs::read_to_string(&mark).is_ok_and(|there| there == packages) {
            return Ok(folder);
        }
        println!("installing {}", self.packages().join(" and "));
        let emptied = match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        };
        emptied.and_then(|()| fs::create_dir_all(&folder))?;
        match self {
            Self::Python => install_python(&folder)?,
            Self::Node => install_node(&folder)?,
        }
        fs::write(mark, packages)?;
        Ok(folder)
    }
}

fn install_python(folder: &Path) -> Result<(), Skipped> {
    finish(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    let pip: PathBuf = folder.join("bin/pip");
    finish(
        Command::new(pip)
            .args(["install", "--quiet", "--disable-pip-version-check"])
            .args(["--retries", "1", "--timeout", "20"])
            // Nothing of a package runs while it is installed.
            .args(["--only-binary", ":all:"])
            .args(PYTHON_PACKAGES),
    )
}

fn install_node(folder: &Path) -> Result<(), Skipped> {
    finish(
        Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
            .args(["--loglevel", "error", "--fetch-retries", "1", "--prefix"])
            .arg(folder)
            .args(NODE_PACKAGES),
    )
}

/// Runs a command to its end.
fn finish(command: &mut Command) -> Result<(), Skipped> {
    let program = Path::new(command.get_program()).file_name();
    let program = program.unwrap_or_default().to_string_lossy().into_owned();
    let skipped = |reason: &dyn fmt::Display| Skipped(format!("{program}: {reason}"));
    let mut running = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| skipped(&error))?;
    let deadline = Instant::now() + INSTALL_LIMIT;
    loop {
        match running.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(skipped(&status)),
            Ok(None) if Instant::now() < deadline => sleep(POLL_INTERVAL),
            Ok(None) => {
                let _ = running.kill();
                let _ = running.wait();
                return Err(skipped(&"took too long"));
            }
            Err(error) => return Err(skipped(&error)),
        }
    }
}

impl From<io::Error> for Skipped {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_installed_is_skipped_by_name() {
        let Err(Skipped(reason)) = finish(&mut Command::new("no-such-program")) else {
            panic!("it ran");
        };
        assert!(reason.starts_with("no-such-program: "), "{reason}");
    }
}
