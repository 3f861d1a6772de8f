//! An SSTable: what is known of it, its blocks, partitions and rows.

use std::io;

use model::TableId;
use sstable::Statistics;
use sstable::format::Header;
use sstable::inspect::entries::{self, Entry};
use sstable::inspect::{Contents, File, blocks, verify};
use types::Token;
use uuid::Uuid;

use crate::report::Report;
use crate::show::{self, Show};
use crate::tables::Tables;

/// Reports on an SSTable.
pub fn inspect(bytes: &[u8], tables: &Tables, report: &mut Report<'_>) -> io::Result<()> {
    for damage in verify(bytes).problems {
        report.damage(damage.offset, damage.what);
    }
    let Ok(header) = Header::decode(bytes) else {
        return Ok(());
    };
    for gap in gaps(bytes, &header) {
        report.damage(gap.offset, gap.what());
    }
    let id = TableId(Uuid::from_bytes(header.table));
    let table = tables.get(id);
    report.line(format_args!(
        "SSTable {} of {}, {} bytes",
        header.id,
        show::table(id, table),
        bytes.len()
    ))?;
    if let Ok(file) = File::open(bytes) {
        statistics(&file.statistics, report)?;
    }
    if !report.dump {
        return Ok(());
    }
    let show = Show::new(table);
    for block in blocks(bytes, &header).flatten() {
        let handle = block.handle;
        report.line(format_args!(
            "{}: {:?} block, {} bytes as stored, {:?}",
            handle.offset, block.envelope.kind, handle.len, block.envelope.codec
        ))?;
        if let Contents::Data(data) = &block.contents {
            let mut lines = Vec::new();
            // What does not decode is in the list of damages already.
            let _ = entries::visit(data, |entry| lines.push(line(&show, entry)));
            for line in lines {
                report.line(line)?;
            }
        }
    }
    Ok(())
}

/// Blocks that cannot be read, between data blocks that can.
#[derive(Default)]
struct Gap {
    offset: u64,
    after: Option<Token>,
    before: Option<Token>,
}

impl Gap {
    fn what(&self) -> String {
        let place = |token: Option<Token>, none: &str| match token {
            Some(token) => format!("token {token}"),
            None => none.to_owned(),
        };
        format!(
            "what the file had from {} to {} may be lost",
            place(self.after, "its first token"),
            place(self.before, "its last")
        )
    }
}

/// Where data may be missing: between which tokens.
fn gaps(bytes: &[u8], header: &Header) -> Vec<Gap> {
    let (mut gaps, mut open, mut last) = (Vec::new(), None::<Gap>, None);
    for block in blocks(bytes, header) {
        match block {
            Err(damage) => {
                open.get_or_insert(Gap {
                    offset: damage.offset,
                    after: last,
                    before: None,
                });
            }
            Ok(block) => {
                let Contents::Data(data) = &block.contents else {
                    continue;
                };
                let mut tokens = Vec::new();
                let _ = entries::visit(data, |entry| {
                    if let Entry::Partition { key, .. } = entry {
                        tokens.push(key.token);
                    }
                });
                if let Some(gap) = open.take() {
                    let before = tokens.first().copied();
                    gaps.push(Gap { before, ..gap });
                }
                last = tokens.last().copied().or(last);
            }
        }
    }
    gaps.extend(open);
    gaps
}

fn statistics(statistics: &Statistics, report: &mut Report<'_>) -> io::Result<()> {
    let counts = statistics.counts;
    report.line(format_args!(
        "  {} partitions, {} rows, {} cells, {} tombstones in {} data blocks; {} bytes stored for {}",
        counts.partitions, counts.rows, counts.cells, counts.tombstones, counts.data_blocks, counts.stored_bytes, counts.plain_bytes
    ))?;
    let (from, to) = statistics.timestamps;
    report.line(format_args!("  timestamps {} to {}", from.0, to.0))?;
    report.line(format_args!(
        "  tokens {} to {}",
        statistics.first.token, statistics.last.token
    ))?;
    let columns: Vec<String> = statistics
        .columns
        .iter()
        .map(|column| column.id.0.to_string())
        .collect();
    report.line(format_args!("  columns {}", columns.join(", ")))
}

fn line(show: &Show<'_>, entry: Entry<'_>) -> String {
    match entry {
        Entry::Partition {
            key,
            deletion,
            static_row,
            continued,
        } => {
            let continued = if continued { " (continued)" } else { "" };
            let deletion = deletion
                .map(|deletion| format!(", {}", show::deletion(deletion)))
                .unwrap_or_default();
            let static_row = static_row
                .map(|image| format!(", static {}", show.image(image)))
                .unwrap_or_default();
            format!(
                "  partition {}{continued}{deletion}{static_row}",
                show.key(key)
            )
        }
        Entry::RangeTombstone { tombstone, .. } => format!("    rows {}", show.range(tombstone)),
        Entry::Row { clustering, image } => {
            format!(
                "    row {}: {}",
                show.row_key(clustering),
                show.image(image)
            )
        }
        Entry::PartitionEnd { more: true } => "    (goes on in the next block)".into(),
        Entry::PartitionEnd { more: false } => "    (end)".into(),
    }
}
