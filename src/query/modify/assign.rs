//! Assignments of UPDATE and targets of DELETE: what each does to its column.

use std::collections::BTreeMap;

use cql::tree::{Assignment, Identifier, Operation as Written, Part, Target, Term};
use model::ColumnId;
use schema::table::Column;
use types::Type;

use crate::error::Error;
use crate::marker::Receiver;
use crate::modify::plan::Maker;
use crate::modify::{Action, Operation};

impl Maker<'_, '_> {
    /// What an assignment does.
    pub fn assignment(&mut self, assignment: &Assignment) -> Result<Operation, Error> {
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
        let receiver = Receiver::of(&column);
        let action = match (&assignment.target.part, &assignment.operation) {
            (None, Written::Set(term)) => Action::Set(self.planner.plan(term, &receiver)?),
            (Some(part), Written::Set(term)) => self.set_part(&column, part, term, assignment)?,
            (None, Written::Add(term)) => {
                refuse_single_cell(&column, assignment)?;
                let plan = self.planner.plan(term, &receiver);
                Action::Add(match &column.ty {
                    Type::Map { .. } => plan.map_err(|_| unfit_for_map("addition", "map", term))?,
                    _ => plan?,
                })
            }
            (None, Written::Prepend(term)) => {
                let plan = self.planner.plan(term, &receiver)?;
                match &column.ty {
                    Type::List { frozen: false, .. } => Action::Prepend(plan),
                    Type::List { .. } => {
                        return Err(wrong_operation(assignment, &column, "frozen list"));
                    }
                    _ => return Err(wrong_operation(assignment, &column, "non list")),
                }
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
                // Cassandra's spelling.
                let unfit = |_| unfit_for_map("substraction", "set", term);
                Action::Remove(self.planner.plan(term, &keys).map_err(unfit)?)
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
        let receiver = Receiver::of(column);
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

    /// What deleting a column or a part of one does.
    pub fn deletion(&mut self, target: &Target) -> Result<Operation, Error> {
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
        let receiver = Receiver::of(column);
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

/// Which columns an UPDATE assigns so far, and whether only parts of them.
#[derive(Default)]
pub struct Assigned {
    parts_only: BTreeMap<ColumnId, bool>,
}

impl Assigned {
    /// Two assignments of one column contradict each other unless both are to parts of it.
    pub fn add(&mut self, operation: &Operation) -> Result<(), Error> {
        let is_part = matches!(
            operation.action,
            Action::SetEntry(..)
                | Action::SetIndex(..)
                | Action::SetField(..)
                | Action::Add(_)
                | Action::Prepend(_)
                | Action::Remove(_)
                | Action::Discard(_)
        );
        let column = &operation.column;
        match self.parts_only.insert(column.id, is_part) {
            Some(others_too) if !(others_too && is_part) => Err(Error::invalid(format!(
                "Multiple incompatible setting of column {}",
                column.name
            ))),
            _ => Ok(()),
        }
    }
}

fn refuse_single_cell(column: &Column, assignment: &Assignment) -> Result<(), Error> {
    match &column.ty {
        ty if ty.is_collection() && ty.is_multi_cell() => Ok(()),
        ty if ty.is_collection() => Err(wrong_operation(assignment, column, "frozen collection")),
        // Cassandra's word for both.
        Type::Tuple(_) | Type::Udt { .. } => Err(wrong_operation(assignment, column, "tuple")),
        _ => Err(wrong_operation(assignment, column, "non counter")),
    }
}

/// What Cassandra says of whatever is wrong with a value that is added to a map, or taken from it.
fn unfit_for_map(what: &str, kind: &str, term: &Term) -> Error {
    Error::invalid(format!(
        "Value for a map {what} has to be a {kind}, but was: '{term}'"
    ))
    .at(term.span)
}

fn wrong_operation(assignment: &Assignment, column: &Column, kind: &str) -> Error {
    // Cassandra repeats `c = value + c` with a minus.
    let written = match &assignment.operation {
        Written::Prepend(term) => format!("{0} = {term} - {0}", assignment.target),
        _ => assignment.to_string(),
    };
    Error::invalid(format!(
        "Invalid operation ({written}) for {kind} column {}",
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
