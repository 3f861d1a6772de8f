//! What the tests have in common: a table, changes of it, and reading it back as lines.

use std::path::PathBuf;
use std::sync::Arc;

use base::env::Env;
use base::meter::Meter;
use cql::tree::Statement;
use model::cell::Kind;
use model::image::{Builder, Column, View};
use model::key::clustering::{self, Component, Order};
use model::key::{Slice, partition};
use model::read::{Command, KeyRange, Keys, RowStep, Rows};
use model::{ColumnId, Deletion, Liveness, PartitionKey, TableId, Timestamp};
use schema::{Catalog, Change, ddl};
use storage::{Engine, Error, Facts, Options, Paths, Position, SyncMode, Truncations, Turn};
use types::Type;
use uuid::Uuid;

/// The table most tests use.
pub const TABLE: &str = "CREATE TABLE ks.t (pk text, ck text, s text static, v text, w text, \
                         PRIMARY KEY (pk, ck)) WITH gc_grace_seconds = 100";

/// A table beside it.
pub const OTHER: &str = "CREATE TABLE ks.other (pk text, ck text, v text, PRIMARY KEY (pk, ck))";

/// A catalog of these statements after CREATE KEYSPACE ks. Table ids count from 1.
pub fn catalog(statements: &[&str]) -> Arc<Catalog> {
    let keyspace = "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}";
    let mut catalog = Catalog::new();
    let mut ids = 0u128;
    for text in [keyspace].iter().chain(statements) {
        let statement: Statement =
            cql::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let mut id = || {
            ids += 1;
            Uuid::from_u128(ids)
        };
        let choices = ddl::Choices {
            id: &mut id,
            now_micros: 0,
        };
        let change: Change = ddl::resolve(&statement, None, &catalog, choices).expect("a change");
        catalog = catalog
            .apply(&change, &schema::Topology::default())
            .expect("it applies")
            .0;
    }
    Arc::new(catalog)
}

/// Small enough that a few hundred writes go through every part.
pub fn options() -> Options {
    Options {
        sync: SyncMode::Group,
        segment_bytes: 8 << 10,
        log_bytes_max: Some(8 * (8 << 10)),
        memtable_bytes_max: 1 << 20,
        cache_bytes_max: 1 << 20,
        compaction_bytes_per_second: 0,
        auto_compaction: true,
        accept_lost_log: false,
        ..Options::default()
    }
}

/// As [`options`], with files merged only on demand.
pub fn quiet() -> Options {
    Options {
        auto_compaction: false,
        ..options()
    }
}

pub fn paths() -> Paths {
    Paths {
        data: PathBuf::from("/node/data"),
        commit_log: PathBuf::from("/node/commitlog"),
    }
}

pub async fn open(env: &Env, catalog: &Arc<Catalog>) -> Result<Arc<Engine>, Error> {
    open_with(env, catalog, options()).await
}

pub async fn open_with(
    env: &Env,
    catalog: &Arc<Catalog>,
    options: Options,
) -> Result<Arc<Engine>, Error> {
    open_in(env, paths(), 0, catalog, options).await
}

/// As of this epoch of the metadata log. Tests in which nothing depends on it leave it at 0.
pub async fn open_in(
    env: &Env,
    paths: Paths,
    epoch: u64,
    catalog: &Arc<Catalog>,
    options: Options,
) -> Result<Arc<Engine>, Error> {
    let truncations = Truncations::new();
    let facts = Facts {
        epoch,
        catalog,
        truncations: &truncations,
    };
    Engine::open(env, paths, options, facts).await
}

pub async fn follow(engine: &Engine, catalog: &Arc<Catalog>) -> Result<(), Error> {
    let facts = Facts {
        epoch: 0,
        catalog,
        truncations: &Truncations::new(),
    };
    engine.follow(facts).await
}

/// One change of one partition of the table above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    pub partition: String,
    pub at: i64,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Cells of a row by column; none is a tombstone. An insert leaves its mark.
    Put {
        row: String,
        cells: Vec<(String, Option<String>)>,
        insert: bool,
        ttl: u32,
    },
    Static(Option<String>),
    DeleteRow(String),
    DeletePartition,
    /// From the first row up to but without the second.
    DeleteRange(String, String),
}

pub fn partition_key(name: &str) -> PartitionKey {
    let mut bytes = Vec::new();
    partition::encode([name.as_bytes()], &mut bytes);
    PartitionKey::new(bytes)
}

pub fn clustering_key(name: &str) -> Vec<u8> {
    let mut key = Vec::new();
    let value = Component::Value(name.as_bytes());
    clustering::push(&Type::Text, Order::Asc, value, &mut key).expect("text is a key");
    key
}

pub fn table(catalog: &Catalog, name: &str) -> Arc<schema::Table> {
    catalog
        .table("ks", name)
        .unwrap_or_else(|| panic!("no table {name}"))
        .clone()
}

fn column(table: &schema::Table, name: &str) -> ColumnId {
    table
        .column(name)
        .unwrap_or_else(|| panic!("no column {name}"))
        .id
}

impl Op {
    /// Inserts a row with one cell.
    pub fn put(partition: &str, row: &str, at: i64, value: &str) -> Op {
        let what = What::Put {
            row: row.to_owned(),
            cells: vec![("v".to_owned(), Some(value.to_owned()))],
            insert: true,
            ttl: 0,
        };
        Op {
            partition: partition.to_owned(),
            at,
            what,
        }
    }

    /// Adds the change to a turn.
    pub fn write(
        &self,
        turn: &mut Turn,
        table: &schema::Table,
        now_seconds: i64,
    ) -> Result<(), Error> {
        let key = partition_key(&self.partition);
        let mut write = turn.mutate(table.id, key.as_ref())?;
        let at = Timestamp(self.at);
        let deletion = Deletion {
            timestamp: at,
            local_seconds: now_seconds,
        };
        match &self.what {
            What::DeletePartition => write.partition_deletion(deletion),
            What::DeleteRange(from, to) => {
                write.range_tombstone(&clustering_key(from), &clustering_key(to), deletion);
            }
            What::DeleteRow(row) => write.row_with(&clustering_key(row), |row| {
                row.deletion(deletion);
            }),
            What::Static(value) => write.static_row_with(|row| {
                let kind = match value {
                    Some(value) => Kind::Value(value.as_bytes()),
                    None => Kind::Tombstone {
                        local_seconds: now_seconds,
                    },
                };
                row.cell(column(table, "s"), at, kind);
            }),
            What::Put {
                row,
                cells,
                insert,
                ttl,
            } => {
                let mut cells: Vec<_> = cells
                    .iter()
                    .map(|(name, value)| (column(table, name), value))
                    .collect();
                cells.sort_by_key(|(id, _)| *id);
                write.row_with(&clustering_key(row), |row: &mut Builder| {
                    let expiry_seconds = now_seconds + i64::from(*ttl);
                    if *insert {
                        row.liveness(Liveness::expiring(at, *ttl, expiry_seconds));
                    }
                    for (id, value) in cells {
                        let value = value.as_ref().map(|value| value.as_bytes());
                        let kind = match value {
                            None => Kind::Tombstone {
                                local_seconds: now_seconds,
                            },
                            Some(value) if *ttl == 0 => Kind::Value(value),
                            value => Kind::Expiring {
                                ttl_seconds: *ttl,
                                expiry_seconds,
                                value,
                            },
                        };
                        row.cell(id, at, kind);
                    }
                });
            }
        }
        write.finish().map(drop)
    }
}

/// Writes changes as one turn and waits until they may be acknowledged.
pub async fn write(
    engine: &Engine,
    env: &Env,
    table: &schema::Table,
    ops: &[Op],
) -> Result<(), Error> {
    let position = commit(engine, env, table, ops)?;
    match position {
        Some(position) => engine.synced(position).await,
        None => Ok(()),
    }
}

/// Writes changes as one turn, without waiting.
pub fn commit(
    engine: &Engine,
    env: &Env,
    table: &schema::Table,
    ops: &[Op],
) -> Result<Option<Position>, Error> {
    let mut turn = engine.turn();
    turn.begin_batch()?;
    for op in ops {
        op.write(&mut turn, table, env.wall_seconds())?;
    }
    turn.end_batch()?;
    turn.commit()
}

/// What to read.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// One partition; none is all.
    pub partition: Option<String>,
    /// Rows from the first up to but without the second.
    pub rows: Option<(String, String)>,
    /// Exactly one row.
    pub row: Option<String>,
    pub reversed: bool,
    pub limit: Option<u64>,
}

impl Query {
    pub fn command(&self, table: TableId, now_seconds: i64) -> Command {
        let keys = match &self.partition {
            Some(name) => Keys::List(vec![partition_key(name)]),
            None => Keys::Range(KeyRange::all()),
        };
        let mut command = Command::new(table, keys, now_seconds);
        if let Some((from, to)) = &self.rows {
            command.slices = vec![Slice::new(clustering_key(from), clustering_key(to))];
        }
        if let Some(row) = &self.row {
            command.slices = vec![Slice::prefix(&clustering_key(row))];
            command.statics = false;
            command.columns = model::Columns::only([ColumnId(u16::MAX)]);
        }
        command.reversed = self.reversed;
        command.limits.rows = self.limit.unwrap_or(u64::MAX);
        command
    }
}

/// Reads lines `partition row column=value..`, in the order of the result.
pub async fn read(
    engine: &Engine,
    env: &Env,
    table: &schema::Table,
    query: &Query,
) -> Result<Vec<String>, Error> {
    let mut command = query.command(table.id, env.wall_seconds());
    if query.row.is_some() {
        command.columns = model::Columns::only(table.regulars.iter().map(|column| column.id));
    }
    run(engine, table, command).await
}

pub async fn run(
    engine: &Engine,
    table: &schema::Table,
    command: Command,
) -> Result<Vec<String>, Error> {
    let now_seconds = command.now_seconds;
    let with_statics = command.statics;
    let mut rows = Rows::new(engine.read(command.clone())?, command);
    let mut lines = Vec::new();
    loop {
        let mut meter = Meter::default();
        let step = rows
            .step(&mut meter)
            .map_err(|error| Error::Io(error.to_string()))?;
        match step {
            RowStep::Row => {
                let statics = rows.static_image().filter(|_| with_statics);
                let key = String::from_utf8_lossy(rows.key().bytes).into_owned();
                lines.push(line(
                    table,
                    &key,
                    rows.row().map(|row| row.clustering),
                    rows.row().map(|row| row.image),
                    statics,
                    now_seconds,
                ));
            }
            RowStep::Yield => {}
            RowStep::Wait(wait) => wait.await,
            RowStep::End => return Ok(lines),
        }
    }
}

fn line(
    table: &schema::Table,
    partition: &str,
    key: Option<&[u8]>,
    image: Option<&[u8]>,
    statics: Option<&[u8]>,
    now_seconds: i64,
) -> String {
    let mut line = partition.to_owned();
    if let Some(key) = key {
        let columns: Vec<_> = table
            .clustering
            .iter()
            .map(|column| (column.ty.clone(), column.order))
            .collect();
        for value in clustering::decode(&columns, key).expect("a clustering key") {
            line += &format!(" {}", String::from_utf8_lossy(&value.unwrap_or_default()));
        }
    }
    for image in [statics, image].into_iter().flatten() {
        for (id, found) in View::new(image).columns() {
            let value = match found {
                Column::Simple(cell) => match cell.value(now_seconds) {
                    Some(value) => String::from_utf8_lossy(value).into_owned(),
                    None => continue,
                },
                Column::Complex(complex) => {
                    format!("{} elements", complex.live(now_seconds).count())
                }
            };
            let name = table
                .column_by_id(id)
                .map_or("?".to_owned(), |column| column.name.to_string());
            line += &format!(" {name}={value}");
        }
    }
    line
}
