//! What time it is.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since the beginning of 1970, UTC; 0 where the clock stands before that.
pub fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
