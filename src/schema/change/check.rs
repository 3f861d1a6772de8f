//! Limits of a new change: how long names may be, how many columns a table may have, how large and deep its types, and
//! which values options may have.
//!
//! Whoever takes a change in checks it, once, before it gets its place in the order of changes. [`Catalog::apply`] does
//! not check again: what is in the order was allowed when it came, on every node and in every later build, whatever the
//! limits are by then. So limits may become stricter, and nothing that holds becomes damage.
//!
//! Sizes are computed from the definitions by name, never by writing types out: thirty types of which each has two
//! fields of the next are thirty steps and not a billion.

use std::collections::BTreeMap;

use base::limits::{COLUMNS_MAX, NAME_CHARS_MAX};
use types::{NESTING_MAX, Type, udt};

use super::{Change, NewColumn, TableAction, TypeAction};
use crate::types::{TABLE_PARTS_MAX, TYPE_PARTS_MAX, table_too_large, too_large};
use crate::{Catalog, Error, Keyspace, Table};

/// The longest name of a column, field or type in bytes: the protocol counts names in an unsigned short, and every
/// answer repeats the names of its columns.
pub const PART_NAME_BYTES_MAX: usize = 1_024;

/// The longest name of a table: it is part of a directory's name, with a dash and the 32 digits of the table's id, and
/// file systems stop at 255 bytes.
pub const TABLE_NAME_CHARS_MAX: usize = 222;

impl Catalog {
    /// Refuses a new change that goes beyond a limit. What contradicts the schema is refused when it is applied.
    pub fn check(&self, change: &Change) -> Result<(), Error> {
        let keyspace = self.keyspace(change.keyspace());
        match (change, keyspace) {
            (_, None) => check_keyspace_name(change.keyspace()),
            (Change::CreateTable { table, .. }, Some(keyspace)) => check_table(keyspace, table),
            (
                Change::AlterTable {
                    keyspace: _,
                    name,
                    action,
                    ..
                },
                Some(keyspace),
            ) => match keyspace.table(name) {
                Some(table) => check_action(keyspace, table, action),
                None => Ok(()),
            },
            (
                Change::CreateType {
                    keyspace: _,
                    name,
                    fields,
                    ..
                },
                Some(keyspace),
            ) => check_type(keyspace, name, fields),
            (
                Change::AlterType {
                    keyspace: _,
                    name,
                    action,
                    ..
                },
                Some(keyspace),
            ) => match keyspace.user_type(name) {
                Some(definition) => check_type_action(keyspace, definition, action),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

pub(crate) fn check_keyspace_name(name: &str) -> Result<(), Error> {
    if is_plain_name(name) && name.len() <= NAME_CHARS_MAX {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "Keyspace name must not be empty, more than {NAME_CHARS_MAX} characters long, \
         or contain non-alphanumeric-underscore characters (got '{name}')"
    )))
}

fn check_table(keyspace: &Keyspace, table: &Table) -> Result<(), Error> {
    if keyspace.table(&table.name).is_some() {
        return Ok(());
    }
    check_table_name(table)?;
    let columns = table.columns().map(|column| (&*column.name, &column.ty));
    check_columns(keyspace, table, columns)
}

fn check_table_name(table: &Table) -> Result<(), Error> {
    let max = match is_plain_name(&table.name) {
        true if table.name.len() <= TABLE_NAME_CHARS_MAX => return Ok(()),
        true => TABLE_NAME_CHARS_MAX,
        // What Cassandra says, while it takes longer ones, too.
        false => NAME_CHARS_MAX,
    };
    Err(Error::config(format!(
        "{}.{}: Table name must not be empty, more than {max} characters long, \
         or contain non-alphanumeric-underscore characters (got \"{}\")",
        table.keyspace, table.name, table.name
    )))
}

fn check_action(keyspace: &Keyspace, table: &Table, action: &TableAction) -> Result<(), Error> {
    match action {
        TableAction::Add { columns, .. } => {
            let is_new = |column: &&NewColumn| table.column(&column.name).is_none();
            let new = columns.iter().filter(is_new);
            let new = new.map(|column| (column.name.as_str(), &column.ty));
            let old = table.columns().map(|column| (&*column.name, &column.ty));
            check_columns(keyspace, table, old.chain(new))
        }
        TableAction::Rename { renames, .. } => renames
            .iter()
            .try_for_each(|(_, to)| check_part_name("Column", to)),
        // Whoever names the id is refused when the change is applied.
        TableAction::Options(properties) if !properties.0.contains_key("id") => {
            table.options.altered(properties).map(drop)
        }
        TableAction::Drop { .. } | TableAction::Options(_) => Ok(()),
    }
}

fn check_columns<'a>(
    keyspace: &Keyspace,
    table: &Table,
    columns: impl Iterator<Item = (&'a str, &'a Type)>,
) -> Result<(), Error> {
    let mut sizes = Sizes::of(keyspace);
    let (mut count, mut parts) = (0, 0_usize);
    for (name, ty) in columns {
        check_part_name("Column", name)?;
        let size = sizes.ty(ty);
        size.check(|| ty.to_string())
            .map_err(|error| error.about(name))?;
        count += 1;
        parts = parts.saturating_add(size.parts);
        if count > COLUMNS_MAX {
            return Err(too_many_columns().about(name));
        }
        if parts > TABLE_PARTS_MAX {
            return Err(table_too_large(&table.keyspace, &table.name).about(name));
        }
    }
    Ok(())
}

/// The error for a table of too many columns.
pub(crate) fn too_many_columns() -> Error {
    Error::invalid(format!(
        "A table cannot have more than {COLUMNS_MAX} columns"
    ))
}

fn check_type(keyspace: &Keyspace, name: &str, fields: &[(String, Type)]) -> Result<(), Error> {
    if keyspace.user_type(name).is_some() {
        return Ok(());
    }
    check_part_name("Type", name)?;
    for (field, _) in fields {
        check_part_name("Field", field)?;
    }
    let size = Sizes::of(keyspace).all(fields.iter().map(|(_, ty)| ty));
    size.check(|| format!("{}.{name}", keyspace.name))
}

fn check_type_action(
    keyspace: &Keyspace,
    definition: &udt::Definition,
    action: &TypeAction,
) -> Result<(), Error> {
    match action {
        TypeAction::Add { field, ty, .. } if definition.field_index(field).is_none() => {
            check_part_name("Field", field)?;
            let mut sizes = Sizes::of(keyspace);
            sizes.grow(definition, ty);
            check_growth(keyspace, &mut sizes).map_err(|error| error.about(field))
        }
        TypeAction::Add { .. } => Ok(()),
        TypeAction::Rename { renames, .. } => renames
            .iter()
            .try_for_each(|(_, to)| check_part_name("Field", to)),
    }
}

/// Refuses types and tables that are too large with one type as it shall be.
fn check_growth<'a>(keyspace: &'a Keyspace, sizes: &mut Sizes<'a>) -> Result<(), Error> {
    for definition in keyspace.types.values() {
        sizes
            .definition(definition)
            .check(|| format!("{}.{}", keyspace.name, definition.name))?;
    }
    for table in keyspace.tables.values() {
        let mut parts = 0_usize;
        for column in table.columns() {
            let size = sizes.ty(&column.ty);
            size.check(|| column.ty.to_string())?;
            parts = parts.saturating_add(size.parts);
        }
        if parts > TABLE_PARTS_MAX {
            return Err(table_too_large(&table.keyspace, &table.name));
        }
    }
    Ok(())
}

/// How large a type is with user-defined types written out.
#[derive(Clone, Copy)]
struct Size {
    /// Types that it consists of, itself included.
    parts: usize,
    /// Levels, its own included.
    depth: usize,
}

impl Size {
    const NATIVE: Size = Size { parts: 1, depth: 1 };

    fn check(self, name: impl Fn() -> String) -> Result<(), Error> {
        if self.parts > TYPE_PARTS_MAX {
            return Err(too_large(&name()));
        }
        if self.depth > NESTING_MAX {
            return Err(Error::invalid(
                types::Error::Nesting { max: NESTING_MAX }.to_string(),
            ));
        }
        Ok(())
    }
}

/// The sizes of a keyspace's types, each computed once.
struct Sizes<'a> {
    keyspace: &'a Keyspace,
    known: BTreeMap<&'a str, Size>,
    /// A field that one of the types shall have too.
    growth: Option<(&'a str, &'a Type)>,
}

impl<'a> Sizes<'a> {
    fn of(keyspace: &'a Keyspace) -> Sizes<'a> {
        Sizes {
            keyspace,
            known: BTreeMap::new(),
            growth: None,
        }
    }

    fn grow(&mut self, definition: &'a udt::Definition, field: &'a Type) {
        self.growth = Some((&definition.name, field));
    }

    fn ty(&mut self, ty: &Type) -> Size {
        match ty {
            Type::Udt { definition, .. } => match self.keyspace.types.get(&*definition.name) {
                Some(current) => self.definition(current),
                // Applying misses it.
                None => Size::NATIVE,
            },
            composed => self.all(composed.parts()),
        }
    }

    /// The size of a type of these parts.
    fn all<'t>(&mut self, parts: impl Iterator<Item = &'t Type>) -> Size {
        let mut size = Size::NATIVE;
        for part in parts {
            let part = self.ty(part);
            size.parts = size.parts.saturating_add(part.parts);
            size.depth = size.depth.max(part.depth.saturating_add(1));
        }
        size
    }

    fn definition(&mut self, definition: &'a udt::Definition) -> Size {
        if let Some(size) = self.known.get(definition.name.as_str()) {
            return *size;
        }
        // Applying refuses circles; here one ends.
        self.known.insert(&definition.name, Size::NATIVE);
        let growth = self.growth.filter(|(name, _)| *name == definition.name);
        let fields = definition.fields.iter().map(|(_, ty)| ty);
        let size = self.all(fields.chain(growth.map(|(_, ty)| ty)));
        self.known.insert(&definition.name, size);
        size
    }
}

/// Refuses a name that is too long for a column, field or type; `what` says which.
fn check_part_name(what: &str, name: &str) -> Result<(), Error> {
    if name.len() <= PART_NAME_BYTES_MAX {
        return Ok(());
    }
    let shown: String = name.chars().take(NAME_CHARS_MAX).collect();
    let error = Error::invalid(format!(
        "{what} name must not be more than {PART_NAME_BYTES_MAX} bytes long (got '{shown}...' of {} bytes)",
        name.len()
    ));
    Err(error.about(name))
}

/// Whether a keyspace or table may bear this name, if it is not too long.
fn is_plain_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(plain)
}
