//! Standbys: servers that follow another one, its primary, and can take its place.

use std::sync::atomic::Ordering;

use super::{Postgres, configure, data, text};
use crate::process::{Running, Server, check, children, signal, wait_until};

impl Postgres {
    /// Starts a standby of this server. Commits wait for it only after
    /// [`synchronous_standby`](Self::synchronous_standby).
    ///
    /// # Panics
    ///
    /// If the standby does not start.
    #[must_use]
    #[track_caller]
    pub fn start_standby(&self, name: &str) -> Self {
        check(self.try_start_standby(name, None))
    }

    /// Starts a standby of this server at the port of a server that has ended, such as its former primary. A URL with
    /// both hosts stays valid.
    ///
    /// # Panics
    ///
    /// If the standby does not start.
    #[must_use]
    #[track_caller]
    pub fn start_standby_at(&self, name: &str, port: u16) -> Self {
        check(self.try_start_standby(name, Some(port)))
    }

    fn try_start_standby(&self, name: &str, at: Option<u16>) -> Result<Self, String> {
        let server = Server::new("standby", "QUIT")?;
        let (data, port) = (data(&server), self.port.to_string());
        let mut arguments = vec!["-h", "127.0.0.1", "-p", &port, "-U", "postgres"];
        arguments.extend([
            "-D",
            text(&data)?,
            "-R",
            "-X",
            "stream",
            "--checkpoint=fast",
            "--no-sync",
        ]);
        server.run(&self.installation.program("pg_basebackup"), &arguments, "")?;
        let primary = format!("host=127.0.0.1 port={port} user=postgres application_name={name}");
        // The primary's own standby is not one of this server.
        let settings = [
            ("primary_conninfo", &*primary),
            ("synchronous_standby_names", ""),
        ];
        configure(&data.join("postgresql.auto.conf"), &settings)?;
        Self::first_start(self.installation.clone(), server, Some(name.to_owned()), at)
    }

    /// Makes each commit wait until the standby has it on disk, and waits until the standby has all earlier ones.
    ///
    /// # Panics
    ///
    /// If the standby does not follow this server.
    #[track_caller]
    pub fn synchronous_standby(&self, name: &str) {
        self.set_synchronous(&format!("\"{name}\""));
        let state = format!(
            "SELECT sync_state FROM pg_stat_replication WHERE application_name = '{name}' AND state = 'streaming'"
        );
        let is_synchronous = wait_until(|| self.psql(&state) == "sync");
        let error = || {
            self.server
                .error(&format!("the standby {name} does not follow the server"))
        };
        assert!(is_synchronous, "{}", error());
        // The standby follows, but what was committed just before may be on its way. This is a commit that waits.
        self.psql("SELECT pg_logical_emit_message(true, 'lark-events', 'synchronous')");
    }

    /// No commit waits for a standby any more. Commits that wait are complete.
    ///
    /// # Panics
    ///
    /// If the server is not reached.
    #[track_caller]
    pub fn no_synchronous_standby(&self) {
        self.set_synchronous("");
    }

    #[track_caller]
    fn set_synchronous(&self, names: &str) {
        let set = "ALTER SYSTEM SET synchronous_standby_names =";
        self.psql(&format!("{set} '{names}'; SELECT pg_reload_conf()"));
        // A new session has the setting of the server's first process, which has then signalled the others.
        let is_set = wait_until(|| self.psql("SHOW synchronous_standby_names") == names);
        assert!(
            is_set,
            "{}",
            self.server
                .error("the server does not read its settings again")
        );
        // The process that writes checkpoints is the one that puts the setting into force. It reads its settings
        // before each checkpoint, but the first one may have begun before the signal.
        self.psql("CHECKPOINT; CHECKPOINT");
    }

    /// Makes this standby a primary, of which no commit waits for a standby. A frozen standby has only what it had
    /// when it was frozen.
    ///
    /// # Panics
    ///
    /// If the server is not a standby.
    #[track_caller]
    pub fn promote(&self) {
        if self.is_frozen.load(Ordering::SeqCst) {
            // The server would wait for its stopped process, and what is on its way would still arrive.
            self.kill();
            let file = data(&self.server).join("postgresql.auto.conf");
            check(configure(&file, &[("primary_conninfo", "")]));
            self.restart();
        }
        // A query that waits for the promotion would delay what is still to be replayed, and might be cancelled.
        self.psql("SELECT pg_promote(false)");
        let is_promoted = wait_until(|| self.psql("SELECT pg_is_in_recovery()") == "f");
        assert!(
            is_promoted,
            "{}",
            self.server.error("the standby is not promoted")
        );
    }

    /// Stops the process of this standby that receives from the primary, until [`thaw`](Self::thaw). The primary
    /// does not notice for a minute (`wal_sender_timeout`), as with a network that drops everything.
    ///
    /// # Panics
    ///
    /// If the server does not follow a primary.
    #[track_caller]
    pub fn freeze(&self) {
        let mut stopped = None;
        let is_frozen = wait_until(|| {
            let receiver = self.receiver();
            if let Some(receiver) = receiver.as_ref().filter(|it| stopped != Some(it.number)) {
                check(signal("STOP", &[receiver.number]));
                stopped = Some(receiver.number);
            }
            receiver.is_some_and(|it| it.is_stopped())
        });
        assert!(
            is_frozen,
            "{}",
            self.server.error("the server does not follow a primary")
        );
        self.is_frozen.store(true, Ordering::SeqCst);
    }

    /// Ends a [`freeze`](Self::freeze).
    ///
    /// # Panics
    ///
    /// If the process cannot be continued.
    #[track_caller]
    pub fn thaw(&self) {
        if !self.thawed() {
            return;
        }
        if let Some(receiver) = self.receiver() {
            check(signal("CONT", &[receiver.number]));
        }
    }

    /// Whether it was frozen until now.
    pub(super) fn thawed(&self) -> bool {
        self.is_frozen.swap(false, Ordering::SeqCst)
    }

    /// The process that receives from the primary.
    #[track_caller]
    fn receiver(&self) -> Option<Running> {
        let mut children = check(children(self.server.number()?));
        let place = children
            .iter()
            .position(|it| it.title.contains("walreceiver"))?;
        Some(children.swap_remove(place))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A stopped process would delay the end by seconds.
        if self.thawed()
            && let Some(number) = self.server.number()
            && let Ok(children) = children(number)
        {
            let numbers: Vec<_> = children.iter().map(|it| it.number).collect();
            let _ = signal("CONT", &numbers);
        }
    }
}
