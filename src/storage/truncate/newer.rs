//! What of a file is newer than a truncation.

use model::{Deletion, Timestamp, image};

use crate::sieve::Rule;

/// Leaves out what was truncated.
pub(super) struct Newer {
    /// Covers its own time.
    truncation: Deletion,
}

impl Newer {
    pub fn new(truncated_at: Timestamp) -> Newer {
        Newer {
            truncation: Deletion {
                timestamp: truncated_at,
                local_seconds: 0,
            },
        }
    }
}

impl Rule for Newer {
    fn keeps(&self, deletion: Deletion) -> bool {
        !self.truncation.covers(deletion.timestamp)
    }

    fn keep(&mut self, image: &[u8], out: &mut Vec<u8>) -> bool {
        image::shadow(image, self.truncation, out)
    }
}
