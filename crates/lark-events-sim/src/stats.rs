//! What happened so far, in numbers that can be waited on.

/// Counts since the platform was started, and what is open now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlatformStats {
    /// Long connections open now, half-open ones included.
    pub connections: usize,
    /// Long connections that have ended.
    pub disconnects: usize,
    /// Calls for an endpoint, refused ones included.
    pub endpoint_calls: usize,
    /// Upgrades that were accepted.
    pub upgrades: usize,
    /// Upgrades that were refused.
    pub refused_upgrades: usize,
    /// Pings of apps.
    pub pings: usize,
    /// Attempts to deliver that were sent, copies and lost ones included.
    pub attempts: usize,
    /// Acknowledgements and responses that the platform counts as delivered.
    pub accepted: usize,
    /// Answers on long connections, whatever they counted for: [`Platform::acks`](crate::Platform::acks).
    pub acks: usize,
    /// Acknowledgements of a message that had timed out.
    pub late_acks: usize,
    /// What apps did against the protocol: [`Platform::violations`](crate::Platform::violations).
    pub violations: usize,
}
