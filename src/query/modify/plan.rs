//! Planning INSERT, UPDATE and DELETE against a table, in Cassandra's order of refusals.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cql::tree::{Attributes, Delete, Identifier, Insert, InsertSource, Modification, Term, Update};
use schema::Table;
use schema::table::{Column, ColumnKind};
use types::Type;

use crate::error::Error;
use crate::marker::Receiver;
use crate::modify::assign::Assigned;
use crate::modify::{Action, Effect, Operation, Plan};
use crate::restriction::clustering::Step;
use crate::restriction::values::Values;
use crate::restriction::{self, ClusteringPlan, KeyPlan, Purpose, Restrictions};
use crate::term::{self, Planner};

/// Plans a modification of `table`.
pub fn plan(
    table: &Arc<Table>,
    statement: &Modification,
    planner: &mut Planner<'_>,
) -> Result<Plan, Error> {
    if table.is_counter() {
        return Err(Error::unsupported("Writing counters"));
    }
    let mut maker = Maker { table, planner };
    match statement {
        Modification::Insert(insert) => maker.insert(insert),
        Modification::Update(update) => maker.update(update),
        Modification::Delete(delete) => maker.delete(delete),
    }
}

/// Plans one modification.
pub struct Maker<'a, 'b> {
    table: &'a Arc<Table>,
    /// Plans its terms.
    pub planner: &'a mut Planner<'b>,
}

impl Maker<'_, '_> {
    fn insert(&mut self, insert: &Insert) -> Result<Plan, Error> {
        if insert.if_not_exists {
            return Err(Error::unsupported("IF NOT EXISTS in INSERT"));
        }
        let InsertSource::Values {
            columns, values, ..
        } = &insert.source
        else {
            return Err(Error::unsupported("INSERT JSON"));
        };
        if columns.len() != values.len() {
            return Err(Error::invalid("Unmatched column names/values"));
        }
        let mut keys: BTreeMap<u16, Values> = BTreeMap::new();
        let mut clustering: BTreeMap<u16, Values> = BTreeMap::new();
        let (mut statics, mut regulars) = (Vec::new(), Vec::new());
        let mut given: BTreeSet<&str> = BTreeSet::new();
        for (name, term) in columns.iter().zip(values) {
            if !given.insert(&name.text) {
                return Err(Error::invalid("The column names contains duplicates").at(name.span));
            }
            let column = self.column(name)?;
            let plan = self.planner.plan(term, &Receiver::of(&column))?;
            match column.kind {
                ColumnKind::PartitionKey => drop(keys.insert(column.position, Values::One(plan))),
                ColumnKind::Clustering => {
                    drop(clustering.insert(column.position, Values::One(plan)))
                }
                ColumnKind::Static => statics.push(Operation {
                    column,
                    action: Action::Set(plan),
                }),
                ColumnKind::Regular => regulars.push(Operation {
                    column,
                    action: Action::Set(plan),
                }),
            }
        }
        refuse_missing(
            &self.table.partition_key,
            &keys,
            "Some partition key parts are missing",
        )?;
        let only_statics = clustering.is_empty() && regulars.is_empty() && !statics.is_empty();
        let marks_row = !only_statics || self.table.clustering.is_empty();
        if marks_row {
            refuse_missing(
                &self.table.clustering,
                &clustering,
                "Some clustering keys are missing",
            )?;
        }
        let steps = clustering.into_values().map(Step::Column).collect();
        Ok(Plan {
            table: self.table.clone(),
            keys: keys.into_values().collect(),
            clustering: ClusteringPlan { steps, range: None },
            effect: cells(marks_row, statics, regulars),
            timestamp: self.timestamp(&insert.attributes)?,
            time_to_live: self.time_to_live(&insert.attributes)?,
        })
    }

    fn update(&mut self, update: &Update) -> Result<Plan, Error> {
        if update.conditions.is_some() {
            return Err(Error::unsupported("IF in UPDATE"));
        }
        // Markers are numbered in order of appearance, so attributes and SET come before WHERE.
        let timestamp = self.timestamp(&update.attributes)?;
        let time_to_live = self.time_to_live(&update.attributes)?;
        let (mut statics, mut regulars) = (Vec::new(), Vec::new());
        let mut assigned = Assigned::default();
        for assignment in &update.assignments {
            let operation = self.assignment(assignment)?;
            assigned.add(&operation)?;
            match operation.column.is_static() {
                true => statics.push(operation),
                false => regulars.push(operation),
            }
        }
        let only_statics = regulars.is_empty();
        let restrictions = restriction::analyse(
            self.table,
            &update.relations,
            Purpose::Update,
            only_statics,
            self.planner,
        )?;
        let (keys, clustering) = self.points(restrictions)?;
        if !only_statics {
            self.refuse_incomplete_rows(&clustering)?;
        }
        Ok(Plan {
            table: self.table.clone(),
            keys,
            clustering,
            effect: cells(false, statics, regulars),
            timestamp,
            time_to_live,
        })
    }

    fn delete(&mut self, delete: &Delete) -> Result<Plan, Error> {
        if delete.conditions.is_some() {
            return Err(Error::unsupported("IF in DELETE"));
        }
        let (mut statics, mut regulars) = (Vec::new(), Vec::new());
        for target in &delete.targets {
            let operation = self.deletion(target)?;
            let list = if operation.column.is_static() {
                &mut statics
            } else {
                &mut regulars
            };
            list.push(operation);
        }
        let timestamp = self.timestamp(&delete.attributes)?;
        let only_statics = regulars.is_empty() && !statics.is_empty();
        let restrictions = restriction::analyse(
            self.table,
            &delete.relations,
            Purpose::Delete,
            only_statics,
            self.planner,
        )?;
        let (keys, clustering) = self.points(restrictions)?;
        let whole_rows = clustering.fixed_columns() == self.table.clustering.len();
        let effect = if !regulars.is_empty() && !whole_rows {
            return Err(Error::invalid(
                "Range deletions are not supported for specific columns",
            ));
        } else if !delete.targets.is_empty() {
            cells(false, statics, regulars)
        } else if clustering.is_empty() {
            Effect::DeletePartition
        } else if whole_rows {
            Effect::DeleteRows
        } else {
            Effect::DeleteRanges
        };
        Ok(Plan {
            table: self.table.clone(),
            keys,
            clustering,
            effect,
            timestamp,
            time_to_live: None,
        })
    }

    /// The column of this name.
    pub fn column(&self, name: &Identifier) -> Result<Column, Error> {
        restriction::column(self.table, &name.text)
            .cloned()
            .map_err(|error| error.at(name.span))
    }

    fn points(&self, restrictions: Restrictions) -> Result<(Vec<Values>, ClusteringPlan), Error> {
        match restrictions.keys {
            KeyPlan::Points(values) => Ok((values, restrictions.clustering)),
            KeyPlan::Tokens(_) => Err(Error::Server(
                "a modification without its partition key".into(),
            )),
        }
    }

    fn refuse_incomplete_rows(&self, clustering: &ClusteringPlan) -> Result<(), Error> {
        match restriction::missing_clustering(self.table, clustering) {
            Some(names) => Err(Error::invalid(format!(
                "Some clustering keys are missing: {names}"
            ))),
            None => Ok(()),
        }
    }

    fn timestamp(&mut self, attributes: &Attributes) -> Result<Option<term::Plan>, Error> {
        self.attribute(attributes.timestamp(), "[timestamp]", Type::BigInt)
    }

    fn time_to_live(&mut self, attributes: &Attributes) -> Result<Option<term::Plan>, Error> {
        self.attribute(attributes.time_to_live(), "[ttl]", Type::Int)
    }

    fn attribute(
        &mut self,
        term: Option<&Term>,
        name: &str,
        ty: Type,
    ) -> Result<Option<term::Plan>, Error> {
        term.map(|term| self.planner.plan(term, &Receiver::new(name, ty)))
            .transpose()
    }
}

/// Operations by ascending column id, as images want them.
fn cells(marks_row: bool, mut statics: Vec<Operation>, mut regulars: Vec<Operation>) -> Effect {
    statics.sort_by_key(|operation| operation.column.id);
    regulars.sort_by_key(|operation| operation.column.id);
    Effect::Cells {
        marks_row,
        statics,
        regulars,
    }
}

fn refuse_missing(
    columns: &[Column],
    given: &BTreeMap<u16, Values>,
    sentence: &str,
) -> Result<(), Error> {
    let missing: Vec<&str> = columns
        .iter()
        .filter(|column| !given.contains_key(&column.position))
        .map(|column| &*column.name)
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Error::invalid(format!(
            "{sentence}: {}",
            missing.join(", ")
        )))
    }
}
