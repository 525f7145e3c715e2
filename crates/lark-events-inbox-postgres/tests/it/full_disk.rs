//! A disk that is full: the sender is not acknowledged until there is room again.

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, id};

use lark_events_test_servers::{Postgres, skipped};

use crate::webhook::App;

/// Becomes another user: the programs of PostgreSQL do not run as root, not even in a namespace.
const AS_USER: &str = "unshare -U --map-user=1000 --map-group=1000";

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    if Postgres::installed_or_skip("a full disk of PostgreSQL").is_none() {
        return;
    }
    let folder = env::temp_dir().join(format!("lark-events-full-disk-{}", id()));
    fs::create_dir(&folder).unwrap();
    let folder = Folder(folder);
    let disk = folder.0.display();
    let mount = format!("mount -t tmpfs -o size=28m,mode=1777 tmpfs '{disk}'");
    // As root, other users exist only outside of a namespace of users.
    let is_root =
        fs::metadata(&folder.0).is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0);
    let (flags, user) = if is_root {
        ("-m", "")
    } else {
        ("-Urm", AS_USER)
    };
    let within = |script: &str| {
        let mut command = Command::new("unshare");
        command.args([flags, "sh", "-c", &format!("{mount} && {script}")]);
        command
    };
    let probed = within(&format!("{user} true")).output();
    if !probed.is_ok_and(|probed| probed.status.success()) {
        skipped("a full disk, which needs unshare and the right to mount");
        return;
    }
    let mut again = within(&format!("exec {user} \"$0\" \"$@\""));
    again.arg(env::current_exe().unwrap());
    again.args([
        "full_disk::on_a_small_disk",
        "--exact",
        "--ignored",
        "--nocapture",
    ]);
    let output = again.env("DISK", &folder.0).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{stdout}\n{text}");
    assert!(stdout.contains("1 passed"), "{stdout}");
}

#[tokio::test]
#[ignore = "the test above runs it on a disk that is soon full"]
async fn on_a_small_disk() {
    let Some(disk) = env::var_os("DISK").map(PathBuf::from) else {
        return;
    };
    let Some(server) = Postgres::start_or_skip("a full disk of PostgreSQL") else {
        return;
    };
    // The log of the server is on another disk: without room for it the server ends.
    let space = disk.join("space");
    let space = space.display();
    server.psql(&format!(
        "COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; mkdir -m 700 {space}';
         CREATE TABLESPACE small LOCATION '{space}';
         CREATE DATABASE small TABLESPACE small;"
    ));
    let mut app = App::on(server.url_of("small", "postgres")).await;
    let ballast = disk.join("ballast");
    let mut file = fs::File::create(&ballast).unwrap();
    while file.write_all(&[0; 1 << 16]).is_ok() {}
    // A few events' worth.
    let length = file.metadata().unwrap().len();
    file.set_len(length.saturating_sub(1 << 20)).unwrap();
    drop(file);
    let bytes = 60_000;
    let mut number = 0;
    while app.push(&number.to_string(), bytes).await == 200 {
        number += 1;
        assert!(number < 400, "the disk is never full");
    }
    assert!(number > 3);
    for _ in 0..3 {
        assert_eq!(app.push(&number.to_string(), bytes).await, 500);
    }
    fs::remove_file(ballast).unwrap();
    for id in number..number + 3 {
        app.redeliver(&id.to_string(), bytes).await;
    }
    app.is_healthy_after(&[
        "the store is full",
        "No space left on device (SQLSTATE 53100)",
    ])
    .await;
}
