//! User-defined types: a name and numbered fields, only ever appended to.
//!
//! A value is a tuple of the fields in order ([`crate::tuple`]); it may be short, when it was written before a field
//! was added, and the missing fields are null.

use crate::Type;

/// What a user-defined type is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Definition {
    /// The keyspace it belongs to.
    pub keyspace: String,
    /// Its name, as stored.
    pub name: String,
    /// Field names and types; a field's number is its index here.
    pub fields: Vec<(String, Type)>,
}

impl Definition {
    /// Whether both are (perhaps different versions of) the same type.
    pub fn same_name(&self, other: &Definition) -> bool {
        self.name == other.name && self.keyspace == other.keyspace
    }

    /// The number of the field of this name.
    pub fn field_index(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|(field, _)| field == name)
    }

    /// The same definition with every field's type changed.
    pub fn map_fields(&self, change: impl Fn(&Type) -> Type) -> Definition {
        let fields = self
            .fields
            .iter()
            .map(|(name, ty)| (name.clone(), change(ty)))
            .collect();
        Definition {
            keyspace: self.keyspace.clone(),
            name: self.name.clone(),
            fields,
        }
    }
}
