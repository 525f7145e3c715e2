//! The server of a store, or the nodes of its cluster, each of which has some keys.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::error::{RedisStoreError, RedisStoreErrorKind, Remedy};
use crate::key::slot;
use crate::script::Script;
use crate::session::{Call, Connection, Progress};
use crate::target::Target;

/// How many calls are sent before they are answered; the others wait within their time limit. A call has up to a
/// kilobyte.
const MAX_IN_FLIGHT: usize = 1_024;
/// How many nodes a call may be sent to: one from memory, the first one, the one that it names, and one more while
/// keys move.
const MAX_NODES: usize = 4;

/// The host and the port of a node.
type Address = (String, u16);

/// The nodes, as far as calls were redirected to them.
pub(crate) struct Nodes {
    /// That of the URL.
    first: Connection,
    others: Mutex<Others>,
    in_flight: Semaphore,
}

#[derive(Default)]
struct Others {
    slots: HashMap<u16, Address>,
    connections: HashMap<Address, Connection>,
}

impl Others {
    /// Drops the connection to a node that has no slot.
    fn drop_unused(&mut self, address: &Address) {
        if !self.slots.values().any(|other| other == address) {
            self.connections.remove(address);
        }
    }
}

/// The connection to a node, which is not the first one if it has an address.
struct Node {
    connection: Connection,
    address: Option<Address>,
}

impl Nodes {
    pub(crate) fn new(target: Target) -> Self {
        Self {
            first: Connection::new(target),
            others: Mutex::default(),
            in_flight: Semaphore::new(MAX_IN_FLIGHT),
        }
    }

    /// Runs a script within the time limit.
    pub(crate) async fn run(
        &self,
        script: &Script,
        key: &str,
        arguments: &[&str],
    ) -> Result<String, RedisStoreError> {
        let call = Call {
            script,
            key,
            arguments,
            is_asking: false,
        };
        let slot = slot(key);
        let mut progress = Progress::new();
        let limit = self.first.target().time_limit;
        let answered = timeout(limit, self.run_at_nodes(slot, &mut progress, call)).await;
        answered.unwrap_or_else(|_| {
            // The server, or the way to it, may be gone without a word.
            progress.give_up(None);
            self.forget(slot);
            Err(RedisStoreError::timed_out(progress.lacking, limit))
        })
    }

    async fn run_at_nodes(
        &self,
        slot: u16,
        progress: &mut Progress,
        mut call: Call<'_>,
    ) -> Result<String, RedisStoreError> {
        // The semaphore is never closed.
        let _permit = self.in_flight.acquire().await;
        let mut node = self.node(slot);
        let mut answered = node.connection.run(progress, &call).await;
        for _ in 1..MAX_NODES {
            let Err(error) = &answered else {
                return answered;
            };
            match error.remedy() {
                Remedy::Redirect(redirect) => {
                    let Some(address) = redirect.address(node.connection.target()) else {
                        return answered;
                    };
                    call.is_asking = redirect.is_once;
                    node = self.redirect(slot, address, redirect.is_once);
                }
                // Another node may have its keys by now.
                _ if node.address.is_some() && error.kind() == RedisStoreErrorKind::Unavailable => {
                    self.forget(slot);
                    node = self.node(slot);
                }
                _ => return answered,
            }
            answered = node.connection.run(progress, &call).await;
        }
        answered
    }

    fn others(&self) -> MutexGuard<'_, Others> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The node of a slot, or else the first one, which names it.
    fn node(&self, slot: u16) -> Node {
        let others = self.others();
        let address = others.slots.get(&slot).cloned();
        let connection = address.as_ref().and_then(|it| others.connections.get(it));
        match connection {
            Some(connection) => Node {
                connection: connection.clone(),
                address,
            },
            None => Node {
                connection: self.first.clone(),
                address: None,
            },
        }
    }

    fn redirect(&self, slot: u16, address: Address, is_once: bool) -> Node {
        let mut others = self.others();
        if !is_once && let Some(before) = others.slots.insert(slot, address.clone()) {
            others.drop_unused(&before);
        }
        let connection = others.connections.entry(address.clone());
        let target = self.first.target();
        let connection = connection.or_insert_with(|| Connection::new(target.at(&address)));
        Node {
            connection: connection.clone(),
            address: Some(address),
        }
    }

    /// The first node is asked for this slot again, and no connection to a node that has none is kept.
    fn forget(&self, slot: u16) {
        let mut others = self.others();
        if let Some(address) = others.slots.remove(&slot) {
            others.drop_unused(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::script::Scripts;
    use crate::target::Tls;

    #[tokio::test]
    async fn a_number_of_calls_is_in_flight_and_the_others_wait() {
        // It never answers.
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("redis://{}", server.local_addr().unwrap());
        let limit = Duration::from_mins(2);
        let nodes = Nodes::new(Target::new(&url, Tls::None, limit).unwrap());
        let nodes = Arc::new(nodes);
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..MAX_IN_FLIGHT + 10 {
            let nodes = Arc::clone(&nodes);
            calls.spawn(async move {
                let release = Scripts::new().release;
                nodes.run(&release, "key", &["held:1"]).await
            });
        }
        let all_in_flight = timeout(limit, async {
            while nodes.in_flight.available_permits() > 0 {
                tokio::task::yield_now().await;
            }
        });
        all_in_flight.await.unwrap();
        assert!(calls.try_join_next().is_none());
    }
}
