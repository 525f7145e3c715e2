//! A server and its synchronous standby, which takes its place.

use lark_events_test_servers::{Installation, Postgres};

/// The two servers. Their ports stay the same: a new standby takes the port of the dead primary.
pub(crate) struct Pair {
    primary: Postgres,
    standby: Postgres,
    /// The standbys so far, for their names.
    standbys: usize,
}

impl Pair {
    pub(crate) fn start(installation: &Installation) -> Self {
        let primary = installation.start(&[]);
        let standby = primary.start_standby("standby_0");
        primary.synchronous_standby("standby_0");
        Self {
            primary,
            standby,
            standbys: 1,
        }
    }

    /// The URL with both hosts.
    pub(crate) fn url(&self) -> String {
        let [one, other] = [self.primary.port(), self.standby.port()];
        format!("postgres://postgres@127.0.0.1:{one},127.0.0.1:{other}/postgres")
    }

    pub(crate) fn psql(&self, sql: &str) -> String {
        self.primary.psql(sql)
    }

    /// The standby writes nothing any more, and the primary does not notice.
    pub(crate) fn freeze(&self) {
        self.standby.freeze();
    }

    pub(crate) fn thaw(&self) {
        self.standby.thaw();
    }

    pub(crate) fn kill_primary(&self) {
        self.primary.kill();
    }

    /// Makes the standby of a dead primary the primary.
    pub(crate) fn promote(&self) {
        self.standby.promote();
        // Until it has a standby of its own.
        self.standby.no_synchronous_standby();
    }

    /// Gives a promoted standby a standby of its own, which has everything when this returns.
    pub(crate) fn renew(&mut self) {
        let name = format!("standby_{}", self.standbys);
        self.standbys += 1;
        let next = self.standby.start_standby_at(&name, self.primary.port());
        self.standby.synchronous_standby(&name);
        self.primary = std::mem::replace(&mut self.standby, next);
    }
}
