//! A network that drops all packets between a store and its server, which neither of them notices at once: the sender
//! is not acknowledged until the packets pass again.

use std::env;
use std::process::Command;

use lark_events_test_servers::{NatsSettings, skipped};

use crate::server::start;
use crate::webhook::App;

/// Runs a command as `sh`, in the network namespace of this process.
fn shell(script: &str) {
    let status = Command::new("sh").args(["-c", script]).status();
    assert!(status.unwrap().success(), "{script}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_partition() {
    let within = |script: &str| {
        let mut command = Command::new("unshare");
        let script = format!("ip link set lo up && {script}");
        command.args(["-n", "sh", "-c", &script]);
        command
    };
    let probed = within("nft add table inet probe").output();
    if !probed.is_ok_and(|probed| probed.status.success()) {
        skipped("a partition, which needs root: apt-get install nftables iproute2");
        return;
    }
    let mut again = within("exec \"$0\" \"$@\"");
    again.arg(env::current_exe().unwrap());
    again.args([
        "partition::in_a_namespace",
        "--exact",
        "--ignored",
        "--nocapture",
    ]);
    let output = again.env("NAMESPACE", "own").output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{stdout}\n{text}");
    assert!(stdout.contains("1 passed"), "{stdout}");
}

#[tokio::test]
#[ignore = "the test above runs it in a network namespace"]
async fn in_a_namespace() {
    if env::var_os("NAMESPACE").is_none() {
        return;
    }
    let Some(server) = start("a partition of NATS", &NatsSettings::new()) else {
        return;
    };
    let mut app = App::on(&server).await;
    assert_eq!(app.push("before", 1).await, 200);
    app.all_handled().await;
    let port = server.port();
    shell(&format!(
        "nft 'add table inet cut; add chain inet cut in {{ type filter hook input priority 0; }};
         add rule inet cut in tcp dport {port} drop; add rule inet cut in tcp sport {port} drop'"
    ));
    for _ in 0..2 {
        assert_eq!(app.push("e", 1).await, 500);
    }
    shell("nft delete table inet cut");
    app.redeliver("e", 1).await;
    app.is_healthy_after(&["the store did not answer in time"])
        .await;
    assert_eq!(app.record.ids(), ["before", "e"]);
}
