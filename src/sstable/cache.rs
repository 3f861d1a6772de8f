//! The block cache: decoded blocks of all files of a node, weighed in bytes.
//!
//! A wrapper of `quick_cache`, whose policy (Clock-PRO) keeps what is used again out of the way of a scan that uses
//! everything once; scans over many partitions do not fill it at all. Its hasher is keyed by the environment and its
//! number of shards is fixed, so a simulated run evicts the same blocks each time.
//!
//! Blocks are found by file id and offset, and file ids are never used again, so a file that goes needs no clearing:
//! its blocks are not asked for any more and leave by themselves. [`Cache::forget`] does it at once.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ahash::RandomState;
use base::env::Env;
use quick_cache::sync::{Cache as QuickCache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};

use crate::FileId;
use crate::data;
use crate::filter::Filter;
use crate::index::Index;

/// Shards: a lock each. More than the cores of a usual machine, few enough that each holds many blocks.
const SHARDS: usize = 16;
/// What a cached block costs beside its bytes: key, weight, links, and the allocations' headers.
const ENTRY_BYTES: u64 = 128;
/// The size of a block that the cache's tables are laid out for.
const BLOCK_BYTES_TYPICAL: u64 = 16 * 1024;

/// A decoded block of any kind that is cached.
#[derive(Clone, Debug)]
pub enum Block {
    /// Entries.
    Data(Arc<data::Block>),
    /// Separators.
    Index(Arc<Index>),
    /// A Bloom filter.
    Filter(Arc<Filter>),
}

impl Block {
    /// Bytes of memory.
    pub fn weight(&self) -> u64 {
        let bytes = match self {
            Block::Data(block) => block.weight(),
            Block::Index(index) => index.weight(),
            Block::Filter(filter) => filter.weight(),
        };
        bytes as u64
    }
}

/// The cache; clones share it.
#[derive(Clone)]
pub struct Cache {
    shared: Arc<Shared>,
}

struct Shared {
    blocks: QuickCache<Key, Block, Weigh, Keyed>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// What the cache did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes it may hold.
    pub capacity_bytes: u64,
    /// Bytes it holds.
    pub bytes: u64,
    /// Blocks it holds.
    pub blocks: u64,
    /// Blocks that were asked for and there.
    pub hits: u64,
    /// Blocks that were asked for and not there.
    pub misses: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    id: FileId,
    offset: u64,
}

#[derive(Clone)]
struct Weigh;

impl Weighter<Key, Block> for Weigh {
    fn weight(&self, _: &Key, block: &Block) -> u64 {
        block.weight() + ENTRY_BYTES
    }
}

/// A hasher keyed by the environment.
#[derive(Clone)]
struct Keyed(RandomState);

impl BuildHasher for Keyed {
    type Hasher = <RandomState as BuildHasher>::Hasher;

    fn build_hasher(&self) -> Self::Hasher {
        self.0.build_hasher()
    }
}

impl Cache {
    /// A cache of this many bytes.
    pub fn new(env: &Env, capacity_bytes: u64) -> Cache {
        let [a, b, c, d] = env.hash_keys();
        let options = OptionsBuilder::new()
            .shards(SHARDS)
            .estimated_items_capacity((capacity_bytes / BLOCK_BYTES_TYPICAL).max(1) as usize)
            .weight_capacity(capacity_bytes)
            .build()
            .expect("both capacities are set");
        let hasher = Keyed(RandomState::with_seeds(a, b, c, d));
        Cache {
            shared: Arc::new(Shared {
                blocks: QuickCache::with_options(
                    options,
                    Weigh,
                    hasher,
                    DefaultLifecycle::default(),
                ),
                hits: AtomicU64::new(0),
                misses: AtomicU64::new(0),
            }),
        }
    }

    /// The block at this place, if it is there.
    #[inline]
    pub(crate) fn get(&self, id: FileId, offset: u64) -> Option<Block> {
        let found = self.shared.blocks.get(&Key { id, offset });
        let counter = if found.is_some() {
            &self.shared.hits
        } else {
            &self.shared.misses
        };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// Puts a block in.
    pub(crate) fn insert(&self, id: FileId, offset: u64, block: Block) {
        self.shared.blocks.insert(Key { id, offset }, block);
    }

    /// Drops all blocks of a file, which takes a look at every block.
    pub fn forget(&self, id: FileId) {
        self.shared.blocks.retain(|key, _| key.id != id);
    }

    /// What it did so far.
    pub fn usage(&self) -> Usage {
        Usage {
            capacity_bytes: self.shared.blocks.capacity(),
            bytes: self.shared.blocks.weight(),
            blocks: self.shared.blocks.len() as u64,
            hits: self.shared.hits.load(Ordering::Relaxed),
            misses: self.shared.misses.load(Ordering::Relaxed),
        }
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.usage().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(fill: u8) -> Block {
        let mut plain = vec![7, 0, 0, 0];
        plain.resize(4 + 64 * 128, fill);
        Block::Filter(Arc::new(Filter::decode(plain).expect("a filter")))
    }

    #[test]
    fn it_counts_weighs_and_forgets() {
        let cache = Cache::new(&Env::real(), 1 << 20);
        assert!(cache.get(FileId(1), 40).is_none());
        cache.insert(FileId(1), 40, block(1));
        cache.insert(FileId(2), 40, block(2));
        assert!(cache.get(FileId(1), 40).is_some());
        let usage = cache.usage();
        assert_eq!((usage.hits, usage.misses, usage.blocks), (1, 1, 2));
        assert!(
            (2 * 8192..2 * 8192 + 512).contains(&usage.bytes),
            "{usage:?}"
        );
        cache.forget(FileId(1));
        assert!(cache.get(FileId(1), 40).is_none());
        assert!(cache.get(FileId(2), 40).is_some());
    }

    #[test]
    fn it_stays_within_its_capacity_and_keeps_what_is_used_again() {
        let cache = Cache::new(&Env::real(), 1 << 20);
        let mut kept = 0;
        cache.insert(FileId(1), 0, block(0));
        for offset in 1..2_000 {
            cache.insert(FileId(1), offset, block(1));
            kept += u64::from(cache.get(FileId(1), 0).is_some());
            assert!(cache.usage().bytes <= 1 << 20);
        }
        assert!(kept > 1_900, "{kept}");
    }
}
