//! The limits of this crate, each with its reason. Lengths are in bytes.

use std::time::Duration;

/// The largest event that any transport accepts. The platform documents no maximum; its largest known
/// events are far smaller.
pub const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;

/// The longest string in an envelope: an id, type, time, token, key or challenge, or the name of a
/// header field. An event with a longer string is rejected as malformed. The platform's strings have
/// fewer than a hundred bytes.
///
/// ```
/// use std::time::SystemTime;
/// use lark_events::limits::MAX_ENVELOPE_TEXT_BYTES;
/// use lark_events::{Delivery, Transport};
///
/// let parse = |id_bytes| {
///     let id = "x".repeat(id_bytes);
///     let document = format!(r#"{{"header":{{"event_type":"vc.room.created_v1","event_id":"{id}"}}}}"#);
///     Delivery::parse_unauthenticated(document, Transport::Local, SystemTime::now())
/// };
/// assert!(parse(MAX_ENVELOPE_TEXT_BYTES).is_ok());
/// assert!(parse(MAX_ENVELOPE_TEXT_BYTES + 1).is_err());
/// ```
pub const MAX_ENVELOPE_TEXT_BYTES: usize = 1024;

/// The largest unsigned body that is read when an Encrypt Key is set. An encrypted URL check of the
/// platform takes about 200 bytes; one with the longest challenge and a token of 64 bytes takes 378.
pub const MAX_UNSIGNED_BYTES: usize = 768;

/// The longest challenge of a URL check that is answered, which limits what an answer repeats.
pub const MAX_CHALLENGE: usize = 128;

/// The longest nonce of a signature. The platform's are around twenty characters.
pub const MAX_NONCE: usize = 128;

/// The longest timestamp of a signature: a 64-bit number has at most twenty digits.
pub const MAX_TIMESTAMP: usize = 20;

/// The default maximum age of a signature, 8 hours: see [`freshness`](crate::webhook::WebhookBuilder::freshness).
/// It exceeds the 7.1 hours over which the platform redelivers, because a redelivery may keep the signature of the
/// first attempt; the platform does not document it.
pub const DEFAULT_MAX_AGE: Duration = Duration::from_hours(8);

/// The default maximum time of a signature ahead of the clock, 10 minutes: see
/// [`freshness`](crate::webhook::WebhookBuilder::freshness).
pub const DEFAULT_MAX_AHEAD: Duration = Duration::from_mins(10);

/// The delay of the rejection of an unsigned request that was decrypted, after its last byte: 5 milliseconds. This
/// is far longer than decrypting takes, so the time of the answer reveals nothing about the plaintext.
pub const REFUSAL_DELAY: Duration = Duration::from_millis(5);

/// The maximum number of Encrypt Keys, and of Verification Tokens, at once. Each key costs one more
/// hash over the body of a forged request; two keys are enough to rotate without a gap.
pub const MAX_LIVE_SECRETS: usize = 4;

/// The maximum number of Encrypt Keys of all apps at one URL: a forged request costs one hash over its
/// body for each key.
pub const MAX_KEYS_BY_SIGNATURE: usize = 16;
