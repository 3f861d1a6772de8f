//! CREATE and ALTER TABLE.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::limits::COLUMNS_MAX;
use cql::tree::{self, AlterTableAction, ColumnDefinition, Direction, Identifier, PrimaryKey};
use model::TableId;
use types::Type;
use uuid::Uuid;

use super::{Scope, check_frozen, pairs, properties};
use crate::change::apply::authorize_create;
use crate::change::check::too_many_columns;
use crate::change::table::check_nested;
use crate::change::{NewColumn, TableAction};
use crate::property::Properties;
use crate::table::{Draft, Kind, Options, Order};
use crate::types::{PartsLeft, table_too_large};
use crate::{Change, Error};

pub(super) fn create(
    scope: &Scope<'_>,
    create: &tree::CreateTable,
    id: &mut dyn FnMut() -> Uuid,
) -> Result<Change, Error> {
    let (keyspace, name) = scope.names(&create.name)?;
    authorize_create(&keyspace)?;
    // What the statement says of itself comes before what there is.
    check_frozen(
        create
            .columns
            .iter()
            .map(|column| (&column.name, &column.data_type)),
    )?;
    check_repetition(create)?;
    primary_key(create)?;
    let found = scope.catalog.require_keyspace(&keyspace)?;
    if let Some(table) = found.table(&name) {
        if create.if_not_exists {
            return Ok(Change::CreateTable {
                table: table.clone(),
                if_not_exists: true,
            });
        }
        return Err(Error::AlreadyExists {
            keyspace,
            table: name,
        });
    }
    let draft = Writer {
        scope,
        create,
        keyspace: &keyspace,
        name: &name,
    }
    .draft(id)?;
    Ok(Change::CreateTable {
        table: Arc::new(draft.finish()),
        if_not_exists: create.if_not_exists,
    })
}

/// CREATE TABLE on its way to a table.
struct Writer<'a> {
    scope: &'a Scope<'a>,
    create: &'a tree::CreateTable,
    keyspace: &'a str,
    name: &'a str,
}

impl Writer<'_> {
    fn draft(&self, id: &mut dyn FnMut() -> Uuid) -> Result<Draft, Error> {
        let (given_id, options) = table_options(properties(&self.create.properties)?)?;
        let mut types = self.types()?;
        let primary_key = primary_key(self.create)?;
        let statics: BTreeSet<&str> = self
            .create
            .columns
            .iter()
            .filter(|column| column.is_static)
            .map(name_of)
            .collect();
        self.check_primary_key(primary_key, &types, &statics)?;
        let mut take = |column: &Identifier| {
            (
                column.text.clone(),
                types.remove(column.as_str()).unwrap_or(Type::Blob),
            )
        };
        let partition_key = primary_key.partition.iter().map(&mut take).collect();
        let clustering: Vec<(String, Type)> =
            primary_key.clustering.iter().map(&mut take).collect();
        let orders = self.orders(primary_key)?;
        let clustering = clustering
            .into_iter()
            .zip(orders)
            .map(|((name, ty), order)| (name, ty, order));
        let clustering = clustering.collect();
        self.check_others(primary_key, &types, &statics, &options)?;
        let (statics, regulars) = types
            .into_iter()
            .map(|(name, ty)| (name.to_owned(), ty))
            .partition(|(name, _)| statics.contains(name.as_str()));
        Ok(Draft {
            id: TableId(given_id.unwrap_or_else(id)),
            keyspace: self.keyspace.into(),
            name: self.name.into(),
            partition_key,
            clustering,
            statics,
            regulars,
            options,
            kind: Kind::Stored,
        })
    }

    /// All columns by name.
    fn types(&self) -> Result<BTreeMap<&str, Type>, Error> {
        if self.create.compact_storage {
            return Err(Error::invalid("COMPACT STORAGE tables are not supported"));
        }
        if self.create.columns.len() > COLUMNS_MAX {
            return Err(too_many_columns());
        }
        // Each column may be a copy of a large type, so they are counted as they come.
        let mut left = PartsLeft::table();
        let mut types = BTreeMap::new();
        for column in &self.create.columns {
            refuse_mask(column)?;
            let at_column = |error: Error| error.at(column.name.span);
            let ty = self
                .scope
                .resolve_type(&column.data_type, self.keyspace)
                .map_err(at_column)?;
            check_nested(&ty, "").map_err(at_column)?;
            if !left.take(&ty) {
                return Err(at_column(table_too_large(self.keyspace, self.name)));
            }
            types.insert(column.name.as_str(), ty);
        }
        Ok(types)
    }

    fn check_primary_key(
        &self,
        primary_key: &PrimaryKey,
        types: &BTreeMap<&str, Type>,
        statics: &BTreeSet<&str>,
    ) -> Result<(), Error> {
        let table = self.name;
        let mut seen = BTreeSet::new();
        for identifier in primary_key.partition.iter().chain(&primary_key.clustering) {
            let column = identifier.as_str();
            let refused = |text: String| Err(Error::invalid(text).at(identifier.span));
            let Some(ty) = types.get(column) else {
                return refused(format!(
                    "Unknown column '{column}' referenced in PRIMARY KEY for table '{table}'"
                ));
            };
            if !seen.insert(column) {
                return refused(format!(
                    "Duplicate column '{column}' in PRIMARY KEY clause for table '{table}'"
                ));
            }
            check_key_type(column, ty).map_err(|error| error.at(identifier.span))?;
            if statics.contains(column) {
                return refused(format!(
                    "Static column '{column}' cannot be part of the PRIMARY KEY"
                ));
            }
        }
        Ok(())
    }

    /// The order of each clustering column.
    fn orders(&self, primary_key: &PrimaryKey) -> Result<Vec<Order>, Error> {
        let given = &self.create.clustering_order;
        let clustering = &primary_key.clustering;
        let mut seen = BTreeSet::new();
        if let Some((again, _)) = given.iter().find(|(id, _)| !seen.insert(id.as_str())) {
            return Err(Error::invalid(format!(
                "Duplicate column '{}' in CLUSTERING ORDER BY clause for table '{}'",
                again.text, self.name
            ))
            .at(again.span));
        }
        let others: Vec<&Identifier> = given
            .iter()
            .map(|(id, _)| id)
            .filter(|id| !clustering.contains(id))
            .collect();
        if let [first, ..] = others.as_slice() {
            let names: Vec<&str> = others.iter().map(|id| id.as_str()).collect();
            return Err(Error::invalid(format!(
                "Only clustering key columns can be defined in CLUSTERING ORDER directive: \
                 [{}] are not clustering columns",
                names.join(", ")
            ))
            .at(first.span));
        }
        for ((id, _), column) in given.iter().zip(clustering) {
            if id == column {
                continue;
            }
            if given.iter().any(|(other, _)| other == column) {
                return Err(Error::invalid(format!(
                    "The order of columns in the CLUSTERING ORDER directive must match that of the clustering \
                     columns ({} must appear before {})",
                    column.text, id.text
                ))
                .at(id.span));
            }
            return Err(Error::invalid(format!(
                "Missing CLUSTERING ORDER for column {}",
                column.text
            ))
            .at(id.span));
        }
        let mut orders: Vec<Order> = given
            .iter()
            .map(|(_, direction)| match direction {
                Direction::Ascending => Order::Asc,
                Direction::Descending => Order::Desc,
            })
            .collect();
        orders.resize(clustering.len(), Order::Asc);
        Ok(orders)
    }

    /// The columns that are not in the key.
    fn check_others(
        &self,
        primary_key: &PrimaryKey,
        types: &BTreeMap<&str, Type>,
        statics: &BTreeSet<&str>,
        options: &Options,
    ) -> Result<(), Error> {
        if primary_key.clustering.is_empty()
            && let Some(column) = statics.first()
        {
            return Err(Error::invalid(
                "Static columns are only useful (and thus allowed) if the table has at least one clustering column",
            )
            .about(column));
        }
        if !types.values().any(Type::is_counter) {
            return Ok(());
        }
        if !types.values().all(Type::is_counter) {
            return Err(Error::invalid(
                "Cannot mix counter and non counter columns in the same table",
            ));
        }
        if options.default_time_to_live_seconds > 0 {
            return Err(Error::invalid(
                "Cannot set default_time_to_live on a table with counters",
            ));
        }
        Err(Error::invalid("Counter tables are not supported yet"))
    }
}

/// Refuses a column that is declared twice.
fn check_repetition(create: &tree::CreateTable) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    let mut columns = create.columns.iter();
    match columns.find(|column| !seen.insert(name_of(column))) {
        None => Ok(()),
        Some(again) => Err(Error::invalid(format!(
            "Duplicate column '{}' declaration for table '{}'",
            again.name.text,
            written_name(&create.name)
        ))
        .at(again.name.span)),
    }
}

fn primary_key(create: &tree::CreateTable) -> Result<&PrimaryKey, Error> {
    let written = written_name(&create.name);
    match create.primary_keys.as_slice() {
        [primary_key] => Ok(primary_key),
        // Cassandra's spelling.
        [] => Err(Error::invalid(format!(
            "No PRIMARY KEY specifed for table '{written}' (exactly one required)"
        ))),
        [_, again, ..] => Err(Error::invalid(format!(
            "Multiple PRIMARY KEY specified for table '{written}' (exactly one required)"
        ))
        .at(again.span)),
    }
}

fn name_of(column: &ColumnDefinition) -> &str {
    column.name.as_str()
}

fn written_name(name: &tree::QualifiedName) -> String {
    match &name.keyspace {
        Some(keyspace) => format!("{}.{}", keyspace.text, name.name.text),
        None => name.name.text.clone(),
    }
}

fn refuse_mask(column: &ColumnDefinition) -> Result<(), Error> {
    match column.mask {
        None => Ok(()),
        Some(_) => {
            let error = Error::invalid("Dynamic data masking is not supported yet");
            Err(error.at(column.span))
        }
    }
}

fn check_key_type(column: &str, ty: &Type) -> Result<(), Error> {
    if ty.is_multi_cell() {
        let kind = match ty {
            Type::Udt { definition, .. } => {
                format!(
                    "user-defined type \"{}.{}\"",
                    definition.keyspace, definition.name
                )
            }
            collection => format!("collection type {collection}"),
        };
        return Err(Error::invalid(format!(
            "Invalid non-frozen {kind} for PRIMARY KEY column '{column}'"
        )));
    }
    if ty.is_counter() {
        return Err(Error::invalid(format!(
            "counter type is not supported for PRIMARY KEY column '{column}'"
        )));
    }
    if ty.references_duration() {
        return Err(Error::invalid(format!(
            "duration type is not supported for PRIMARY KEY column '{column}'"
        )));
    }
    Ok(())
}

fn table_options(mut properties: Properties) -> Result<(Option<Uuid>, Options), Error> {
    let id = properties.text("id")?.map(str::to_owned);
    properties.0.remove("id");
    let options = Options::new(&properties)?;
    let id = id.map(|text| Uuid::try_parse(&text).map_err(|_| Error::config("Invalid table id")));
    Ok((id.transpose()?, options))
}

pub(super) fn alter(
    scope: &Scope<'_>,
    alter: &tree::AlterTable,
    now_micros: i64,
) -> Result<Change, Error> {
    let (keyspace, name) = scope.names(&alter.name)?;
    if let AlterTableAction::Add { columns, .. } = &alter.action {
        check_frozen(
            columns
                .iter()
                .map(|column| (&column.name, &column.data_type)),
        )?;
    }
    let if_exists = alter.if_exists;
    let with = |action| Change::AlterTable {
        keyspace: keyspace.clone(),
        name: name.clone(),
        if_exists,
        action,
    };
    let nothing = with(TableAction::Options(Properties::default()));
    nothing.authorize()?;
    if scope.catalog.table(&keyspace, &name).is_none() {
        if if_exists {
            return Ok(nothing);
        }
        return Err(Error::invalid(format!(
            "Table '{keyspace}.{name}' doesn't exist"
        )));
    }
    let action = match &alter.action {
        AlterTableAction::Add {
            if_not_exists,
            columns,
        } => {
            let mut left = PartsLeft::table();
            let columns = columns.iter().map(|column| {
                refuse_mask(column)?;
                let at_column = |error: Error| error.at(column.name.span);
                let ty = scope
                    .resolve_type(&column.data_type, &keyspace)
                    .map_err(at_column)?;
                if !left.take(&ty) {
                    return Err(at_column(table_too_large(&keyspace, &name)));
                }
                Ok(NewColumn {
                    name: column.name.text.clone(),
                    ty,
                    is_static: column.is_static,
                })
            });
            TableAction::Add {
                columns: columns.collect::<Result<_, Error>>()?,
                if_not_exists: *if_not_exists,
            }
        }
        AlterTableAction::Drop {
            if_exists,
            columns,
            timestamp,
        } => TableAction::Drop {
            columns: columns.iter().map(|column| column.text.clone()).collect(),
            if_exists: *if_exists,
            time_micros: timestamp.unwrap_or(now_micros),
        },
        AlterTableAction::Rename { if_exists, renames } => TableAction::Rename {
            renames: pairs(renames),
            if_exists: *if_exists,
        },
        AlterTableAction::AlterColumn { .. } => {
            return Err(Error::invalid(
                "Altering column types is no longer supported",
            ));
        }
        AlterTableAction::Mask { .. } => {
            return Err(Error::invalid("Dynamic data masking is not supported yet"));
        }
        AlterTableAction::DropCompactStorage => {
            return Err(Error::invalid(
                "Cannot DROP COMPACT STORAGE on table without COMPACT STORAGE",
            ));
        }
        AlterTableAction::With(written) => TableAction::Options(properties(written)?),
    };
    Ok(with(action))
}
