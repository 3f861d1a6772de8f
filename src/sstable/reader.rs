//! An open file.
//!
//! Opening reads header, footer, statistics, the root of the index and the filter directory; these stay in memory.
//! Everything else is read a block at a time through the cache (see `blocks`).
//!
//! A reader is shared: whoever holds it keeps the file readable, also after its name is gone.

use std::sync::Arc;

use base::env::{Class, Dir, Env, File};
use model::{PartitionKeyRef, TableId};
use types::token::Token;
use uuid::Uuid;

use crate::blocks::{Blocks, Fetched, Load};
use crate::cache::{Block, Cache};
use crate::cursor::{Cursor, Scan};
use crate::filter::Directory;
use crate::format::{self, FOOTER_BYTES, Footer, HEADER_BYTES, Handle, Header, Kind};
use crate::index::Index;
use crate::lookup::Lookup;
use crate::statistics::{Statistics, codec};
use crate::{Error, FileId};

/// What the manifest knows of a file: together they tell it from any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Its length.
    pub len: u64,
    /// The checksum of its footer.
    pub footer_crc: u32,
}

/// An open file.
pub struct Reader {
    pub(crate) blocks: Arc<Blocks>,
    header: Header,
    footer: Footer,
    footer_crc: u32,
    statistics: Arc<Statistics>,
    pub(crate) root: Arc<Index>,
    filters: Directory,
}

/// What a filter says.
pub(crate) enum Answer {
    /// The partition is not in the file.
    No,
    /// It may be.
    Maybe,
    /// The filter must be read first.
    Loading(Arc<Load>),
}

impl Reader {
    /// Opens the file `id` of a directory.
    pub async fn open(
        env: &Env,
        dir: Arc<dyn Dir>,
        id: FileId,
        cache: &Cache,
        expected: Option<Expected>,
    ) -> Result<Arc<Reader>, Error> {
        let (own_env, cache) = (env.clone(), cache.clone());
        env.blocking(Class::General, move || {
            Reader::open_waiting(&own_env, dir.as_ref(), id, &cache, expected)
        })
        .await
    }

    /// Opens the file `id` of a directory, waiting for the disk: for whoever is inside `Env::blocking` already.
    pub fn open_waiting(
        env: &Env,
        dir: &dyn Dir,
        id: FileId,
        cache: &Cache,
        expected: Option<Expected>,
    ) -> Result<Arc<Reader>, Error> {
        let name = format::file_name(id);
        let path = dir.path().join(&name).display().to_string();
        let io = |doing| {
            let path = &path;
            move |error| Error::io(path, doing, &error)
        };
        let file = dir.open(&name).map_err(io("open"))?;
        let len = file.len().map_err(io("measure"))?;
        let (header, footer, footer_crc) = read_ends(file.as_ref(), &path, id, len)?;
        if expected.is_some_and(|expected| expected != (Expected { len, footer_crc })) {
            return Err(Error::corrupt(
                &path,
                0,
                "another file than the one expected",
            ));
        }
        let blocks = Blocks::new(env.clone(), file, path, id, len, cache.clone());
        Reader::read_sections(Arc::new(blocks), header, footer, footer_crc, len)
    }

    fn read_sections(
        blocks: Arc<Blocks>,
        header: Header,
        footer: Footer,
        footer_crc: u32,
        len: u64,
    ) -> Result<Arc<Reader>, Error> {
        let contents = |handle, kind| blocks.read_plain(handle, kind);
        let damage = |offset| {
            let blocks = &blocks;
            move |damage| blocks.damage(offset, damage)
        };
        let statistics = contents(footer.statistics, Kind::Statistics)?;
        let statistics = codec::decode(&statistics).map_err(damage(footer.statistics.offset))?;
        let root = contents(footer.root, Kind::Index)?;
        let root = Index::decode(&root, len).map_err(damage(footer.root.offset))?;
        let filters = match footer.filters {
            None => Directory::default(),
            Some(handle) => {
                let filters = contents(handle, Kind::FilterDirectory)?;
                Directory::decode(&filters, len).map_err(damage(handle.offset))?
            }
        };
        Ok(Arc::new(Reader {
            blocks,
            header,
            footer,
            footer_crc,
            statistics: Arc::new(statistics),
            root: Arc::new(root),
            filters,
        }))
    }

    /// The file's id.
    pub fn id(&self) -> FileId {
        self.header.id
    }

    /// The table that the file belongs to.
    pub fn table(&self) -> TableId {
        TableId(Uuid::from_bytes(self.header.table))
    }

    /// The file with its directory, for messages.
    pub fn path(&self) -> &str {
        self.blocks.path()
    }

    /// Length and checksum, for the manifest.
    pub fn expected(&self) -> Expected {
        Expected {
            len: self.footer.file_len,
            footer_crc: self.footer_crc,
        }
    }

    /// What is known of the whole file.
    pub fn statistics(&self) -> &Arc<Statistics> {
        &self.statistics
    }

    /// Bytes of memory that stay as long as the file is open.
    pub fn resident_bytes(&self) -> usize {
        self.root.weight() + self.filters.weight() + size_of::<Reader>() + size_of::<Statistics>()
    }

    /// A stream of what a scan asks for.
    pub fn cursor(self: &Arc<Self>, scan: Arc<Scan>) -> Cursor {
        Cursor::new(self.clone(), scan)
    }

    /// Looks for one partition, or one row of it.
    pub fn lookup(self: &Arc<Self>, key: PartitionKeyRef<'_>, clustering: &[u8]) -> Lookup {
        Lookup::new(self.clone(), key, clustering)
    }

    /// 1 if the root's entries are data blocks, 2 if they are index blocks.
    pub(crate) fn depth(&self) -> u8 {
        self.footer.depth
    }

    /// The filter block that covers a token.
    pub(crate) fn filter_handle(&self, token: Token) -> Option<Handle> {
        self.filters.find(token)
    }

    /// Whether the file may have a partition of this token.
    pub(crate) fn may_contain(&self, token: Token) -> Result<Answer, Error> {
        if !self.statistics.may_contain_tokens(token, token) {
            return Ok(Answer::No);
        }
        if self.filters.is_empty() {
            return Ok(Answer::Maybe);
        }
        let Some(handle) = self.filters.find(token) else {
            return Ok(Answer::No);
        };
        match self.blocks.fetch(handle, Kind::Filter, true)? {
            Fetched::Loading(load) => Ok(Answer::Loading(load)),
            Fetched::Ready(Block::Filter(filter)) => Ok(match filter.may_contain(token) {
                true => Answer::Maybe,
                false => Answer::No,
            }),
            Fetched::Ready(_) => Err(self.blocks.corrupt(handle.offset, "block of another type")),
        }
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

fn read_ends(
    file: &dyn File,
    path: &str,
    id: FileId,
    len: u64,
) -> Result<(Header, Footer, u32), Error> {
    let Some(footer_at) = len.checked_sub((HEADER_BYTES + FOOTER_BYTES) as u64) else {
        return Err(Error::corrupt(path, 0, "too short for a file"));
    };
    let footer_at = footer_at + HEADER_BYTES as u64;
    let mut bytes = [0; FOOTER_BYTES];
    let read = |bytes: &mut [u8], offset| {
        file.read_exact_at(bytes, offset)
            .map_err(|error| Error::io(path, "read", &error))
    };
    let damage = |damage: base::bytes::Error| Error::corrupt(path, damage.offset, damage.what);
    read(&mut bytes[..HEADER_BYTES], 0)?;
    let header = Header::decode(&bytes[..HEADER_BYTES]).map_err(damage)?;
    read(&mut bytes, footer_at)?;
    let (footer, footer_crc) = Footer::decode(&bytes, len).map_err(damage)?;
    if header.id != id || footer.id != id {
        return Err(Error::corrupt(
            path,
            0,
            format_args!("file {} under another name", header.id),
        ));
    }
    Ok((header, footer, footer_crc))
}
