//! The definitions of tables, by which keys and values are shown as text: read from the metadata log, where there is one.
//!
//! It is looked for in `metadata/` beside the file and in the directories above it, as a node lays its files out, unless
//! the person names it. Of a table that was altered the last definition counts, of one that was dropped the last it had.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use metadata::State;
use metadata::log::format;
use model::TableId;
use schema::Table;

use crate::metadata_log;

/// Where the log lies in a data directory.
const DIRECTORY: &str = "metadata";
/// How far above a file its data directory is looked for: `data/keyspace/table-id/file` is three.
const LEVELS_MAX: usize = 4;

/// Tables by id.
#[derive(Debug, Default)]
pub struct Tables(BTreeMap<TableId, Arc<Table>>);

impl Tables {
    /// The definition of this id, if the metadata log is at hand and knows it.
    pub fn get(&self, id: TableId) -> Option<&Table> {
        self.0.get(&id).map(Arc::as_ref)
    }

    /// Those of a metadata log, as far as it is intact.
    pub fn of_log(bytes: &[u8]) -> Tables {
        let mut tables = Tables::default();
        let Ok(contents) = format::read(bytes) else {
            return tables;
        };
        let mut state = State::empty();
        for record in &contents.records {
            let Ok((next, _)) = metadata_log::follow(&state, record) else {
                break;
            };
            state = next;
            let found = state.catalog.tables();
            tables
                .0
                .extend(found.map(|table| (table.id, table.clone())));
        }
        tables
    }

    /// Those of the metadata log at this path, or in this data directory.
    pub fn at(path: &Path) -> io::Result<Tables> {
        let in_data_directory = path.join(DIRECTORY).join(metadata::log::FILE_NAME);
        let path = match path.is_dir() {
            true if in_data_directory.exists() => in_data_directory,
            true => path.join(metadata::log::FILE_NAME),
            false => path.to_owned(),
        };
        Ok(Tables::of_log(&fs::read(path)?))
    }
}

/// The metadata log of the data directory that a file lies in.
pub fn log_beside(file: &Path) -> Option<PathBuf> {
    let file = fs::canonicalize(file).ok()?;
    let above = file.ancestors().skip(1).take(LEVELS_MAX + 1);
    above
        .map(|directory| directory.join(DIRECTORY).join(metadata::log::FILE_NAME))
        .find(|log| log.is_file())
}
