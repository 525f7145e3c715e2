//! What tests set of a NATS server.

/// The settings of a server, in addition to its addresses, its name and its folder.
#[derive(Clone, Debug)]
pub struct NatsSettings {
    has_jetstream: bool,
    jetstream: Vec<String>,
    lines: Vec<String>,
    user_info: Option<String>,
}

impl Default for NatsSettings {
    fn default() -> Self {
        Self {
            has_jetstream: true,
            jetstream: Vec::new(),
            lines: Vec::new(),
            user_info: None,
        }
    }
}

impl NatsSettings {
    /// JetStream, and no authorization.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds lines to the configuration, such as `max_payload: 64KB`. Paths are relative to the server's folder.
    #[must_use]
    pub fn line(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    /// Adds lines to the block `jetstream`, such as `sync_interval: always` or `max_file_store: 10MB`.
    #[must_use]
    pub fn jetstream(mut self, line: &str) -> Self {
        self.jetstream.push(line.to_owned());
        self
    }

    /// A server without JetStream.
    #[must_use]
    pub fn without_jetstream(mut self) -> Self {
        self.has_jetstream = false;
        self
    }

    /// Clients need this user name and this password, without characters that a URL has to escape. They are in the
    /// URL of the server.
    #[must_use]
    pub fn user(self, name: &str, password: &str) -> Self {
        self.line(&format!(
            "authorization {{ user: \"{name}\", password: \"{password}\" }}"
        ))
        .user_info(&format!("{name}:{password}"))
    }

    /// Clients need this token, without characters that a URL has to escape. It is in the URL of the server.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.line(&format!("authorization {{ token: \"{token}\" }}"))
            .user_info(token)
    }

    /// The URL of the server has this before the host, such as `name:password`, for an authorization that the lines
    /// configure.
    #[must_use]
    pub fn user_info(mut self, text: &str) -> Self {
        self.user_info = Some(text.to_owned());
        self
    }

    pub(super) fn url(&self, port: u16) -> String {
        match &self.user_info {
            Some(text) => format!("nats://{text}@127.0.0.1:{port}"),
            None => format!("nats://127.0.0.1:{port}"),
        }
    }

    /// The lines of the configuration.
    pub(super) fn configuration(&self) -> String {
        let mut text = String::new();
        if self.has_jetstream {
            let lines = self.jetstream.join("\n");
            text = format!("jetstream {{\nstore_dir: store\n{lines}\n}}\n");
        }
        for line in &self.lines {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}
