//! What one assignment or deletion does to one column, as cells of a row image.
//!
//! | Written | Simple column | Collection or field-updatable type |
//! |---|---|---|
//! | value | cell | deletion just before, then one cell per element |
//! | null | tombstone | deletion just before |
//! | deleted | tombstone | deletion |
//! | unset | nothing | nothing |
//!
//! A list's element is found by a time UUID: appended ones take the present, prepended ones a time
//! that runs backwards from a moment in the past, so the order of paths is the order of the list.

use std::borrow::Cow;
use std::collections::BTreeSet;

use base::limits::MUTATION_BYTES_MAX;
use model::cell::{Cell, Kind};
use model::image::{self, Builder};
use model::{Deletion, Timestamp};
use schema::table::Column;
use types::value::uuid;
use types::{Type, collection, tuple};

use crate::bind::{Bindings, Bound};
use crate::error::Error;
use crate::modify::execute::Stamp;
use crate::modify::lists::RowLists;
use crate::modify::path;
use crate::term::Plan;

/// 2010-01-01 00:00 UTC in microseconds: prepended list elements count backwards from here.
const PREPEND_REFERENCE_MICROS: i64 = 1_262_304_000_000_000;

/// The least that the cell of a list's element takes beside its value: its path, flags and lengths.
const LIST_CELL_BYTES_MIN: usize = 16 + 2;

/// What happens to one column.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The column.
    pub column: Column,
    /// What happens.
    pub action: Action,
}

/// The kinds of change.
#[derive(Clone, Debug)]
pub enum Action {
    /// The whole column becomes this.
    Set(Plan),
    /// The value of a map under a key.
    SetEntry(Plan, Plan),
    /// The element of a list at an index.
    SetIndex(Plan, Plan),
    /// A field, by number.
    SetField(u16, Plan),
    /// Elements are added; to a list, at its end.
    Add(Plan),
    /// Elements are added at the front of a list.
    Prepend(Plan),
    /// Elements of a set, or entries of a map by key, are removed.
    Remove(Plan),
    /// Elements of a list that equal one of these are removed.
    Discard(Plan),
    /// The whole column is deleted.
    Delete,
    /// An element of a set or an entry of a map is deleted.
    DeleteEntry(Plan),
    /// The element of a list at an index is deleted.
    DeleteIndex(Plan),
    /// A field is deleted.
    DeleteField(u16),
}

impl Action {
    /// Whether the list's present elements must be known.
    pub fn needs_read(&self) -> bool {
        matches!(
            self,
            Action::SetIndex(..) | Action::Discard(_) | Action::DeleteIndex(_)
        )
    }
}

impl Operation {
    /// Puts the change into a row's image. The lists follow it if it `is_watched`, because another
    /// operation on the same list comes behind it.
    pub fn apply(
        &self,
        stamp: &Stamp,
        bindings: &Bindings<'_>,
        lists: &mut RowLists<'_>,
        is_watched: bool,
        builder: &mut Builder,
    ) -> Result<(), Error> {
        let mut cells = Cells {
            column: &self.column,
            stamp,
            bindings,
            lists,
            is_watched,
            builder,
        };
        match &self.action {
            Action::Set(plan) => cells.set(plan.evaluate(bindings)?),
            Action::Delete => cells.delete(),
            Action::SetEntry(key, value) => cells.set_entry(key, value),
            Action::SetField(index, plan) => cells.set_field(*index, plan.evaluate(bindings)?),
            Action::DeleteField(index) => {
                cells.put(&index.to_be_bytes(), None);
                Ok(())
            }
            Action::Add(plan) => cells.add(plan.evaluate(bindings)?, false),
            Action::Prepend(plan) => cells.add(plan.evaluate(bindings)?, true),
            Action::Remove(plan) => cells.remove(plan.evaluate(bindings)?),
            Action::DeleteEntry(key) => cells.delete_entry(key),
            Action::SetIndex(index, value) => {
                let index = index.evaluate(bindings)?;
                let path = cells.path_at(&index, "set an element on")?;
                let value = value.evaluate(bindings)?;
                if !value.is_unset() {
                    cells.put(&path, value.bytes());
                }
                Ok(())
            }
            Action::DeleteIndex(index) => {
                let index = index.evaluate(bindings)?;
                if !index.is_unset() {
                    let path = cells.path_at(&index, "delete an element from")?;
                    cells.put(&path, None);
                }
                Ok(())
            }
            Action::Discard(plan) => cells.discard(plan.evaluate(bindings)?),
        }
    }
}

/// Refuses a list whose cells alone are too much for a mutation, before one of them is made.
fn refuse_too_large(bytes: &[u8]) -> Result<(), Error> {
    let count = collection::Items::new(bytes)?.left();
    // The count and each element's length are not in the cells.
    let values = bytes.len().saturating_sub(4 * (1 + count));
    let cells = values.saturating_add(count.saturating_mul(LIST_CELL_BYTES_MIN));
    if cells <= MUTATION_BYTES_MAX {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "Mutation of {cells} bytes is too large for the maximum size of {MUTATION_BYTES_MAX}"
    )))
}

struct Cells<'a, 'b, 'l> {
    column: &'a Column,
    stamp: &'a Stamp,
    bindings: &'a Bindings<'b>,
    lists: &'a mut RowLists<'l>,
    is_watched: bool,
    builder: &'a mut Builder,
}

impl Cells<'_, '_, '_> {
    fn set(&mut self, value: Bound<'_>) -> Result<(), Error> {
        if value.is_unset() {
            return Ok(());
        }
        if !self.column.ty.is_multi_cell() {
            let Some(bytes) = value.bytes() else {
                return self.delete();
            };
            self.builder
                .cell(self.column.id, self.stamp.timestamp, self.stamp.kind(bytes));
            return Ok(());
        }
        let before = Timestamp(self.stamp.timestamp.0.saturating_sub(1));
        let deletion = Deletion {
            timestamp: before,
            local_seconds: self.stamp.now_seconds,
        };
        self.builder.complex(self.column.id, Some(deletion));
        match value.bytes() {
            Some(bytes) => self.elements(bytes, false),
            None => Ok(()),
        }
    }

    fn delete(&mut self) -> Result<(), Error> {
        let (id, stamp) = (self.column.id, self.stamp);
        if self.column.ty.is_multi_cell() {
            self.builder.complex(id, Some(stamp.deletion()));
            if self.is_watched {
                self.lists.delete(id, stamp.deletion());
            }
        } else {
            self.builder.cell(
                id,
                stamp.timestamp,
                Kind::Tombstone {
                    local_seconds: stamp.now_seconds,
                },
            );
        }
        Ok(())
    }

    fn add(&mut self, value: Bound<'_>, in_front: bool) -> Result<(), Error> {
        let Some(bytes) = value.bytes() else {
            return Ok(());
        };
        self.builder.complex(self.column.id, None);
        self.elements(bytes, in_front)
    }

    /// One cell per element of a serialized collection or user-defined type.
    fn elements(&mut self, bytes: &[u8], in_front: bool) -> Result<(), Error> {
        match &self.column.ty {
            Type::List { .. } => self.list_elements(bytes, in_front),
            Type::Set { element: ty, .. } => {
                for element in collection::Items::new(bytes)? {
                    self.element(&path::of(ty, element?), &[]);
                }
                Ok(())
            }
            Type::Map { key: ty, .. } => {
                for pair in collection::Pairs::new(bytes)? {
                    let (key, value) = pair?;
                    self.element(&path::of(ty, key), value);
                }
                Ok(())
            }
            Type::Udt { definition, .. } => {
                let fields = tuple::split(bytes, definition.fields.len())?;
                for (index, field) in fields.into_iter().enumerate() {
                    if let Some(field) = field {
                        self.element(&(index as u16).to_be_bytes(), field);
                    }
                }
                Ok(())
            }
            other => Err(Error::Server(format!("{other} has no elements"))),
        }
    }

    fn list_elements(&mut self, bytes: &[u8], in_front: bool) -> Result<(), Error> {
        refuse_too_large(bytes)?;
        let items: Vec<&[u8]> = collection::Items::new(bytes)?.collect::<Result<_, _>>()?;
        let mut paths: Vec<[u8; 16]> = (0..items.len()).map(|_| self.time_path(in_front)).collect();
        if in_front {
            // Later calls gave earlier times: the first element takes the earliest.
            paths.reverse();
        }
        for (path, item) in paths.iter().zip(items) {
            self.element(path, item);
        }
        Ok(())
    }

    fn time_path(&self, in_front: bool) -> [u8; 16] {
        let now = self.bindings.chance.time_uuid(self.stamp.order_micros);
        if !in_front {
            return image::list_path(now);
        }
        let (Some(ticks), Some(reference)) = (
            uuid::ticks(&now),
            uuid::ticks_of_micros(PREPEND_REFERENCE_MICROS),
        ) else {
            return image::list_path(now);
        };
        let mut node = [0; 6];
        node.copy_from_slice(&now[10..16]);
        let clock_sequence = u16::from_be_bytes([now[8], now[9]]) & 0x3fff;
        let mirrored = reference.saturating_sub(ticks.saturating_sub(reference));
        image::list_path(*uuid::version1(mirrored, clock_sequence, node).as_bytes())
    }

    fn set_entry(&mut self, key: &Plan, value: &Plan) -> Result<(), Error> {
        let bindings = self.bindings;
        let key = self.key(key, bindings)?;
        let value = value.evaluate(bindings)?;
        match key.bytes() {
            Some(key) if !value.is_unset() => {
                self.put(&self.path(key), value.bytes());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A map key or set element, which cannot be null.
    fn key<'p>(&self, plan: &'p Plan, bindings: &'p Bindings<'_>) -> Result<Bound<'p>, Error> {
        let what = match &self.column.ty {
            Type::Set { .. } => "set element",
            _ => "map key",
        };
        match plan.evaluate(bindings)? {
            Bound::Null => Err(Error::invalid(format!("Invalid null {what}"))),
            Bound::Unset => Err(Error::invalid(format!("Invalid unset {what}"))),
            key => Ok(key),
        }
    }

    /// An element that nothing names is none of a set's. Cassandra takes it so for sets alone.
    fn delete_entry(&mut self, key: &Plan) -> Result<(), Error> {
        let is_set = matches!(self.column.ty, Type::Set { .. });
        let bindings = self.bindings;
        if is_set && key.evaluate(bindings)?.is_unset() {
            return Ok(());
        }
        if let Some(key) = self.key(key, bindings)?.bytes() {
            self.put(&self.path(key), None);
        }
        Ok(())
    }

    fn set_field(&mut self, index: u16, value: Bound<'_>) -> Result<(), Error> {
        if !value.is_unset() {
            self.put(&index.to_be_bytes(), value.bytes());
        }
        Ok(())
    }

    fn remove(&mut self, value: Bound<'_>) -> Result<(), Error> {
        let Some(bytes) = value.bytes() else {
            return Ok(());
        };
        for element in collection::Items::new(bytes)? {
            self.put(&self.path(element?), None);
        }
        Ok(())
    }

    /// The path of an element of a set, or of a map's entry.
    fn path<'k>(&self, key: &'k [u8]) -> Cow<'k, [u8]> {
        match &self.column.ty {
            Type::Set { element: ty, .. } | Type::Map { key: ty, .. } => path::of(ty, key),
            _ => Cow::Borrowed(key),
        }
    }

    fn discard(&mut self, value: Bound<'_>) -> Result<(), Error> {
        let (Some(bytes), Type::List { element, .. }) = (value.bytes(), &self.column.ty) else {
            return Ok(());
        };
        // One spelling for all that are equal, so that nothing is decoded once per comparison.
        let spelled = |item| Ok::<_, types::Error>(path::of(element, item?));
        let unwanted = collection::Items::new(bytes)?.map(spelled);
        let unwanted = unwanted.collect::<Result<BTreeSet<_>, _>>()?;
        let present = self.lists.elements(self.column.id).iter();
        let found = present.filter(|present| unwanted.contains(&path::of(element, &present.value)));
        let paths: Vec<Vec<u8>> = found.map(|present| present.path.clone()).collect();
        for path in paths {
            self.put(&path, None);
        }
        Ok(())
    }

    /// The path of the element at an index of the list as it was read.
    fn path_at(&self, index: &Bound<'_>, what: &str) -> Result<Vec<u8>, Error> {
        let index = match index {
            Bound::Null => return Err(Error::invalid("Invalid null value for list index")),
            Bound::Unset => return Err(Error::invalid("Invalid unset value for list index")),
            value => types::value::number::int32(value.bytes().unwrap_or_default())
                .ok_or_else(|| Error::invalid("Invalid list index"))?,
        };
        let present = self.lists.elements(self.column.id);
        if present.is_empty() {
            return Err(Error::invalid(format!(
                "Attempted to {what} a list which is null"
            )));
        }
        let element = usize::try_from(index)
            .ok()
            .and_then(|at| present.get(at))
            .ok_or_else(|| {
                Error::invalid(format!(
                    "List index {index} out of bound, list has size {}",
                    present.len()
                ))
            })?;
        Ok(element.path.clone())
    }

    /// One element set or, without a value, deleted; opens the column.
    fn put(&mut self, path: &[u8], value: Option<&[u8]>) {
        self.builder.complex(self.column.id, None);
        let kind = match value {
            Some(bytes) => self.stamp.kind(bytes),
            None => Kind::Tombstone {
                local_seconds: self.stamp.now_seconds,
            },
        };
        self.cell(path, kind);
    }

    fn element(&mut self, path: &[u8], value: &[u8]) {
        let kind = self.stamp.kind(value);
        self.cell(path, kind);
    }

    fn cell(&mut self, path: &[u8], kind: Kind<'_>) {
        let timestamp = self.stamp.timestamp;
        self.builder.element(path, timestamp, kind);
        if self.is_watched {
            let cell = Cell { timestamp, kind };
            let now_seconds = self.stamp.now_seconds;
            self.lists.put(self.column.id, path, cell, now_seconds);
        }
    }
}
