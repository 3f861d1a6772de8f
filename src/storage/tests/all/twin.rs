//! The engine's twin: the same changes in maps, resolved when read, by the rules as a person would say them.

use std::collections::BTreeMap;

use crate::support::{Op, Query, What, partition_key};

/// The twin.
#[derive(Debug, Clone, Default)]
pub struct Twin {
    partitions: BTreeMap<String, Partition>,
}

#[derive(Debug, Clone, Default)]
struct Partition {
    deleted_at: Option<i64>,
    ranges: Vec<(String, String, i64)>,
    statics: Cell,
    rows: BTreeMap<String, Row>,
}

#[derive(Debug, Clone, Default)]
struct Row {
    inserted_at: Option<i64>,
    deleted_at: Option<i64>,
    cells: BTreeMap<String, Cell>,
}

/// When it was written last, and what; nothing if never.
type Cell = Option<(i64, Option<String>)>;

/// The later write wins; of two at one time a deletion, then the larger value.
fn set(cell: &mut Cell, at: i64, value: &Option<String>) {
    let rank = |cell: &(i64, Option<String>)| (cell.0, cell.1.is_none(), cell.1.clone());
    let new = (at, value.clone());
    if cell.as_ref().is_none_or(|old| rank(old) < rank(&new)) {
        *cell = Some(new);
    }
}

/// What a cell shows if everything up to `deleted_at` is gone.
fn visible(cell: &Cell, deleted_at: Option<i64>) -> Option<&String> {
    let (at, value) = cell.as_ref()?;
    if deleted_at.is_some_and(|deleted_at| *at <= deleted_at) {
        return None;
    }
    value.as_ref()
}

impl Twin {
    pub fn apply(&mut self, op: &Op) {
        let partition = self.partitions.entry(op.partition.clone()).or_default();
        let at = op.at;
        match &op.what {
            What::DeletePartition => partition.deleted_at = partition.deleted_at.max(Some(at)),
            What::DeleteRange(from, to) => partition.ranges.push((from.clone(), to.clone(), at)),
            What::DeleteRow(row) => {
                let row = partition.rows.entry(row.clone()).or_default();
                row.deleted_at = row.deleted_at.max(Some(at));
            }
            What::Static(value) => set(&mut partition.statics, at, value),
            What::Put {
                row, cells, insert, ..
            } => {
                let row = partition.rows.entry(row.clone()).or_default();
                if *insert {
                    row.inserted_at = row.inserted_at.max(Some(at));
                }
                for (name, value) in cells {
                    set(row.cells.entry(name.clone()).or_default(), at, value);
                }
            }
        }
    }

    /// The lines that a read gives.
    pub fn read(&self, query: &Query) -> Vec<String> {
        let mut partitions: Vec<_> = self.partitions.iter().collect();
        partitions.sort_by_key(|(name, _)| partition_key(name));
        let wanted = |name: &String| query.partition.as_ref().is_none_or(|wanted| wanted == name);
        let partitions = partitions.into_iter().filter(|(name, _)| wanted(name));
        let mut lines: Vec<_> = partitions
            .flat_map(|(name, partition)| partition.read(name, query))
            .collect();
        lines.truncate(query.limit.unwrap_or(u64::MAX).min(lines.len() as u64) as usize);
        lines
    }
}

impl Partition {
    fn read(&self, name: &str, query: &Query) -> Vec<String> {
        let statics = visible(&self.statics, self.deleted_at).filter(|_| query.row.is_none());
        let statics = statics
            .map(|value| format!(" s={value}"))
            .unwrap_or_default();
        let inside = |row: &String| {
            query
                .rows
                .as_ref()
                .is_none_or(|(from, to)| from <= row && row < to)
                && query.row.as_ref().is_none_or(|wanted| wanted == row)
        };
        let rows = self.rows.iter().filter(|(row, _)| inside(row));
        let rows = rows.filter_map(|(row, content)| {
            let cells = content.read(self.deleted_at.max(self.covering(row)))?;
            Some(format!("{name} {row}{statics}{cells}"))
        });
        let mut lines: Vec<_> = rows.collect();
        if query.reversed {
            lines.reverse();
        }
        let is_whole = query.rows.is_none() && query.row.is_none();
        if lines.is_empty() && !statics.is_empty() && is_whole {
            lines.push(format!("{name}{statics}"));
        }
        lines
    }

    fn covering(&self, row: &String) -> Option<i64> {
        let covers = |range: &&(String, String, i64)| range.0 <= *row && *row < range.1;
        self.ranges.iter().filter(covers).map(|range| range.2).max()
    }
}

impl Row {
    /// The row's cells; none if it is not there.
    fn read(&self, deleted_at: Option<i64>) -> Option<String> {
        let deleted_at = self.deleted_at.max(deleted_at);
        let is_inserted = self
            .inserted_at
            .is_some_and(|at| deleted_at.is_none_or(|deleted| at > deleted));
        let cells = self.cells.iter().filter_map(|(name, cell)| {
            visible(cell, deleted_at).map(|value| format!(" {name}={value}"))
        });
        let cells: String = cells.collect();
        (is_inserted || !cells.is_empty()).then_some(cells)
    }
}
