//! User-defined types made, altered and dropped. An alteration reaches every type and table that uses the type.

use std::collections::BTreeSet;
use std::sync::Arc;

use types::{Type, udt};

use super::table::{check_nested, refreshed};
use super::{Effect, Outcome, Target, TypeAction, Verb, unless_missing};
use crate::keyspace::uses;
use crate::types::unfrozen_field;
use crate::{Catalog, Error, Keyspace};

type Applied = Result<(Catalog, Outcome), Error>;

pub(super) fn create(
    catalog: &Catalog,
    keyspace: &str,
    name: &str,
    fields: &[(String, Type)],
    if_not_exists: bool,
) -> Applied {
    let keyspace = catalog.require_keyspace(keyspace)?;
    if keyspace.user_type(name).is_some() {
        if if_not_exists {
            return Ok(catalog.unchanged());
        }
        return Err(Error::invalid(format!(
            "A user type with name '{name}' already exists"
        )));
    }
    let mut definition = udt::Definition {
        keyspace: keyspace.name.to_string(),
        name: name.to_owned(),
        fields: Vec::new(),
    };
    let mut names = BTreeSet::new();
    for (field, ty) in fields {
        let about = |error: Error| error.about(field);
        if !names.insert(field) {
            return Err(about(Error::invalid(format!(
                "Duplicate field name '{field}' in type '{name}'"
            ))));
        }
        let ty = keyspace.refresh(ty)?;
        check_field(&ty).map_err(about)?;
        definition.fields.push((field.clone(), ty));
    }
    let effect = Effect::new(Verb::Created, Target::Type, &keyspace.name, name);
    let keyspace = with_type(keyspace, definition)?;
    Ok((catalog.with_keyspace(keyspace), Outcome::of(effect)))
}

pub(super) fn alter(
    catalog: &Catalog,
    keyspace: &str,
    name: &str,
    if_exists: bool,
    action: &TypeAction,
) -> Applied {
    let found = existing(catalog, keyspace, name);
    let missing = || format!("Type {keyspace}.{name} doesn't exist");
    let Some((keyspace, old)) = unless_missing(found, if_exists, missing)? else {
        return Ok(catalog.unchanged());
    };
    let mut new = udt::Definition::clone(old);
    match action {
        TypeAction::Add {
            field,
            ty,
            if_not_exists,
        } => add(keyspace, &mut new, field, ty, *if_not_exists)
            .map_err(|error| error.about(field))?,
        TypeAction::Rename { renames, if_exists } => rename(&mut new, renames, *if_exists)?,
    }
    if new == *old {
        return Ok(catalog.unchanged());
    }
    let effect = Effect::new(Verb::Updated, Target::Type, &keyspace.name, name);
    let keyspace = with_type(keyspace, new)?;
    Ok((catalog.with_keyspace(keyspace), Outcome::of(effect)))
}

pub(super) fn drop(catalog: &Catalog, keyspace: &str, name: &str, if_exists: bool) -> Applied {
    let found = existing(catalog, keyspace, name);
    let missing = || format!("Type '{keyspace}.{name}' doesn't exist");
    let Some((found, _)) = unless_missing(found, if_exists, missing)? else {
        return Ok(catalog.unchanged());
    };
    let still_used = |by: &str, names: Vec<String>| {
        Error::invalid(format!(
            "Cannot drop user type '{keyspace}.{name}' as it is still used by {by} {}",
            names.join(", ")
        ))
    };
    let types = found
        .types
        .values()
        .filter(|other| uses(other, name, keyspace));
    let types: Vec<String> = types.map(|other| other.name.clone()).collect();
    if !types.is_empty() {
        return Err(still_used("user types", types));
    }
    let tables = found.tables.values();
    let tables = tables.filter(|table| {
        table
            .columns()
            .any(|column| column.ty.references_udt(keyspace, name))
    });
    let tables: Vec<String> = tables.map(|table| table.name.to_string()).collect();
    if !tables.is_empty() {
        return Err(still_used("tables", tables));
    }
    let effect = Effect::new(Verb::Dropped, Target::Type, keyspace, name);
    let mut keyspace = Keyspace::clone(found);
    keyspace.types.remove(name);
    Ok((catalog.with_keyspace(keyspace), Outcome::of(effect)))
}

/// The type with its keyspace.
fn existing<'a>(
    catalog: &'a Catalog,
    keyspace: &str,
    name: &str,
) -> Option<(&'a Keyspace, &'a udt::Definition)> {
    let found = catalog.keyspace(keyspace)?;
    Some((found, found.user_type(name)?))
}

fn check_field(ty: &Type) -> Result<(), Error> {
    if ty.references_counter() {
        return Err(Error::invalid("A user type cannot contain counters"));
    }
    if matches!(ty, Type::Udt { frozen: false, .. }) {
        return Err(unfrozen_field());
    }
    ty.check_nesting()
        .map_err(|error| Error::invalid(error.to_string()))
}

/// The type's name; of a user-defined type with its keyspace.
fn qualified_text(ty: &Type) -> String {
    match ty {
        Type::Udt { definition, frozen } => {
            let name = format!("{}.{}", definition.keyspace, definition.name);
            if *frozen {
                format!("frozen<{name}>")
            } else {
                name
            }
        }
        other => other.to_string(),
    }
}

fn add(
    keyspace: &Keyspace,
    definition: &mut udt::Definition,
    field: &str,
    ty: &Type,
    if_not_exists: bool,
) -> Result<(), Error> {
    let name = definition.name.clone();
    let qualified = format!("{}.{name}", definition.keyspace);
    if definition.field_index(field).is_some() {
        if if_not_exists {
            return Ok(());
        }
        return Err(Error::invalid(format!(
            "Cannot add field {field} to type {qualified}: a field with name {field} already exists"
        )));
    }
    let ty = keyspace.refresh(ty)?;
    check_field(&ty)?;
    let shown = qualified_text(&ty);
    if ty.references_udt(&keyspace.name, &name) {
        return Err(Error::invalid(format!(
            "Cannot add new field {field} of type {shown} to user type {qualified} \
             as it would create a circular reference"
        )));
    }
    let tables = keyspace.tables.values().filter(|table| {
        table
            .partition_key
            .iter()
            .any(|column| column.ty.references_udt(&keyspace.name, &name))
    });
    let tables: Vec<String> = tables.map(|table| table.qualified_name()).collect();
    if !tables.is_empty() {
        return Err(Error::invalid(format!(
            "Cannot add new field {field} of type {shown} to user type {qualified} \
             as the type is being used in partition key by the following tables: {}",
            tables.join(", ")
        )));
    }
    definition.fields.push((field.to_owned(), ty));
    Ok(())
}

fn rename(
    definition: &mut udt::Definition,
    renames: &[(String, String)],
    if_exists: bool,
) -> Result<(), Error> {
    let mut names: Vec<String> = definition
        .fields
        .iter()
        .map(|(name, _)| name.clone())
        .collect();
    for (from, to) in renames {
        match definition.field_index(from) {
            Some(index) => names[index].clone_from(to),
            None if if_exists => {}
            // Cassandra's spelling.
            None => {
                return Err(Error::invalid(format!(
                    "Unkown field {from} in user type {}.{}",
                    definition.keyspace, definition.name
                ))
                .about(from));
            }
        }
    }
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return Err(Error::invalid(format!(
                "Duplicate field name {name} in type {}",
                definition.keyspace
            ))
            .about(name));
        }
    }
    for (field, name) in definition.fields.iter_mut().zip(names) {
        field.0 = name;
    }
    Ok(())
}

/// Refuses what the binary form of a type cannot hold: the one bound that applying knows, far beyond the limits.
fn check_form(definition: &udt::Definition) -> Result<(), Error> {
    let fits = |len: usize| u16::try_from(len).is_ok();
    let mut fields = definition.fields.iter();
    if fits(definition.name.len())
        && fits(definition.fields.len())
        && fields.all(|(name, _)| fits(name.len()))
    {
        return Ok(());
    }
    Err(Error::invalid(
        "The names or the fields of the type do not fit its binary form",
    ))
}

/// The keyspace with this definition, in all types and tables that use it too.
fn with_type(keyspace: &Keyspace, definition: udt::Definition) -> Result<Keyspace, Error> {
    check_form(&definition)?;
    let mut new = keyspace.clone();
    let name = definition.name.clone();
    new.types.insert(name.as_str().into(), Arc::new(definition));
    let dependents = keyspace.types_by_dependency();
    for other in dependents
        .into_iter()
        .filter(|other| uses(other, &name, &keyspace.name))
    {
        let mut changed = udt::Definition::clone(other);
        for (_, ty) in &mut changed.fields {
            *ty = new.refresh(ty)?;
            check_field(ty)?;
        }
        new.types
            .insert(other.name.as_str().into(), Arc::new(changed));
    }
    for table in keyspace.tables.values() {
        if !table
            .columns()
            .any(|column| column.ty.references_udt(&keyspace.name, &name))
        {
            continue;
        }
        let mut table = refreshed(&new, table)?;
        table.version += 1;
        let table = table.seal();
        table
            .columns()
            .try_for_each(|column| check_nested(&column.ty, ""))?;
        new.tables.insert(table.name.clone(), Arc::new(table));
    }
    Ok(new)
}
