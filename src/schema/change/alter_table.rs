//! What ALTER TABLE does to a table: columns added, dropped and renamed, options set.
//!
//! A statement may name thousands of columns, so each is looked up by name and the lists are changed once at the end:
//! the time is proportional to the columns that there are and that are named.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::ColumnId;
use types::Type;
use uuid::Uuid;

use super::table::check_nested;
use super::{NewColumn, TableAction};
use crate::property::Properties;
use crate::table::{Column, ColumnKind, Dropped, Order};
use crate::{Error, Keyspace, Table};

/// The table after an action. Its version and what is derived of it are the caller's.
pub(super) fn altered(
    keyspace: &Keyspace,
    table: &Table,
    action: &TableAction,
) -> Result<Table, Error> {
    let mut new = Table::clone(table);
    match action {
        TableAction::Add {
            columns,
            if_not_exists,
        } => Addition::to(keyspace, &mut new).add_all(columns, *if_not_exists)?,
        TableAction::Drop {
            columns,
            if_exists,
            time_micros,
        } => drop_columns(&mut new, columns, *if_exists, *time_micros)?,
        TableAction::Rename { renames, if_exists } => rename(&mut new, renames, *if_exists)?,
        TableAction::Options(properties) => set_options(&mut new, properties)?,
    }
    Ok(new)
}

/// Columns on their way into a table.
struct Addition<'a> {
    keyspace: &'a Keyspace,
    table: &'a mut Table,
    /// The names there are, those just added included.
    names: BTreeSet<Arc<str>>,
    is_counter: bool,
}

impl<'a> Addition<'a> {
    fn to(keyspace: &'a Keyspace, table: &'a mut Table) -> Addition<'a> {
        Addition {
            keyspace,
            names: table.names.keys().cloned().collect(),
            is_counter: table.is_counter(),
            table,
        }
    }

    fn add_all(mut self, columns: &[NewColumn], if_not_exists: bool) -> Result<(), Error> {
        // Of a name dropped twice the later one counts.
        let dropped = self.table.dropped.iter().cloned();
        let dropped: BTreeMap<_, _> = dropped
            .map(|dropped| (dropped.name.clone(), dropped))
            .collect();
        for column in columns {
            let name = column.name.as_str();
            if !self.names.contains(name) {
                self.add(column, dropped.get(name))
                    .map_err(|error| error.about(name))?;
            } else if !if_not_exists {
                return Err(
                    Error::invalid(format!("Column with name '{name}' already exists")).about(name),
                );
            }
        }
        Ok(())
    }

    fn add(&mut self, new: &NewColumn, dropped: Option<&Dropped>) -> Result<(), Error> {
        let name = new.name.as_str();
        if new.is_static && self.table.clustering.is_empty() {
            return Err(Error::invalid(
                "Static columns are only useful (and thus allowed) if the table has at least one clustering column",
            ));
        }
        let ty = self.keyspace.refresh(&new.ty)?;
        check_nested(&ty, &format!(" for column {name}"))?;
        self.check_counter(name, &ty)?;
        let kind = if new.is_static {
            ColumnKind::Static
        } else {
            ColumnKind::Regular
        };
        if let Some(dropped) = dropped {
            self.check_again(dropped, &ty, kind)?;
        }
        let column = Column {
            name: name.into(),
            id: self.take_id()?,
            ty,
            kind,
            position: 0,
            order: Order::Asc,
        };
        self.names.insert(column.name.clone());
        self.table.list_mut(kind).push(column);
        Ok(())
    }

    fn take_id(&mut self) -> Result<ColumnId, Error> {
        let table = &mut *self.table;
        let id = ColumnId(table.next_column);
        table.next_column = table.next_column.checked_add(1).ok_or_else(|| {
            Error::invalid(format!(
                "Table {}.{} has had too many columns to add another",
                table.keyspace, table.name
            ))
        })?;
        Ok(id)
    }

    fn check_counter(&self, name: &str, ty: &Type) -> Result<(), Error> {
        let table = &*self.table;
        let has_values = !table.statics.is_empty() || !table.regulars.is_empty();
        let message = match (self.is_counter, ty.is_counter()) {
            (true, false) => {
                format!("Cannot have a non counter column (\"{name}\") in a counter table")
            }
            (false, true) if has_values => {
                format!("Cannot have a counter column (\"{name}\") in a non counter table")
            }
            (_, true) => "Counter tables are not supported yet".to_owned(),
            _ => return Ok(()),
        };
        Err(Error::config(format!(
            "{}.{}: {message}",
            table.keyspace, table.name
        )))
    }

    /// Cells of the dropped column may still lie in files of an older kind of server; Cassandra refuses, so do we.
    fn check_again(&self, dropped: &Dropped, ty: &Type, kind: ColumnKind) -> Result<(), Error> {
        let name = &dropped.name;
        if !is_compatible(ty, &dropped.ty) {
            return Err(Error::invalid(format!(
                "Cannot re-add previously dropped column '{name}' of type {ty}, incompatible with previous type {}",
                dropped.ty
            )));
        }
        if dropped.kind != kind {
            let word = |kind: ColumnKind| kind.as_str().to_ascii_uppercase();
            return Err(Error::invalid(format!(
                "Cannot re-add previously dropped column '{name}' of kind {}, incompatible with previous kind {}",
                word(kind),
                word(dropped.kind)
            )));
        }
        if self.is_counter {
            return Err(Error::invalid(format!(
                "Cannot re-add previously dropped counter column {name}"
            )));
        }
        Ok(())
    }
}

/// Whether values of the old type read as values of the new one.
fn is_compatible(new: &Type, old: &Type) -> bool {
    if new == old {
        return true;
    }
    if new.is_multi_cell() != old.is_multi_cell() || new.fixed_len() != old.fixed_len() {
        return false;
    }
    match (new, old) {
        (Type::Blob, _) => !old.is_multi_cell(),
        (Type::Text, Type::Ascii)
        | (Type::Uuid, Type::TimeUuid)
        | (Type::BigInt, Type::Timestamp)
        | (Type::Timestamp, Type::BigInt) => true,
        (Type::List { element: new, .. }, Type::List { element: old, .. })
        | (Type::Set { element: new, .. }, Type::Set { element: old, .. }) => {
            is_compatible(new, old)
        }
        (
            Type::Map {
                key: new_key,
                value: new,
                ..
            },
            Type::Map {
                key: old_key,
                value: old,
                ..
            },
        ) => is_compatible(new_key, old_key) && is_compatible(new, old),
        (Type::Tuple(new), Type::Tuple(old)) => {
            new.len() >= old.len()
                && new
                    .iter()
                    .zip(old.iter())
                    .all(|(new, old)| is_compatible(new, old))
        }
        _ => false,
    }
}

fn drop_columns(
    table: &mut Table,
    names: &[String],
    if_exists: bool,
    time_micros: i64,
) -> Result<(), Error> {
    let mut gone = BTreeMap::new();
    for name in names {
        let Some(column) = table.column(name) else {
            if if_exists {
                continue;
            }
            return Err(Error::invalid(format!(
                "Column {name} was not found in table '{}'",
                table.qualified_name()
            ))
            .about(name));
        };
        check_droppable(column).map_err(|error| error.about(name))?;
        gone.insert(column.id, column.clone());
    }
    let is_left = |column: &Column| !gone.contains_key(&column.id);
    table.statics.retain(is_left);
    table.regulars.retain(is_left);
    table
        .dropped
        .extend(gone.into_values().map(|column| Dropped {
            ty: without_udts(&column.ty),
            name: column.name,
            id: column.id,
            kind: column.kind,
            time_micros,
        }));
    Ok(())
}

fn check_droppable(column: &Column) -> Result<(), Error> {
    let name = &column.name;
    if column.is_key() {
        return Err(Error::invalid(format!(
            "Cannot drop PRIMARY KEY column {name}"
        )));
    }
    if matches!(column.ty, Type::Udt { frozen: false, .. }) {
        return Err(Error::invalid(format!(
            "Cannot drop non-frozen column {name} of user type {}",
            column.ty
        )));
    }
    Ok(())
}

/// The type with tuples for user-defined types, so that it outlives them.
fn without_udts(ty: &Type) -> Type {
    let each = |ty: &Arc<Type>| Arc::new(without_udts(ty));
    match ty {
        Type::List { element, frozen } => Type::List {
            element: each(element),
            frozen: *frozen,
        },
        Type::Set { element, frozen } => Type::Set {
            element: each(element),
            frozen: *frozen,
        },
        Type::Map { key, value, frozen } => Type::Map {
            key: each(key),
            value: each(value),
            frozen: *frozen,
        },
        Type::Tuple(parts) => Type::tuple(parts.iter().map(without_udts)),
        Type::Udt { definition, .. } => {
            Type::tuple(definition.fields.iter().map(|(_, ty)| without_udts(ty)))
        }
        Type::Vector { element, dimension } => Type::Vector {
            element: each(element),
            dimension: *dimension,
        },
        native => native.clone(),
    }
}

fn rename(table: &mut Table, renames: &[(String, String)], if_exists: bool) -> Result<(), Error> {
    let mut new_names: BTreeMap<ColumnId, &str> = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for (from, to) in renames {
        let Some(column) = table.column(from) else {
            if if_exists {
                continue;
            }
            return Err(Error::invalid(format!(
                "Undefined column name {from} in table {}",
                table.qualified_name()
            ))
            .about(from));
        };
        if !column.is_key() {
            return Err(
                Error::invalid(format!("Cannot rename non PRIMARY KEY column {from}")).about(from),
            );
        }
        if table.column(to).is_some() || !taken.insert(to) {
            return Err(Error::invalid(format!(
                "Cannot rename column {from} to {to} in table '{}'; another column with that name already exists",
                table.qualified_name()
            ))
            .about(to));
        }
        new_names.insert(column.id, to);
    }
    for column in table.partition_key.iter_mut().chain(&mut table.clustering) {
        if let Some(name) = new_names.get(&column.id) {
            column.name = Arc::from(*name);
        }
    }
    Ok(())
}

fn set_options(table: &mut Table, properties: &Properties) -> Result<(), Error> {
    if let Some(text) = properties.text("id")? {
        let text = match Uuid::try_parse(text) {
            Ok(_) => "Cannot alter table id.",
            Err(_) => "Invalid table id",
        };
        return Err(Error::config(text).about("id"));
    }
    let options = table.options.with(properties)?;
    if table.is_counter() && options.default_time_to_live_seconds > 0 {
        return Err(
            Error::invalid("Cannot set default_time_to_live on a table with counters")
                .about("default_time_to_live"),
        );
    }
    table.options = options;
    Ok(())
}
