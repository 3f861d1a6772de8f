//! Bind markers: what each stands for, which the client learns from PREPARED.

use cql::tree;
use types::Type;

use crate::error::Error;

/// What receives a value: its name for errors and metadata, and its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// The column's name, or a name in brackets such as `[limit]`.
    pub name: String,
    /// The type that a value must have.
    pub ty: Type,
}

impl Receiver {
    /// A receiver of this name and type.
    pub fn new(name: impl Into<String>, ty: Type) -> Self {
        Receiver {
            name: name.into(),
            ty,
        }
    }

    /// A part of this receiver, named as clients know it: `value(c)`, `key(c)`, `idx(c)`.
    pub fn part(&self, part: &str, ty: Type) -> Self {
        Receiver::new(format!("{part}({})", self.name), ty)
    }
}

/// The markers of one statement by index, filled in while it is planned.
#[derive(Clone, Debug, Default)]
pub struct Markers {
    receivers: Vec<Option<Receiver>>,
    names: Vec<Option<String>>,
}

impl Markers {
    /// The markers of a statement, nothing known about them yet.
    pub fn new(markers: &[tree::Marker]) -> Self {
        Markers {
            receivers: vec![None; markers.len()],
            names: markers
                .iter()
                .map(|m| m.name.as_ref().map(|name| name.text.clone()))
                .collect(),
        }
    }

    /// Says what a marker stands for.
    pub fn set(&mut self, marker: &tree::Marker, receiver: &Receiver) {
        let index = marker.index as usize;
        let name = self.names[index]
            .clone()
            .unwrap_or_else(|| receiver.name.clone());
        self.receivers[index] = Some(Receiver::new(name, receiver.ty.clone()));
    }

    /// What all markers stand for. A statement in which one stands nowhere is refused.
    pub fn receivers(&self) -> Result<Vec<Receiver>, Error> {
        let unknown = || Error::invalid("A bind marker stands where no value can be bound");
        self.receivers
            .iter()
            .map(|receiver| receiver.clone().ok_or_else(unknown))
            .collect()
    }
}
