//! A segment of the commit log: frames and the mutations in them.
//!
//! Bytes behind the last valid frame are a tail that was being written, or what a former life of the segment left
//! behind, unless a frame header behind them says that they were synced: then they are damage.

use std::io;

use model::mutation::{self, Element};
use storage::commitlog::format::{self, Found, Frame, Position};

use crate::report::Report;
use crate::show;

/// Reports on a segment.
pub fn inspect(segment: &[u8], report: &mut Report<'_>) -> io::Result<()> {
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
                frame(offset, &found, report)?;
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
            "{offset}: end of the log; what follows was never a whole frame of this segment"
        )),
    }
}

fn frame(offset: usize, frame: &Frame<'_>, report: &mut Report<'_>) -> io::Result<()> {
    let bytes = frame.body.len();
    report.line(format_args!(
        "{offset}: frame of {bytes} bytes, synced up to {}",
        frame.synced
    ))?;
    for record in frame.records() {
        match record {
            Ok(record) => mutation(offset, record, report)?,
            Err(damage) => report.damage(
                offset as u64,
                format_args!("records of the frame: {}", damage.what),
            ),
        }
    }
    Ok(())
}

fn mutation(offset: usize, record: &[u8], report: &mut Report<'_>) -> io::Result<()> {
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
    report.line(format_args!(
        "  table {}, key {}",
        view.table(),
        show::key(view.key())
    ))?;
    for element in view.elements() {
        let line = match element {
            Element::PartitionDeletion(deletion) => {
                format!("partition {}", show::deletion(deletion))
            }
            Element::Static(image) => format!("static {}", show::image(image)),
            Element::Row { clustering, image } => {
                format!("row {}: {}", show::hex(clustering), show::image(image))
            }
            Element::RangeTombstone(tombstone) => format!("rows {}", show::range(tombstone)),
        };
        report.line(format_args!("    {line}"))?;
    }
    Ok(())
}
