//! What a manifest says, as a value: the fold of its edits.

use std::collections::BTreeMap;

use model::TableId;

use super::format::{Edit, File};
use crate::commitlog::Position;

/// The state after all edits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// The tables that exist.
    pub tables: BTreeMap<TableId, Table>,
    /// Dropped tables of which the log may still hold records below a position.
    pub dropped: BTreeMap<TableId, Position>,
    /// The first segment of the log that may be needed.
    pub log_start: u64,
    /// The next file's id.
    pub next_file: u64,
    /// The epoch of the metadata log that the tables are from. With an older one tables would be taken for dropped.
    pub epoch: u64,
}

/// What the manifest knows of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// Its live files by id.
    pub files: BTreeMap<u64, File>,
    /// Whatever lies below in the log is in these files, or gone.
    pub replay: Position,
    /// The last truncation's time in microseconds.
    pub truncated_at: Option<i64>,
}

impl State {
    /// Applies an edit. An edit of a table that is not there says that the manifest is not what was written.
    pub fn apply(&mut self, edit: &Edit) -> Result<(), &'static str> {
        match edit {
            Edit::Table(id) => {
                let table = self.tables.entry(*id).or_default();
                // What the log has of a dropped table of this id is none of the new one's.
                if let Some(position) = self.dropped.remove(id) {
                    table.replay = table.replay.max(position);
                }
            }
            Edit::Dropped(table, position) => {
                self.tables
                    .remove(table)
                    .ok_or("a table is dropped that does not exist")?;
                self.dropped.insert(*table, *position);
            }
            Edit::Forgotten(table) => {
                self.dropped
                    .remove(table)
                    .ok_or("a table is forgotten that was not dropped")?;
            }
            Edit::Added(table, file) => {
                self.next_file = self.next_file.max(file.id.saturating_add(1));
                if self.table(table)?.files.insert(file.id, *file).is_some() {
                    return Err("a file is added twice");
                }
            }
            Edit::Removed(table, id) => {
                self.table(table)?
                    .files
                    .remove(id)
                    .ok_or("a file is removed that is not live")?;
            }
            Edit::Replay(table, position) => {
                let table = self.table(table)?;
                table.replay = table.replay.max(*position);
            }
            Edit::Truncated(table, position, at_micros) => {
                let table = self.table(table)?;
                table.replay = table.replay.max(*position);
                table.truncated_at = table.truncated_at.max(Some(*at_micros));
            }
            Edit::LogStart(segment) => self.log_start = self.log_start.max(*segment),
            Edit::NextFile(id) => self.next_file = self.next_file.max(*id),
            Edit::Epoch(epoch) => self.epoch = self.epoch.max(*epoch),
        }
        Ok(())
    }

    fn table(&mut self, id: &TableId) -> Result<&mut Table, &'static str> {
        self.tables
            .get_mut(id)
            .ok_or("an edit of a table that does not exist")
    }

    /// Edits that lead from nothing to this state.
    pub fn snapshot(&self) -> Vec<Edit> {
        let mut edits = vec![
            Edit::LogStart(self.log_start),
            Edit::NextFile(self.next_file),
            Edit::Epoch(self.epoch),
        ];
        for (id, table) in &self.tables {
            edits.push(Edit::Table(*id));
            edits.extend(table.files.values().map(|file| Edit::Added(*id, *file)));
            if table.replay > Position::START {
                edits.push(Edit::Replay(*id, table.replay));
            }
            if let Some(at_micros) = table.truncated_at {
                edits.push(Edit::Truncated(*id, Position::START, at_micros));
            }
        }
        for (id, position) in &self.dropped {
            edits.push(Edit::Table(*id));
            edits.push(Edit::Dropped(*id, *position));
        }
        edits
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn table(number: u128) -> TableId {
        TableId(Uuid::from_u128(number))
    }

    #[test]
    fn a_snapshot_leads_to_the_same_state() {
        let file = |id| File {
            id,
            len: 10,
            footer_checksum: 1,
            level: 2,
        };
        let edits = [
            Edit::Table(table(1)),
            Edit::Table(table(2)),
            Edit::Table(table(3)),
            Edit::Added(table(1), file(4)),
            Edit::Added(table(1), file(5)),
            Edit::Removed(table(1), 4),
            Edit::Replay(table(1), Position::new(2, 40)),
            Edit::Truncated(table(2), Position::new(3, 0), 77),
            Edit::Dropped(table(3), Position::new(3, 1)),
            Edit::LogStart(2),
            Edit::Epoch(9),
        ];
        let mut state = State::default();
        edits.iter().for_each(|edit| state.apply(edit).unwrap());
        assert_eq!(state.next_file, 6);
        let mut again = State::default();
        state
            .snapshot()
            .iter()
            .for_each(|edit| again.apply(edit).unwrap());
        assert_eq!(again, state);
    }

    #[test]
    fn edits_that_cannot_be_are_refused() {
        let file = File {
            id: 4,
            len: 10,
            footer_checksum: 1,
            level: 2,
        };
        let mut state = State::default();
        assert!(state.apply(&Edit::Added(table(1), file)).is_err());
        state.apply(&Edit::Table(table(1))).unwrap();
        state.apply(&Edit::Added(table(1), file)).unwrap();
        assert!(state.apply(&Edit::Added(table(1), file)).is_err());
        assert!(state.apply(&Edit::Removed(table(1), 5)).is_err());
        assert!(state.apply(&Edit::Forgotten(table(1))).is_err());
    }
}
