//! Keys, images and cells as text. Types are not in these files, so values are shown in hexadecimal.

use std::fmt::Write;

use model::cell::{Cell, Kind};
use model::image::{self, Column};
use model::key::RangeTombstoneRef;
use model::{Deletion, Liveness, PartitionKeyRef};

/// Bytes of a value that are shown.
const VALUE_BYTES_SHOWN: usize = 64;

/// Bytes in hexadecimal, cut when there are many.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::from("0x");
    for byte in bytes.iter().take(VALUE_BYTES_SHOWN) {
        let _ = write!(text, "{byte:02x}");
    }
    if bytes.len() > VALUE_BYTES_SHOWN {
        let _ = write!(text, "... ({} bytes)", bytes.len());
    }
    text
}

/// A partition's key with its token.
pub fn key(key: PartitionKeyRef<'_>) -> String {
    format!("{} (token {})", hex(key.bytes), key.token)
}

/// A deletion.
pub fn deletion(deletion: Deletion) -> String {
    format!(
        "deleted at {} ({})",
        deletion.timestamp.0, deletion.local_seconds
    )
}

/// A range tombstone.
pub fn range(tombstone: RangeTombstoneRef<'_>) -> String {
    format!(
        "from {} to {} {}",
        hex(tombstone.start),
        hex(tombstone.end),
        deletion(tombstone.deletion)
    )
}

/// A row image in one line.
pub fn image(bytes: &[u8]) -> String {
    let view = image::View::new(bytes);
    let mut parts = Vec::new();
    parts.extend(view.liveness().map(liveness));
    parts.extend(view.deletion().map(deletion));
    for (id, column) in view.columns() {
        let id = id.0;
        match column {
            Column::Simple(found) => parts.push(format!("{id}={}", cell(&found))),
            Column::Complex(complex) => {
                let mut elements: Vec<String> =
                    complex.deletion().map(deletion).into_iter().collect();
                elements.extend(
                    complex
                        .elements()
                        .map(|(path, found)| format!("{}={}", hex(path), cell(&found))),
                );
                parts.push(format!("{id}={{{}}}", elements.join(", ")));
            }
        }
    }
    parts.join(", ")
}

fn liveness(liveness: Liveness) -> String {
    match liveness.ttl_seconds {
        0 => format!("live at {}", liveness.timestamp.0),
        ttl => format!(
            "live at {} for {ttl} s until {}",
            liveness.timestamp.0, liveness.expiry_seconds
        ),
    }
}

fn cell(cell: &Cell<'_>) -> String {
    let at = cell.timestamp.0;
    match cell.kind {
        Kind::Value(value) => format!("{} at {at}", hex(value)),
        Kind::Expiring {
            ttl_seconds,
            expiry_seconds,
            value,
        } => {
            let value = value.map_or("(expired)".into(), hex);
            format!("{value} at {at} for {ttl_seconds} s until {expiry_seconds}")
        }
        Kind::Tombstone { local_seconds } => format!("deleted at {at} ({local_seconds})"),
    }
}
