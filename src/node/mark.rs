//! The mark: the file that says that a directory is ours, and which directories belong together.
//!
//! Two lines of text: a title with the version, and an identity of 32 hexadecimal digits, the same in all directories of
//! a node. It is written under a preliminary name and renamed, so a mark that is there is complete.

use std::io;
use std::path::Path;
use std::sync::Arc;

use base::env::{Dir, Env};

use super::error::Error;

/// The file that says whose directory this is.
pub const MARK: &str = "helenus.directory";
/// Its name until it is complete.
pub const NEW_MARK: &str = "helenus.directory.new";
/// The mark's first line; the second is the identity.
pub const MARK_TITLE: &str = "A data directory of Helenus, version 1. Its identity:";
/// More than a mark has.
const MARK_BYTES_MAX: u64 = 4096;
/// Writes the mark under its preliminary name.
pub fn write(dir: &Arc<dyn Dir>, identity: &str) -> io::Result<()> {
    if dir.exists(NEW_MARK)? {
        dir.remove(NEW_MARK)?;
    }
    let file = dir.create(NEW_MARK)?;
    file.append(format!("{MARK_TITLE}\n{identity}\n").as_bytes())?;
    file.sync_data()?;
    dir.sync_dir()
}

/// Gives the mark its name.
pub fn publish(dir: &Arc<dyn Dir>) -> io::Result<()> {
    dir.rename(NEW_MARK, MARK)?;
    dir.sync_dir()
}

/// The identity in a mark; none if it is not as it was written.
pub fn read(dir: &Arc<dyn Dir>, name: &str) -> io::Result<Option<String>> {
    let bytes = dir.open(name)?.read_all(MARK_BYTES_MAX)?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Ok(None);
    };
    let identity = text
        .strip_prefix(MARK_TITLE)
        .and_then(|rest| rest.strip_prefix('\n'))
        .and_then(|rest| rest.strip_suffix('\n'));
    let is_identity =
        |text: &&str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(identity.filter(is_identity).map(String::from))
}

/// An identity that no other node has.
pub fn new_identity(env: &Env) -> String {
    let mut bytes = [0; 16];
    env.secret(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Why a directory whose mark cannot be used is refused.
pub fn unusable(path: &Path, what: &str) -> Error {
    Error::Mismatch {
        path: path.join(MARK),
        what: format!(
            "{what}; restore it from a backup, or write it anew: the line '{MARK_TITLE}' and a line of 32 hexadecimal digits, the same in all directories of a node"
        ),
    }
}
