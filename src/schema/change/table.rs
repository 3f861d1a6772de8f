//! Tables made, altered and dropped.

use std::sync::Arc;

use model::ColumnId;
use types::Type;

use super::apply::{NAME_LENGTH_MAX, check_part_name, is_valid_name};
use super::{Effect, NewColumn, Outcome, TableAction, Target, Verb};
use crate::property::Properties;
use crate::table::{Column, ColumnKind, Dropped, Order};
use crate::{Catalog, Error, Keyspace, Table, types as schema_types};

type Applied = Result<(Catalog, Outcome), Error>;

pub(super) fn create(catalog: &Catalog, table: &Arc<Table>, if_not_exists: bool) -> Applied {
    let keyspace = catalog.require_keyspace(&table.keyspace)?;
    if keyspace.table(&table.name).is_some() {
        if if_not_exists {
            return Ok(catalog.unchanged());
        }
        let (keyspace, table) = (table.keyspace.to_string(), table.name.to_string());
        return Err(Error::AlreadyExists { keyspace, table });
    }
    if !is_valid_name(&table.name) {
        return Err(Error::config(format!(
            "{}.{}: Table name must not be empty, more than {NAME_LENGTH_MAX} characters long, \
             or contain non-alphanumeric-underscore characters (got \"{}\")",
            table.keyspace, table.name, table.name
        )));
    }
    if catalog.table_by_id(table.id).is_some() {
        return Err(Error::config(format!("Table id {} is in use", table.id)));
    }
    table
        .columns()
        .try_for_each(|column| check_part_name("Column", &column.name))?;
    let table = refreshed(keyspace, table)?;
    let effect = Effect::new(Verb::Created, Target::Table, &table.keyspace, &table.name);
    let mut keyspace = Keyspace::clone(keyspace);
    keyspace.tables.insert(table.name.clone(), Arc::new(table));
    Ok((catalog.with_keyspace(keyspace), Outcome::of(effect)))
}

pub(super) fn alter(
    catalog: &Catalog,
    keyspace: &str,
    name: &str,
    if_exists: bool,
    action: &TableAction,
) -> Applied {
    let found = catalog
        .keyspace(keyspace)
        .and_then(|found| Some((found, found.table(name)?)));
    let Some((keyspace, old)) = found else {
        if if_exists {
            return Ok(catalog.unchanged());
        }
        return Err(doesnt_exist(keyspace, name));
    };
    let mut new = Table::clone(old);
    match action {
        TableAction::Add {
            columns,
            if_not_exists,
        } => {
            columns
                .iter()
                .try_for_each(|column| add(keyspace, &mut new, column, *if_not_exists))?;
        }
        TableAction::Drop {
            columns,
            if_exists,
            time_micros,
        } => {
            columns
                .iter()
                .try_for_each(|column| drop_column(&mut new, column, *if_exists, *time_micros))?;
        }
        TableAction::Rename { renames, if_exists } => {
            renames
                .iter()
                .try_for_each(|(from, to)| rename(&mut new, from, to, *if_exists))?;
        }
        TableAction::Options(properties) => set_options(&mut new, properties)?,
    }
    if new == **old {
        return Ok(catalog.unchanged());
    }
    new.version += 1;
    let effect = Effect::new(Verb::Updated, Target::Table, &new.keyspace, &new.name);
    let mut keyspace = Keyspace::clone(keyspace);
    keyspace
        .tables
        .insert(new.name.clone(), Arc::new(new.seal()));
    Ok((catalog.with_keyspace(keyspace), Outcome::of(effect)))
}

pub(super) fn drop(catalog: &Catalog, keyspace: &str, name: &str, if_exists: bool) -> Applied {
    let Some(found) = catalog
        .keyspace(keyspace)
        .filter(|found| found.table(name).is_some())
    else {
        if if_exists {
            return Ok(catalog.unchanged());
        }
        return Err(doesnt_exist(keyspace, name));
    };
    let effect = Effect::new(Verb::Dropped, Target::Table, keyspace, name);
    let mut keyspace = Keyspace::clone(found);
    keyspace.tables.remove(name);
    Ok((catalog.with_keyspace(keyspace), Outcome::of(effect)))
}

fn doesnt_exist(keyspace: &str, name: &str) -> Error {
    Error::invalid(format!("Table '{keyspace}.{name}' doesn't exist"))
}

/// The table with user-defined types as the keyspace has them now.
pub(super) fn refreshed(keyspace: &Keyspace, table: &Table) -> Result<Table, Error> {
    let mut table = table.clone();
    for kind in [
        ColumnKind::PartitionKey,
        ColumnKind::Clustering,
        ColumnKind::Static,
        ColumnKind::Regular,
    ] {
        for column in table.list_mut(kind) {
            column.ty = keyspace.refresh(&column.ty)?;
            check_nested(&column.ty, "")?;
        }
    }
    Ok(table.seal())
}

/// A user-defined type that is stored field by field cannot have fields that are stored element by element; no type is
/// too large or too deep.
pub(crate) fn check_nested(ty: &Type, suffix: &str) -> Result<(), Error> {
    let nested = match ty {
        Type::Udt {
            definition,
            frozen: false,
        } => definition.fields.iter().any(|(_, ty)| ty.is_multi_cell()),
        _ => false,
    };
    if nested {
        return Err(Error::invalid(format!(
            "Non-frozen UDTs with nested non-frozen collections are not supported{suffix}"
        )));
    }
    schema_types::check_size(ty)?;
    ty.check_nesting()
        .map_err(|error| Error::invalid(error.to_string()))
}

fn add(
    keyspace: &Keyspace,
    table: &mut Table,
    new: &NewColumn,
    if_not_exists: bool,
) -> Result<(), Error> {
    let name = new.name.as_str();
    if table.columns().any(|column| &*column.name == name) {
        if if_not_exists {
            return Ok(());
        }
        return Err(Error::invalid(format!(
            "Column with name '{name}' already exists"
        )));
    }
    if new.is_static && table.clustering.is_empty() {
        return Err(Error::invalid(
            "Static columns are only useful (and thus allowed) if the table has at least one clustering column",
        ));
    }
    check_part_name("Column", name)?;
    let ty = keyspace.refresh(&new.ty)?;
    check_nested(&ty, &format!(" for column {name}"))?;
    check_counter(table, name, &ty)?;
    let kind = if new.is_static {
        ColumnKind::Static
    } else {
        ColumnKind::Regular
    };
    if let Some(dropped) = table
        .dropped
        .iter()
        .rev()
        .find(|dropped| &*dropped.name == name)
    {
        check_again(table, dropped, &ty, kind)?;
    }
    let id = ColumnId(table.next_column);
    table.next_column = table.next_column.checked_add(1).ok_or_else(|| {
        Error::invalid(format!(
            "Table {}.{} has had too many columns to add another",
            table.keyspace, table.name
        ))
    })?;
    let column = Column {
        name: name.into(),
        id,
        ty,
        kind,
        position: 0,
        order: Order::Asc,
    };
    table.list_mut(kind).push(column);
    Ok(())
}

fn check_counter(table: &Table, name: &str, ty: &Type) -> Result<(), Error> {
    let has_values = table.statics.iter().chain(&table.regulars).next().is_some();
    let message = match (table.is_counter(), ty.is_counter()) {
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
fn check_again(table: &Table, dropped: &Dropped, ty: &Type, kind: ColumnKind) -> Result<(), Error> {
    let name = &dropped.name;
    if !is_compatible(&without_udts(ty), &dropped.ty) {
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
    if table.is_counter() {
        return Err(Error::invalid(format!(
            "Cannot re-add previously dropped counter column {name}"
        )));
    }
    Ok(())
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
        | (Type::BigInt, Type::Timestamp) => true,
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

fn drop_column(
    table: &mut Table,
    name: &str,
    if_exists: bool,
    time_micros: i64,
) -> Result<(), Error> {
    let Some(column) = table
        .columns()
        .find(|column| &*column.name == name)
        .cloned()
    else {
        if if_exists {
            return Ok(());
        }
        return Err(Error::invalid(format!(
            "Column {name} was not found in table '{}'",
            table.qualified_name()
        )));
    };
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
    table
        .list_mut(column.kind)
        .retain(|other| other.id != column.id);
    let ty = without_udts(&column.ty);
    table.dropped.push(Dropped {
        name: column.name,
        id: column.id,
        ty,
        kind: column.kind,
        time_micros,
    });
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

fn rename(table: &mut Table, from: &str, to: &str, if_exists: bool) -> Result<(), Error> {
    let full_name = table.qualified_name();
    let Some(column) = table.columns().find(|column| &*column.name == from) else {
        if if_exists {
            return Ok(());
        }
        return Err(Error::invalid(format!(
            "Column {from} was not found in table {full_name}"
        )));
    };
    let (id, kind) = (column.id, column.kind);
    if !column.is_key() {
        return Err(Error::invalid(format!(
            "Cannot rename non PRIMARY KEY column {from}"
        )));
    }
    check_part_name("Column", to)?;
    if table.columns().any(|column| &*column.name == to) {
        return Err(Error::invalid(format!(
            "Cannot rename column {from} to {to} in table '{full_name}'; another column with that name already exists"
        )));
    }
    for column in table
        .list_mut(kind)
        .iter_mut()
        .filter(|column| column.id == id)
    {
        column.name = to.into();
    }
    Ok(())
}

fn set_options(table: &mut Table, properties: &Properties) -> Result<(), Error> {
    if properties.0.contains_key("id") {
        return Err(Error::config("Cannot alter table id."));
    }
    let options = table.options.altered(properties)?;
    if table.is_counter() && options.default_time_to_live_seconds > 0 {
        return Err(Error::invalid(
            "Cannot set default_time_to_live on a table with counters",
        ));
    }
    table.options = options;
    Ok(())
}
