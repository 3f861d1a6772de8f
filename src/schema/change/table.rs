//! Tables made, altered and dropped.

use std::sync::Arc;

use types::Type;

use super::alter_table::altered;
use super::{Effect, Outcome, TableAction, Target, Verb, unless_missing};
use crate::table::ColumnKind;
use crate::{Catalog, Error, Keyspace, Table};

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
    if catalog.table_by_id(table.id).is_some() {
        return Err(Error::config(format!("Table id {} is in use", table.id)));
    }
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
    let Some((keyspace, old)) = existing(catalog, keyspace, name, if_exists)? else {
        return Ok(catalog.unchanged());
    };
    let mut new = altered(keyspace, old, action)?;
    if new == *old {
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
    let Some((found, _)) = existing(catalog, keyspace, name, if_exists)? else {
        return Ok(catalog.unchanged());
    };
    let effect = Effect::new(Verb::Dropped, Target::Table, keyspace, name);
    let mut keyspace = Keyspace::clone(found);
    keyspace.tables.remove(name);
    Ok((catalog.with_keyspace(keyspace), Outcome::of(effect)))
}

/// The table with its keyspace.
fn existing<'a>(
    catalog: &'a Catalog,
    keyspace: &str,
    name: &str,
    if_exists: bool,
) -> Result<Option<(&'a Keyspace, &'a Table)>, Error> {
    let found = catalog.keyspace(keyspace);
    let found = found.and_then(|found| Some((&**found, &**found.table(name)?)));
    unless_missing(found, if_exists, || {
        format!("Table '{keyspace}.{name}' doesn't exist")
    })
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

/// A user-defined type that is stored field by field cannot have fields that are stored element by element; and no type
/// has a binary form that nests deeper than its bound.
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
    ty.check_nesting()
        .map_err(|error| Error::invalid(error.to_string()))
}
