//! Planning INSERT, UPDATE and DELETE against a table, in Cassandra's order of refusals.

use std::collections::BTreeMap;
use std::sync::Arc;

use cql::tree::{
    Assignment, Attributes, Delete, Identifier, Insert, InsertSource, Modification,
    Operation as Written, Part, Target, Term, Update,
};
use schema::Table;
use schema::table::{Column, ColumnKind};
use types::Type;

use crate::error::Error;
use crate::marker::Receiver;
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

struct Maker<'a, 'b> {
    table: &'a Arc<Table>,
    planner: &'a mut Planner<'b>,
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
        for (index, (name, term)) in columns.iter().zip(values).enumerate() {
            if columns[..index].iter().any(|other| other.text == name.text) {
                return Err(Error::invalid("The column names contains duplicates").at(name.span));
            }
            let column = self.column(name)?;
            let plan = self
                .planner
                .plan(term, &Receiver::new(&*column.name, column.ty.clone()))?;
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
        for assignment in &update.assignments {
            let operation = self.assignment(assignment)?;
            let list = if operation.column.is_static() {
                &mut statics
            } else {
                &mut regulars
            };
            refuse_conflict(list, &operation)?;
            list.push(operation);
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

    fn column(&self, name: &Identifier) -> Result<Column, Error> {
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

    fn assignment(&mut self, assignment: &Assignment) -> Result<Operation, Error> {
        self.operation(assignment)
            .map_err(|error| error.at(assignment.span))
    }

    fn operation(&mut self, assignment: &Assignment) -> Result<Operation, Error> {
        let column = self.column(&assignment.target.column)?;
        if column.is_key() {
            return Err(Error::invalid(format!(
                "PRIMARY KEY part {} found in SET part",
                column.name
            )));
        }
        let receiver = Receiver::new(&*column.name, column.ty.clone());
        let action = match (&assignment.target.part, &assignment.operation) {
            (None, Written::Set(term)) => Action::Set(self.planner.plan(term, &receiver)?),
            (Some(part), Written::Set(term)) => self.set_part(&column, part, term, assignment)?,
            (None, Written::Add(term)) => {
                refuse_single_cell(&column, assignment)?;
                Action::Add(self.planner.plan(term, &receiver)?)
            }
            (None, Written::Prepend(term)) => {
                match &column.ty {
                    Type::List { frozen: false, .. } => {}
                    Type::List { .. } => {
                        return Err(wrong_operation(assignment, &column, "frozen list"));
                    }
                    _ => return Err(wrong_operation(assignment, &column, "non list")),
                }
                Action::Prepend(self.planner.plan(term, &receiver)?)
            }
            (None, Written::Subtract(term)) => {
                self.subtract(&column, &receiver, term, assignment)?
            }
            (Some(_), _) => {
                return Err(Error::invalid(format!(
                    "Invalid operation ({assignment}): only = is possible on a part of a column"
                )));
            }
        };
        Ok(Operation { column, action })
    }

    fn subtract(
        &mut self,
        column: &Column,
        receiver: &Receiver,
        term: &Term,
        assignment: &Assignment,
    ) -> Result<Action, Error> {
        refuse_single_cell(column, assignment)?;
        Ok(match &column.ty {
            Type::List { .. } => Action::Discard(self.planner.plan(term, receiver)?),
            Type::Set { .. } => Action::Remove(self.planner.plan(term, receiver)?),
            Type::Map { key, .. } => {
                let keys = Receiver::new(&*column.name, Type::set((**key).clone(), false));
                Action::Remove(self.planner.plan(term, &keys)?)
            }
            _ => return Err(wrong_operation(assignment, column, "non collection")),
        })
    }

    fn set_part(
        &mut self,
        column: &Column,
        part: &Part,
        term: &Term,
        assignment: &Assignment,
    ) -> Result<Action, Error> {
        let receiver = Receiver::new(&*column.name, column.ty.clone());
        match part {
            Part::Element(key) => self.set_element(&receiver, key, term, column, assignment),
            Part::Field(field) => {
                match &column.ty {
                    Type::Udt { frozen: false, .. } => {}
                    Type::Udt { .. } => {
                        return Err(wrong_operation(assignment, column, "frozen UDT"));
                    }
                    _ => return Err(wrong_operation(assignment, column, "non-UDT")),
                }
                let (index, ty) = field_of(column, &field.text)?;
                let receiver = Receiver::new(format!("{}.{}", column.name, field.text), ty);
                Ok(Action::SetField(index, self.planner.plan(term, &receiver)?))
            }
        }
    }

    fn set_element(
        &mut self,
        receiver: &Receiver,
        key: &Term,
        term: &Term,
        column: &Column,
        assignment: &Assignment,
    ) -> Result<Action, Error> {
        if !column.ty.is_collection() {
            return Err(wrong_operation(assignment, column, "non collection"));
        }
        if !column.ty.is_multi_cell() {
            return Err(wrong_operation(assignment, column, "frozen collection"));
        }
        match &column.ty {
            Type::List { element, .. } => {
                let index = self.planner.plan(key, &receiver.part("idx", Type::Int))?;
                let value = receiver.part("value", (**element).clone());
                Ok(Action::SetIndex(index, self.planner.plan(term, &value)?))
            }
            Type::Map { key: ty, value, .. } => {
                let key = self
                    .planner
                    .plan(key, &receiver.part("key", (**ty).clone()))?;
                let value = receiver.part("value", (**value).clone());
                Ok(Action::SetEntry(key, self.planner.plan(term, &value)?))
            }
            _ => Err(wrong_operation(assignment, column, "set")),
        }
    }

    fn deletion(&mut self, target: &Target) -> Result<Operation, Error> {
        let column = self.column(&target.column)?;
        let span = target.column.span;
        if column.is_key() {
            return Err(Error::invalid(format!(
                "Invalid identifier {} for deletion (should not be a PRIMARY KEY part)",
                column.name
            ))
            .at(span));
        }
        let action = match &target.part {
            None => Action::Delete,
            Some(Part::Element(key)) => self
                .delete_element(&column, key)
                .map_err(|error| error.at(span))?,
            Some(Part::Field(field)) => delete_field(&column, field)?,
        };
        Ok(Operation { column, action })
    }

    fn delete_element(&mut self, column: &Column, key: &Term) -> Result<Action, Error> {
        let name = &column.name;
        if !column.ty.is_collection() {
            return Err(Error::invalid(format!(
                "Invalid deletion operation for non collection column {name}"
            )));
        }
        if !column.ty.is_multi_cell() {
            return Err(Error::invalid(format!(
                "Invalid deletion operation for frozen collection column {name}"
            )));
        }
        let receiver = Receiver::new(&**name, column.ty.clone());
        let (part, ty) = match &column.ty {
            Type::Set { element, .. } => ("value", (**element).clone()),
            Type::Map { key, .. } => ("key", (**key).clone()),
            _ => ("idx", Type::Int),
        };
        let plan = self.planner.plan(key, &receiver.part(part, ty))?;
        Ok(match part {
            "idx" => Action::DeleteIndex(plan),
            _ => Action::DeleteEntry(plan),
        })
    }
}

fn delete_field(column: &Column, field: &Identifier) -> Result<Action, Error> {
    let name = &column.name;
    match &column.ty {
        Type::Udt { frozen: false, .. } => {
            let found = field_of(column, &field.text);
            Ok(Action::DeleteField(
                found.map_err(|error| error.at(field.span))?.0,
            ))
        }
        Type::Udt { .. } => Err(Error::invalid(format!(
            "Frozen UDT column {name} does not support field deletions"
        ))
        .at(field.span)),
        _ => Err(Error::invalid(format!(
            "Invalid field deletion operation for non-UDT column {name}"
        ))
        .at(field.span)),
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

/// Two assignments of one column contradict each other unless both are to parts of it.
fn refuse_conflict(others: &[Operation], operation: &Operation) -> Result<(), Error> {
    let is_part = |action: &Action| {
        matches!(
            action,
            Action::SetEntry(..)
                | Action::SetIndex(..)
                | Action::SetField(..)
                | Action::Add(_)
                | Action::Prepend(_)
                | Action::Remove(_)
                | Action::Discard(_)
        )
    };
    for other in others
        .iter()
        .filter(|other| other.column.id == operation.column.id)
    {
        if !is_part(&other.action) || !is_part(&operation.action) {
            return Err(Error::invalid(format!(
                "Multiple incompatible setting of column {}",
                operation.column.name
            )));
        }
    }
    Ok(())
}

fn refuse_single_cell(column: &Column, assignment: &Assignment) -> Result<(), Error> {
    match &column.ty {
        ty if ty.is_collection() && ty.is_multi_cell() => Ok(()),
        ty if ty.is_collection() => Err(wrong_operation(assignment, column, "frozen collection")),
        _ => Err(wrong_operation(assignment, column, "non counter")),
    }
}

fn wrong_operation(assignment: &Assignment, column: &Column, kind: &str) -> Error {
    Error::invalid(format!(
        "Invalid operation ({assignment}) for {kind} column {}",
        column.name
    ))
}

fn field_of(column: &Column, field: &str) -> Result<(u16, Type), Error> {
    let unknown = || {
        Error::invalid(format!(
            "UDT column {} does not have a field named {field}",
            column.name
        ))
    };
    let Type::Udt { definition, .. } = &column.ty else {
        return Err(unknown());
    };
    let index = definition.field_index(field).ok_or_else(unknown)?;
    let number = u16::try_from(index).map_err(|_| Error::invalid("Too many fields"))?;
    Ok((number, definition.fields[index].1.clone()))
}
