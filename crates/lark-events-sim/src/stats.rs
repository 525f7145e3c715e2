//! Counts of the platform, which tests can wait on.

/// Counts since the platform was started, and the number of open connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlatformStats {
    /// Open long connections, including half-open ones.
    pub connections: usize,
    /// Long connections that have ended.
    pub disconnects: usize,
    /// Calls for an endpoint, including rejected ones.
    pub endpoint_calls: usize,
    /// Accepted upgrades.
    pub upgrades: usize,
    /// Rejected upgrades.
    pub refused_upgrades: usize,
    /// Pings of apps.
    pub pings: usize,
    /// Attempts that were sent, including copies and lost ones.
    pub attempts: usize,
    /// Acknowledgements and responses that the platform counts as delivered.
    pub accepted: usize,
    /// All answers on long connections: [`Platform::acks`](crate::Platform::acks).
    pub acks: usize,
    /// Acknowledgements of a message that had timed out.
    pub late_acks: usize,
    /// Calls of the API, including those for tokens: [`Platform::api_calls`](crate::Platform::api_calls).
    pub api_calls: usize,
    /// Violations of the protocol: [`Platform::violations`](crate::Platform::violations).
    pub violations: usize,
    /// Faults that have happened, to attempts, new connections and calls.
    pub faults: usize,
}
