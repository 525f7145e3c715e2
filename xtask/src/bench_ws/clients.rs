//! The clients that are measured: ours, and those of the SDKs in `benches/ws`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::report::Without;
use crate::cargo;
use crate::sdks::{Sdk, Skipped};

/// Where the apps of the SDKs are.
const APPS: &str = "benches/ws";

pub(super) const BARE: &str = "nothing but answers";
pub(super) const OURS: &str = "ours, multi_thread";
pub(super) const OURS_ON_ONE: &str = "ours, current_thread";
pub(super) const PYTHON: &str = "python";
pub(super) const NODE: &str = "node";

/// An app on a client.
pub(super) struct Client {
    pub(super) name: &'static str,
    pub(super) program: PathBuf,
    pub(super) argument: OsString,
    pub(super) environment: Vec<(&'static str, OsString)>,
}

/// Those that can be had here, and why the others cannot.
pub(super) fn all(root: &Path) -> Result<(Vec<Client>, Vec<Without>), String> {
    let [program] = cargo::build(root, "benches", "--bin", ["ws_client"], &[])?;
    let own = [(BARE, "bare"), (OURS, "threads"), (OURS_ON_ONE, "thread")];
    let own = own.map(|(name, argument)| Client {
        name,
        program: program.clone(),
        argument: argument.into(),
        environment: Vec::new(),
    });
    let mut clients = Vec::from(own);
    let mut skipped = Vec::new();
    for (client, sdk) in [(PYTHON, python(root)), (NODE, node(root))] {
        match sdk {
            Ok(client) => clients.push(client),
            Err(Skipped(reason)) => skipped.push(Without { client, reason }),
        }
    }
    Ok((clients, skipped))
}

fn python(root: &Path) -> Result<Client, Skipped> {
    let folder = Sdk::Python.ensure_installed(root, false)?;
    Ok(Client {
        name: PYTHON,
        program: folder.join("bin/python"),
        argument: root.join(APPS).join("long_connection.py").into(),
        environment: Vec::new(),
    })
}

fn node(root: &Path) -> Result<Client, Skipped> {
    let folder = Sdk::Node.ensure_installed(root, false)?;
    Ok(Client {
        name: NODE,
        program: "node".into(),
        argument: root.join(APPS).join("long_connection.mjs").into(),
        environment: vec![("SDK_FOLDER", folder.into())],
    })
}
