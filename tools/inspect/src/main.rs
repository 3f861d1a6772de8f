//! `helenus inspect`: prints and verifies the files of a node, without a node.
//!
//! Files are mapped into memory and read by the public formats of the layers that write them, so this shares no code
//! with the engine but the specification. A file that changes meanwhile may be reported as damaged: stop the node, or
//! inspect a copy.
//!
//! Exit codes: 0 when all files are intact, 1 when one is damaged or cannot be read, 2 when the arguments are wrong.

mod commit_log;
mod kind;
mod manifest;
mod metadata_log;
mod report;
mod show;
mod small;
mod ss_table;
mod tables;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use memmap2::Mmap;

use kind::Kind;
use report::{Damage, Report};
use tables::Tables;

/// Prints and verifies files of a node: commit log segments, the metadata log, the manifest, SSTables, clock, mark.
#[derive(Debug, Parser)]
#[command(
    name = "helenus inspect",
    bin_name = "helenus inspect",
    version,
    max_term_width = 100
)]
struct Arguments {
    /// Say only whether each file is intact
    #[arg(long)]
    verify: bool,
    /// Take the definitions of tables from this metadata log or data directory [default: where the file lies]
    #[arg(long, value_name = "PATH")]
    schema: Option<PathBuf>,
    /// The files
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let named = match arguments.schema.as_deref().map(Tables::at).transpose() {
        Ok(named) => named,
        Err(error) => {
            let path = arguments.schema.unwrap_or_default();
            eprintln!("helenus inspect: --schema {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    };
    let mut schemas = Schemas {
        named,
        found: BTreeMap::new(),
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let mut intact = true;
    for path in &arguments.files {
        let tables = match arguments.verify {
            true => &Tables::default(),
            false => schemas.of(path),
        };
        match inspect_file(path, tables, !arguments.verify, &mut out) {
            Ok(found) => intact &= found,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            Err(error) => {
                let _ = out.flush();
                eprintln!("helenus inspect: {}: {error}", path.display());
                intact = false;
            }
        }
    }
    // Whoever closed the pipe has seen enough.
    let _ = out.flush();
    if intact {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The definitions of tables for each file.
struct Schemas {
    /// Those that the person named: they are for all files.
    named: Option<Tables>,
    /// Those of metadata logs that lie beside files.
    found: BTreeMap<PathBuf, Tables>,
}

impl Schemas {
    /// Those for this file; none where there is no metadata log to read.
    fn of(&mut self, file: &Path) -> &Tables {
        if let Some(named) = &self.named {
            return named;
        }
        let log = tables::log_beside(file).unwrap_or_default();
        self.found
            .entry(log)
            .or_insert_with_key(|log| Tables::at(log).unwrap_or_default())
    }
}

/// Reports on one file: whether it is intact.
fn inspect_file(path: &Path, tables: &Tables, dump: bool, out: &mut dyn Write) -> io::Result<bool> {
    if path.is_dir() {
        let what = "this is a directory; name the files in it";
        return Err(io::Error::new(io::ErrorKind::IsADirectory, what));
    }
    let file = fs::File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the file is empty",
        ));
    }
    // SAFETY: the map is only read. Should another process change the file meanwhile, decoders see other bytes, which
    // they distrust anyway; should it be cut, the process ends by a signal, which loses nothing.
    let map = unsafe { Mmap::map(&file)? };
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("");
    let (kind, damages) = inspect(name, &map, tables, dump, out)?;
    for Damage { offset, what } in &damages {
        writeln!(out, "{}: byte {offset}: DAMAGED: {what}", path.display())?;
    }
    if damages.is_empty() {
        writeln!(out, "{}: {}, intact", path.display(), kind.name())?;
    }
    Ok(damages.is_empty())
}

/// Reports on the bytes of a file.
fn inspect(
    name: &str,
    bytes: &[u8],
    tables: &Tables,
    dump: bool,
    out: &mut dyn Write,
) -> io::Result<(Kind, Vec<Damage>)> {
    let Some(kind) = Kind::of(bytes).or_else(|| Kind::of_name(name)) else {
        let what = "this is no file of a node: commit log segment, metadata log, manifest, SSTable, clock or mark";
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    };
    let mut report = Report::new(out, dump);
    match kind {
        Kind::CommitLog => commit_log::inspect(bytes, tables, &mut report)?,
        Kind::MetadataLog => metadata_log::inspect(bytes, &mut report)?,
        Kind::Manifest => manifest::inspect(bytes, &mut report)?,
        Kind::SsTable => ss_table::inspect(bytes, tables, &mut report)?,
        Kind::Mark => small::mark(bytes, &mut report)?,
        Kind::Clock => small::clock(bytes, &mut report)?,
    }
    Ok((kind, report.damages))
}
