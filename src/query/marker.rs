//! Bind markers: what each stands for, which the client learns from PREPARED.

use std::sync::Arc;

use cql::tree;
use protocol::result::{ColumnSpec, Metadata};
use schema::table::{Column, ColumnKind};
use types::Type;

use crate::error::Error;

/// What receives a value: its name for errors and metadata, and its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// The column's name, or a name in brackets such as `[limit]`.
    pub name: String,
    /// The type that a value must have.
    pub ty: Type,
    /// Its place in the partition key, if a value of it is one of that column's.
    key_position: Option<u16>,
}

impl Receiver {
    /// A receiver of this name and type.
    pub fn new(name: impl Into<String>, ty: Type) -> Self {
        Receiver {
            name: name.into(),
            ty,
            key_position: None,
        }
    }

    /// A column.
    pub fn of(column: &Column) -> Self {
        let is_key = column.kind == ColumnKind::PartitionKey;
        Receiver {
            key_position: is_key.then_some(column.position),
            ..Receiver::new(&*column.name, column.ty.clone())
        }
    }

    /// A part of this receiver, named as clients know it: `value(c)`, `key(c)`, `idx(c)`.
    pub fn part(&self, part: &str, ty: Type) -> Self {
        Receiver::new(format!("{part}({})", self.name), ty)
    }
}

/// A keyspace and a table of it, by name.
type TableName = (Arc<str>, Arc<str>);

/// What a marker of a planned statement stands for. A BATCH has markers of several tables.
#[derive(Clone, Debug)]
pub struct Variable {
    /// What receives its value, under the marker's own name if it has one.
    pub receiver: Receiver,
    table: TableName,
}

/// The markers of one statement by index, filled in while it is planned.
#[derive(Clone, Debug)]
pub struct Markers {
    variables: Vec<Option<Variable>>,
    names: Vec<Option<String>>,
    /// Where markers belong that are planned now.
    table: TableName,
}

impl Markers {
    /// The markers of a statement, nothing known about them yet. Those of no table are a batch's own.
    pub fn new(markers: &[tree::Marker]) -> Self {
        Markers {
            variables: vec![None; markers.len()],
            names: markers
                .iter()
                .map(|m| m.name.as_ref().map(|name| name.text.clone()))
                .collect(),
            table: ("[batch]".into(), "[batch]".into()),
        }
    }

    /// From now on markers are of a statement on this table.
    pub fn enter(&mut self, keyspace: &Arc<str>, table: &Arc<str>) {
        self.table = (keyspace.clone(), table.clone());
    }

    /// Says what a marker stands for.
    pub fn set(&mut self, marker: &tree::Marker, receiver: &Receiver) {
        let index = marker.index as usize;
        let mut receiver = receiver.clone();
        if let Some(name) = &self.names[index] {
            receiver.name.clone_from(name);
        }
        self.variables[index] = Some(Variable {
            receiver,
            table: self.table.clone(),
        });
    }

    /// What all markers stand for. A statement in which one stands nowhere is refused.
    pub fn variables(self) -> Result<Vec<Variable>, Error> {
        let unknown = || Error::invalid("A bind marker stands where no value can be bound");
        self.variables
            .into_iter()
            .map(|variable| variable.ok_or_else(unknown))
            .collect()
    }
}

/// The markers as PREPARED shows them.
pub fn metadata(variables: &[Variable]) -> Metadata {
    let spec = |variable: &Variable| ColumnSpec {
        keyspace: variable.table.0.clone(),
        table: variable.table.1.clone(),
        name: variable.receiver.name.clone(),
        ty: variable.receiver.ty.clone(),
    };
    Metadata::new(variables.iter().map(spec).collect())
}

/// One marker for each of `count` columns of the partition key, in key order; nothing unless all have
/// one, and all markers are of the same table. Of several for a column, as in IN or in a BATCH on one
/// table, drivers are told the last.
pub fn of_partition_key(variables: &[Variable], count: usize) -> Vec<u16> {
    if variables.iter().any(|v| v.table != variables[0].table) {
        return Vec::new();
    }
    let last = |position: usize| {
        let is_there = |v: &Variable| v.receiver.key_position.map(usize::from) == Some(position);
        let index = variables.iter().rposition(is_there)?;
        u16::try_from(index).ok()
    };
    (0..count)
        .map(last)
        .collect::<Option<Vec<u16>>>()
        .unwrap_or_default()
}
