//! Several NATS servers that are one JetStream.

use super::{Nats, NatsProgram, NatsSettings, Ports};
use crate::ports::at_free_ports;

/// Running NATS servers of one cluster, which end with this value or with this process.
///
/// Their names are `n1`, `n2` and so on: those that JetStream reports.
#[derive(Debug)]
pub struct NatsCluster {
    nodes: Vec<Nats>,
}

impl NatsCluster {
    /// Starts a cluster, or prints that something is skipped because NATS is not installed.
    ///
    /// # Panics
    ///
    /// If the cluster does not become healthy, or if NATS is not installed and `LARK_EVENTS_ENGINES` is `required`.
    #[must_use]
    #[track_caller]
    pub fn start_or_skip(what: &str, nodes: usize) -> Option<Self> {
        let program = Nats::installed_or_skip(what)?;
        Some(program.start_cluster(nodes, &NatsSettings::new()))
    }

    pub(super) fn new(
        program: &NatsProgram,
        nodes: usize,
        settings: &NatsSettings,
    ) -> Result<Self, String> {
        at_free_ports(|| {
            let ports = Ports::free(nodes)?;
            let routes: Vec<_> = ports.iter().map(|it| it.routes).collect();
            let names = (1..).map(|number| format!("n{number}"));
            let nodes = names
                .zip(ports)
                .map(|(name, ports)| Nats::node(program, &name, ports, &routes, settings));
            let nodes = nodes.collect::<Result<_, _>>()?;
            let cluster = Self { nodes };
            for node in &cluster.nodes {
                node.try_restart()?;
            }
            cluster.try_wait_until_healthy()?;
            Ok(cluster)
        })
    }

    /// Its servers.
    #[must_use]
    pub fn nodes(&self) -> &[Nats] {
        &self.nodes
    }

    /// One of its servers, from 0 on.
    ///
    /// # Panics
    ///
    /// If there are not as many.
    #[must_use]
    #[track_caller]
    pub fn node(&self, index: usize) -> &Nats {
        let node = self.nodes.get(index);
        node.unwrap_or_else(|| panic!("no server {index} in a cluster of {}", self.nodes.len()))
    }

    /// The server of a name, such as that of the leader that JetStream reports for a stream.
    ///
    /// # Panics
    ///
    /// If no server has the name.
    #[must_use]
    #[track_caller]
    pub fn node_by_name(&self, name: &str) -> &Nats {
        let node = self.nodes.iter().find(|it| it.name() == name);
        node.unwrap_or_else(|| panic!("no server {name:?} in a cluster of {}", self.nodes.len()))
    }

    /// The URLs of all servers, separated by commas.
    #[must_use]
    pub fn url(&self) -> String {
        let urls: Vec<_> = self.nodes.iter().map(Nats::url).collect();
        urls.join(",")
    }

    /// Waits until each server that runs and is not frozen is healthy: JetStream has a leader, and the server has all
    /// that the streams and consumers on it contain. A server may take seconds to notice that a leader is gone, and
    /// is healthy until then.
    ///
    /// # Panics
    ///
    /// If a server does not become healthy.
    #[track_caller]
    pub fn wait_until_healthy(&self) {
        if let Err(error) = self.try_wait_until_healthy() {
            panic!("{error}");
        }
    }

    fn try_wait_until_healthy(&self) -> Result<(), String> {
        for node in self.nodes.iter().filter(|it| it.is_running()) {
            node.try_wait_until_healthy()?;
        }
        Ok(())
    }
}
