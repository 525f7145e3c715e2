//! Checks the official SDKs against the simulator. `cargo xtask interop` installs the SDKs and runs
//! this. Each SDK runs in an app of its own (`xtask/interop`). This program drives the platform, compares
//! what both sides saw, and prints a line for each check.
//!
//! ```sh
//! interop APPS [--listen COMMAND] [--python FOLDER] [--node FOLDER]
//! ```

mod app;
mod documents;
mod listen;
mod long_connection;
mod scene;
mod settings;
mod table;
mod webhook;

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tokio::time::timeout;

use self::app::Sdk;
use self::table::Table;

/// For all checks of all SDKs, which usually take less than a minute.
const LIMIT: Duration = Duration::from_secs(5 * 60);

#[tokio::main]
async fn main() -> ExitCode {
    let Some((sdks, listen)) = arguments(env::args_os().skip(1)) else {
        eprintln!("usage: interop APPS [--listen COMMAND] [--python FOLDER] [--node FOLDER]");
        return ExitCode::from(2);
    };
    let mut table = Table::new();
    let all = async {
        for sdk in &sdks {
            long_connection::run(sdk, &mut table).await;
            webhook::run(sdk, &mut table).await;
            if let Some(command) = &listen {
                listen::run(sdk, command, &mut table).await;
            }
        }
    };
    if timeout(LIMIT, all).await.is_err() {
        eprintln!("interop: not done in {LIMIT:?}");
        return ExitCode::FAILURE;
    }
    table.end()
}

/// The SDKs, and the command `lark-events`.
fn arguments(mut arguments: impl Iterator<Item = OsString>) -> Option<(Vec<Sdk>, Option<PathBuf>)> {
    let apps = PathBuf::from(arguments.next()?);
    let (mut sdks, mut listen) = (Vec::new(), None);
    while let Some(flag) = arguments.next() {
        let folder = PathBuf::from(arguments.next()?);
        if flag == "--listen" {
            listen = Some(folder);
            continue;
        }
        sdks.push(match flag.to_str()? {
            "--python" => Sdk::python(&apps, folder),
            "--node" => Sdk::node(&apps, folder),
            _ => return None,
        });
    }
    Some((sdks, listen))
}
