//! A row as it lies in the arena, and how it changes.
//!
//! | Offset | Bytes | Row record |
//! |---|---|---|
//! | 0 | 4 | length of the clustering key; the top bit says that the row is *large* |
//! | 4 | 4 | room for the image |
//! | 8 | 4 | length of the image |
//! | 12 | 16 | large rows only: newest delta's offset (8, `NO_DELTA` if none), bytes and number of deltas (4 each) |
//! | 12 or 28 | | clustering key, then the image, then what room is left |
//!
//! Before the record of a partition's first row lies the partition key after its length (4 bytes).
//!
//! A row under 4 KiB is merged when it is written: in place if the result fits, else into a new record with a quarter
//! of slack. A large row (a grown map) is a head and a list of deltas: to copy 100 KiB for each element added would
//! be quadratic. They are merged when the deltas weigh half of the head or are 64.

use model::image;

use super::arena::{Arena, Offset};

/// From this length on a row is large.
const LARGE_BYTES: usize = 4 << 10;
/// The most deltas of a large row.
const DELTAS_MAX: u32 = 64;
const NO_DELTA: u64 = u64::MAX;

const LARGE_BIT: u32 = 1 << 31;
const HEADER_BYTES: usize = 12;
const LARGE_HEADER_BYTES: usize = HEADER_BYTES + 16;
const ROOM_AT: usize = 4;
const LENGTH_AT: usize = 8;
const DELTA_AT: usize = 12;
const DELTA_BYTES_AT: usize = 20;
const DELTA_COUNT_AT: usize = 24;
/// A delta: the next older one's offset, its length, its image.
const DELTA_HEADER_BYTES: usize = 12;

/// Puts a row, with `before` right in front of it and `slack` bytes of room behind. Returns the row's offset.
#[inline]
pub(super) fn put(
    arena: &mut Arena,
    before: &[u8],
    clustering: &[u8],
    image: &[u8],
    slack: usize,
) -> Offset {
    let is_large = image.len() >= LARGE_BYTES;
    let header = if is_large {
        LARGE_HEADER_BYTES
    } else {
        HEADER_BYTES
    };
    let room = image.len() + slack;
    let (start, out) = arena.take(before.len() + header + clustering.len() + room);
    out.extend_from_slice(before);
    let flag = if is_large { LARGE_BIT } else { 0 };
    out.extend_from_slice(&(clustering.len() as u32 | flag).to_le_bytes());
    out.extend_from_slice(&(room as u32).to_le_bytes());
    out.extend_from_slice(&(image.len() as u32).to_le_bytes());
    if is_large {
        out.extend_from_slice(&NO_DELTA.to_le_bytes());
        out.extend_from_slice(&[0; 8]);
    }
    out.extend_from_slice(clustering);
    out.extend_from_slice(image);
    if slack > 0 {
        out.resize(out.len() + slack, 0);
    }
    start.plus(before.len())
}

/// A row's header.
struct Header {
    clustering_at: Offset,
    clustering_len: usize,
    image_len: usize,
    is_large: bool,
}

#[inline]
fn header(arena: &Arena, row: Offset) -> Header {
    let bytes = arena.get(row, HEADER_BYTES);
    let word =
        |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let is_large = word(0) & LARGE_BIT != 0;
    let header = if is_large {
        LARGE_HEADER_BYTES
    } else {
        HEADER_BYTES
    };
    Header {
        clustering_at: row.plus(header),
        clustering_len: (word(0) & !LARGE_BIT) as usize,
        image_len: word(LENGTH_AT) as usize,
        is_large,
    }
}

/// A row's clustering key.
#[inline]
pub(super) fn clustering(arena: &Arena, row: Offset) -> &[u8] {
    let header = header(arena, row);
    arena.get(header.clustering_at, header.clustering_len)
}

/// Bytes of a row's record, deltas included.
pub(super) fn record_bytes(arena: &Arena, row: Offset) -> usize {
    let header = header(arena, row);
    let room = arena.u32(row.plus(ROOM_AT)) as usize;
    if !header.is_large {
        return HEADER_BYTES + header.clustering_len + room;
    }
    let deltas = arena.u32(row.plus(DELTA_BYTES_AT)) as usize;
    let count = arena.u32(row.plus(DELTA_COUNT_AT)) as usize;
    LARGE_HEADER_BYTES + header.clustering_len + room + deltas + count * DELTA_HEADER_BYTES
}

impl Header {
    #[inline]
    fn image_at(&self) -> Offset {
        self.clustering_at.plus(self.clustering_len)
    }
}

/// Appends a row's image to `out`; `scratch` is used for large rows.
#[inline]
pub(super) fn image_into(arena: &Arena, row: Offset, out: &mut Vec<u8>, scratch: &mut Scratch) {
    let header = header(arena, row);
    let head = arena.get(header.image_at(), header.image_len);
    if !header.is_large || arena.u64(row.plus(DELTA_AT)) == NO_DELTA {
        out.extend_from_slice(head);
        return;
    }
    fold(arena, row, head, scratch);
    out.extend_from_slice(&scratch.a);
}

/// Buffers for merging; kept by who merges often.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    a: Vec<u8>,
    b: Vec<u8>,
    before: Vec<u8>,
}

impl Scratch {
    /// Prepares a partition key to be put in front of a row.
    #[inline]
    pub fn prefix(&mut self, key: &[u8]) {
        self.before.clear();
        self.before
            .extend_from_slice(&(key.len() as u32).to_le_bytes());
        self.before.extend_from_slice(key);
    }

    /// What [`Scratch::prefix`] prepared.
    pub fn before(&self) -> &[u8] {
        &self.before
    }
}

/// Merges a large row's deltas among themselves, and then with the head, into `scratch.a`.
fn fold(arena: &Arena, row: Offset, head: &[u8], scratch: &mut Scratch) {
    scratch.a.clear();
    let mut delta = arena.u64(row.plus(DELTA_AT));
    let mut first = true;
    while delta != NO_DELTA {
        let at = Offset::from_bits(delta);
        let length = arena.u32(at.plus(8)) as usize;
        let image = arena.get(at.plus(DELTA_HEADER_BYTES), length);
        if first {
            scratch.a.extend_from_slice(image);
            first = false;
        } else {
            merge_into(scratch, image);
        }
        delta = arena.u64(at);
    }
    merge_into(scratch, head);
}

/// `scratch.a` becomes itself merged with `image`.
fn merge_into(scratch: &mut Scratch, image: &[u8]) {
    scratch.b.clear();
    image::merge(&scratch.a, image, &mut scratch.b);
    std::mem::swap(&mut scratch.a, &mut scratch.b);
}

/// What became of a row that was written again.
pub(super) enum Change {
    /// Its record is where it was.
    Stayed,
    /// Its record is elsewhere now.
    Moved {
        row: Offset,
        /// Bytes of the former record.
        dead: usize,
        /// Bytes of the image.
        image: usize,
    },
}

/// Merges `image` into a row.
pub(super) fn merge(arena: &mut Arena, row: Offset, image: &[u8], scratch: &mut Scratch) -> Change {
    scratch.before.clear();
    merge_with_key(arena, row, image, scratch)
}

/// Merges `image` into a row that has its partition key, prepared in `scratch`, in front.
#[inline]
pub(super) fn merge_with_key(
    arena: &mut Arena,
    row: Offset,
    image: &[u8],
    scratch: &mut Scratch,
) -> Change {
    let header = header(arena, row);
    if header.is_large && !deltas_are_full(arena, row, image.len()) {
        push_delta(arena, row, image);
        return Change::Stayed;
    }
    let head = arena.get(header.image_at(), header.image_len);
    if header.is_large {
        fold(arena, row, head, scratch);
        merge_into(scratch, image);
    } else {
        scratch.a.clear();
        image::merge(head, image, &mut scratch.a);
    }
    let merged = scratch.a.len();
    let room = arena.u32(row.plus(ROOM_AT)) as usize;
    if merged <= room && !header.is_large {
        arena
            .get_mut(header.image_at(), merged)
            .copy_from_slice(&scratch.a);
        arena.set_u32(row.plus(LENGTH_AT), merged as u32);
        return Change::Stayed;
    }
    let dead = scratch.before.len() + record_bytes(arena, row);
    scratch.b.clear();
    scratch
        .b
        .extend_from_slice(arena.get(header.clustering_at, header.clustering_len));
    Change::Moved {
        row: put(arena, &scratch.before, &scratch.b, &scratch.a, merged / 4),
        dead,
        image: merged,
    }
}

fn deltas_are_full(arena: &Arena, row: Offset, more: usize) -> bool {
    let length = arena.u32(row.plus(LENGTH_AT)) as usize;
    let bytes = arena.u32(row.plus(DELTA_BYTES_AT)) as usize;
    arena.u32(row.plus(DELTA_COUNT_AT)) >= DELTAS_MAX || bytes + more > length / 2
}

fn push_delta(arena: &mut Arena, row: Offset, image: &[u8]) {
    let older = arena.u64(row.plus(DELTA_AT));
    let (delta, out) = arena.take(DELTA_HEADER_BYTES + image.len());
    out.extend_from_slice(&older.to_le_bytes());
    out.extend_from_slice(&(image.len() as u32).to_le_bytes());
    out.extend_from_slice(image);
    let bytes = arena.u32(row.plus(DELTA_BYTES_AT)) + image.len() as u32;
    let count = arena.u32(row.plus(DELTA_COUNT_AT)) + 1;
    arena.set_u64(row.plus(DELTA_AT), delta.to_bits());
    arena.set_u32(row.plus(DELTA_BYTES_AT), bytes);
    arena.set_u32(row.plus(DELTA_COUNT_AT), count);
}
