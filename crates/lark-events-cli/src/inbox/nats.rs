//! A store on NATS JetStream: its settings, and what its errors say.

use std::path::Path;

use lark_events_inbox::StoreError;
use lark_events_inbox_nats::{NatsStore, NatsStoreBuilder};

use crate::Error;
use crate::webhook::client::tls_config;

/// The streams of a prefix.
pub(super) struct Nats {
    pub(super) builder: NatsStoreBuilder,
}

impl Nats {
    /// The URL appears in no error: it may contain a password.
    pub(super) fn new(
        url: &str,
        prefix: Option<&str>,
        credentials: Option<&Path>,
    ) -> Result<Self, Error> {
        let mut builder = NatsStore::builder(url).tls_config(tls_config()?);
        if let Some(prefix) = prefix {
            builder = builder.prefix(prefix);
        }
        if let Some(credentials) = credentials {
            builder = builder.credentials_file(credentials);
        }
        Ok(Self { builder })
    }

    /// Opens the store, whose streams must exist.
    pub(super) async fn open(&self) -> Result<NatsStore, Error> {
        let opened = self.builder.clone().existing().connect().await;
        opened.map_err(failed)
    }
}

/// The cause of an error of the store.
pub(super) fn failed(error: StoreError) -> Error {
    format!("NATS: {}", cause(&error)).into()
}

/// The cause of an error with what to do about it, if that is not obvious.
pub(super) fn cause(error: &StoreError) -> String {
    let text = super::store::cause(error);
    let advice = if text.contains("Permissions Violation") {
        "give the user the permission"
    } else if text.contains("authorization violation") {
        "check the user and the password or the token in the URL, or pass --credentials"
    } else if text.contains("invalid peer certificate") {
        "set SSL_CERT_FILE to the root certificate of the server"
    } else {
        return text;
    };
    format!("{text}: {advice}")
}
