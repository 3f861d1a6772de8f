//! Checks a whole file: each block by itself, and each block against the others.
//!
//! In one pass from the first block to the last, with memory for one index block's worth of data blocks:
//! - every block's checksum and contents, every row image;
//! - partitions and rows ascend over block borders, and a partition that goes on does so;
//! - each index entry names the next data block, with a separator between that and the one before;
//! - each filter has the tokens before it;
//! - root, filter directory and statistics say what the blocks say.
//!
//! After the first damage the file's parts are no longer compared with each other, only checked by themselves.

use std::collections::{BTreeMap, VecDeque};

use model::PartitionKeyRef;
use types::token::Token;

use super::entries::{self, Entry};
use super::{Block, Contents, Damage, File, blocks};
use crate::data;
use crate::filter::{Directory, Filter};
use crate::format::{Handle, Header, Kind};
use crate::index::Index;
use crate::position::{self, Position};
use crate::statistics::{Collector, Statistics};

/// Problems listed at most: a file of zeros has one per block.
const PROBLEMS_MAX: usize = 100;

/// What a check of a file found.
#[derive(Debug, Default)]
pub struct Report {
    /// Blocks that are intact, by kind.
    pub blocks: BTreeMap<Kind, u64>,
    /// Partitions that begin in intact blocks.
    pub partitions: u64,
    /// Rows in intact blocks.
    pub rows: u64,
    /// What is wrong, in the order of the file; the first hundred.
    pub problems: Vec<Damage>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_intact(&self) -> bool {
        self.problems.is_empty()
    }

    fn problem(&mut self, damage: Damage) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(damage);
        }
    }
}

/// Checks a whole file.
pub fn verify(file: &[u8]) -> Report {
    let mut check = Check::default();
    let header = match Header::decode(file) {
        Ok(header) => header,
        Err(damage) => {
            check.report.problem(Damage::at(damage.offset, damage.what));
            return check.report;
        }
    };
    let ends = File::open(file);
    if let Err(damage) = &ends {
        check.report.problem(damage.clone());
    }
    let ends = ends.ok();
    let root = ends.as_ref().map(|ends| ends.footer.root);
    for block in blocks(file, &header) {
        match block {
            Err(damage) => check.report.problem(damage),
            Ok(block) => check.block(block, root),
        }
    }
    if let Some(ends) = ends {
        check.finish(&ends);
    }
    check.report
}

#[derive(Default)]
struct Check {
    report: Report,
    /// First and last position of data blocks that no index entry named yet.
    bounds: VecDeque<(Handle, Position, Position)>,
    /// The last position before the first of these.
    former_last: Position,
    /// The last position seen.
    last: Position,
    /// Whether the last partition goes on.
    open: bool,
    /// Tokens that no filter was seen for.
    tokens: Vec<Token>,
    /// Index blocks below the root, with their first separators.
    leaves: Vec<(Vec<u8>, Handle)>,
    filters: Directory,
    root: Option<Index>,
    stored_filters: Option<Directory>,
    collector: Collector,
    size: Size,
}

/// Size of the partition that is being gone through.
#[derive(Default)]
struct Size {
    bytes: u64,
    rows: u64,
}

impl Check {
    fn block(&mut self, block: Block, root: Option<Handle>) {
        *self.report.blocks.entry(block.envelope.kind).or_default() += 1;
        let handle = block.handle;
        let checked = match block.contents {
            Contents::Data(data) => self.data(handle, &data, block.envelope.plain_len),
            Contents::Index(index) if Some(handle) == root => {
                self.root = Some(index);
                Ok(())
            }
            Contents::Index(index) => {
                let checked = self.index(&index);
                self.leaves
                    .push((index.separator(0).unwrap_or_default().to_vec(), handle));
                checked
            }
            Contents::Filter(filter) => self.filter(handle, &filter),
            Contents::FilterDirectory(directory) => {
                self.stored_filters = Some(directory);
                Ok(())
            }
            Contents::Statistics(_) => Ok(()),
        };
        if let Err(what) = checked {
            self.report.problem(Damage::at(handle.offset, what));
        }
    }

    fn data(&mut self, handle: Handle, block: &data::Block, plain_len: u32) -> Result<(), String> {
        block.check().map_err(|damage| damage.to_string())?;
        let counts = &mut self.collector.counts;
        counts.data_blocks += 1;
        counts.plain_bytes += u64::from(plain_len);
        counts.stored_bytes += u64::from(handle.len);
        let continued = block
            .first()
            .map_err(|damage| damage.to_string())?
            .is_continued();
        let expected = self.open;
        let mut first = None;
        let mut at = At::default();
        entries::visit(block, |entry| self.entry(&entry, &mut at, &mut first))
            .map_err(|damage| damage.to_string())?;
        let first = first.unwrap_or_default();
        let order = if self.last.is_empty() {
            self.last <= first
        } else {
            self.last < first
        };
        let last = at.position;
        self.last.clone_from(&last);
        self.bounds.push_back((handle, first, last));
        if !self.report.is_intact() {
            return Ok(());
        }
        if continued != expected {
            return Err(
                "a partition goes on that did not begin, or the other way round".to_owned(),
            );
        }
        if !order {
            return Err("entries out of order between blocks".to_owned());
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Entry<'_>, at: &mut At, first: &mut Option<Position>) {
        match *entry {
            Entry::Partition {
                key,
                deletion,
                static_row,
                continued,
            } => {
                at.begin(key);
                if continued {
                    return;
                }
                first.get_or_insert_with(|| at.position.clone());
                self.report.partitions += 1;
                self.tokens.push(key.token);
                self.collector.partition(key, deletion);
                self.size = Size {
                    bytes: (key.bytes.len() + static_row.map_or(0, <[u8]>::len)) as u64,
                    rows: 0,
                };
                static_row
                    .into_iter()
                    .for_each(|image| self.collector.static_row(image));
            }
            Entry::RangeTombstone {
                continued: true, ..
            } => {}
            Entry::RangeTombstone { tombstone, .. } => {
                at.go(tombstone.start);
                first.get_or_insert_with(|| at.position.clone());
                self.size.bytes += (tombstone.start.len() + tombstone.end.len()) as u64;
                self.collector
                    .range_tombstone(tombstone.start, tombstone.end, tombstone.deletion);
            }
            Entry::Row { clustering, image } => {
                at.go(clustering);
                first.get_or_insert_with(|| at.position.clone());
                self.report.rows += 1;
                self.size.rows += 1;
                self.size.bytes += (clustering.len() + image.len()) as u64;
                self.collector.row(clustering, image);
            }
            Entry::PartitionEnd { more } => {
                self.open = more;
                if !more {
                    self.collector
                        .partition_end(self.size.bytes, self.size.rows);
                }
            }
        }
    }

    /// Compares the entries of a leaf with the data blocks before it.
    fn index(&mut self, index: &Index) -> Result<(), String> {
        for entry in 0..index.len() {
            let bounds = self.bounds.pop_front();
            if !self.report.is_intact() {
                continue;
            }
            let Some((handle, first, last)) = bounds else {
                return Err("index entry without a data block".to_owned());
            };
            let separator = index.separator(entry).unwrap_or_default();
            let follows = separator.is_empty() == self.former_last.is_empty()
                && (separator.is_empty() || self.former_last.as_slice() < separator);
            if index.handle(entry) != Some(handle) || !follows || separator > first.as_slice() {
                return Err(format!("index entry {entry} does not fit its data block"));
            }
            self.former_last = last;
        }
        Ok(())
    }

    fn filter(&mut self, handle: Handle, filter: &Filter) -> Result<(), String> {
        let tokens = std::mem::take(&mut self.tokens);
        if let Some(first) = tokens.first() {
            self.filters.add(*first, handle);
        }
        if tokens.iter().all(|token| filter.may_contain(*token)) {
            return Ok(());
        }
        Err("filter does not have a partition that is there".to_owned())
    }

    fn finish(&mut self, ends: &File) {
        if self.report.is_intact()
            && let Err((offset, what)) = self.compare(ends)
        {
            self.report.problem(Damage::at(offset, what));
        }
    }

    fn compare(&mut self, ends: &File) -> Result<(), (u64, String)> {
        let footer = &ends.footer;
        self.compare_root(footer.depth)
            .map_err(|what| (footer.root.offset, what))?;
        let stored = self.stored_filters.take().unwrap_or_default();
        if footer.filters.is_some() && !stored.iter().eq(self.filters.iter()) {
            let offset = footer.filters.unwrap_or_default().offset;
            return Err((offset, "directory of other filters".to_owned()));
        }
        if self.open {
            return Err((
                footer.root.offset,
                "the last partition goes on, but nothing follows".to_owned(),
            ));
        }
        if self.collected(&ends.statistics).as_ref() != Some(&ends.statistics) {
            return Err((
                footer.statistics.offset,
                "statistics of other contents".to_owned(),
            ));
        }
        Ok(())
    }

    fn compare_root(&mut self, depth: u8) -> Result<(), String> {
        let root = self.root.take().ok_or("the footer names no index")?;
        if depth == 1 {
            self.index(&root)?;
        } else {
            let entries = (0..root.len()).map(|at| (root.separator(at), root.handle(at)));
            let leaves = self
                .leaves
                .iter()
                .map(|(first, handle)| (Some(first.as_slice()), Some(*handle)));
            if !entries.eq(leaves) {
                return Err("root of other index blocks".to_owned());
            }
        }
        if !self.bounds.is_empty() {
            return Err("data blocks without an index entry".to_owned());
        }
        Ok(())
    }

    fn collected(&mut self, stored: &Statistics) -> Option<Statistics> {
        let column_type = |id| {
            let column = stored.columns.iter().find(|column| column.id == id);
            column
                .map(|column| column.column_type.clone())
                .unwrap_or_default()
        };
        std::mem::take(&mut self.collector).finish(
            column_type,
            stored.log_positions,
            stored.repaired_micros,
        )
    }
}

/// The position in a data block.
#[derive(Default)]
struct At {
    token: Option<Token>,
    key: Vec<u8>,
    position: Position,
}

impl At {
    fn begin(&mut self, key: PartitionKeyRef<'_>) {
        self.token = Some(key.token);
        self.key.clear();
        self.key.extend_from_slice(key.bytes);
        self.go(&[]);
    }

    fn go(&mut self, clustering: &[u8]) {
        if let Some(token) = self.token {
            position::set(&mut self.position, token, &self.key, clustering);
        }
    }
}
