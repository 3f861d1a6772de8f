//! The half of a writer that turns what has gathered into blocks of the file.

use base::compress::Codec;

use super::{APPEND_BYTES, Writer};
use crate::Error;
use crate::format::{self, Footer, Handle, Kind};
use crate::position;
use crate::statistics::{Statistics, codec};

impl Writer {
    /// Seals the data block in the making, and index and filter blocks that are full with it.
    pub(super) fn seal_block(&mut self) -> Result<Handle, Error> {
        let mut plain = std::mem::take(&mut self.plain);
        self.block.take(&mut plain);
        let sealed = self.seal(Kind::Data, self.options.codec, &plain);
        let plain_len = plain.len() as u64;
        self.plain = plain;
        let handle = sealed?;
        let counts = &mut self.collector.counts;
        counts.data_blocks += 1;
        counts.plain_bytes += plain_len;
        counts.stored_bytes += u64::from(handle.len);
        let separator: &[u8] = match counts.data_blocks {
            1 => &[],
            _ => position::separator(&self.former_last, &self.first),
        };
        self.leaf.add(separator, handle);
        std::mem::swap(&mut self.former_last, &mut self.last);
        if self.leaf.len() >= self.options.index_bytes {
            self.seal_leaf()?;
        }
        if self.filter.is_full() {
            self.seal_filter()?;
        }
        self.append(APPEND_BYTES)?;
        Ok(handle)
    }

    fn seal_leaf(&mut self) -> Result<(), Error> {
        let leaf = std::mem::take(&mut self.leaf);
        let handle = self.seal(Kind::Index, Codec::None, leaf.plain())?;
        self.root.add(leaf.first(), handle);
        self.leaf = leaf;
        self.leaf.clear();
        Ok(())
    }

    fn seal_filter(&mut self) -> Result<(), Error> {
        let mut plain = Vec::new();
        if let Some(first) = self.filter.take(&mut plain) {
            let handle = self.seal(Kind::Filter, Codec::None, &plain)?;
            self.filters.add(first, handle);
        }
        Ok(())
    }

    fn seal(&mut self, kind: Kind, codec: Codec, plain: &[u8]) -> Result<Handle, Error> {
        let offset = self.len();
        format::seal(self.id, offset, kind, codec, plain, &mut self.pending)
            .ok_or_else(|| Error::Invalid(format!("{}: block of {} bytes", self.path, plain.len())))
    }

    /// Appends what is pending if it is at least this much.
    pub(super) fn append(&mut self, at_least: usize) -> Result<(), Error> {
        if self.pending.len() < at_least {
            return Ok(());
        }
        self.file
            .append(&self.pending)
            .map_err(|error| Error::io(&self.path, "write", &error))?;
        self.appended += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    pub(super) fn seal_sections(&mut self, statistics: &Statistics) -> Result<Footer, Error> {
        self.seal_filter()?;
        let (root, depth) = self.seal_root()?;
        let mut plain = Vec::new();
        let filters = if self.filters.is_empty() {
            None
        } else {
            self.filters.encode(&mut plain);
            Some(self.seal(Kind::FilterDirectory, Codec::None, &plain)?)
        };
        plain.clear();
        codec::encode(statistics, &mut plain);
        let statistics = self.seal(Kind::Statistics, Codec::None, &plain)?;
        Ok(Footer {
            statistics,
            root,
            filters,
            depth,
            file_len: self.len() + format::FOOTER_BYTES as u64,
            id: self.id,
        })
    }

    /// A file with few data blocks has one index block, which is the root.
    fn seal_root(&mut self) -> Result<(Handle, u8), Error> {
        if self.root.is_empty() {
            let leaf = std::mem::take(&mut self.leaf);
            return Ok((self.seal(Kind::Index, Codec::None, leaf.plain())?, 1));
        }
        if !self.leaf.is_empty() {
            self.seal_leaf()?;
        }
        let root = std::mem::take(&mut self.root);
        Ok((self.seal(Kind::Index, Codec::None, root.plain())?, 2))
    }

    pub(super) fn publish(&self) -> Result<(), Error> {
        let failed = |doing| move |error| Error::io(&self.path, doing, &error);
        self.file.sync_data().map_err(failed("sync"))?;
        let (from, to) = (format::temporary_name(self.id), format::file_name(self.id));
        self.dir.rename(&from, &to).map_err(failed("rename"))?;
        self.dir.sync_dir().map_err(failed("sync the directory"))
    }
}
