//! The rows of one partition in clustering order: a two-level B-tree of (first eight bytes of the key, offset).
//!
//! Most comparisons end at the eight bytes, which lie beside each other; only ties look the key up in the arena.
//! Leaves split at [`LEAF_MAX`]; the upper level is one vector, which at ten million rows still is only a megabyte
//! to move per split. A row is never removed, only its record changes, so there is no merging of leaves.

use std::cmp::Ordering;

use super::arena::{Arena, Offset};
use super::record;

/// Rows of a leaf before it splits.
const LEAF_MAX: usize = 128;

/// The tree.
#[derive(Debug, Default)]
pub(super) struct Rows {
    leaves: Vec<Vec<Entry>>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    prefix: u64,
    row: Offset,
}

/// A row's place; the end is the place behind the last leaf. Good until the next insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    leaf: usize,
    index: usize,
}

fn prefix(key: &[u8]) -> u64 {
    match key.first_chunk::<8>() {
        Some(bytes) => u64::from_be_bytes(*bytes),
        None => {
            let mut bytes = [0; 8];
            bytes[..key.len()].copy_from_slice(key);
            u64::from_be_bytes(bytes)
        }
    }
}

impl Entry {
    #[inline]
    fn compare(&self, arena: &Arena, key_prefix: u64, key: &[u8]) -> Ordering {
        // Keys shorter than eight bytes are padded with zeros, which can only make equal what then is compared whole.
        self.prefix
            .cmp(&key_prefix)
            .then_with(|| record::clustering(arena, self.row).cmp(key))
    }
}

impl Rows {
    /// The place of the first row at or above `key`, and whether it is equal.
    pub fn seek(&self, arena: &Arena, key: &[u8]) -> (Place, bool) {
        let key_prefix = prefix(key);
        // The leaf whose first row is the last one at or below the key.
        let above = self
            .leaves
            .partition_point(|leaf| leaf[0].compare(arena, key_prefix, key) != Ordering::Greater);
        let leaf = above.saturating_sub(1);
        let Some(entries) = self.leaves.get(leaf) else {
            return (Place { leaf: 0, index: 0 }, false);
        };
        match entries.binary_search_by(|entry| entry.compare(arena, key_prefix, key)) {
            Ok(index) => (Place { leaf, index }, true),
            Err(index) if index == entries.len() => (
                Place {
                    leaf: leaf + 1,
                    index: 0,
                },
                false,
            ),
            Err(index) => (Place { leaf, index }, false),
        }
    }

    /// The row at `place`; none at the end.
    #[inline]
    pub fn get(&self, place: Place) -> Option<Offset> {
        Some(self.leaves.get(place.leaf)?.get(place.index)?.row)
    }

    /// Replaces the record of the row at `place`.
    pub fn set(&mut self, place: Place, row: Offset) {
        self.leaves[place.leaf][place.index].row = row;
    }

    /// The place behind `place`.
    #[inline]
    pub fn next(&self, place: Place) -> Place {
        if place.index + 1 < self.leaves[place.leaf].len() {
            return Place {
                leaf: place.leaf,
                index: place.index + 1,
            };
        }
        Place {
            leaf: place.leaf + 1,
            index: 0,
        }
    }

    /// The place before `place`; none at the first row.
    #[inline]
    pub fn previous(&self, place: Place) -> Option<Place> {
        if place.index > 0 {
            return Some(Place {
                leaf: place.leaf,
                index: place.index - 1,
            });
        }
        let leaf = place.leaf.checked_sub(1)?;
        Some(Place {
            leaf,
            index: self.leaves[leaf].len() - 1,
        })
    }

    /// Adds a row that is not there yet, at the place that [`Rows::seek`] gave for its key.
    pub fn insert(&mut self, mut place: Place, key: &[u8], row: Offset) {
        let entry = Entry {
            prefix: prefix(key),
            row,
        };
        if self.leaves.is_empty() {
            self.leaves.push(vec![entry]);
            return;
        }
        // The end of a leaf and the start of the next are one place: prefer the former, so that ascending keys
        // fill leaves.
        if place.index == 0 && place.leaf > 0 {
            place = Place {
                leaf: place.leaf - 1,
                index: self.leaves[place.leaf - 1].len(),
            };
        }
        if self.leaves[place.leaf].len() >= LEAF_MAX {
            place = self.split(place);
        }
        self.leaves[place.leaf].insert(place.index, entry);
    }

    /// Splits a full leaf, at the end if the new row goes there, and says where that place is now.
    fn split(&mut self, place: Place) -> Place {
        let leaf = &mut self.leaves[place.leaf];
        let at = if place.index == leaf.len() {
            leaf.len()
        } else {
            leaf.len() / 2
        };
        let upper = leaf.split_off(at);
        leaf.shrink_to_fit();
        self.leaves.insert(place.leaf + 1, upper);
        if place.index < at {
            return place;
        }
        Place {
            leaf: place.leaf + 1,
            index: place.index - at,
        }
    }

    /// All rows in order, with the power to replace their records.
    pub fn records_mut(&mut self) -> impl Iterator<Item = &mut Offset> {
        self.leaves.iter_mut().flatten().map(|entry| &mut entry.row)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn insert(rows: &mut Rows, arena: &mut Arena, key: &[u8]) -> bool {
        let (place, found) = rows.seek(arena, key);
        if !found {
            let row = record::put(arena, &[], key, b"", 0);
            rows.insert(place, key, row);
        }
        found
    }

    proptest! {
        #[test]
        fn as_a_map(keys in prop::collection::vec(prop::collection::vec(0u8..3, 0..12), 0..400)) {
            let (mut rows, mut arena, mut model) = (Rows::default(), Arena::default(), BTreeMap::new());
            for key in &keys {
                let found = insert(&mut rows, &mut arena, key);
                prop_assert_eq!(found, model.insert(key.clone(), ()).is_some());
            }
            prop_assert_eq!(rows.leaves.iter().map(Vec::len).sum::<usize>(), model.len());
            for key in &keys {
                let mut place = rows.seek(&arena, key).0;
                for (expected, ()) in model.range(key.clone()..).take(5) {
                    let row = rows.get(place).unwrap();
                    prop_assert_eq!(record::clustering(&arena, row), &expected[..]);
                    place = rows.next(place);
                }
                let before = rows.previous(rows.seek(&arena, key).0);
                let before = before.map(|place| record::clustering(&arena, rows.get(place).unwrap()));
                prop_assert_eq!(before, model.range(..key.clone()).next_back().map(|(key, ())| &key[..]));
            }
        }
    }

    #[test]
    fn ascending_rows_fill_leaves() {
        let (mut rows, mut arena) = (Rows::default(), Arena::default());
        for number in 0..10 * LEAF_MAX as u64 {
            assert!(!insert(&mut rows, &mut arena, &number.to_be_bytes()));
        }
        assert_eq!(rows.leaves.len(), 10);
    }
}
