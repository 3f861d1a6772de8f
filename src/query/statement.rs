//! A statement planned against one catalog: everything that does not depend on bound values.

use std::sync::Arc;

use cql::tree::{self, Modification, Statement};
use protocol::request::BatchKind;
use protocol::result::Metadata;
use schema::{Catalog, Keyspace, Table};
use uuid::Uuid;

use crate::consistency::Replicas;
use crate::error::Error;
use crate::marker::{self, Markers, Receiver, Variable};
use crate::modify::{self, Batch};
use crate::select;
use crate::term::Planner;

/// A planned statement.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What it does.
    pub action: Action,
    /// What each marker stands for.
    pub variables: Vec<Variable>,
    /// The markers of the partition key's columns, if each has one.
    pub partition_key_markers: Vec<u16>,
    /// The columns of the result.
    pub metadata: Metadata,
    /// The digest of the metadata.
    pub metadata_id: [u8; 16],
    /// Whether every table is named with its keyspace, so that no other keyspace matters.
    pub is_qualified: bool,
    /// The catalog it was planned against, by its content.
    pub catalog_version: Uuid,
    /// What of the catalog it depends on.
    sources: Vec<Source>,
}

/// A table that a plan is on, with the keyspace that has its types and replicas.
#[derive(Clone, Debug)]
struct Source {
    table: Arc<Table>,
    keyspace: Arc<Keyspace>,
}

impl Source {
    /// The same table, types and replicas as another catalog has them; none if they differ.
    fn carried_over(&self, catalog: &Catalog) -> Option<Source> {
        let keyspace = catalog.keyspace(&self.keyspace.name)?;
        let table = keyspace.table(&self.table.name)?;
        let is_same = Arc::ptr_eq(keyspace, &self.keyspace)
            || (Arc::ptr_eq(table, &self.table) || *table == self.table)
                && keyspace.types == self.keyspace.types
                && keyspace.replication == self.keyspace.replication;
        is_same.then(|| Source {
            table: table.clone(),
            keyspace: keyspace.clone(),
        })
    }
}

/// What a planned statement does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Reads rows.
    Select(Arc<select::Plan>, Replicas),
    /// Writes.
    Modify(Arc<modify::Plan>, Replicas),
    /// Writes together.
    Batch(Arc<Batch>, Vec<Replicas>),
    /// Changes the schema, or something else that needs no plan.
    Other(Arc<Statement>),
}

impl Planned {
    /// Whether the plan is right for a catalog.
    pub fn is_valid_for(&self, catalog: &Catalog) -> bool {
        self.catalog_version == catalog.version()
    }

    /// The same plan for another catalog, if nothing that it depends on is different there.
    pub fn carried_over(&self, catalog: &Catalog) -> Option<Planned> {
        let sources = self.sources.iter();
        let sources = sources.map(|source| source.carried_over(catalog));
        Some(Planned {
            sources: sources.collect::<Option<_>>()?,
            catalog_version: catalog.version(),
            ..self.clone()
        })
    }
}

/// Plans a statement whose size was checked. Unqualified names are of `keyspace`.
pub fn plan(
    statement: Statement,
    keyspace: Option<&str>,
    data_center: &str,
    catalog: &Catalog,
) -> Result<Planned, Error> {
    let mut markers = Markers::new(statement.markers());
    let maker = Maker {
        catalog,
        keyspace,
        data_center,
    };
    let is_qualified = is_qualified(&statement);
    let mut sources = Vec::new();
    for name in tables(&statement) {
        maker.source(name, &mut sources)?;
    }
    let (action, metadata) = match statement {
        Statement::Select(select) => {
            let table = maker.table(&select.table)?;
            let plan = select::plan(&table, &select, &mut maker.planner(&table, &mut markers))?;
            let metadata = plan.metadata.clone();
            (
                Action::Select(Arc::new(plan), maker.replicas(&table)?),
                metadata,
            )
        }
        Statement::Insert(insert) => {
            maker.modification(&Modification::Insert(insert), &mut markers)?
        }
        Statement::Update(update) => {
            maker.modification(&Modification::Update(update), &mut markers)?
        }
        Statement::Delete(delete) => {
            maker.modification(&Modification::Delete(delete), &mut markers)?
        }
        Statement::Batch(batch) => maker.batch(&batch, &mut markers)?,
        Statement::Unsupported { name } => return Err(Error::unsupported(name)),
        other => (Action::Other(Arc::new(other)), Metadata::empty()),
    };
    let variables = markers.variables()?;
    Ok(Planned {
        partition_key_markers: partition_key_markers(&variables, &sources),
        variables,
        action,
        metadata_id: protocol::result::metadata_id(&metadata),
        metadata,
        is_qualified,
        catalog_version: catalog.version(),
        sources,
    })
}

/// The tables that a statement on rows is on; none for other statements.
fn tables(statement: &Statement) -> Vec<&tree::QualifiedName> {
    match statement {
        Statement::Select(select) => vec![&select.table],
        Statement::Insert(insert) => vec![&insert.table],
        Statement::Update(update) => vec![&update.table],
        Statement::Delete(delete) => vec![&delete.table],
        Statement::Batch(batch) => batch.statements.iter().map(table_of).collect(),
        Statement::Truncate(truncate) => vec![&truncate.table],
        _ => Vec::new(),
    }
}

fn table_of(statement: &Modification) -> &tree::QualifiedName {
    match statement {
        Modification::Insert(insert) => &insert.table,
        Modification::Update(update) => &update.table,
        Modification::Delete(delete) => &delete.table,
    }
}

/// Whether a statement on rows names the keyspaces of all its tables. A BATCH may have none.
fn is_qualified(statement: &Statement) -> bool {
    let tables = tables(statement);
    let is_on_rows = !tables.is_empty() || matches!(statement, Statement::Batch(_));
    is_on_rows && tables.iter().all(|name| name.keyspace.is_some())
}

type Made = (Action, Metadata);

struct Maker<'a> {
    catalog: &'a Catalog,
    keyspace: Option<&'a str>,
    data_center: &'a str,
}

impl Maker<'_> {
    fn table(&self, name: &tree::QualifiedName) -> Result<Arc<Table>, Error> {
        let keyspace = schema::ddl::keyspace_of(name, self.keyspace)?;
        match self.catalog.require_table(keyspace, name.name.as_str()) {
            Ok(table) => Ok(table.clone()),
            Err(schema::Error::Invalid(text)) => Err(Error::invalid(text).at(name.span())),
            Err(other) => Err(other.into()),
        }
    }

    /// Adds what a statement on this table depends on.
    fn source(&self, name: &tree::QualifiedName, sources: &mut Vec<Source>) -> Result<(), Error> {
        let table = self.table(name)?;
        if sources
            .iter()
            .any(|source| Arc::ptr_eq(&source.table, &table))
        {
            return Ok(());
        }
        let keyspace = self.catalog.require_keyspace(&table.keyspace)?.clone();
        sources.push(Source { table, keyspace });
        Ok(())
    }

    fn replicas(&self, table: &Table) -> Result<Replicas, Error> {
        let keyspace = self.catalog.require_keyspace(&table.keyspace)?;
        Ok(Replicas::of(keyspace, self.data_center))
    }

    fn planner<'m>(&'m self, table: &'m Table, markers: &'m mut Markers) -> Planner<'m> {
        markers.enter(&table.keyspace, &table.name);
        Planner {
            catalog: self.catalog,
            keyspace: &table.keyspace,
            partition_key: table
                .partition_key
                .iter()
                .map(|column| column.ty.clone())
                .collect(),
            markers,
        }
    }

    fn modification(&self, statement: &Modification, markers: &mut Markers) -> Result<Made, Error> {
        let (plan, table) = self.modify(statement, markers)?;
        let replicas = self.replicas(&table)?;
        Ok((Action::Modify(Arc::new(plan), replicas), Metadata::empty()))
    }

    fn modify(
        &self,
        statement: &Modification,
        markers: &mut Markers,
    ) -> Result<(modify::Plan, Arc<Table>), Error> {
        let table = self.table(table_of(statement))?;
        if schema::system::is_virtual(&table.keyspace) {
            return Err(Error::invalid(format!(
                "Modification is not supported by table {}",
                table.qualified_name()
            )));
        }
        if let Some(refusal) = schema::system::refuses_writes(&table) {
            return Err(Error::Unauthorized(refusal));
        }
        let plan = modify::plan(&table, statement, &mut self.planner(&table, markers))?;
        Ok((plan, table))
    }

    fn batch(&self, batch: &tree::Batch, markers: &mut Markers) -> Result<Made, Error> {
        let kind = match batch.kind {
            tree::BatchKind::Logged => BatchKind::Logged,
            tree::BatchKind::Unlogged => BatchKind::Unlogged,
            tree::BatchKind::Counter => return Err(Error::unsupported("A counter batch")),
        };
        let mut plans = Vec::with_capacity(batch.statements.len());
        let mut replicas = Vec::new();
        let timestamp = match batch.attributes.timestamp() {
            None => None,
            Some(term) => {
                let receiver = Receiver::new("[timestamp]", types::Type::BigInt);
                let mut planner = Planner {
                    catalog: self.catalog,
                    keyspace: self.keyspace.unwrap_or_default(),
                    partition_key: Vec::new(),
                    markers,
                };
                Some(planner.plan(term, &receiver)?)
            }
        };
        if batch.attributes.time_to_live().is_some() {
            return Err(Error::invalid(
                "Global TTL on the BATCH statement is not supported.",
            ));
        }
        for statement in &batch.statements {
            let (plan, table) = self.modify(statement, markers)?;
            if timestamp.is_some() && plan.timestamp.is_some() {
                return Err(Error::invalid(
                    "Timestamp must be set either on BATCH or individual statements",
                ));
            }
            replicas.push(self.replicas(&table)?);
            plans.push(plan);
        }
        // On one node LOGGED and UNLOGGED are the same: both are one frame of the commit log.
        let action = Action::Batch(
            Arc::new(Batch {
                statements: plans,
                timestamp,
                kind,
            }),
            replicas,
        );
        Ok((action, Metadata::empty()))
    }
}

/// The markers of the partition key, where all that is read or written is of one table.
fn partition_key_markers(variables: &[Variable], sources: &[Source]) -> Vec<u16> {
    match sources {
        [only] => marker::of_partition_key(variables, only.table.partition_key.len()),
        _ => Vec::new(),
    }
}
