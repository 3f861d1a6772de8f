//! Reading a file that lies in memory: for `helenus inspect`, which maps it, and for tests.
//!
//! Pure over bytes: no cache, no waiting, no environment. [`File::open`] reads what stands at the ends of a file,
//! [`blocks`] goes through it from block to block without needing any of that, so that a file without a footer can
//! still be looked at, [`entries`](mod@entries) gives what a data block holds, and [`verify`](fn@verify) checks everything.

pub mod entries;
mod verify;

use base::bytes;

use crate::data;
use crate::filter::{Directory, Filter};
use crate::format::{
    self, ENVELOPE_BYTES, Envelope, FOOTER_BYTES, Footer, HEADER_BYTES, Handle, Header, Kind,
};
use crate::index::Index;
use crate::statistics::{Statistics, codec};

pub use verify::{Report, verify};

/// Something in a file that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {what}")]
pub struct Damage {
    /// Where the part of the file begins that is damaged.
    pub offset: u64,
    /// What is wrong with it.
    pub what: String,
}

impl Damage {
    fn at(offset: u64, what: impl std::fmt::Display) -> Damage {
        Damage {
            offset,
            what: what.to_string(),
        }
    }

    fn inside(offset: u64, damage: bytes::Error) -> Damage {
        Damage::at(
            offset,
            format_args!("{} at byte {} of the contents", damage.what, damage.offset),
        )
    }
}

/// What stands at the ends of a file.
#[derive(Debug)]
pub struct File {
    /// The first bytes.
    pub header: Header,
    /// The last bytes.
    pub footer: Footer,
    /// The checksum of these, which the manifest knows too.
    pub footer_crc: u32,
    /// What is known of the whole file.
    pub statistics: Statistics,
}

impl File {
    /// Reads header, footer and statistics of a whole file.
    pub fn open(file: &[u8]) -> Result<File, Damage> {
        let damage = |damage: bytes::Error| Damage::at(damage.offset, damage.what);
        let header = Header::decode(file).map_err(damage)?;
        let footer_at = file
            .len()
            .checked_sub(FOOTER_BYTES)
            .ok_or_else(|| Damage::at(0, "too short for a file"))?;
        let (footer, footer_crc) =
            Footer::decode(&file[footer_at..], file.len() as u64).map_err(damage)?;
        if header.id != footer.id {
            return Err(Damage::at(footer_at as u64, "footer of another file"));
        }
        let handle = footer.statistics;
        let plain = plain_at(file, &header, handle, Kind::Statistics)?;
        let statistics =
            codec::decode(&plain).map_err(|inner| Damage::inside(handle.offset, inner))?;
        Ok(File {
            header,
            footer,
            footer_crc,
            statistics,
        })
    }
}

fn plain_at(file: &[u8], header: &Header, handle: Handle, kind: Kind) -> Result<Vec<u8>, Damage> {
    handle
        .check(file.len() as u64)
        .map_err(|what| Damage::at(handle.offset, what))?;
    let start = handle.offset as usize;
    let opened = format::open(
        header.id,
        handle.offset,
        &file[start..start + handle.len as usize],
    )
    .map_err(|damage| Damage::at(handle.offset, damage.what))?;
    if opened.envelope.kind != kind {
        return Err(Damage::at(handle.offset, "block of another type"));
    }
    opened
        .plain()
        .map_err(|error| Damage::at(handle.offset, error))
}

/// A block of a file.
#[derive(Debug)]
pub struct Block {
    /// Where it lies.
    pub handle: Handle,
    /// Its first bytes.
    pub envelope: Envelope,
    /// What it holds.
    pub contents: Contents,
}

/// What a block holds, decoded.
#[derive(Debug)]
pub enum Contents {
    /// Entries.
    Data(data::Block),
    /// Separators and handles.
    Index(Index),
    /// A Bloom filter.
    Filter(Filter),
    /// Where the filter blocks are.
    FilterDirectory(Directory),
    /// What is known of the whole file.
    Statistics(Box<Statistics>),
}

/// All blocks of a file in order. Damaged ones are given as such; after one that does not say where it ends, the next
/// is searched for.
pub fn blocks<'a>(file: &'a [u8], header: &'a Header) -> Blocks<'a> {
    let end = file.len().saturating_sub(FOOTER_BYTES);
    Blocks {
        file,
        header,
        at: HEADER_BYTES.min(end),
        end,
    }
}

/// See [`blocks`].
#[derive(Debug)]
pub struct Blocks<'a> {
    file: &'a [u8],
    header: &'a Header,
    at: usize,
    end: usize,
}

impl Iterator for Blocks<'_> {
    type Item = Result<Block, Damage>;

    fn next(&mut self) -> Option<Result<Block, Damage>> {
        if self.at >= self.end {
            return None;
        }
        let start = self.at;
        match self.opened_at(start) {
            Ok(opened) => {
                let handle = Handle {
                    offset: start as u64,
                    len: opened.envelope.block_len() as u32,
                };
                self.at += handle.len as usize;
                Some(self.decode(handle, opened))
            }
            Err(what) => {
                self.at = (start + 1..self.end)
                    .find(|at| self.opened_at(*at).is_ok())
                    .unwrap_or(self.end);
                Some(Err(Damage::at(start as u64, what)))
            }
        }
    }
}

impl<'a> Blocks<'a> {
    fn opened_at(&self, at: usize) -> Result<format::Opened<'a>, &'static str> {
        let rest = &self.file[at..self.end];
        let envelope = Envelope::decode(rest, at as u64).map_err(|damage| damage.what)?;
        let len = usize::try_from(envelope.block_len()).unwrap_or(usize::MAX);
        let block = rest.get(..len).ok_or("block beyond the file")?;
        debug_assert!(len > ENVELOPE_BYTES);
        format::open(self.header.id, at as u64, block).map_err(|damage| damage.what)
    }

    fn decode(&self, handle: Handle, opened: format::Opened<'_>) -> Result<Block, Damage> {
        let offset = handle.offset;
        let plain = opened.plain().map_err(|error| Damage::at(offset, error))?;
        let inside = |damage| Damage::inside(offset, damage);
        let len = self.file.len() as u64;
        let contents = match opened.envelope.kind {
            Kind::Data => Contents::Data(data::Block::decode(plain).map_err(inside)?),
            Kind::Index => Contents::Index(Index::decode(&plain, len).map_err(inside)?),
            Kind::Filter => Contents::Filter(Filter::decode(plain).map_err(inside)?),
            Kind::FilterDirectory => {
                Contents::FilterDirectory(Directory::decode(&plain, len).map_err(inside)?)
            }
            Kind::Statistics => {
                Contents::Statistics(Box::new(codec::decode(&plain).map_err(inside)?))
            }
        };
        Ok(Block {
            handle,
            envelope: opened.envelope,
            contents,
        })
    }
}
