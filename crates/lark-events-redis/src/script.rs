//! The steps of a key as scripts. A server runs a script as one step, and its replicas get its effects.
//!
//! A key is one of each script, so that a cluster can run it. Its value is `held:OWNER` or `done:OUTCOME`, and each
//! value has an end. The commands are those of Redis 6.0.

use std::fmt::Write as _;

use sha1::{Digest as _, Sha1};

/// `ARGV`: the value of a claim, and its time in milliseconds. Returns the value that keeps it from the key.
const CLAIM: &str = "\
local value = redis.call('GET', KEYS[1])
if value and value ~= ARGV[1] then return value end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ''";

/// `ARGV`: the value of a key that is done, and its time in milliseconds.
const DONE: &str = "\
local value = redis.call('GET', KEYS[1])
if value and string.sub(value, 1, 5) == 'done:' and redis.call('PTTL', KEYS[1]) > tonumber(ARGV[2]) then
    redis.call('SET', KEYS[1], ARGV[1], 'KEEPTTL')
else
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return ''";

/// `ARGV`: the value of a claim.
const RELEASE: &str = "\
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return ''";

/// A script, and the name that a server gives it.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) code: &'static str,
    pub(crate) sha1: String,
}

impl Script {
    fn new(code: &'static str) -> Self {
        let mut sha1 = String::new();
        for byte in Sha1::digest(code) {
            // Writing to a string does not fail.
            let _ = write!(sha1, "{byte:02x}");
        }
        Self { code, sha1 }
    }
}

/// The scripts of a store.
#[derive(Debug)]
pub(crate) struct Scripts {
    pub(crate) claim: Script,
    pub(crate) done: Script,
    pub(crate) release: Script,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        Self {
            claim: Script::new(CLAIM),
            done: Script::new(DONE),
            release: Script::new(RELEASE),
        }
    }
}
