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
mod ss_table;

#[cfg(test)]
mod tests;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use memmap2::Mmap;

use kind::Kind;
use report::{Damage, Report};

/// Prints and verifies files of a node: commit log segments, the metadata log, the manifest, SSTables.
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
    /// The files
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut out = BufWriter::new(io::stdout().lock());
    let mut intact = true;
    for path in &arguments.files {
        match inspect_file(path, !arguments.verify, &mut out) {
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

/// Reports on one file: whether it is intact.
fn inspect_file(path: &Path, dump: bool, out: &mut dyn Write) -> io::Result<bool> {
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
    let (kind, damages) = inspect(name, &map, dump, out)?;
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
    dump: bool,
    out: &mut dyn Write,
) -> io::Result<(Kind, Vec<Damage>)> {
    let Some(kind) = Kind::of(bytes).or_else(|| Kind::of_name(name)) else {
        let what = "this is no commit log segment, metadata log, manifest or SSTable of Helenus";
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    };
    let mut report = Report::new(out, dump);
    match kind {
        Kind::CommitLog => commit_log::inspect(bytes, &mut report)?,
        Kind::MetadataLog => metadata_log::inspect(bytes, &mut report)?,
        Kind::Manifest => manifest::inspect(bytes, &mut report)?,
        Kind::SsTable => ss_table::inspect(bytes, &mut report)?,
    }
    Ok((kind, report.damages))
}
