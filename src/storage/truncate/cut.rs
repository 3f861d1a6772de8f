//! What of a mutation is newer than a truncation, on its way to a memtable.

use model::image;
use model::mutation::{self, Element, Encoder};

use super::truncation;
use crate::memtable::Memtable;

/// Applies a mutation to a memtable, less what was truncated. Returns by how many bytes the memtable grew.
#[inline]
pub(crate) fn apply(
    memtable: &dyn Memtable,
    mutation: &mutation::View<'_>,
    truncated_at: i64,
) -> u64 {
    if truncated_at == i64::MIN
        || !mutation
            .elements()
            .any(|element| is_touched(&element, truncated_at))
    {
        return memtable.apply(mutation);
    }
    let mut kept = Vec::new();
    if !cut(mutation, truncated_at, &mut kept) {
        return 0;
    }
    memtable.apply(&mutation::View::new(&kept))
}

/// Whether anything in an element is as old as the truncation.
fn is_touched(element: &Element<'_>, truncated_at: i64) -> bool {
    let oldest = match element {
        Element::PartitionDeletion(deletion) => deletion.timestamp,
        Element::Static(image) | Element::Row { image, .. } => {
            image::View::new(image).min_timestamp()
        }
        Element::RangeTombstone(tombstone) => tombstone.deletion.timestamp,
    };
    oldest.0 <= truncated_at
}

/// Appends what is left of a mutation. False if nothing is.
fn cut(mutation: &mutation::View<'_>, truncated_at: i64, out: &mut Vec<u8>) -> bool {
    let truncation = truncation(truncated_at);
    let mut encoder = Encoder::new(out, mutation.table(), mutation.key());
    let mut image = Vec::new();
    let mut kept = false;
    for element in mutation.elements() {
        image.clear();
        match element {
            Element::PartitionDeletion(deletion) if !truncation.covers(deletion.timestamp) => {
                encoder.partition_deletion(deletion);
                kept = true;
            }
            Element::RangeTombstone(t) if !truncation.covers(t.deletion.timestamp) => {
                encoder.range_tombstone(t.start, t.end, t.deletion);
                kept = true;
            }
            Element::Static(old) if image::shadow(old, truncation, &mut image) => {
                encoder.static_row(&image);
                kept = true;
            }
            Element::Row {
                clustering,
                image: old,
            } if image::shadow(old, truncation, &mut image) => {
                encoder.row(clustering, &image);
                kept = true;
            }
            _ => {}
        }
    }
    // It was within the limits and has only become smaller.
    encoder.finish().is_ok() && kept
}
