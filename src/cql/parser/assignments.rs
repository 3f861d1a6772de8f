//! What Cassandra's parser refuses in the assignments of an UPDATE although it is well-formed.

use std::collections::{BTreeMap, BTreeSet};

use nom::Err;

use super::combinators::complain;
use super::failure::Failure;
use super::tokens::Tokens;
use crate::tree::{Assignment, Operation, Part};

/// Refuses two assignments of one column of which either sets it as a whole, or both one field.
pub fn check_assignments(start: Tokens<'_>, all: &[Assignment]) -> Result<(), Err<Failure>> {
    let mut columns: BTreeMap<&str, Changes<'_>> = BTreeMap::new();
    for assignment in all {
        let column = assignment.target.column.as_str();
        if !columns.entry(column).or_default().add(assignment) {
            complain::<()>(
                start,
                format!("Multiple incompatible setting of column {column}"),
            )?;
        }
    }
    Ok(())
}

/// What the assignments so far do to one column.
#[derive(Default)]
struct Changes<'a> {
    changed: bool,
    replaced: bool,
    fields: BTreeSet<&'a str>,
}

impl<'a> Changes<'a> {
    /// Adds an assignment; false if it does not go with the others.
    fn add(&mut self, assignment: &'a Assignment) -> bool {
        let part = assignment.target.part.as_ref();
        let replaces = part.is_none() && matches!(assignment.operation, Operation::Set(_));
        let again = match part {
            Some(Part::Field(field)) => !self.fields.insert(field.as_str()),
            _ => false,
        };
        let fits = !(self.replaced || again || replaces && self.changed);
        self.changed = true;
        self.replaced |= replaces;
        fits
    }
}
