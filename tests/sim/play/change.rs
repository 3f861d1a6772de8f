//! One change that a client asks for: its statement, and what it does to the model.

use std::collections::BTreeMap;

use super::model::{Model, Partition, Row, SHORT, Table, Value, WIDE};

/// One change.
#[derive(Clone, Debug)]
pub enum Change {
    /// INSERT, or UPDATE if it leaves no mark of its own; none is null.
    Put {
        table: String,
        p: i32,
        c: i32,
        insert: bool,
        cells: Vec<(&'static str, Option<Value>)>,
    },
    Static {
        p: i32,
        value: Option<Value>,
    },
    /// Puts an element into `tags`, or takes it out.
    Tag {
        p: i32,
        c: i32,
        element: i32,
        add: bool,
    },
    /// Appends to `items`.
    Append {
        p: i32,
        c: i32,
        element: i32,
    },
    /// Sets or removes one entry of `names`.
    Name {
        p: i32,
        c: i32,
        key: i32,
        value: Option<String>,
    },
    DeleteRow {
        table: String,
        p: i32,
        c: i32,
    },
    /// From the first row up to but without the second.
    DeleteRange {
        table: String,
        p: i32,
        from: i32,
        to: i32,
    },
    DeletePartition {
        table: String,
        p: i32,
    },
    /// A row of [`SHORT`], which goes at a second between the two.
    Expiring {
        p: i32,
        c: i32,
        value: Value,
        ttl: i32,
        expiry_seconds: (i64, i64),
    },
    /// A write that comes too late: what it writes was deleted at a later time. It changes nothing.
    Late {
        table: String,
        p: i32,
        c: i32,
        value: Value,
    },
    /// A write ahead of all clocks; the row is written by such only.
    Early {
        table: String,
        p: i32,
        c: i32,
        value: Value,
        at_micros: i64,
    },
    Create {
        table: String,
    },
    Drop {
        table: String,
    },
    Truncate {
        table: String,
    },
    AddColumn {
        table: String,
    },
    DropColumn {
        table: String,
    },
}

/// Rows from here on are written by [`Change::Early`] only.
pub const EARLY_ROW: i32 = 50;
/// The column that comes and goes.
pub const EXTRA: &str = "x";

impl Change {
    /// The statement, without its end.
    pub fn text(&self) -> String {
        match self {
            Change::Put {
                table,
                p,
                c,
                insert: true,
                cells,
            } => {
                let names: String = cells.iter().map(|(name, _)| format!(", {name}")).collect();
                let values: String = cells
                    .iter()
                    .map(|(_, value)| format!(", {}", literal(value)))
                    .collect();
                format!("INSERT INTO ks.{table} (p, c{names}) VALUES ({p}, {c}{values})")
            }
            Change::Put {
                table,
                p,
                c,
                insert: false,
                cells,
            } => {
                let sets: Vec<_> = cells
                    .iter()
                    .map(|(name, value)| format!("{name} = {}", literal(value)))
                    .collect();
                format!(
                    "UPDATE ks.{table} SET {} WHERE p = {p} AND c = {c}",
                    sets.join(", ")
                )
            }
            Change::Static { p, value } => {
                format!("UPDATE ks.wide SET s = {} WHERE p = {p}", literal(value))
            }
            Change::Tag { p, c, element, add } => {
                let sign = if *add { '+' } else { '-' };
                format!(
                    "UPDATE ks.wide SET tags = tags {sign} {{{element}}} WHERE p = {p} AND c = {c}"
                )
            }
            Change::Append { p, c, element } => {
                format!("UPDATE ks.wide SET items = items + [{element}] WHERE p = {p} AND c = {c}")
            }
            Change::Name {
                p,
                c,
                key,
                value: Some(value),
            } => {
                format!("UPDATE ks.wide SET names[{key}] = '{value}' WHERE p = {p} AND c = {c}")
            }
            Change::Name {
                p,
                c,
                key,
                value: None,
            } => {
                format!("DELETE names[{key}] FROM ks.wide WHERE p = {p} AND c = {c}")
            }
            Change::DeleteRow { table, p, c } => {
                format!("DELETE FROM ks.{table} WHERE p = {p} AND c = {c}")
            }
            Change::DeleteRange { table, p, from, to } => {
                format!("DELETE FROM ks.{table} WHERE p = {p} AND c >= {from} AND c < {to}")
            }
            Change::DeletePartition { table, p } => format!("DELETE FROM ks.{table} WHERE p = {p}"),
            Change::Expiring {
                p, c, value, ttl, ..
            } => {
                format!("INSERT INTO ks.short (p, c, v) VALUES ({p}, {c}, {value}) USING TTL {ttl}")
            }
            Change::Late { table, p, c, value } => {
                format!(
                    "INSERT INTO ks.{table} (p, c, v) VALUES ({p}, {c}, {value}) USING TIMESTAMP 1000"
                )
            }
            Change::Early {
                table,
                p,
                c,
                value,
                at_micros,
            } => {
                format!(
                    "INSERT INTO ks.{table} (p, c, v) VALUES ({p}, {c}, {value}) USING TIMESTAMP {at_micros}"
                )
            }
            Change::Create { table } => format!(
                "CREATE TABLE ks.{table} (p int, c int, v text, PRIMARY KEY (p, c)) WITH CLUSTERING ORDER BY (c DESC) \
                 AND gc_grace_seconds = 60 \
                 AND compaction = {{'class': 'SizeTieredCompactionStrategy', 'min_threshold': 2, 'min_sstable_size': 1}} \
                 AND comment = '{}'",
                // Longer than what a disk writes in one piece.
                "x".repeat(1_000)
            ),
            Change::Drop { table } => format!("DROP TABLE ks.{table}"),
            Change::Truncate { table } => format!("TRUNCATE ks.{table}"),
            Change::AddColumn { table } => format!("ALTER TABLE ks.{table} ADD {EXTRA} text"),
            Change::DropColumn { table } => format!("ALTER TABLE ks.{table} DROP {EXTRA}"),
        }
    }

    /// Notes that it was carried out between these seconds of the wall clock, whichever is the larger.
    pub fn happened(&mut self, before: i64, after: i64) {
        if let Change::Expiring {
            ttl,
            expiry_seconds,
            ..
        } = self
        {
            let ttl = i64::from(*ttl);
            *expiry_seconds = (before.min(after) + ttl, before.max(after) + ttl + 1);
        }
    }

    /// The one row that it writes, if it may share a BATCH: all of a BATCH has one timestamp, so that its changes must
    /// not meet.
    pub fn row_of_batch(&self) -> Option<(i32, i32)> {
        match self {
            Change::Put { p, c, .. }
            | Change::Tag { p, c, .. }
            | Change::Append { p, c, .. }
            | Change::Name { p, c, .. }
            | Change::DeleteRow { p, c, .. }
            | Change::Expiring { p, c, .. } => Some((*p, *c)),
            _ => None,
        }
    }

    /// Whether it writes rows, rather than changing the schema or emptying a table.
    pub fn is_write(&self) -> bool {
        !matches!(
            self,
            Change::Create { .. }
                | Change::Drop { .. }
                | Change::Truncate { .. }
                | Change::AddColumn { .. }
                | Change::DropColumn { .. }
        )
    }

    /// What it does.
    pub fn apply(&self, model: &mut Model) {
        match self {
            Change::Put {
                table,
                p,
                c,
                insert,
                cells,
            } => on_row(model, table, *p, *c, |row| {
                row.marker |= insert;
                for (name, value) in cells {
                    set(row, name, value.clone());
                }
            }),
            Change::Static { p, value } => on_partition(model, WIDE, *p, |partition| {
                partition.statics.clone_from(value)
            }),
            Change::Tag { p, c, element, add } => {
                on_row(model, WIDE, *p, *c, |row| tag(row, *element, *add))
            }
            Change::Append { p, c, element } => on_row(model, WIDE, *p, *c, |row| {
                let list = row
                    .cells
                    .entry("items")
                    .or_insert_with(|| Value::List(Vec::new()));
                if let Value::List(items) = list {
                    items.push(*element);
                }
            }),
            Change::Name { p, c, key, value } => {
                on_row(model, WIDE, *p, *c, |row| name(row, *key, value))
            }
            Change::DeleteRow { table, p, c } => {
                on_row(model, table, *p, *c, |row| *row = Row::default())
            }
            Change::DeleteRange { table, p, from, to } => {
                on_partition(model, table, *p, |partition| {
                    partition.rows.retain(|c, _| !(*from..*to).contains(c));
                })
            }
            Change::DeletePartition { table, p } => {
                on_partition(model, table, *p, |partition| {
                    *partition = Partition::default()
                });
            }
            Change::Expiring {
                p,
                c,
                value,
                expiry_seconds,
                ..
            } => on_row(model, SHORT, *p, *c, |row| {
                *row = Row {
                    marker: true,
                    cells: BTreeMap::from([("v", value.clone())]),
                    expiry_seconds: Some(*expiry_seconds),
                };
            }),
            Change::Late { .. } => {}
            Change::Early {
                table, p, c, value, ..
            } => on_row(model, table, *p, *c, |row| {
                row.marker = true;
                set(row, "v", Some(value.clone()));
            }),
            Change::Create { table } => {
                let made = Table {
                    columns: ["p", "c", "v"].into(),
                    descending: true,
                    ..Table::default()
                };
                model.tables.insert(table.clone(), made);
            }
            Change::Drop { table } => drop(model.tables.remove(table)),
            Change::Truncate { table } => on_table(model, table, |table| {
                table.partitions.clear();
            }),
            Change::AddColumn { table } => {
                on_table(model, table, |table| table.columns.extend([EXTRA]))
            }
            Change::DropColumn { table } => on_table(model, table, |table| {
                table.columns.remove(EXTRA);
                for partition in table.partitions.values_mut() {
                    partition
                        .rows
                        .values_mut()
                        .for_each(|row| drop(row.cells.remove(EXTRA)));
                    partition.tidy();
                }
            }),
        }
    }

    /// What there may be if it is not known whether it was carried out, besides nothing of it.
    pub fn outcomes(&self, model: &Model) -> Vec<Model> {
        let mut whole = model.clone();
        self.apply(&mut whole);
        let mut outcomes = vec![whole];
        if let Change::Truncate { table } = self {
            // Agreed on and not carried out: a start goes by its time, and what is ahead of that stays.
            let mut part = model.clone();
            on_table(&mut part, table, |table| {
                for partition in table.partitions.values_mut() {
                    partition.rows.retain(|c, _| *c >= EARLY_ROW);
                }
            });
            outcomes.push(part);
        }
        outcomes
    }
}

fn literal(value: &Option<Value>) -> String {
    value.as_ref().map_or("null".to_owned(), Value::to_string)
}

fn on_table(model: &mut Model, table: &str, change: impl FnOnce(&mut Table)) {
    if let Some(table) = model.tables.get_mut(table) {
        change(table);
    }
}

fn on_partition(model: &mut Model, table: &str, p: i32, change: impl FnOnce(&mut Partition)) {
    on_table(model, table, |table| {
        let partition = table.partitions.entry(p).or_default();
        change(partition);
        partition.tidy();
    });
}

fn on_row(model: &mut Model, table: &str, p: i32, c: i32, change: impl FnOnce(&mut Row)) {
    on_partition(model, table, p, |partition| {
        change(partition.rows.entry(c).or_default())
    });
}

fn set(row: &mut Row, name: &'static str, value: Option<Value>) {
    match value {
        Some(value) => drop(row.cells.insert(name, value)),
        None => drop(row.cells.remove(name)),
    }
}

fn tag(row: &mut Row, element: i32, add: bool) {
    let cell = row
        .cells
        .entry("tags")
        .or_insert_with(|| Value::Set(Default::default()));
    let Value::Set(tags) = cell else { return };
    if add {
        tags.insert(element);
    } else {
        tags.remove(&element);
    }
    if tags.is_empty() {
        row.cells.remove("tags");
    }
}

fn name(row: &mut Row, key: i32, value: &Option<String>) {
    let cell = row
        .cells
        .entry("names")
        .or_insert_with(|| Value::Map(BTreeMap::new()));
    let Value::Map(names) = cell else { return };
    match value {
        Some(value) => drop(names.insert(key, value.clone())),
        None => drop(names.remove(&key)),
    }
    if names.is_empty() {
        row.cells.remove("names");
    }
}
