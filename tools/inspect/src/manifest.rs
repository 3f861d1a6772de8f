//! The manifest: its edits, and which files they leave live.

use std::io;

use base::bytes::Reader;
use storage::manifest::State;
use storage::manifest::format::{self, RECORDS_AT};

use crate::report::Report;

/// Reports on a manifest.
pub fn inspect(bytes: &[u8], report: &mut Report<'_>) -> io::Result<()> {
    let generation = match format::decode_header(bytes) {
        Ok(header) => header.generation,
        Err(what) => {
            report.damage(0, what);
            return Ok(());
        }
    };
    let slots = [0, 1].map(|slot| format::decode_slot(generation, bytes, slot));
    let synced = slots.into_iter().flatten().max().unwrap_or(0);
    report.line(format_args!(
        "manifest, generation {generation}, synced up to {synced}"
    ))?;
    if synced == 0 {
        report.damage(format::SLOTS[0], "both slots of what is synced are damaged");
    }
    if synced > bytes.len() as u64 {
        report.damage(bytes.len() as u64, "the file ends before what was synced");
    }
    let mut state = State::default();
    let mut reader = Reader::at(
        bytes.get(RECORDS_AT as usize..).unwrap_or_default(),
        RECORDS_AT,
    );
    while !reader.is_empty() {
        let offset = reader.position();
        match format::decode_record(generation, &mut reader) {
            Ok(edits) => {
                report.line(format_args!("{offset}: {} edits", edits.len()))?;
                for edit in &edits {
                    report.line(format_args!("  {edit:?}"))?;
                    if let Err(what) = state.apply(edit) {
                        report.damage(offset, what);
                    }
                }
            }
            Err(damage) if offset < synced => {
                report.damage(offset, damage.what);
                return Ok(());
            }
            Err(_) => {
                report.line(format_args!(
                    "{offset}: end; what follows was being written and does not count"
                ))?;
                break;
            }
        }
    }
    live(&state, report)
}

fn live(state: &State, report: &mut Report<'_>) -> io::Result<()> {
    let files: usize = state.tables.values().map(|table| table.files.len()).sum();
    report.line(format_args!(
        "{} tables, {files} files, of epoch {}; the log is needed from segment {}",
        state.tables.len(),
        state.epoch,
        state.log_start
    ))?;
    for (id, table) in state
        .tables
        .iter()
        .filter(|(_, table)| !table.files.is_empty())
    {
        report.line(format_args!("  table {id}, replayed from {}", table.replay))?;
        for file in table.files.values() {
            report.line(format_args!(
                "    file {}: {} bytes, footer checksum {:08x}",
                file.id, file.len, file.footer_checksum
            ))?;
        }
    }
    Ok(())
}
