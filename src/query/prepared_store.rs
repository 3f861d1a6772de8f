//! The rows of `system.prepared_statements`: what of prepared statements survives a restart.
//!
//! | column | content |
//! |---|---|
//! | `prepared_id` | the key |
//! | `logged_keyspace` | the keyspace of unqualified names |
//! | `query_string` | the text |
//! | `result_metadata_id` | the digest of the columns that the first PREPARED told |
//! | `result_changed` | whether the columns ever differed from those |
//!
//! Rows are written with the turn in which a statement was prepared, and no answer waits for them.

use std::sync::Arc;

use base::meter::Meter;
use coordinator::{Coordinator, Turn};
use model::cell::Kind;
use model::image::{Builder, Column, View};
use model::key::PartitionKey;
use model::read::{Command, Keys, RowStep};
use model::{Deletion, Liveness, Timestamp};
use schema::{Catalog, Table, system};

use crate::error::Error;
use crate::prepared::{Id, Prepared};

const TABLE: &str = "prepared_statements";

/// A statement as the table remembers it.
pub struct Remembered {
    /// The text.
    pub text: String,
    /// The keyspace of unqualified names.
    pub keyspace: Option<String>,
    /// The digest that the first PREPARED told.
    pub first_metadata_id: Id,
    /// Whether the columns ever differed from those.
    pub differs: bool,
}

/// Writes and reads the rows.
pub struct Store;

impl Store {
    /// The store of a node.
    pub fn new() -> Self {
        Store
    }

    /// Writes a statement's row.
    pub fn remember(
        &self,
        prepared: &Prepared,
        differs: bool,
        catalog: &Catalog,
        turn: &mut Turn,
    ) -> Result<(), Error> {
        let table = table(catalog)?;
        let timestamp = Timestamp(turn.timestamp()?);
        let mut builder = Builder::new();
        builder.liveness(Liveness::plain(timestamp));
        let mut set = |name: &str, value: &[u8]| {
            if let Some(column) = table.column(name) {
                builder.cell(column.id, timestamp, Kind::Value(value));
            }
        };
        if let Some(keyspace) = &prepared.keyspace {
            set("logged_keyspace", keyspace.as_bytes());
        }
        set("query_string", prepared.text.as_bytes());
        set("result_metadata_id", &prepared.first_metadata_id);
        set("result_changed", &[u8::from(differs)]);
        let key = PartitionKey::new(prepared.id.to_vec());
        let mut write = turn.mutate(table.id, key.as_ref())?;
        write.row_from(&[], &mut builder);
        write.finish().map_err(coordinator::Error::from)?;
        Ok(())
    }

    /// Deletes a statement's row.
    pub fn forget(&self, id: &Id, catalog: &Catalog, turn: &mut Turn) -> Result<(), Error> {
        let table = table(catalog)?;
        let deletion = Deletion {
            timestamp: Timestamp(turn.timestamp()?),
            local_seconds: turn.now_seconds(),
        };
        let key = PartitionKey::new(id.to_vec());
        let mut write = turn.mutate(table.id, key.as_ref())?;
        write.partition_deletion(deletion);
        write.finish().map_err(coordinator::Error::from)?;
        Ok(())
    }

    /// Reads a statement's row.
    pub async fn find(
        &self,
        id: &Id,
        catalog: &Catalog,
        coordinator: &Coordinator,
    ) -> Result<Option<Remembered>, Error> {
        let table = table(catalog)?;
        let keys = Keys::List(vec![PartitionKey::new(id.to_vec())]);
        let command = Command::new(table.id, keys, coordinator.env().wall_seconds());
        let mut read = coordinator.read(&table, command)?;
        loop {
            match read.step(&mut Meter::unlimited())? {
                RowStep::Row => {
                    return Ok(read.row().image.and_then(|image| remembered(&table, image)));
                }
                RowStep::End => return Ok(None),
                RowStep::Wait(wait) => wait.await,
                RowStep::Yield => {}
            }
        }
    }
}

fn table(catalog: &Catalog) -> Result<Arc<Table>, Error> {
    Ok(catalog.require_table(system::SYSTEM, TABLE)?.clone())
}

fn remembered(table: &Table, image: &[u8]) -> Option<Remembered> {
    let view = View::new(image);
    let value = |name: &str| match view.find(table.column(name)?.id)? {
        Column::Simple(cell) => match cell.kind {
            Kind::Value(value) => Some(value),
            _ => None,
        },
        Column::Complex(_) => None,
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    Some(Remembered {
        text: text(value("query_string")?)?,
        keyspace: value("logged_keyspace").and_then(text),
        first_metadata_id: value("result_metadata_id")?.try_into().ok()?,
        differs: value("result_changed") == Some(&[1]),
    })
}
