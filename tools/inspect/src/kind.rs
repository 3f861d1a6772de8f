//! Which kind of file it is, by its first bytes.

use coordinator::clock::format as clock;
use storage::{commitlog, manifest};

use crate::small;

/// The kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A segment of the commit log.
    CommitLog,
    /// The metadata log.
    MetadataLog,
    /// The manifest.
    Manifest,
    /// An SSTable.
    SsTable,
    /// What marks a data directory.
    Mark,
    /// The reservation of timestamps.
    Clock,
}

impl Kind {
    /// The kind of a file that begins with these bytes.
    pub fn of(bytes: &[u8]) -> Option<Kind> {
        let kinds: [(&[u8], Kind); 6] = [
            (&commitlog::format::MAGIC, Kind::CommitLog),
            (metadata::log::format::MAGIC, Kind::MetadataLog),
            (&manifest::format::MAGIC, Kind::Manifest),
            (&sstable::format::MAGIC, Kind::SsTable),
            (small::MARK_TITLE.as_bytes(), Kind::Mark),
            (&clock::MAGIC, Kind::Clock),
        ];
        kinds
            .iter()
            .find(|(magic, _)| bytes.starts_with(magic))
            .map(|(_, kind)| *kind)
    }

    /// The kind that a file's name promises, for one whose first bytes are damaged.
    pub fn of_name(name: &str) -> Option<Kind> {
        if commitlog::format::segment_id(name).is_some() {
            return Some(Kind::CommitLog);
        }
        if sstable::format::parse_file_name(name).is_some() {
            return Some(Kind::SsTable);
        }
        match name {
            metadata::log::FILE_NAME => Some(Kind::MetadataLog),
            "manifest" => Some(Kind::Manifest),
            small::MARK => Some(Kind::Mark),
            clock::FILE_NAME => Some(Kind::Clock),
            _ => None,
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Kind::CommitLog => "commit log segment",
            Kind::MetadataLog => "metadata log",
            Kind::Manifest => "manifest",
            Kind::SsTable => "SSTable",
            Kind::Mark => "mark of a data directory",
            Kind::Clock => "clock's reservation",
        }
    }
}
