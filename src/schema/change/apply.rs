//! Applying a change: which part of the schema it is about, and who may not touch it.

use super::{Change, Outcome, Topology, keyspace, table, user_type};
use crate::{Catalog, Error, system};

impl Catalog {
    /// The catalog after a change, and what the change did. Pure and total: the same arguments give the same result.
    /// Limits are [`Catalog::check`]'s.
    pub fn apply(&self, change: &Change, topology: &Topology) -> Result<(Catalog, Outcome), Error> {
        change.authorize()?;
        match change {
            Change::CreateKeyspace {
                name,
                replication,
                durable_writes,
                if_not_exists,
            } => keyspace::create(
                self,
                topology,
                name,
                replication,
                *durable_writes,
                *if_not_exists,
            ),
            Change::AlterKeyspace {
                name,
                replication,
                durable_writes,
                if_exists,
            } => keyspace::alter(
                self,
                topology,
                name,
                replication.as_ref(),
                *durable_writes,
                *if_exists,
            ),
            Change::DropKeyspace { name, if_exists } => keyspace::drop(self, name, *if_exists),
            Change::CreateType {
                keyspace,
                name,
                fields,
                if_not_exists,
            } => user_type::create(self, keyspace, name, fields, *if_not_exists),
            Change::AlterType {
                keyspace,
                name,
                if_exists,
                action,
            } => user_type::alter(self, keyspace, name, *if_exists, action),
            Change::DropType {
                keyspace,
                name,
                if_exists,
            } => user_type::drop(self, keyspace, name, *if_exists),
            Change::CreateTable {
                table,
                if_not_exists,
            } => table::create(self, table, *if_not_exists),
            Change::AlterTable {
                keyspace,
                name,
                if_exists,
                action,
            } => table::alter(self, keyspace, name, *if_exists, action),
            Change::DropTable {
                keyspace,
                name,
                if_exists,
            } => table::drop(self, keyspace, name, *if_exists),
        }
    }

    /// Nothing happened.
    pub(super) fn unchanged(&self) -> (Catalog, Outcome) {
        (self.clone(), Outcome::default())
    }
}

impl Change {
    /// Refuses what would change a keyspace that belongs to the system.
    pub fn authorize(&self) -> Result<(), Error> {
        let keyspace = self.keyspace();
        let (verb, resource) = match self {
            // The others are found to be there already.
            Change::CreateKeyspace { .. } if is_fixed(keyspace) => {
                return Err(Error::invalid(format!(
                    "System keyspace '{keyspace}' is not user-modifiable"
                )));
            }
            Change::CreateKeyspace { .. } => return Ok(()),
            // Replication is the user's to choose.
            Change::AlterKeyspace { .. } => return authorize_keyspace(keyspace),
            Change::DropKeyspace { .. } => ("DROP", format!("<keyspace {keyspace}>")),
            Change::CreateTable { .. } | Change::CreateType { .. } => {
                return authorize_create(keyspace);
            }
            Change::AlterType { .. } => ("ALTER", format!("<all tables in {keyspace}>")),
            Change::DropType { .. } => ("DROP", format!("<all tables in {keyspace}>")),
            Change::AlterTable { name, .. } => ("ALTER", format!("<table {keyspace}.{name}>")),
            Change::DropTable { name, .. } => ("DROP", format!("<table {keyspace}.{name}>")),
        };
        authorize_keyspace(keyspace)?;
        refuse_system(keyspace, verb, &resource)
    }
}

/// Refuses a new table or type in a keyspace that belongs to the system.
pub(crate) fn authorize_create(keyspace: &str) -> Result<(), Error> {
    authorize_keyspace(keyspace)?;
    refuse_system(keyspace, "CREATE", &format!("<all tables in {keyspace}>"))
}

/// Refuses keyspaces of which not even the replication may change.
fn authorize_keyspace(keyspace: &str) -> Result<(), Error> {
    if is_fixed(keyspace) {
        return Err(Error::Unauthorized(format!(
            "{keyspace} keyspace is not user-modifiable."
        )));
    }
    Ok(())
}

/// Names that differ from theirs in case alone are theirs, too.
fn is_fixed(keyspace: &str) -> bool {
    let keyspace = keyspace.to_ascii_lowercase();
    system::is_local(&keyspace) || system::is_virtual(&keyspace)
}

fn refuse_system(keyspace: &str, verb: &str, resource: &str) -> Result<(), Error> {
    if system::is_system(&keyspace.to_ascii_lowercase()) {
        return Err(Error::Unauthorized(format!("Cannot {verb} {resource}")));
    }
    Ok(())
}
