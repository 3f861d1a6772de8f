//! How many clients may be connected at one time, given how many files the process may open.
//!
//! Each connection takes one of them, and so does each file of a table. Half of them, or as many as the tables of a large
//! node have, are kept for storage: without a file for the commit log nothing could be written any more.

use super::settings::{Machine, Settings};

/// As many as nobody has by intention. Each costs a few KiB when idle.
const CONNECTIONS_MAX: u64 = 16_384;
/// Fewer than a program of some size may need are worth a line.
const CONNECTIONS_FEW: u64 = 1_000;
/// As many files as a large node has.
const STORAGE_FILES_MAX: u64 = 8_192;

/// The number where none was written.
pub fn default_max(machine: &Machine) -> u64 {
    possible(machine).min(CONNECTIONS_MAX)
}

/// Lowers the number to what is possible; a line about it where that is few.
pub fn limit(settings: &mut Settings, machine: &Machine) -> Option<String> {
    let (possible, files) = (possible(machine), machine.open_files_max?);
    let max = &mut settings.native_transport_max_concurrent_connections;
    let asked = std::mem::replace(max, possible.min(*max));
    let because = format!(
        "the process may open {files} files and keeps the rest for tables; raise that limit (ulimit -n, or LimitNOFILE= \
         of its service)"
    );
    if asked > possible {
        return Some(format!(
            "native_transport_max_concurrent_connections: {asked} is lowered to {possible}: {because}"
        ));
    }
    let is_few = asked == possible && possible < CONNECTIONS_FEW;
    is_few.then(|| format!("at most {possible} clients may be connected: {because}"))
}

fn possible(machine: &Machine) -> u64 {
    match machine.open_files_max {
        None => u64::MAX,
        Some(files) => (files - (files / 2).min(STORAGE_FILES_MAX)).max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::defaults::defaults;

    #[test]
    fn files_are_kept_for_tables() {
        let check = |files: Option<u64>, asked: Option<u64>, expected: u64, said: Option<&str>| {
            let machine = Machine {
                memory_bytes: 1 << 30,
                open_files_max: files,
                directory: "/".into(),
            };
            let mut settings = defaults(&machine);
            if let Some(asked) = asked {
                settings.native_transport_max_concurrent_connections = asked;
            }
            let line = limit(&mut settings, &machine);
            let max = settings.native_transport_max_concurrent_connections;
            assert_eq!(max, expected, "{files:?} {asked:?}");
            let begins = |line: &String| said.is_some_and(|said| line.starts_with(said));
            assert!(line.as_ref().map_or(said.is_none(), begins), "{line:?}");
        };
        check(None, None, 16_384, None);
        check(Some(1 << 20), None, 16_384, None);
        check(Some(1 << 20), Some(100_000), 100_000, None);
        check(
            Some(65_536),
            Some(100_000),
            57_344,
            Some(
                "native_transport_max_concurrent_connections: 100000 is lowered to 57344: the process may open 65536 files",
            ),
        );
        check(
            Some(1_024),
            None,
            512,
            Some("at most 512 clients may be connected: the process may open 1024 files"),
        );
        check(Some(1_024), Some(100), 100, None);
        check(Some(20_000), None, 11_808, None);
        check(Some(1), None, 1, Some("at most 1 clients"));
    }
}
