//! From a statement to a change: names looked up, types resolved, everything that chance or the clock decides chosen.
//!
//! Nothing is changed here. What can be told from the statement alone is refused here; what depends on the schema is
//! checked again when the change is applied, since another one may come first.
//!
//! Messages are Cassandra's to the letter, its spelling mistakes included.

mod place;
mod table;
#[cfg(test)]
mod tests;

use cql::tree::{self, Identifier, PropertyValue, QualifiedName, Statement};
use uuid::Uuid;

pub use place::place;

use crate::change::check::check_keyspace_name;
use crate::change::{TypeAction, keyspace as keyspace_change};
use crate::property::{Properties, Value};
use crate::{Catalog, Change, Error, types};

/// Where a change takes from what it chooses.
pub struct Choices<'a> {
    /// The next identifier for a table.
    pub id: &'a mut dyn FnMut() -> Uuid,
    /// The time of the statement, in microseconds.
    pub now_micros: i64,
}

/// The change that a CREATE, ALTER or DROP statement asks for.
pub fn resolve(
    statement: &Statement,
    session_keyspace: Option<&str>,
    catalog: &Catalog,
    choices: Choices<'_>,
) -> Result<Change, Error> {
    let scope = Scope {
        session_keyspace,
        catalog,
    };
    match statement {
        Statement::CreateKeyspace(create) => create_keyspace(create),
        Statement::AlterKeyspace(alter) => alter_keyspace(alter),
        Statement::DropKeyspace(drop) => {
            check_keyspace_name(&drop.name.text)?;
            let change = Change::DropKeyspace {
                name: drop.name.text.clone(),
                if_exists: drop.if_exists,
            };
            change.authorize().map(|()| change)
        }
        Statement::CreateTable(create) => table::create(&scope, create, choices.id),
        Statement::AlterTable(alter) => table::alter(&scope, alter, choices.now_micros),
        Statement::DropTable(drop) => {
            let (keyspace, name) = scope.names(&drop.name)?;
            let change = Change::DropTable {
                keyspace,
                name,
                if_exists: drop.if_exists,
            };
            change.authorize().map(|()| change)
        }
        Statement::CreateType(create) => create_type(&scope, create),
        Statement::AlterType(alter) => alter_type(&scope, alter),
        Statement::DropType(drop) => {
            let (keyspace, name) = scope.names(&drop.name)?;
            let change = Change::DropType {
                keyspace,
                name,
                if_exists: drop.if_exists,
            };
            change.authorize().map(|()| change)
        }
        _ => Err(Error::invalid("The statement does not change the schema")),
    }
}

/// The keyspace of a name: its own, or the one in use.
pub fn keyspace_of<'a>(
    name: &'a QualifiedName,
    session_keyspace: Option<&'a str>,
) -> Result<&'a str, Error> {
    let own = name.keyspace.as_ref().map(Identifier::as_str);
    own.or(session_keyspace).ok_or_else(|| {
        Error::invalid("No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename")
    })
}

/// What names are looked up in.
struct Scope<'a> {
    session_keyspace: Option<&'a str>,
    catalog: &'a Catalog,
}

impl Scope<'_> {
    fn names(&self, name: &QualifiedName) -> Result<(String, String), Error> {
        let keyspace = keyspace_of(name, self.session_keyspace)?;
        check_keyspace_name(keyspace)?;
        Ok((keyspace.to_owned(), name.name.text.clone()))
    }

    fn resolve_type(
        &self,
        written: &tree::DataType,
        keyspace: &str,
    ) -> Result<::types::Type, Error> {
        types::resolve(written, keyspace, self.catalog)
    }

    /// The type of a user-defined type's field. Another such type in it is frozen, whether it exists or not.
    fn resolve_field(&self, field: &tree::Field, keyspace: &str) -> Result<::types::Type, Error> {
        if matches!(field.data_type, tree::DataType::User(_)) {
            return Err(types::unfrozen_field());
        }
        self.resolve_type(&field.data_type, keyspace)
    }
}

/// The properties of WITH by name, constants as their text.
pub fn properties(written: &tree::Properties) -> Result<Properties, Error> {
    let mut properties = Properties::default();
    for property in &written.0 {
        let name = property.name.text.clone();
        let value = match &property.value {
            PropertyValue::Literal(literal) => Value::Text(literal.raw_text().into_owned()),
            PropertyValue::Map(entries) => {
                let entries = entries.iter();
                let text = |literal: &tree::Literal| literal.raw_text().into_owned();
                Value::Map(
                    entries
                        .map(|(key, value)| (text(key), text(value)))
                        .collect(),
                )
            }
        };
        if properties.0.insert(name.clone(), value).is_some() {
            return Err(
                Error::syntax(format!("Multiple definitions for property '{name}'"))
                    .at(property.span),
            );
        }
    }
    // An empty map and an empty set look the same in CQL; a property is never a set.
    Ok(properties)
}

fn create_keyspace(create: &tree::CreateKeyspace) -> Result<Change, Error> {
    let options = keyspace_change::Options::parse(&properties(&create.properties)?)?;
    let Some(replication) = options.replication else {
        return Err(Error::invalid("Missing mandatory option 'replication'"));
    };
    let change = Change::CreateKeyspace {
        name: create.name.text.clone(),
        replication,
        durable_writes: options.durable_writes.unwrap_or(true),
        if_not_exists: create.if_not_exists,
    };
    change.authorize().map(|()| change)
}

fn alter_keyspace(alter: &tree::AlterKeyspace) -> Result<Change, Error> {
    check_keyspace_name(&alter.name.text)?;
    let options = keyspace_change::Options::parse(&properties(&alter.properties)?)?;
    let change = Change::AlterKeyspace {
        name: alter.name.text.clone(),
        replication: options.replication,
        durable_writes: options.durable_writes,
        if_exists: alter.if_exists,
    };
    change.authorize().map(|()| change)
}

/// Refuses `frozen` around what has no parts before anything else is looked at: Cassandra's parser does.
fn check_frozen<'a>(
    mut written: impl Iterator<Item = (&'a Identifier, &'a tree::DataType)>,
) -> Result<(), Error> {
    written.try_for_each(|(name, ty)| types::check_frozen(ty).map_err(|error| error.at(name.span)))
}

fn create_type(scope: &Scope<'_>, create: &tree::CreateType) -> Result<Change, Error> {
    let (keyspace, name) = scope.names(&create.name)?;
    check_frozen(
        create
            .fields
            .iter()
            .map(|field| (&field.name, &field.data_type)),
    )?;
    let if_not_exists = create.if_not_exists;
    let with = |fields| Change::CreateType {
        keyspace: keyspace.clone(),
        name: name.clone(),
        fields,
        if_not_exists,
    };
    with(Vec::new()).authorize()?;
    let found = scope.catalog.require_keyspace(&keyspace)?;
    if found.user_type(&name).is_some() {
        // Whether that is an error is told when the change is applied.
        return Ok(with(Vec::new()));
    }
    // Each field may be a copy of a large type, so they are counted as they come.
    let mut left = types::PartsLeft::fields();
    let mut fields = Vec::new();
    for field in &create.fields {
        let at_field = |error: Error| error.at(field.name.span);
        let ty = scope.resolve_field(field, &keyspace).map_err(at_field)?;
        if !left.take(&ty) {
            return Err(at_field(types::too_large(&format!("{keyspace}.{name}"))));
        }
        fields.push((field.name.text.clone(), ty));
    }
    Ok(with(fields))
}

fn alter_type(scope: &Scope<'_>, alter: &tree::AlterType) -> Result<Change, Error> {
    let (keyspace, name) = scope.names(&alter.name)?;
    if let tree::AlterTypeAction::Add { field, .. } = &alter.action {
        check_frozen([(&field.name, &field.data_type)].into_iter())?;
    }
    let if_exists = alter.if_exists;
    let with = |action| Change::AlterType {
        keyspace: keyspace.clone(),
        name: name.clone(),
        if_exists,
        action,
    };
    let nothing = with(TypeAction::Rename {
        renames: Vec::new(),
        if_exists: true,
    });
    nothing.authorize()?;
    if scope.catalog.user_type(&keyspace, &name).is_none() {
        if if_exists {
            return Ok(nothing);
        }
        return Err(Error::invalid(format!(
            "Type {keyspace}.{name} doesn't exist"
        )));
    }
    match &alter.action {
        tree::AlterTypeAction::Add {
            if_not_exists,
            field,
        } => Ok(with(TypeAction::Add {
            field: field.name.text.clone(),
            ty: scope
                .resolve_field(field, &keyspace)
                .map_err(|error| error.at(field.name.span))?,
            if_not_exists: *if_not_exists,
        })),
        tree::AlterTypeAction::Rename { if_exists, renames } => Ok(with(TypeAction::Rename {
            renames: pairs(renames),
            if_exists: *if_exists,
        })),
        tree::AlterTypeAction::AlterField { .. } => Err(Error::invalid(
            "Altering field types is no longer supported",
        )),
    }
}

fn pairs(renames: &[tree::Rename]) -> Vec<(String, String)> {
    renames
        .iter()
        .map(|rename| (rename.from.text.clone(), rename.to.text.clone()))
        .collect()
}
