//! Why a node cannot start or stop, grouped by who puts it right: who wrote the settings, or who has the machine.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Why a node did not start, or did not stop in order.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings contradict the data.
    #[error("{0}")]
    Settings(String),
    /// A port cannot be had.
    #[error("cannot listen on {address}: {}", port_reason(.source, .setting))]
    Port {
        /// The address.
        address: SocketAddr,
        /// The setting that names it.
        setting: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has the directory.
    #[error("{} is in use by another helenus process; stop that one, or say another directory with --data-dir", .0.display())]
    InUse(PathBuf),
    /// The directory holds something that is not ours.
    #[error(
        "{} holds files of something else, such as '{example}', and was left as it is; say another directory with --data-dir", path.display()
    )]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// One of the files.
        example: String,
    },
    /// The directory is not the one that belongs to the others.
    #[error("{}: {what}", path.display())]
    Mismatch {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it, and what would be right.
        what: String,
    },
    /// A directory cannot be read or written.
    #[error("{} cannot be used: {source}; {}, or say another directory with --data-dir", path.display(), remedy(source))]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The metadata log is in the way.
    #[error("{0}")]
    Metadata(String),
    /// Storage is in the way.
    #[error("{}{}", .0, storage_remedy(.0))]
    Storage(#[from] storage::Error),
}

/// What makes a directory usable, by what stands against it.
fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "move away the file that is in its place"
        }
        io::ErrorKind::IsADirectory => "move away the directory that is in its place",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on its disk",
        io::ErrorKind::InvalidFilename => "its path is longer than the system takes",
        io::ErrorKind::ReadOnlyFilesystem => "mount its disk for writing",
        _ => "give this user the right to write there",
    }
}

/// What to do about files that storage cannot use.
fn storage_remedy(error: &storage::Error) -> &'static str {
    match error {
        storage::Error::Corrupt { file, .. } if is_commit_log(file) => {
            "; mount or restore the commit log, or start once with --set accept_lost_commitlog=true, which loses what no \
             SSTable has of it ('helenus inspect FILE' says more about the file)"
        }
        storage::Error::Corrupt { .. } => {
            "; restore the data directories from a backup, or start on an empty one ('helenus inspect FILE' says more about the file)"
        }
        _ => "",
    }
}

fn is_commit_log(file: &str) -> bool {
    let name = Path::new(file).file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| storage::commitlog::format::segment_id(name).is_some())
}

impl Error {
    /// Whether other settings would help, rather than another state of the machine.
    pub fn is_settings(&self) -> bool {
        matches!(self, Error::Settings(_))
    }

    pub(super) fn directory(path: &Path, source: io::Error) -> Error {
        Error::Directory {
            path: path.into(),
            source,
        }
    }
}

impl From<metadata::OpenError> for Error {
    fn from(error: metadata::OpenError) -> Error {
        match error {
            metadata::OpenError::Settings(what) => Error::Settings(what),
            other => Error::Metadata(other.to_string()),
        }
    }
}

fn port_reason(source: &io::Error, setting: &str) -> String {
    match source.kind() {
        io::ErrorKind::AddrInUse => {
            format!(
                "another program has the port, perhaps a node that is running; stop it, or say another {setting}"
            )
        }
        io::ErrorKind::AddrNotAvailable => {
            format!(
                "this machine does not have the address; say one that it has (ports are {setting})"
            )
        }
        _ => format!("{source}; say another {setting}"),
    }
}
