//! A segment of the commit log: frames and the mutations in them.
//!
//! Bytes behind the last valid frame are a tail that was being written, or what a former life of the segment left
//! behind, unless a frame header behind them says that they were synced: then they are damage.

use std::io;

use model::mutation::{self, Element};
use storage::commitlog::format::{self, Found, Frame, Position};

use crate::report::Report;
use crate::show::{self, Show};
use crate::tables::Tables;

/// Reports on a segment.
pub fn inspect(segment: &[u8], tables: &Tables, report: &mut Report<'_>) -> io::Result<()> {
    let id = match format::decode_segment_header(segment) {
        Ok(id) => id,
        Err(what) => {
            report.damage(0, what);
            return Ok(());
        }
    };
    report.line(format_args!(
        "commit log segment {id}, {} bytes",
        segment.len()
    ))?;
    let mut offset = format::SEGMENT_HEADER_BYTES;
    loop {
        match format::decode_frame(id, segment, offset) {
            Found::Frame(found) => {
                frame(offset, &found, tables, report)?;
                offset = found.next;
            }
            Found::End(synced) => {
                return report.line(format_args!(
                    "{offset}: the log goes on in segment {}, synced up to {synced}",
                    id + 1
                ));
            }
            Found::Bad(what) => return tail(id, segment, offset, what, report),
        }
    }
}

fn tail(
    id: u64,
    segment: &[u8],
    offset: usize,
    what: &str,
    report: &mut Report<'_>,
) -> io::Result<()> {
    let end = Position::new(id, u32::try_from(offset).unwrap_or(u32::MAX));
    match format::highest_synced(id, segment, offset) {
        Some(synced) if synced > end => {
            report.damage(
                offset as u64,
                format_args!(
                    "{what}, though a later frame says that the log was synced up to {synced}"
                ),
            );
            Ok(())
        }
        _ => report.line(format_args!(
            "{offset}: end of the log; no frame of this segment follows"
        )),
    }
}

fn frame(
    offset: usize,
    frame: &Frame<'_>,
    tables: &Tables,
    report: &mut Report<'_>,
) -> io::Result<()> {
    let (bytes, synced) = (frame.body.len(), frame.synced);
    if bytes == 0 {
        return report.line(format_args!(
            "{offset}: witness: the log was synced up to {synced}"
        ));
    }
    report.line(format_args!(
        "{offset}: frame of {bytes} bytes, synced up to {synced}"
    ))?;
    for record in frame.records() {
        match record {
            Ok(record) => mutation(offset, record, tables, report)?,
            Err(damage) => report.damage(
                offset as u64,
                format_args!("records of the frame: {}", damage.what),
            ),
        }
    }
    Ok(())
}

fn mutation(
    offset: usize,
    record: &[u8],
    tables: &Tables,
    report: &mut Report<'_>,
) -> io::Result<()> {
    if let Err(damage) = mutation::check(record) {
        report.damage(
            offset as u64,
            format_args!(
                "a mutation of the frame: {} at its byte {}",
                damage.what, damage.offset
            ),
        );
        return Ok(());
    }
    let view = mutation::View::new(record);
    let table = tables.get(view.table());
    let show = Show::new(table);
    report.line(format_args!(
        "  {}, key {}",
        show::table(view.table(), table),
        show.key(view.key())
    ))?;
    for element in view.elements() {
        let line = match element {
            Element::PartitionDeletion(deletion) => {
                format!("partition {}", show::deletion(deletion))
            }
            Element::Static(image) => format!("static {}", show.image(image)),
            Element::Row { clustering, image } => {
                format!("row {}: {}", show.row_key(clustering), show.image(image))
            }
            Element::RangeTombstone(tombstone) => format!("rows {}", show.range(tombstone)),
        };
        report.line(format_args!("    {line}"))?;
    }
    Ok(())
}
