//! A bump arena: memory that is taken piece by piece and given back whole.
//!
//! Chunks begin at 1 KiB and double up to 256 KiB, so a table with a few rows costs little and a large one few
//! allocations; a piece larger than that gets a chunk of its own. A piece is known by an [`Offset`], so nothing points
//! into an arena and it can live under a lock.

/// The first chunk.
const CHUNK_BYTES_MIN: usize = 1 << 10;
/// Chunks double up to this.
const CHUNK_BYTES_MAX: usize = 256 << 10;

/// Where a piece begins: the chunk's number in the upper, the byte in the lower 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offset(u64);

impl Offset {
    fn new(chunk: usize, byte: usize) -> Offset {
        Offset((chunk as u64) << 32 | byte as u64)
    }

    /// The offset `bytes` further on, in the same piece or one right behind it.
    pub fn plus(self, bytes: usize) -> Offset {
        Offset(self.0 + bytes as u64)
    }

    /// The offset `bytes` before, in the same piece.
    pub fn minus(self, bytes: usize) -> Offset {
        Offset(self.0 - bytes as u64)
    }

    /// As a number, to be kept in a record.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// The reverse of [`Offset::to_bits`].
    pub fn from_bits(bits: u64) -> Offset {
        Offset(bits)
    }

    fn chunk(self) -> usize {
        (self.0 >> 32) as usize
    }

    fn byte(self) -> usize {
        self.0 as u32 as usize
    }
}

/// The chunks.
#[derive(Debug, Default)]
pub(super) struct Arena {
    chunks: Vec<Vec<u8>>,
    allocated: usize,
    used: usize,
}

impl Arena {
    /// Takes `len` bytes: the caller appends exactly that many to the chunk returned.
    #[inline]
    pub fn take(&mut self, len: usize) -> (Offset, &mut Vec<u8>) {
        let room = self
            .chunks
            .last()
            .map_or(0, |chunk| chunk.capacity() - chunk.len());
        if room < len || self.chunks.is_empty() {
            self.grow(len);
        }
        self.used += len;
        let number = self.chunks.len() - 1;
        let chunk = &mut self.chunks[number];
        (Offset::new(number, chunk.len()), chunk)
    }

    #[cold]
    fn grow(&mut self, len: usize) {
        let last = self.chunks.last().map_or(0, Vec::capacity);
        let size = (2 * last).clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX).max(len);
        let chunk = Vec::with_capacity(size);
        self.allocated += chunk.capacity();
        self.chunks.push(chunk);
    }

    /// The `len` bytes at `offset`.
    #[inline]
    pub fn get(&self, offset: Offset, len: usize) -> &[u8] {
        &self.chunks[offset.chunk()][offset.byte()..offset.byte() + len]
    }

    /// The `len` bytes at `offset`, to be changed.
    #[inline]
    pub fn get_mut(&mut self, offset: Offset, len: usize) -> &mut [u8] {
        &mut self.chunks[offset.chunk()][offset.byte()..offset.byte() + len]
    }

    /// The little-endian number at `offset`.
    #[inline]
    pub fn u32(&self, offset: Offset) -> u32 {
        let bytes = self.get(offset, 4);
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }

    /// Sets the number at `offset`.
    #[inline]
    pub fn set_u32(&mut self, offset: Offset, value: u32) {
        self.get_mut(offset, 4)
            .copy_from_slice(&value.to_le_bytes());
    }

    /// The little-endian number at `offset`.
    #[inline]
    pub fn u64(&self, offset: Offset) -> u64 {
        let (low, high) = (self.u32(offset), self.u32(offset.plus(4)));
        u64::from(high) << 32 | u64::from(low)
    }

    /// Sets the number at `offset`.
    pub fn set_u64(&mut self, offset: Offset, value: u64) {
        self.get_mut(offset, 8)
            .copy_from_slice(&value.to_le_bytes());
    }

    /// Bytes of all chunks.
    pub fn allocated(&self) -> usize {
        self.allocated
    }

    /// Bytes taken.
    pub fn used(&self) -> usize {
        self.used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_keep_their_bytes() {
        let mut arena = Arena::default();
        let mut pieces = Vec::new();
        for length in [0, 1, 10, 1000, 1020, 300_000, 7, 262_144, 3] {
            let (offset, chunk) = arena.take(length);
            chunk.extend(std::iter::repeat_n(length as u8, length));
            pieces.push((offset, length));
        }
        for (offset, length) in &pieces {
            assert!(
                arena
                    .get(*offset, *length)
                    .iter()
                    .all(|byte| *byte == *length as u8)
            );
        }
        assert_eq!(
            arena.used(),
            pieces.iter().map(|piece| piece.1).sum::<usize>()
        );
        assert!(arena.allocated() >= arena.used());
    }

    #[test]
    fn chunks_double() {
        let mut arena = Arena::default();
        for _ in 0..10_000 {
            arena.take(100).1.extend([0; 100]);
        }
        assert_eq!(arena.chunks[0].capacity(), 1 << 10);
        assert_eq!(arena.chunks[1].capacity(), 2 << 10);
        assert_eq!(arena.chunks.last().map(Vec::capacity), Some(256 << 10));
    }

    #[test]
    fn numbers_are_kept() {
        let mut arena = Arena::default();
        let (offset, chunk) = arena.take(12);
        chunk.extend([0; 12]);
        arena.set_u64(offset, 0x0123_4567_89ab_cdef);
        arena.set_u32(offset.plus(8), 77);
        assert_eq!(arena.u64(offset), 0x0123_4567_89ab_cdef);
        assert_eq!(arena.u32(offset.plus(8)), 77);
        assert_eq!(Offset::from_bits(offset.to_bits()), offset);
    }
}
